// When containers change, by the days of the last two weeks: one that is silent for longer than ever in these has
// probably lost its events, whatever its site looks like.

import { instant, type Instant } from './instant.ts';

/** By `activityKey`. */
export type ContainerActivity = ReadonlyMap<string, ContainerHabit>;

export type ContainerHabit = {
  readonly firstChangeAt: Instant;
  readonly lastChangeAt: Instant;
  /** The oldest first; those that have a change. */
  readonly days: readonly ActiveDay[];
};

/** `longestSilenceMs`: of the silences that a change of that day ended. */
export type ActiveDay = { readonly day: Instant; readonly longestSilenceMs: number };

export type Silence = {
  readonly account: string;
  readonly container: string;
  readonly silentForMs: number;
  /** The longest silence of the days that are known. */
  readonly usualMs: number;
};

export const EMPTY_ACTIVITY: ContainerActivity = new Map();

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Two weekends. */
const DAYS_KEPT = 14;
/** Before, nobody can say what is usual. */
const KNOWN_FOR_MS = 7 * DAY_MS;
/** A container that changes once in a while has no habit. */
const DAYS_WITH_CHANGES = 4;
/** More than the longest: that one was chance, too. */
const MARGIN = 1.5;
/** Below it the habit is noise: deliveries may come late. */
const SHORTEST_MS = HOUR_MS;
/** Nobody waits any longer for a container that has died. */
const KEPT_FOR_MS = 60 * DAY_MS;

/** Account names have no slash. */
export const activityKey = (account: string, container: string): string => `${account}/${container}`;

/** What an `activityKey` is of. */
export function placeOfActivity(key: string): { readonly account: string; readonly container: string } {
  const slash = key.indexOf('/');
  return { account: key.slice(0, slash), container: key.slice(slash + 1) };
}

/** Takes what is known and when containers changed last, gives both; the same object if nothing is news. */
export function withChanges(
  activity: ContainerActivity,
  changes: ReadonlyMap<string, Instant>,
): ContainerActivity {
  const news = [...changes].filter(([key, at]) => at > (activity.get(key)?.lastChangeAt ?? -Infinity));
  if (news.length === 0) return activity;
  const next = new Map(activity);
  for (const [key, at] of news) next.set(key, withChange(activity.get(key), at));
  return next;
}

function withChange(known: ContainerHabit | undefined, at: Instant): ContainerHabit {
  const day = instant(Math.floor(at / DAY_MS) * DAY_MS);
  const silenceMs = known === undefined ? 0 : at - known.lastChangeAt;
  const before = known?.days ?? [];
  const today = before.find((one) => one.day === day);
  const longestSilenceMs = Math.max(silenceMs, today?.longestSilenceMs ?? 0);
  return {
    firstChangeAt: known?.firstChangeAt ?? at,
    lastChangeAt: at,
    days: [
      ...before.filter((one) => one.day !== day && one.day > at - DAYS_KEPT * DAY_MS),
      { day, longestSilenceMs },
    ],
  };
}

/** Takes the present, gives the containers that usually change and have been silent for longer than they usually are. */
export function findSilences(activity: ContainerActivity, now: Instant): readonly Silence[] {
  return [...activity].flatMap(([key, habit]) => {
    const { firstChangeAt, lastChangeAt } = habit;
    // Counted to the last change: a container that has died keeps the habit that it died with.
    const days = habit.days.filter(({ day }) => day > lastChangeAt - DAYS_KEPT * DAY_MS);
    if (days.length < DAYS_WITH_CHANGES || lastChangeAt - firstChangeAt < KNOWN_FOR_MS) return [];
    const usualMs = days.reduce((longest, { longestSilenceMs }) => Math.max(longest, longestSilenceMs), 0);
    const silentForMs = now - lastChangeAt;
    if (silentForMs <= Math.max(usualMs * MARGIN, SHORTEST_MS)) return [];
    return [{ ...placeOfActivity(key), silentForMs, usualMs }];
  });
}

/** Drops containers that have not changed for so long that nobody waits for it any more. */
export function forgetSilent(activity: ContainerActivity, now: Instant): ContainerActivity {
  const kept = [...activity].filter(([, { lastChangeAt }]) => lastChangeAt > now - KEPT_FOR_MS);
  return kept.length === activity.size ? activity : new Map(kept);
}
