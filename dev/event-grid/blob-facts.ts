// What only storage knows about a blob: its type and size after a commit or a copy, and when a copy is done.
import { setTimeout as delay } from 'node:timers/promises';
import { BlobServiceClient, RestError, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { BlobFacts, BlobPath } from './blob-write.ts';

const copyPollDelayMs = 250;
const headLimitMs = 10_000;

export interface StorageAccount {
  readonly name: string;
  readonly key: string;
}

interface StoredBlob {
  readonly eTag: string;
  readonly facts: BlobFacts;
  readonly copyIsPending: boolean;
  /** False after a copy that failed or was aborted. */
  readonly copySucceeded: boolean;
}

type StoredBlobResult =
  | { readonly ok: true; readonly value: StoredBlob }
  /** `gone`: deleted or replaced in the meantime; somebody else's event tells. */
  | { readonly ok: false; readonly gone: boolean; readonly error: string };

export interface BlobFactsReader {
  read(blob: BlobPath): Promise<StoredBlobResult>;
  /** Reads until a started copy has ended, one way or the other, or `signal` aborts. */
  readWhenCopied(blob: BlobPath, signal: AbortSignal): Promise<StoredBlobResult>;
}

/** @param blobUrl of the account, straight at storage: reads through the proxy would be no error, only a detour. */
export function createBlobFactsReader(blobUrl: string, account: StorageAccount): BlobFactsReader {
  const service = new BlobServiceClient(blobUrl, new StorageSharedKeyCredential(account.name, account.key), {
    retryOptions: { maxTries: 2, tryTimeoutInMs: headLimitMs, retryDelayInMs: 100 },
  });
  const read = async ({ container, name }: BlobPath): Promise<StoredBlobResult> => {
    try {
      const properties = await service.getContainerClient(container).getBlobClient(name).getProperties();
      return {
        ok: true,
        value: {
          eTag: properties.etag ?? '',
          facts: {
            blobType: properties.blobType ?? 'BlockBlob',
            contentType: properties.contentType ?? 'application/octet-stream',
            contentLength: properties.contentLength ?? 0,
          },
          copyIsPending: properties.copyStatus === 'pending',
          copySucceeded: properties.copyStatus === undefined || properties.copyStatus === 'success',
        },
      };
    } catch (error) {
      const gone = error instanceof RestError && error.statusCode === 404;
      return { ok: false, gone, error: error instanceof Error ? error.message : String(error) };
    }
  };
  return {
    read,
    async readWhenCopied(blob, signal) {
      for (;;) {
        const stored = await read(blob);
        const isOver = stored.ok ? !stored.value.copyIsPending : stored.gone;
        if (isOver || signal.aborted) return stored;
        await delay(copyPollDelayMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
