// The dead-letter container of the subscription: one blob for each event that is given up on.
//
// Azure waits five minutes before it writes, and may put several events in one blob; here it is one at once.
import { randomUUID } from 'node:crypto';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { StorageAccount } from './blob-facts.ts';
import { deadLetterBlobName, deadLetterOf, type GivenUp } from './dead-letter.ts';

/** Gives the name of the blob. Rejects when storage does not take it: then the event is lost, as in Azure. */
export type KeepDeadLetter = (givenUp: GivenUp) => Promise<string>;

/** @param blobUrl of the account, straight at storage: in Azure, too, nobody subscribes to this container. */
export function createDeadLetterContainer(
  blobUrl: string,
  account: StorageAccount,
  name: string,
  subscription: string,
): KeepDeadLetter {
  const service = new BlobServiceClient(blobUrl, new StorageSharedKeyCredential(account.name, account.key), {
    retryOptions: { maxTries: 3, tryTimeoutInMs: 10_000, retryDelayInMs: 100 },
  });
  const container = service.getContainerClient(name);
  return async (givenUp) => {
    const blob = deadLetterBlobName(subscription, new Date(), randomUUID());
    const text = JSON.stringify([deadLetterOf(givenUp)]);
    await container.createIfNotExists();
    await container.getBlockBlobClient(blob).upload(text, Buffer.byteLength(text), {
      blobHTTPHeaders: { blobContentType: 'application/json' },
    });
    return blob;
  };
}
