// What waits, for a person who looks: how much, since when, why and until when; the oldest one by one.

import type { Backlog, Waiting, WaitReason } from './backlog.ts';
import type { Instant } from './instant.ts';
import { describeOutcome } from './purge-outcome.ts';
import type { OutcomeClass } from './outcome-class.ts';
import type { Throttling } from './throttling.ts';

export type BacklogListing = {
  readonly at: Instant;
  readonly targets: number;
  readonly requests: number;
  /** Undefined: nothing waits. */
  readonly oldestSince: Instant | undefined;
  readonly byReason: readonly (Group & { readonly reason: WaitReason })[];
  /** Targets only: a request may be for several sites. */
  readonly bySite: readonly (Group & { readonly site: string })[];
  readonly holds: readonly ListedHold[];
  readonly throttlings: readonly (Throttling & { readonly of: string })[];
  /** The oldest, `top` at most. */
  readonly entries: readonly ListedEntry[];
};

type Group = {
  readonly waiting: number;
  readonly oldestSince: Instant;
  /** When the first of them may go. */
  readonly until: Instant;
};

export type ListedHold = {
  /** An endpoint, a host or a subscription, as the log names it. */
  readonly of: string;
  readonly until: Instant;
  readonly times: number;
  readonly outcomeClass: OutcomeClass;
  /** The CDN's words. */
  readonly cause: string;
  readonly correlationId: string | undefined;
};

export type ListedEntry = {
  readonly what:
    | {
        readonly type: 'target';
        readonly url: string;
        readonly kind: 'file' | 'directory';
        readonly cdn: string;
        readonly site: string;
        readonly changes: number;
      }
    | { readonly type: 'request'; readonly requestId: string };
  readonly since: Instant;
  readonly ageSeconds: number;
  readonly reason: WaitReason;
  readonly until: Instant;
  readonly failedAttempts: number;
  readonly why: string | undefined;
};

/** Takes the backlog, the present and how many entries to name. What is over is left out of holds. */
export function listBacklog(backlog: Backlog, at: Instant, top: number): BacklogListing {
  const entries = [...backlog.entries.values()].toSorted(
    (a, b) => a.since - b.since || a.revision - b.revision,
  );
  const byReason = new Map<WaitReason, Group>();
  const bySite = new Map<string, Group>();
  let targets = 0;
  for (const entry of entries) {
    count(byReason, entry.reason, entry);
    if (entry.type === 'request') continue;
    targets += 1;
    count(bySite, entry.target.site, entry);
  }
  return {
    at,
    targets,
    requests: entries.length - targets,
    oldestSince: entries[0]?.since,
    byReason: mostFirst(byReason).map(([reason, group]) => ({ reason, ...group })),
    bySite: mostFirst(bySite).map(([site, group]) => ({ site, ...group })),
    holds: [...backlog.holds]
      .filter(([, { until }]) => until > at)
      .map(([of, { until, times, outcome }]) => {
        const { outcomeClass, correlationId } = outcome;
        return { of, until, times, outcomeClass, cause: describeOutcome(outcome), correlationId };
      }),
    throttlings: [...backlog.throttlings].map(([of, throttling]) => ({ of, ...throttling })),
    entries: entries.slice(0, top).map((entry) => listEntry(entry, at)),
  };
}

function count<K>(groups: Map<K, Group>, key: K, { since, until }: Waiting): void {
  const known = groups.get(key);
  groups.set(key, {
    waiting: (known?.waiting ?? 0) + 1,
    // They come oldest first.
    oldestSince: known?.oldestSince ?? since,
    until: known === undefined || until < known.until ? until : known.until,
  });
}

const mostFirst = <K>(groups: ReadonlyMap<K, Group>): (readonly [K, Group])[] =>
  [...groups].toSorted(([, a], [, b]) => b.waiting - a.waiting);

function listEntry(entry: Waiting, at: Instant): ListedEntry {
  const { since, reason, until, failedAttempts, why } = entry;
  return {
    what: whatOf(entry),
    since,
    ageSeconds: Math.max(Math.floor((at - since) / 1000), 0),
    reason,
    until,
    failedAttempts,
    why,
  };
}

function whatOf(entry: Waiting): ListedEntry['what'] {
  if (entry.type === 'request') return { type: 'request', requestId: entry.requestId };
  const { url, kind, cdn, site } = entry.target;
  return { type: 'target', url, kind, cdn, site, changes: entry.changes };
}
