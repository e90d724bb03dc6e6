// Files and directories of a subscription that the CDN throttled: one URL of each goes at a time, until one is taken.

import type { CoalescedTarget } from '../core/coalesce.ts';
import type { Hold } from '../core/hold.ts';
import { instant, type Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { Batch } from '../core/purge-plan.ts';
import { unitOf, type QuotaPolicy, type QuotaUnit } from '../core/quota-ledger.ts';
import { sitesOf } from '../core/sites-of.ts';
import { beginProbing, noteThrottledProbe, type Throttling } from '../core/throttling.ts';
import type { Holds } from './holds.ts';
import type { Clock, Run } from './ports.ts';
import { stopSending, type Place } from './stop-sending.ts';

type Ports = { readonly holds: Holds; readonly clock: Clock; readonly run: Run };

/** Where a throttled kind of URL is kept in `Holds`. */
export function throttlingKey(subscription: string, unit: QuotaUnit): string {
  return `${unit} ${subscription}`;
}

/**
 * After a throttled request. One with several URLs stops the subscription; one with a single URL, sent to find out,
 * stops only its kind, so that the other kind is found out about too.
 */
export function stopThrottled<O>(
  batch: Batch<O>,
  outcome: NotAccepted,
  place: Place,
  policy: QuotaPolicy,
  ports: Ports,
): Hold {
  const { holds, clock, run } = ports;
  const { subscription } = place;
  const now = clock.now();
  const [only, ...others] = batch.targets;
  if (only === undefined || others.length > 0) {
    const hold = stopSending(outcome, place, ports);
    for (const unit of unitsOf(batch.targets)) {
      const key = throttlingKey(subscription, unit);
      holds.putThrottling(key, beginProbing(holds.findThrottling(key, now), hold.until));
    }
    return hold;
  }
  const unit = unitOf(only);
  const key = throttlingKey(subscription, unit);
  const before = holds.findThrottling(key, now);
  const throttling = noteThrottledProbe(before, outcome, now, policy);
  holds.putThrottling(key, throttling);
  if (before === undefined) return stopSending(outcome, place, ports);
  if (before.spentUntil === undefined && throttling.spentUntil !== undefined) {
    tellOfSpent({ subscription, unit, sites: sitesOf(batch.targets), until: throttling.spentUntil }, run);
  }
  const wait = waitOf(throttling, now);
  const { times, spentUntil } = throttling;
  return { until: wait.until, times, outcome: spentUntil === undefined ? outcome : wait.outcome };
}

/** Something of the kinds was accepted; an answer to what left before the throttling says nothing about it. */
export function liftThrottling<O>(
  targets: readonly CoalescedTarget<O>[],
  subscription: string,
  { holds, clock }: Omit<Ports, 'run'>,
): void {
  const now = clock.now();
  for (const unit of unitsOf(targets)) {
    const key = throttlingKey(subscription, unit);
    const throttling = holds.findThrottling(key, now);
    if (throttling !== undefined && throttling.probeAt <= now) holds.putThrottling(key, undefined);
  }
}

/** What those that must not go are told, and until when. */
export function waitOf({ spentUntil, probeAt }: Throttling, now: Instant): Pick<Hold, 'outcome' | 'until'> {
  return spentUntil === undefined
    ? { outcome: THROTTLED, until: instant(Math.max(probeAt, now)) }
    : { outcome: SPENT_AT_CDN, until: spentUntil };
}

const NOT_SENT = {
  kind: 'failed',
  sent: false,
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
} as const;

const THROTTLED: NotAccepted = {
  ...NOT_SENT,
  reason: 'throttled',
  detail: 'the CDN throttles the subscription: single URLs go first',
  outcomeClass: 'throttled',
};

const SPENT_AT_CDN: NotAccepted = {
  ...NOT_SENT,
  reason: 'quota-spent',
  detail: 'the CDN has throttled even single URLs for so long that the daily quota counts as spent',
  outcomeClass: 'quota-exhausted',
};

function tellOfSpent(
  spent: {
    readonly subscription: string;
    readonly unit: QuotaUnit;
    readonly sites: string;
    readonly until: Instant;
  },
  { log, telemetry }: Run,
): void {
  const { subscription, unit, until } = spent;
  telemetry.track({ name: 'quota-spent', by: 'cdn', files: 0, directories: 0, ...spent });
  log.error(
    'The CDN throttles even single URLs: the daily quota of this kind counts as spent until its reset, and one URL now and then finds out whether it is. Look for who else spends it, and at the limits in the configuration.',
    { subscription, unit, until: new Date(until).toISOString() },
  );
}

function unitsOf<O>(targets: readonly CoalescedTarget<O>[]): ReadonlySet<QuotaUnit> {
  return new Set(targets.map(unitOf));
}
