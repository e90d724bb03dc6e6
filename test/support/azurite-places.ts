// Queues and containers of a test's own in the Azurite that all integration tests share.

import { randomUUID } from 'node:crypto';

import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { QueueClient, QueueServiceClient } from '@azure/storage-queue';
import { inject } from 'vitest';

import { createStorageClients } from '../../src/lib/storage/clients.ts';

export interface AzuritePlaces {
  readonly connectionString: string;
  readonly blobs: BlobServiceClient;
  readonly queues: QueueServiceClient;
  /** A name that nobody else uses, for a queue or a container. */
  readonly freshName: (kind: string) => string;
  /** Not made yet. */
  readonly freshQueue: () => QueueClient;
  /** Not made yet. */
  readonly freshContainer: () => ContainerClient;
}

/** The Azurite of the integration project, by the clients that the app uses. */
export function azuritePlaces(): AzuritePlaces {
  const { connectionString } = inject('azurite');
  const { blobs, queues } = createStorageClients(connectionString);
  return {
    connectionString,
    blobs,
    queues,
    freshName,
    freshQueue: () => queues.getQueueClient(freshName('queue')),
    freshContainer: () => blobs.getContainerClient(freshName('container')),
  };
}

function freshName(kind: string): string {
  return `${kind}-${randomUUID()}`;
}

/** Storage that is gone: nothing listens on these ports. */
export const deadStorage = [
  'DefaultEndpointsProtocol=http',
  'AccountName=devstoreaccount1',
  `AccountKey=${Buffer.from('no key at all').toString('base64')}`,
  'BlobEndpoint=http://127.0.0.1:9/devstoreaccount1',
  'QueueEndpoint=http://127.0.0.1:9/devstoreaccount1',
].join(';');
