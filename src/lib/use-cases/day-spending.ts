// What each file took of the day's quota, as far as this process knows: what changes all day long must not eat it up.

import type { Instant } from '../core/instant.ts';
import { firstReset, nextReset, type QuotaCalendar } from '../core/quota-days.ts';
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

export function createDaySpending(): DaySpending {
  const byTarget = new Map<string, { readonly reset: Instant; readonly units: number }>();
  const refused = new Set<string>();
  const spent = (target: SpentTarget, reset: Instant): number => {
    const known = byTarget.get(targetKey(target));
    return known?.reset === reset ? known.units : 0;
  };
  return {
    spent,
    recalled: new Set(),
    note(target, units, reset) {
      const key = targetKey(target);
      const before = spent(target, reset);
      // What is spent in a day is bounded by its quota; days that are over are dropped with the first of the next.
      const [oldest] = byTarget.values();
      if (oldest !== undefined && oldest.reset !== reset) byTarget.clear();
      byTarget.set(key, { reset, units: before + units });
    },
    refuse(url) {
      refused.add(url);
    },
    isRefused: (url) => refused.has(url),
  };
}

/**
 * When the day is over by whose clock a site spends. While the hour of the reset is not known, two days count at once:
 * at the end of the first nothing is sure to come back, and a share for each would be two shares a day.
 */
export function pacedReset(now: Instant, calendar: QuotaCalendar): Instant {
  return calendar.resetUtcOffsetHours === undefined ? nextReset(now, calendar) : firstReset(now, calendar);
}
