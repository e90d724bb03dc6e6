// What outlives a process: buffer, records and ledgers, watched for a message that goes too early.

import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import type { OpenPurge } from '../../src/lib/core/purge-record.ts';
import type {
  BacklogStore,
  FlushLease,
  LedgerStore,
  PurgeBuffer,
  PurgeRecords,
} from '../../src/lib/use-cases/ports.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { createMemoryBacklog, createMemoryLease, type MemoryBacklog } from './memory-backlog.ts';
import { createMemoryBuffer, type MemoryBuffer } from './memory-buffer.ts';
import { createMemoryLedgers } from './memory-ledgers.ts';
import { createMemoryRecords, type MemoryRecords } from './memory-records.ts';
import type { Manner } from './manner.ts';
import { isRefused, staleUrls } from './site.ts';

/** What the app is given. */
export type StoragePorts = {
  readonly buffer: PurgeBuffer;
  readonly records: PurgeRecords;
  readonly ledgers: LedgerStore;
  readonly backlog: BacklogStore;
  readonly lease: FlushLease;
};

export type Storage = {
  readonly ports: StoragePorts;
  readonly buffer: MemoryBuffer;
  readonly records: MemoryRecords;
  readonly ledgers: LedgerStore;
  readonly backlog: MemoryBacklog;
  /** Whether a poison entry holds the change, or a later one of its path, for this URL. */
  readonly isPoisoned: (change: BlobChange, url: string) => boolean;
  /** Whether nothing waits, and no purge is open. */
  readonly isAtRest: () => boolean;
  /** Before this no flush and no tracker finds anything to do; infinite when there never will be. */
  readonly nextWorkAt: () => number;
};

export function createStorage(
  clock: FakeClock,
  {
    visibilityMs,
    leaseMs,
    manner: { covers, fold },
  }: { readonly visibilityMs: number; readonly leaseMs: number; readonly manner: Manner },
  violate: (what: string) => void,
): Storage {
  const buffer = createMemoryBuffer(clock, visibilityMs);
  const records = createMemoryRecords(clock);
  const ledgers = createMemoryLedgers();
  const backlog = createMemoryBacklog();
  const lease = createMemoryLease(clock, leaseMs);
  const savedByEvent = new Map<string, OpenPurge[]>();
  const poisonedAt = new Map<string, number>();

  const isPoisoned = ({ eventAt }: BlobChange, url: string): boolean =>
    (poisonedAt.get(fold(url)) ?? 0) >= eventAt;
  const waits = (url: string): boolean =>
    [...backlog.stored().entries.values()].some((entry) => {
      if (entry.type !== 'target') return false;
      const { target } = entry;
      const { kind } = target;
      return covers(
        { files: kind === 'file' ? [target.url] : [], directories: kind === 'file' ? [] : [target.url] },
        url,
      );
    });

  const judgeGone = (text: string): void => {
    const decoded = buffer.read(text);
    if (!decoded.ok) return;
    const message = decoded.value;
    switch (message.type) {
      case 'change': {
        const saved = savedByEvent.get(message.change.eventId) ?? [];
        for (const url of staleUrls(message.change)) {
          if (saved.some((purge) => covers(purge, url)) || waits(url)) continue;
          if (isPoisoned(message.change, url)) continue;
          violate(`the message of ${message.change.eventId} went with nothing on record for ${url}`);
        }
        break;
      }
      case 'request': {
        const record = records.requests.get(message.requestId);
        if (record === undefined || backlog.stored().entries.has(`request ${record.id}`)) break;
        if (record.state === 'waiting') violate(`the message of request ${record.id} went while it waits`);
        const named = [
          ...record.purges.flatMap(({ urls }) => urls),
          ...(record.refused ?? []).map(({ url }) => url),
        ].map(fold);
        for (const { url } of record.targets) {
          if (!named.includes(fold(url)))
            violate(`request ${record.id} ended with nothing on record for ${url}`);
        }
        break;
      }
    }
  };

  return {
    buffer,
    records,
    ledgers,
    backlog,
    isPoisoned,
    isAtRest: () => buffer.count() + records.openCount() + backlog.stored().entries.size === 0,
    nextWorkAt: () => {
      const waiting = [...backlog.stored().entries.values()].map(({ until }) => until);
      return Math.min(buffer.nextVisibleAt(), records.nextDueAt(), ...waiting);
    },
    ports: {
      ledgers,
      backlog,
      lease,
      buffer: {
        ...buffer,
        async complete(receipt) {
          const before = buffer.find(receipt.messageId);
          await buffer.complete(receipt);
          // A stale receipt takes nothing away.
          if (before !== undefined && buffer.find(receipt.messageId) === undefined) judgeGone(before);
        },
        async poison(entry) {
          await buffer.poison(entry);
          const { text, url = '' } = entry;
          const decoded = buffer.read(text);
          if (!decoded.ok || decoded.value.type !== 'change') return;
          if (!isRefused(url)) violate(`${url} was poisoned, and the CDN would take it`);
          poisonedAt.set(fold(url), clock.now());
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
