// The quota ledgers of the histories, guarded by ETags.

import { EMPTY_LEDGER, type QuotaLedger } from '../../src/lib/core/quota-ledger.ts';
import type { LedgerStore } from '../../src/lib/use-cases/ports.ts';
import { frozen } from './frozen.ts';

export function createMemoryLedgers(): LedgerStore {
  const stored = new Map<string, { readonly ledger: QuotaLedger; readonly etag: string }>();
  let writes = 0;
  return {
    async load(subscription) {
      return stored.get(subscription) ?? { ledger: EMPTY_LEDGER, etag: undefined };
    },
    async save(subscription, ledger, etag) {
      if (stored.get(subscription)?.etag !== etag) return false;
      stored.set(subscription, { ledger: frozen(ledger), etag: `etag-${(writes += 1)}` });
      return true;
    },
  };
}
