// How many URLs a subscription may still purge or preload today.
import type { Behaviour } from './settings.ts';

interface Spend {
  readonly files: number;
  readonly directories: number;
  readonly preloads: number;
}

type QuotaLimits = Pick<
  Behaviour,
  'filesPerDay' | 'directoriesPerDay' | 'preloadsPerDay' | 'quotaDayUtcOffsetHours'
>;

export interface QuotaUsage extends Spend {
  readonly subscription: string;
  /** When all of it is free again. */
  readonly resetsAt: string;
}

export interface Quota {
  /** Counts a whole request, or counts nothing and names the list that does not fit. */
  spend(
    subscription: string,
    spend: Spend,
    limits: QuotaLimits,
    now: Date,
  ): { readonly ok: true } | { readonly ok: false; readonly error: keyof Spend };
  /** What each subscription that purged today has spent. */
  usage(limits: QuotaLimits, now: Date): readonly QuotaUsage[];
  reset(): void;
}

export function createQuota(): Quota {
  const spentOn = new Map<string, { readonly day: number; readonly spent: Spend }>();
  const spentToday = (subscription: string, day: number): Spend => {
    const entry = spentOn.get(subscription);
    return entry?.day === day ? entry.spent : nothing;
  };
  return {
    spend(subscription, spend, limits, now) {
      const day = quotaDay(limits, now);
      const before = spentToday(subscription, day);
      const spent: Spend = {
        files: before.files + spend.files,
        directories: before.directories + spend.directories,
        preloads: before.preloads + spend.preloads,
      };
      if (spent.files > limits.filesPerDay) return { ok: false, error: 'files' };
      if (spent.directories > limits.directoriesPerDay) return { ok: false, error: 'directories' };
      if (spent.preloads > limits.preloadsPerDay) return { ok: false, error: 'preloads' };
      spentOn.set(subscription, { day, spent });
      return { ok: true };
    },
    usage(limits, now) {
      const day = quotaDay(limits, now);
      const resetsAtMs = (day + 1) * dayMs - limits.quotaDayUtcOffsetHours * hourMs;
      const resetsAt = new Date(resetsAtMs).toISOString();
      return [...spentOn.keys()].map((subscription) => ({
        subscription,
        ...spentToday(subscription, day),
        resetsAt,
      }));
    },
    reset: () => spentOn.clear(),
  };
}

const nothing: Spend = { files: 0, directories: 0, preloads: 0 };
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The number of the quota's day, counted from 1970 at its own offset from UTC. */
function quotaDay(limits: QuotaLimits, now: Date): number {
  return Math.floor((now.getTime() + limits.quotaDayUtcOffsetHours * hourMs) / dayMs);
}
