// What must not be sent for now, because of what the CDN answered: kept with the backlog, so that a restart asks
// nothing anew, and in memory between two flushes.

import type { Backlog, BacklogChanges } from '../core/backlog.ts';
import type { Hold } from '../core/hold.ts';
import { instant, type Instant } from '../core/instant.ts';
import { CONSEQUENCES } from '../core/outcome-class.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { waitMs } from '../core/settlement.ts';
import { isReset, type Throttling } from '../core/throttling.ts';

export type Holds = {
  /** The hold that lasts longest of those on the keys, if any lasts still. */
  readonly find: (keys: readonly string[], now: Instant) => Hold | undefined;
  /**
   * Holds a key because of an outcome: longer each time in a row. While a hold lasts, more of the same is no further
   * time: it answers what left before the hold began.
   */
  readonly put: (key: string, outcome: NotAccepted, now: Instant) => Hold;
  /** Counts a batch of which nothing was accepted, gives how many there were in a row. */
  readonly countFruitless: (key: string) => number;
  /**
   * Something of the keys was accepted: the next hold is a first one again. A hold that lasts still goes on, for
   * what was accepted had left before it began.
   */
  readonly lift: (keys: readonly string[], now: Instant) => void;
  /** Ends the holds that somebody was told of: they may have been mended meanwhile. The next is as long as ever. */
  readonly retryAlerted: (now: Instant) => void;
  /** True the first time that this is told until then. */
  readonly isNews: (what: string, until: Instant) => boolean;
  /** Undefined: nothing is known against requests with many URLs of the kind. */
  readonly findThrottling: (key: string, now: Instant) => Throttling | undefined;
  readonly putThrottling: (key: string, throttling: Throttling | undefined) => void;
  /** Takes over what is on record; of two holds on one key the longer. */
  readonly adopt: (kept: Pick<Backlog, 'holds' | 'throttlings'>) => void;
  /** What is not on record yet. */
  readonly changes: () => HoldChanges;
  /** Takes changes that are on record now. */
  readonly noteSaved: (saved: HoldChanges) => void;
};

type HoldChanges = Pick<BacklogChanges, 'holds' | 'throttlings'>;

export function createHolds(): Holds {
  const holds = createNotedMap<Hold>();
  const throttlings = createNotedMap<Throttling>();
  const fruitless = new Map<string, number>();
  const told = new Map<string, Instant>();
  const lasting = (key: string, now: Instant): Hold | undefined => {
    const hold = holds.get(key);
    return hold !== undefined && hold.until > now ? hold : undefined;
  };
  return {
    find(keys, now) {
      return keys.flatMap((key) => lasting(key, now) ?? []).toSorted((a, b) => b.until - a.until)[0];
    },
    put(key, outcome, now) {
      const current = lasting(key, now);
      const times = current?.times ?? (holds.get(key)?.times ?? 0) + 1;
      const until = Math.max(now + waitMs(outcome, times - 1), current?.until ?? 0);
      const hold = { until: instant(until), times, outcome };
      holds.set(key, hold);
      return hold;
    },
    countFruitless(key) {
      const times = (fruitless.get(key) ?? 0) + 1;
      fruitless.set(key, times);
      return times;
    },
    lift(keys, now) {
      for (const key of keys) {
        fruitless.delete(key);
        if (lasting(key, now) === undefined) holds.delete(key);
      }
    },
    retryAlerted(now) {
      for (const [key, hold] of holds.entries()) {
        if (hold.until > now && CONSEQUENCES[hold.outcome.outcomeClass].alerts) {
          holds.set(key, { ...hold, until: now });
        }
      }
    },
    isNews(what, until) {
      if (told.get(what) === until) return false;
      told.set(what, until);
      return true;
    },
    findThrottling(key, now) {
      const throttling = throttlings.get(key);
      if (throttling === undefined || !isReset(throttling, now)) return throttling;
      throttlings.delete(key);
      return undefined;
    },
    putThrottling(key, throttling) {
      if (throttling === undefined) throttlings.delete(key);
      else throttlings.set(key, throttling);
    },
    adopt(kept) {
      holds.adopt(kept.holds, (own, other) => own.until >= other.until);
      throttlings.adopt(kept.throttlings, (own, other) => own.probeAt >= other.probeAt);
    },
    changes: () => ({ holds: holds.changes(), throttlings: throttlings.changes() }),
    noteSaved(saved) {
      holds.noteSaved(saved.holds);
      throttlings.noteSaved(saved.throttlings);
    },
  };
}

/** A map that knows what was changed in it. */
function createNotedMap<T>() {
  const values = new Map<string, T>();
  const changed = new Set<string>();
  return {
    get: (key: string): T | undefined => values.get(key),
    entries: (): readonly (readonly [string, T])[] => [...values],
    set(key: string, value: T): void {
      values.set(key, value);
      changed.add(key);
    },
    delete(key: string): void {
      if (values.delete(key)) changed.add(key);
    },
    adopt(others: ReadonlyMap<string, T>, isOwnLater: (own: T, other: T) => boolean): void {
      for (const [key, other] of others) {
        const own = values.get(key);
        if (own !== undefined && isOwnLater(own, other)) continue;
        // What was deleted here and not yet on record must not come back.
        if (own === undefined && changed.has(key)) continue;
        values.set(key, other);
      }
    },
    changes: (): ReadonlyMap<string, T | undefined> =>
      new Map([...changed].map((key) => [key, values.get(key)])),
    noteSaved(saved: ReadonlyMap<string, T | undefined>): void {
      // What was changed again meanwhile is not on record.
      for (const [key, value] of saved) if (values.get(key) === value) changed.delete(key);
    },
  };
}
