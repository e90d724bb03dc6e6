// The backlog and the flush's lease in memory: the backlog through its real stored form, with versions.

import { EMPTY_BACKLOG, type Backlog } from '../../src/lib/core/backlog.ts';
import { decodeBacklog, encodeBacklog } from '../../src/lib/records/backlog.schema.ts';
import type { BacklogStore, Clock, FlushLease } from '../../src/lib/use-cases/ports.ts';
import type { Journal } from './recording-journal.ts';

export type InMemoryBacklog = BacklogStore & {
  /** As it stands. */
  readonly stored: () => Backlog;
  readonly text: () => string;
};

export function createInMemoryBacklog(journal: Journal): InMemoryBacklog {
  let stored: { readonly text: string; readonly version: number } | undefined;
  const read = (): Backlog =>
    stored === undefined ? EMPTY_BACKLOG : decodeBacklog(stored.text.trimEnd().split('\n'));
  return {
    stored: read,
    text: () => stored?.text ?? '',

    async load() {
      journal.note({ port: 'records', call: 'load-backlog', of: '' });
      return { backlog: read(), version: stored === undefined ? undefined : `${stored.version}` };
    },

    async save(backlog, version) {
      journal.note({ port: 'records', call: 'save-backlog', of: '' });
      if ((stored === undefined ? undefined : `${stored.version}`) !== version) return false;
      stored = { text: [...encodeBacklog(backlog)].join(''), version: (stored?.version ?? 0) + 1 };
      return true;
    },
  };
}

export function createInMemoryLease(clock: Clock, leaseMs: number, journal: Journal): FlushLease {
  let holder: { readonly until: number } | undefined;
  return {
    async acquire() {
      journal.note({ port: 'records', call: 'acquire-lease', of: '' });
      if (holder !== undefined && holder.until > clock.now()) return undefined;
      const mine = { until: clock.now() + leaseMs };
      holder = mine;
      return {
        // Nothing renews it here: it is held for as long as nobody else has taken it.
        isHeld: () => holder === mine,
        async release() {
          if (holder === mine) holder = undefined;
        },
      };
    },
  };
}
