// Quota ledgers as one small blob a subscription, safe under several writers by its ETag.

import { createHash } from 'node:crypto';

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';

import { EMPTY_LEDGER } from '../core/quota-ledger.ts';
import type { LedgerStore } from '../use-cases/ports.ts';
import { readJson, writeJson } from './json-blob.ts';
import { encodeLedger, StoredLedger } from './ledger.schema.ts';

/** Takes the container (made when missing), gives the ledgers in it. */
export function createBlobLedgers(container: ContainerClient): LedgerStore {
  const blobOf = (subscription: string): BlockBlobClient =>
    container.getBlockBlobClient(ledgerPath(subscription));
  return {
    async load(subscription) {
      const stored = await readJson(blobOf(subscription), StoredLedger);
      return stored === undefined
        ? { ledger: EMPTY_LEDGER, etag: undefined }
        : { ledger: stored.value, etag: stored.etag };
    },

    save(subscription, ledger, etag) {
      const condition = etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag };
      return writeJson(container, blobOf(subscription), encodeLedger(ledger), condition);
    },
  };
}

/** Readable where it can be, and never the same for two subscriptions. */
export function ledgerPath(subscription: string): string {
  const name = subscription.replaceAll(/[^A-Za-z0-9-]+/gu, '-');
  const hash = createHash('sha256').update(subscription).digest('hex').slice(0, 8);
  return `quota/${name}-${hash}.json`;
}
