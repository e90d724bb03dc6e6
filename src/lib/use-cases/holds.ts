// What must not be sent for now, because of what the CDN answered. In memory: after a restart the CDN is asked anew.

import { instant, type Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { waitMs } from '../core/settlement.ts';

export type Hold = {
  readonly until: Instant;
  /** How many times in a row. */
  readonly times: number;
  readonly outcome: NotAccepted;
};

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
};

export function createHolds(): Holds {
  const holds = new Map<string, Hold>();
  const fruitless = new Map<string, number>();
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
  };
}
