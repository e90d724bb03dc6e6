// How many purges may be under way at the CDN at once: what is over waits until one of them has ended.

import type { Hold } from '../core/hold.ts';
import { instant, type Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { StorageTrouble, type FoundOpenPurge, type PurgeProvider, type Run } from './ports.ts';
import type { SendPorts } from './send-purges.ts';

/** After the next question about an open purge: the tracker needs a moment to ask, and to close it. */
const AFTER_QUESTION_MS = 10_000;
const AFTER_TROUBLE_MS = 10_000;
/**
 * Two of the slowest that were seen, one after the other, take an hour and a half. An end that cannot be learnt (no
 * leave to ask, an operation that lapsed, no tracker) must not keep stale copies for longer: one purge too many only
 * makes the queue longer.
 */
const COUNTS_FOR_MS = 2 * 3_600_000;

/** Key of the turns of all that is counted together; undefined where nothing is counted. */
export function flightTurnOf({ subscription, capabilities }: PurgeProvider): string | undefined {
  return capabilities.purgesInFlight === undefined ? undefined : `in flight ${subscription}`;
}

/**
 * Gives the hold for a further purge now; undefined when it may go. What should have ended long ago does not count.
 * To be asked in the turn in which the purge is sent and put on record: then no two of this process take one place.
 * Costs one listing of the open purges where the provider has a limit. `cdns`: those that share its subscription.
 */
export async function findFlightHold(
  { capabilities, subscription }: PurgeProvider,
  cdns: ReadonlySet<string>,
  { records, clock }: Pick<SendPorts, 'records' | 'clock'>,
  { log }: Run,
): Promise<Hold | undefined> {
  const { purgesInFlight } = capabilities;
  if (purgesInFlight === undefined) return undefined;
  try {
    const open = await records.findOpenPurges();
    const now = clock.now();
    const inFlight = open.filter((purge) => cdns.has(purge.cdn) && countsUntil(purge) > now);
    if (inFlight.length < purgesInFlight) return undefined;
    const nextAt = inFlight.reduce(
      (first, one) => Math.min(first, one.nextPollAt, countsUntil(one)),
      Infinity,
    );
    return { until: instant(Math.max(nextAt, now) + AFTER_QUESTION_MS), times: 1, outcome: IN_FLIGHT };
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('The open purges cannot be counted: nothing goes where their number is limited.', {
      subscription,
      error: error.message,
    });
    return { until: instant(clock.now() + AFTER_TROUBLE_MS), times: 1, outcome: UNCOUNTED };
  }
}

/** When a purge of which no end is known no longer counts. */
export function countsUntil({ acceptedAt }: Pick<FoundOpenPurge, 'acceptedAt'>): Instant {
  return instant(acceptedAt + COUNTS_FOR_MS);
}

const HELD = {
  kind: 'failed',
  reason: 'purge-in-flight',
  sent: false,
  outcomeClass: 'transient',
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
} as const;

const IN_FLIGHT: NotAccepted = {
  ...HELD,
  detail: 'as many purges as may be are under way at the CDN: it goes when one has ended',
};

const UNCOUNTED: NotAccepted = { ...HELD, detail: 'the open purges could not be counted' };
