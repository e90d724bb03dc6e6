// The backlog of the histories, guarded by versions, and the lease that keeps flushes apart for as long as it lasts.

import { EMPTY_BACKLOG, type Backlog } from '../../src/lib/core/backlog.ts';
import type { BacklogStore, Clock, FlushLease } from '../../src/lib/use-cases/ports.ts';
import { frozen } from './frozen.ts';

export type MemoryBacklog = BacklogStore & {
  /** As it stands. */
  readonly stored: () => Backlog;
};

export function createMemoryBacklog(): MemoryBacklog {
  let current: { readonly backlog: Backlog; readonly version: string | undefined } = {
    backlog: EMPTY_BACKLOG,
    version: undefined,
  };
  let writes = 0;
  return {
    stored: () => current.backlog,
    async load() {
      return current;
    },
    async save(backlog, version) {
      if (version !== current.version) return false;
      for (const entry of backlog.entries.values()) frozen(entry);
      current = { backlog, version: `version-${(writes += 1)}` };
      return true;
    },
  };
}

/** Nothing renews it: it is held until it ends and somebody else takes it. */
export function createMemoryLease(clock: Clock, leaseMs: number): FlushLease {
  let holder: { readonly until: number } | undefined;
  return {
    async acquire() {
      if (holder !== undefined && holder.until > clock.now()) return undefined;
      const mine = { until: clock.now() + leaseMs };
      holder = mine;
      return {
        isHeld: () => holder === mine,
        async release() {
          if (holder === mine) holder = undefined;
        },
      };
    },
  };
}
