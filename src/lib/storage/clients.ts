// Builds the storage clients: from a connection string, or by the app's identity.

import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';

import type { BlobConnection, StorageConnection } from '../config/storage-by-identity.ts';
import type { IdentityConfiguration } from '../core/configuration.ts';
import { storageCredential } from '../identity/storage-credential.ts';
import type { TokenSources } from '../identity/token-sources.ts';

/** Few and quick tries: a trigger has little time, and the work is safe to leave for later. */
const retryOptions = { maxTries: 3, retryDelayInMs: 250, maxRetryDelayInMs: 2_000 };

export type StorageClients = {
  /** The account's name. */
  readonly account: string;
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
};

/** Takes a connection and where its tokens come from, gives the clients. */
export function connectStorage(connection: StorageConnection, tokensFor: TokenSources): StorageClients {
  if (connection.kind === 'string') return createStorageClients(connection.text);
  const { account, queueUri, identity } = connection;
  return {
    account,
    blobs: connectBlobs(connection, tokensFor),
    queues: new QueueServiceClient(queueUri, storageCredential(tokensFor(identity)), {
      retryOptions,
      audience: scopeOf(identity),
    }),
  };
}

/** Like `connectStorage`, for an account of which only blobs are used. */
export function connectBlobs(connection: BlobConnection, tokensFor: TokenSources): BlobServiceClient {
  if (connection.kind === 'string') return createBlobClient(connection.text);
  const { blobUri, identity } = connection;
  const options = { retryOptions, audience: scopeOf(identity) };
  return new BlobServiceClient(blobUri, storageCredential(tokensFor(identity)), options);
}

/** Takes a storage connection string, gives the clients. Throws for a string that is none. */
export function createStorageClients(connectionString: string): StorageClients {
  const blobs = createBlobClient(connectionString);
  return {
    account: blobs.accountName,
    blobs,
    queues: QueueServiceClient.fromConnectionString(connectionString, { retryOptions }),
  };
}

/** Takes the connection string of an account of which only blobs are used. Throws for a string that is none. */
export function createBlobClient(connectionString: string): BlobServiceClient {
  return BlobServiceClient.fromConnectionString(connectionString, { retryOptions });
}

/** The clients take a scope for an audience. */
const scopeOf = ({ audience }: IdentityConfiguration): string => `${audience}/.default`;
