// Sends what is claimed, in as few purges as the limits allow: the one way to the CDN, for the flush and for people.

import { ownersOf, type CoalescedTarget } from '../core/coalesce.ts';
import type { Hold } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { OpenPurge } from '../core/purge-record.ts';
import { sitesOf } from '../core/sites-of.ts';
import { describeAttempt, trackNotAccepted } from './attempt-telemetry.ts';
import type { Holds } from './holds.ts';
import { groupByHost, locateTargets, placeOfHost } from './locate-targets.ts';
import type { Owner } from './owner.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import type { Clock, LedgerStore, PurgeProvider, PurgeRecords, Run } from './ports.ts';
import type { Planning } from './plan-directories.ts';
import type { RecentPurges } from './recent-purges.ts';
import { sendWithinQuota } from './send-within-quota.ts';
import { holdKeysOf, placeKey, stopSending, subscriptionKey } from './stop-sending.ts';

export type SendPorts = {
  readonly clock: Clock;
  readonly records: PurgeRecords;
  /** One call under way for each endpoint of this process, or for each subscription that limits purges in flight. */
  readonly endpointTurns: OneAtATime;
  readonly newId: () => string;
  readonly ledgers: LedgerStore;
  /** What must not be sent for now. */
  readonly holds: Holds;
  /** What was accepted of late. */
  readonly recent: RecentPurges;
};

/** What some targets came to, told as soon as it is known and, if accepted, on record. */
export type SendResult<O extends Owner> =
  | { readonly kind: 'purged'; readonly targets: readonly CoalescedTarget<O>[]; readonly record: OpenPurge }
  /** The CDN refuses this item, and took others: it will not go however often it is sent. */
  | {
      readonly kind: 'unpurgeable';
      readonly targets: readonly CoalescedTarget<O>[];
      readonly outcome: NotAccepted;
    }
  /** Nobody needs them purged: new files, where the configuration says so. */
  | { readonly kind: 'not-needed'; readonly targets: readonly CoalescedTarget<O>[] }
  | {
      /** `tried` and not accepted; or `held` back, because of what something before it was answered. */
      readonly kind: 'tried' | 'held';
      readonly targets: readonly CoalescedTarget<O>[];
      readonly outcome: NotAccepted;
      /** Not to be sent before. */
      readonly until?: Instant | undefined;
    };

export type SendSummary = {
  readonly accepted: number;
  readonly notAccepted: number;
  readonly urlsPurged: number;
  readonly correlationIds: readonly string[];
};

/**
 * Purges the targets. Endpoints go side by side, the batches of one endpoint one after the other.
 * Without `planning` files go as files. Throws what `onResult` or the records throw, once every endpoint has ended.
 */
export async function sendPurges<O extends Owner>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
  ports: SendPorts,
  run: Run,
  onResult: (result: SendResult<O>) => Promise<void>,
  planning?: Planning,
): Promise<SendSummary> {
  const results: SendResult<O>[] = [];
  const report = async (result: SendResult<O>): Promise<void> => {
    results.push(result);
    await onResult(result);
  };
  const { free, resting } = withoutResting(targets, providers, ports);
  for (const { hold, targets: held } of resting) {
    await report({ kind: 'held', targets: held, outcome: hold.outcome, until: hold.until });
  }
  const { located, lost } = await locateTargets(free, providers);
  for (const { outcome, ofHost, provider } of lost) {
    trackLost(ofHost.targets, outcome, ports, run);
    const place = { ...placeOfHost(ofHost, provider), sites: sitesOf(ofHost.targets) };
    const hold = stopSending(outcome, place, { ...ports, run });
    await report({ kind: 'tried', targets: ofHost.targets, outcome, until: hold.until });
  }
  for (const { targets: ofProvider, provider } of located) liftHosts(ofProvider, provider, ports);
  // What shares a quota, and is throttled together, goes one after the other.
  const bySubscription = Map.groupBy(located, ({ provider }) => provider.subscription);
  const sending = [...bySubscription].map(async ([subscription, ofSubscription]) => {
    const cdns = cdnsOf(subscription, providers);
    for (const { provider, targets: ofProvider } of ofSubscription) {
      await sendWithinQuota(ofProvider, { provider, cdns, ports, run, report, planning });
    }
  });
  const trouble = (await Promise.allSettled(sending)).find((one) => one.status === 'rejected');
  if (trouble !== undefined) throw trouble.reason;
  return summarise(results);
}

function cdnsOf(subscription: string, providers: ReadonlyMap<string, PurgeProvider>): ReadonlySet<string> {
  return new Set([...providers].flatMap(([cdn, one]) => (one.subscription === subscription ? [cdn] : [])));
}

/** A subscription that rests is not asked for its endpoints either, nor for one that it could not name just now. */
function withoutResting<O>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
  { holds, clock }: SendPorts,
) {
  const now = clock.now();
  const held = new Set<CoalescedTarget<O>>();
  const resting: { readonly hold: Hold; readonly targets: readonly CoalescedTarget<O>[] }[] = [];
  for (const ofHost of groupByHost(targets)) {
    const provider = providers.get(ofHost.cdn);
    const place = provider && placeOfHost(ofHost, provider);
    const hold =
      place &&
      holds.find(ofHost.endpointId === undefined ? holdKeysOf(place) : [subscriptionKey(place)], now);
    if (hold === undefined) continue;
    resting.push({ hold, targets: ofHost.targets });
    for (const target of ofHost.targets) held.add(target);
  }
  return { free: targets.filter((target) => !held.has(target)), resting };
}

/** A host whose endpoint is known has nothing to wait for. */
function liftHosts<O>(
  located: readonly CoalescedTarget<O>[],
  provider: PurgeProvider,
  { holds, clock }: SendPorts,
): void {
  for (const ofHost of groupByHost(located)) {
    if (ofHost.endpointId === undefined) holds.lift([placeKey(placeOfHost(ofHost, provider))], clock.now());
  }
}

function trackLost<O extends Owner>(
  targets: readonly CoalescedTarget<O>[],
  outcome: NotAccepted,
  { clock }: SendPorts,
  run: Run,
): void {
  const [first] = targets;
  if (first === undefined) return;
  const files = targets.filter(({ target }) => target.kind === 'file').length;
  const sizes = { files, directories: targets.length - files };
  const whose = { cdn: first.target.cdn, endpointId: undefined, sites: sitesOf(targets) };
  const lost = { ...whose, owners: ownersOf(targets), ...sizes };
  trackNotAccepted(describeAttempt(lost, clock.now()), outcome, run);
}

function summarise<O extends Owner>(results: readonly SendResult<O>[]): SendSummary {
  const records = results.flatMap((result) => (result.kind === 'purged' ? [result.record] : []));
  return {
    accepted: records.length,
    notAccepted: results.filter(({ kind }) => kind === 'tried' || kind === 'unpurgeable').length,
    urlsPurged: records.reduce((sum, { files, directories }) => sum + files.length + directories.length, 0),
    correlationIds: records.flatMap(({ correlationId }) =>
      correlationId === undefined ? [] : [correlationId],
    ),
  };
}
