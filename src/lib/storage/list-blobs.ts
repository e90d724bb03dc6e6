// Lists the storage accounts whose blobs are served, one page a call.

import { isRestError, type BlobServiceClient, type ContainerClient } from '@azure/storage-blob';

import type { BlobPage } from '../core/inventory/listing.ts';
import type { BlobLister } from '../use-cases/ports.ts';
import { callStorage, storageErrorCode } from './trouble.ts';

/** Takes a client for each account that can be listed; each needs no more than to list. */
export function createBlobLister(clients: ReadonlyMap<string, BlobServiceClient>): BlobLister {
  const clientOf = (account: string): BlobServiceClient => {
    const client = clients.get(account);
    if (client === undefined) throw new Error(`there is no connection to the account ${account}`);
    return client;
  };
  return {
    accounts: new Set(clients.keys()),

    findContainers: (account) =>
      callStorage(
        'list containers',
        async (abortSignal) => {
          const names: string[] = [];
          for await (const { name } of clientOf(account).listContainers({ abortSignal })) names.push(name);
          return names;
        },
        CONTAINERS_TIMEOUT_MS,
      ),

    listPage: ({ account, container }, options) =>
      callStorage('list blobs', async (abortSignal) => {
        try {
          return await listPage(clientOf(account).getContainerClient(container), options, abortSignal);
        } catch (error) {
          const code = storageErrorCode(error) ?? '';
          if (code === 'ContainerNotFound' || code === 'ContainerBeingDeleted') return 'no-container';
          if (options.after !== undefined && isBadRequest(error)) return 'unusable-token';
          throw error;
        }
      }),
  };
}

/** Of all pages together: 5,000 containers are one page. */
const CONTAINERS_TIMEOUT_MS = 60_000;

const isBadRequest = (error: unknown): boolean => isRestError(error) && error.statusCode === 400;

async function listPage(
  container: ContainerClient,
  { prefix, after, most }: Parameters<BlobLister['listPage']>[1],
  abortSignal: AbortSignal,
): Promise<BlobPage> {
  const pages = container.listBlobsFlat({ abortSignal, ...(prefix === undefined ? {} : { prefix }) }).byPage({
    ...(after === undefined ? {} : { continuationToken: after }),
    ...(most === undefined ? {} : { maxPageSize: most }),
  });
  const { done, value: page } = await pages.next();
  if (done === true) return { blobs: [], next: undefined };
  const { segment, continuationToken } = page;
  return {
    blobs: segment.blobItems.map(({ name, properties }) => ({
      name,
      bytes: properties.contentLength ?? 0,
    })),
    // The last page has an empty one.
    next: continuationToken === '' ? undefined : continuationToken,
  };
}
