// What outlives a process: buffer, records and ledgers, watched for a message that goes too early.

import { decodeMessage } from '../../src/lib/buffer/message.schema.ts';
import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import type { OpenPurge } from '../../src/lib/core/purge-record.ts';
import type { LedgerStore, PurgeBuffer, PurgeRecords } from '../../src/lib/use-cases/ports.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { createInMemoryBuffer, type InMemoryBuffer } from '../support/in-memory-buffer.ts';
import { createInMemoryLedgers } from '../support/in-memory-ledgers.ts';
import { createInMemoryRecords, type InMemoryRecords } from '../support/in-memory-records.ts';
import { createJournal } from '../support/recording-journal.ts';
import { covers, staleUrls } from './site.ts';

/** What a mutant may put something in front of. */
export type StoragePorts = {
  readonly buffer: PurgeBuffer;
  readonly records: PurgeRecords;
  readonly ledgers: LedgerStore;
};

export type Storage = {
  readonly ports: StoragePorts;
  readonly buffer: InMemoryBuffer;
  readonly records: InMemoryRecords;
  readonly ledgers: LedgerStore;
  /** Whether a poison entry holds the change for this URL. */
  readonly isPoisoned: (change: BlobChange, url: string) => boolean;
};

export function createStorage(
  clock: FakeClock,
  visibilityMs: number,
  violate: (what: string) => void,
): Storage {
  const journal = createJournal();
  const buffer = createInMemoryBuffer(clock, visibilityMs, journal);
  const records = createInMemoryRecords(journal);
  const ledgers = createInMemoryLedgers(journal);
  const savedByEvent = new Map<string, OpenPurge[]>();

  const isPoisoned = ({ eventId }: BlobChange, url: string): boolean =>
    buffer.poisoned.some((entry) => {
      const decoded = decodeMessage(entry.text);
      if (!decoded.ok || decoded.value.type !== 'change') return false;
      return entry.url === url && decoded.value.change.eventId === eventId;
    });

  const judgeGone = (text: string): void => {
    const decoded = decodeMessage(text);
    if (!decoded.ok) return;
    const message = decoded.value;
    switch (message.type) {
      case 'change': {
        const saved = savedByEvent.get(message.change.eventId) ?? [];
        for (const url of staleUrls(message.change)) {
          if (saved.some((purge) => covers(purge, url)) || isPoisoned(message.change, url)) continue;
          violate(`the message of ${message.change.eventId} went with nothing on record for ${url}`);
        }
        break;
      }
      case 'request': {
        const record = records.requests().find(({ id }) => id === message.requestId);
        if (record === undefined) break;
        if (record.state === 'waiting') violate(`the message of request ${record.id} went while it waits`);
        const named = [
          ...record.purges.flatMap(({ urls }) => urls),
          ...(record.refused ?? []).map(({ url }) => url),
        ];
        for (const { url } of record.targets) {
          if (!named.includes(url)) violate(`request ${record.id} ended with nothing on record for ${url}`);
        }
        break;
      }
    }
  };

  return {
    buffer,
    records,
    ledgers,
    isPoisoned,
    ports: {
      ledgers,
      buffer: {
        ...buffer,
        async complete(receipt) {
          const find = () => buffer.stored().find(({ messageId }) => messageId === receipt.messageId);
          const before = find();
          await buffer.complete(receipt);
          // A stale receipt takes nothing away.
          if (before !== undefined && find() === undefined) judgeGone(before.text);
        },
      },
      records: {
        ...records,
        async savePurge(record) {
          await records.savePurge(record);
          for (const cause of record.causes) {
            if (cause.type !== 'change') continue;
            savedByEvent.set(cause.eventId, [...(savedByEvent.get(cause.eventId) ?? []), record]);
          }
        },
      },
    },
  };
}
