// Builds the storage clients from a connection string.

import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';

/** Few and quick tries: a trigger has little time, and the work is safe to leave for later. */
const retryOptions = { maxTries: 3, retryDelayInMs: 250, maxRetryDelayInMs: 2_000 };

export type StorageClients = { readonly blobs: BlobServiceClient; readonly queues: QueueServiceClient };

/** Takes a storage connection string, gives the clients. Throws for a string that is none. */
export function createStorageClients(connectionString: string): StorageClients {
  return {
    blobs: createBlobClient(connectionString),
    queues: QueueServiceClient.fromConnectionString(connectionString, { retryOptions }),
  };
}

/** Takes the connection string of an account of which only blobs are used. Throws for a string that is none. */
export function createBlobClient(connectionString: string): BlobServiceClient {
  return BlobServiceClient.fromConnectionString(connectionString, { retryOptions });
}
