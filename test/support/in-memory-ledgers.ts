// Quota ledgers in memory, through their real stored form, with ETags.

import * as z from 'zod';

import { EMPTY_LEDGER } from '../../src/lib/core/quota-ledger.ts';
import { StoredLedger } from '../../src/lib/records/ledger.schema.ts';
import type { LedgerStore } from '../../src/lib/use-cases/ports.ts';
import type { Journal } from './recording-journal.ts';

export function createInMemoryLedgers(journal: Journal): LedgerStore {
  const stored = new Map<string, { readonly text: string; readonly version: number }>();
  return {
    async load(subscription) {
      journal.note({ port: 'records', call: 'load-ledger', of: subscription });
      const entry = stored.get(subscription);
      if (entry === undefined) return { ledger: EMPTY_LEDGER, etag: undefined };
      return { ledger: z.decode(StoredLedger, JSON.parse(entry.text)), etag: `${entry.version}` };
    },

    async save(subscription, ledger, etag) {
      journal.note({ port: 'records', call: 'save-ledger', of: subscription });
      const version = stored.get(subscription)?.version;
      if ((version === undefined ? undefined : `${version}`) !== etag) return false;
      stored.set(subscription, {
        text: JSON.stringify(z.encode(StoredLedger, ledger)),
        version: (version ?? 0) + 1,
      });
      return true;
    },
  };
}
