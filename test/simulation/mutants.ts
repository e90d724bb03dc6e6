// Faults that the app could have, put between it and the world: each must be seen by the checks of the histories.

import type { QuotaLedger } from '../../src/lib/core/quota-ledger.ts';
import type { Receipt } from '../../src/lib/use-cases/ports.ts';
import type { Mutant } from './history.ts';

/** By what each does wrong. */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'takes messages out of the buffer when it receives them': {
    storage: (ports) => ({
      ...ports,
      buffer: {
        ...ports.buffer,
        async receive() {
          const received = await ports.buffer.receive();
          for (const { receipt } of received) await ports.buffer.complete(receipt);
          return received;
        },
      },
    }),
  },
  'drops a message that has to wait': {
    storage: (ports) => ({
      ...ports,
      buffer: { ...ports.buffer, putBack: (receipt: Receipt) => ports.buffer.complete(receipt) },
    }),
  },
  'does not save the record of a purge': {
    storage: (ports) => ({ ...ports, records: { ...ports.records, savePurge: async () => undefined } }),
  },
  'does not write the poison entry': {
    storage: (ports) => ({ ...ports, buffer: { ...ports.buffer, poison: async () => undefined } }),
  },
  'forgets reservations': {
    storage: (ports) => ({
      ...ports,
      ledgers: {
        ...ports.ledgers,
        save: (subscription, ledger, etag) =>
          ports.ledgers.save(subscription, { ...ledger, reservations: [] }, etag),
      },
    }),
  },
  'writes the ledger over what somebody else wrote': {
    storage: (ports) => ({
      ...ports,
      ledgers: {
        ...ports.ledgers,
        async save(subscription: string, ledger: QuotaLedger) {
          const { etag } = await ports.ledgers.load(subscription);
          return ports.ledgers.save(subscription, ledger, etag);
        },
      },
    }),
  },
  'leaves one file of a batch out': {
    provider: (provider) => ({
      ...provider,
      submit: (purge) =>
        provider.submit(purge.files.length > 1 ? { ...purge, files: purge.files.slice(1) } : purge),
    }),
  },
  'takes an unknown outcome for an unspent one': {
    provider: (provider) => ({
      ...provider,
      async submit(purge) {
        const outcome = await provider.submit(purge);
        return outcome.kind === 'failed' && outcome.outcomeClass === 'unknown'
          ? { ...outcome, outcomeClass: 'transient' }
          : outcome;
      },
    }),
  },
  'lets events spend what is kept for people': {
    provider: (provider) => ({
      ...provider,
      quota: provider.quota && { ...provider.quota, manualReserve: { files: 0, directories: 0 } },
    }),
  },
  'knows no margin around a reset': {
    provider: (provider) => ({
      ...provider,
      quota: provider.quota && { ...provider.quota, resetMarginMs: 0 },
    }),
  },
};
