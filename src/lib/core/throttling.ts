// Too much at once, or too much for today? The CDN answers both alike, so single URLs are sent to find out.
//
// Of a kind that was throttled only one URL goes at a time, until one is accepted. If even those are throttled for
// long, the kind's daily quota counts as spent, by somebody who shares it with this app.

import { instant, type Instant } from './instant.ts';
import { nextReset } from './quota-days.ts';
import type { QuotaPolicy } from './quota-ledger.ts';
import type { NotAccepted } from './purge-outcome.ts';
import { waitMs } from './settlement.ts';

/** Of one kind of URL, files or directories, of one subscription. */
export type Throttling = {
  /** When a request with one URL was throttled first, in a row; undefined while none was sent. */
  readonly since?: Instant | undefined;
  /** Requests with one URL that were throttled, in a row. */
  readonly times: number;
  /** No URL goes before; then one. */
  readonly probeAt: Instant;
  /** The quota counts as spent until then. */
  readonly spentUntil?: Instant | undefined;
};

/** After a request with several URLs, or of both kinds, was throttled: after the rest of that, the next go alone. */
export function beginProbing(before: Throttling | undefined, until: Instant): Throttling {
  return before ?? { times: 0, probeAt: until };
}

/** After a request with one URL was throttled. */
export function noteThrottledProbe(
  known: Throttling | undefined,
  outcome: NotAccepted,
  at: Instant,
  policy: QuotaPolicy,
): Throttling {
  const before = known !== undefined && isInARow(known, at, policy) ? known : undefined;
  const times = (before?.times ?? 0) + 1;
  const since = before?.since ?? at;
  const decidesAt = since + policy.spentAfterThrottledMs;
  if (before?.spentUntil === undefined && at < decidesAt) {
    // One probe falls on the time at which it is decided.
    const wait = Math.max(Math.min(waitMs(outcome, times - 1), decidesAt - at), outcome.retryAfterMs ?? 0);
    return { since, times, probeAt: instant(at + wait) };
  }
  const wait = Math.max(policy.probeEveryMs, outcome.retryAfterMs ?? 0);
  return {
    since,
    times,
    probeAt: instant(at + wait),
    spentUntil: before?.spentUntil ?? nextReset(at, policy),
  };
}

/** A probe that came long after it could have says nothing about the time between: nothing had to be sent. */
function isInARow({ spentUntil, probeAt }: Throttling, at: Instant, policy: QuotaPolicy): boolean {
  const { spentAfterThrottledMs, probeEveryMs } = policy;
  return spentUntil !== undefined || at - probeAt < Math.max(spentAfterThrottledMs, probeEveryMs);
}

/** Whether the reset has come by which a spent quota is whole again. */
export function isReset({ spentUntil }: Throttling, at: Instant): boolean {
  return spentUntil !== undefined && at >= spentUntil;
}
