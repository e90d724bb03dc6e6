// What each file took of the day's quota, as far as this process knows: what changes all day long must not eat it up.

import { instant, type Instant } from '../core/instant.ts';
import { nextReset, type QuotaCalendar } from '../core/quota-days.ts';
import { targetKey, type PurgeTarget } from '../core/purge-target.ts';

type SpentTarget = Pick<PurgeTarget, 'cdn' | 'kind' | 'url' | 'matching'>;

export type DaySpending = {
  /** `units`: a file's part, where it went with others as a directory. */
  readonly note: (target: SpentTarget, units: number, reset: Instant) => void;
  /** Since the last reset; `reset` is the next one. */
  readonly spent: (target: SpentTarget, reset: Instant) => number;
  /** Subscriptions whose records were looked at for what other processes spent, or this one before a restart. */
  readonly recalled: Set<string>;
  /** The CDN refuses this directory: files below it go as files. */
  readonly refuse: (url: string) => void;
  readonly isRefused: (url: string) => boolean;
};

const DAY_MS = 24 * 3_600_000;

export function createDaySpending(): DaySpending {
  /** By the reset that ends the day: subscriptions may have theirs at different hours. */
  const days = new Map<Instant, Map<string, number>>();
  const refused = new Set<string>();
  return {
    spent: (target, reset) => days.get(reset)?.get(targetKey(target)) ?? 0,
    recalled: new Set(),
    note(target, units, reset) {
      // What is spent in a day is bounded by its quota; days that are over are dropped with the first of the next.
      if (!days.has(reset)) for (const over of days.keys()) if (over <= reset - DAY_MS) days.delete(over);
      const day = days.get(reset) ?? new Map<string, number>();
      const key = targetKey(target);
      days.set(reset, day.set(key, (day.get(key) ?? 0) + units));
    },
    refuse(url) {
      refused.add(url);
    },
    isRefused: (url) => refused.has(url),
  };
}

/**
 * When the day is over by whose clock a site spends. While the hour of the reset is not known, two days count at once:
 * at the end of the first nothing is sure to come back, and a share for each would be two shares a day. A day that is
 * about to begin is not that day yet, though what is spent just before it may count in it.
 */
export function pacedReset(now: Instant, calendar: QuotaCalendar): Instant {
  const { resetMarginMs: marginMs } = calendar;
  return instant(nextReset(instant(now - marginMs), { ...calendar, resetMarginMs: 0 }) + marginMs);
}
