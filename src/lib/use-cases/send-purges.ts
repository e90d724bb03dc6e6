// Sends what is claimed, in as few purges as the limits allow: the one way to the CDN, for the flush and for people.

import { ownersOf, type CoalescedTarget } from '../core/coalesce.ts';
import type { Instant } from '../core/instant.ts';
import { CONSEQUENCES } from '../core/outcome-class.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { planBatches, type Batch, type LocatedTarget } from '../core/purge-plan.ts';
import { nextReset } from '../core/quota-days.ts';
import type { QuotaPolicy } from '../core/quota-ledger.ts';
import type { OpenPurge } from '../core/purge-record.ts';
import { beginTracking } from '../core/purge-tracking.ts';
import { describeAttempt, trackNotAccepted } from './attempt-telemetry.ts';
import { sendInTurn, type Sent } from './endpoint-turn.ts';
import type { Hold, Holds } from './holds.ts';
import { locateTargets } from './locate-targets.ts';
import type { Owner } from './owner.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import {
  StorageTrouble,
  type Clock,
  type LedgerStore,
  type PurgeProvider,
  type PurgeRecords,
  type Run,
} from './ports.ts';
import { reserveQuota, settleQuota } from './reserve-quota.ts';
import { purgeIdOf } from './purge-id.ts';
import { stopSending, subscriptionKey } from './stop-sending.ts';

export type SendPorts = {
  readonly clock: Clock;
  readonly records: PurgeRecords;
  /** One purge in flight for each endpoint of this process. */
  readonly endpointTurns: OneAtATime;
  readonly newId: () => string;
  readonly ledgers: LedgerStore;
  /** What must not be sent for now. */
  readonly holds: Holds;
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
 * Throws what `onResult` or the records throw, once every endpoint has ended.
 */
export async function sendPurges<O extends Owner>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
  ports: SendPorts,
  run: Run,
  onResult: (result: SendResult<O>) => Promise<void>,
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
  for (const { outcome, targets: lostTargets } of lost) {
    trackLost(lostTargets, outcome, ports, run);
    const hold = stopIfSubscription(lostTargets, outcome, providers, ports, run);
    await report({ kind: 'tried', targets: lostTargets, outcome, until: hold?.until });
  }
  const sending = located.map(({ provider, targets: ofProvider }) =>
    sendWithinQuota(ofProvider, { provider, ports, run, report }),
  );
  const trouble = (await Promise.allSettled(sending)).find((one) => one.status === 'rejected');
  if (trouble !== undefined) throw trouble.reason;
  return summarise(results);
}

type Sending<O extends Owner> = {
  readonly provider: PurgeProvider;
  readonly ports: SendPorts;
  readonly run: Run;
  readonly report: (result: SendResult<O>) => Promise<void>;
};

/** Sends what the daily quota allows, reserved before it leaves; the rest is held back until the reset. */
async function sendWithinQuota<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  sending: Sending<O>,
): Promise<void> {
  const { provider, ports, run, report } = sending;
  const { subscription, quota } = provider;
  if (quota === undefined) return sendToEndpoints(targets, sending);
  const { reservationId, granted, waiting } = await reserveQuota(subscription, targets, quota, ports);
  if (waiting.length > 0) {
    const until = nextReset(ports.clock.now(), quota);
    tellOfSpentQuota(subscription, waiting, until, run);
    await report({ kind: 'held', targets: waiting, outcome: QUOTA_SPENT, until });
  }
  if (granted.length === 0) return;
  const spent: CoalescedTarget<O>[] = [];
  const reported = new Set<CoalescedTarget<O>>();
  const note = async (result: SendResult<O>): Promise<void> => {
    const mayBeSpent =
      result.kind === 'purged' || (result.kind === 'tried' && result.outcome.outcomeClass === 'unknown');
    if (mayBeSpent) spent.push(...result.targets);
    for (const target of result.targets) reported.add(target);
    await report(result);
  };
  try {
    await sendToEndpoints(granted, { ...sending, report: note });
  } catch (error) {
    // Some may have been accepted and not come on record: what nobody told of counts as spent.
    spent.push(...granted.filter((target) => !reported.has(target)));
    throw error;
  } finally {
    await settleOrLeave(subscription, reservationId, spent, quota, ports, run);
  }
}

async function sendToEndpoints<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  { provider, ports, run, report }: Sending<O>,
): Promise<void> {
  const endpoints = groupByEndpoint(planBatches(targets, provider.limits));
  const sending = endpoints.map((batches) =>
    sendInTurn(batches, {
      provider,
      holds: ports.holds,
      clock: ports.clock,
      run,
      report,
      inTurn: (work) => ports.endpointTurns.run(turnKeyOf(batches), work),
      send: (batch) => sendBatch(batch, provider, ports, run),
    }),
  );
  const trouble = (await Promise.allSettled(sending)).find((one) => one.status === 'rejected');
  if (trouble !== undefined) throw trouble.reason;
}

const QUOTA_SPENT: NotAccepted = {
  kind: 'failed',
  reason: 'quota-spent',
  detail: 'the daily quota leaves nothing for it before the reset',
  sent: false,
  outcomeClass: 'quota-exhausted',
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
};

function tellOfSpentQuota<O extends Owner>(
  subscription: string,
  waiting: readonly CoalescedTarget<O>[],
  until: Instant,
  { log, telemetry }: Run,
): void {
  const files = waiting.filter(({ target }) => target.kind === 'file').length;
  const directories = waiting.length - files;
  telemetry.track({ name: 'quota-spent', subscription, files, directories, until });
  log.warn('The daily quota leaves nothing for these before its reset: they wait.', {
    subscription,
    files,
    directories,
  });
}

/** A reservation that could not be settled stays spent: too little is sent then, never too much. */
async function settleOrLeave<O extends Owner>(
  subscription: string,
  reservationId: string,
  spent: readonly CoalescedTarget<O>[],
  quota: QuotaPolicy,
  ports: SendPorts,
  { log }: Run,
): Promise<void> {
  try {
    await settleQuota(subscription, reservationId, spent, quota, ports);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('The quota ledger could not be settled: what was reserved counts as spent.', {
      error: error.message,
    });
  }
}

async function sendBatch<O extends Owner>(
  batch: Batch<O>,
  provider: PurgeProvider,
  { clock, records, newId }: SendPorts,
  run: Run,
): Promise<Sent<O>> {
  const owners = ownersOf(batch.targets);
  const linkedTraceparents = owners.flatMap(({ cause }) => cause.traceparent ?? []);
  const outcome = await provider.submit({ ...batch, linkedTraceparents });
  const now = clock.now();
  const attempt = describeAttempt(
    { ...batch, owners, files: batch.files.length, directories: batch.directories.length },
    now,
  );
  if (outcome.kind !== 'accepted') {
    trackNotAccepted(attempt, outcome, run);
    return { kind: 'not-accepted', outcome };
  }
  const { taskId, correlationId } = outcome;
  const record = beginTracking({
    id: purgeIdOf(now, newId()),
    acceptedAt: now,
    cdn: batch.cdn,
    endpointId: batch.endpointId,
    files: batch.files,
    directories: batch.directories,
    taskId,
    correlationId,
    attempt: attempt.attempt,
    causes: owners.map(({ cause }) => cause),
  });
  run.telemetry.track({ name: 'purge-accepted', ...attempt, purgeId: record.id, taskId, correlationId });
  await records.savePurge(record);
  return { kind: 'purged', targets: batch.targets, record };
}

/** A subscription that rests is not asked for its endpoints either. */
function withoutResting<O>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
  { holds, clock }: SendPorts,
) {
  const free: CoalescedTarget<O>[] = [];
  const resting: { readonly hold: Hold; readonly targets: readonly CoalescedTarget<O>[] }[] = [];
  for (const [cdn, ofCdn] of Map.groupBy(targets, ({ target }) => target.cdn)) {
    const provider = providers.get(cdn);
    const hold = provider && holds.find([subscriptionKey(provider)], clock.now());
    if (hold === undefined) free.push(...ofCdn);
    else resting.push({ hold, targets: ofCdn });
  }
  return { free, resting };
}

/** What the CDN refuses when it is asked for its endpoints may concern the whole subscription. */
function stopIfSubscription<O>(
  [first]: readonly CoalescedTarget<O>[],
  outcome: NotAccepted,
  providers: ReadonlyMap<string, PurgeProvider>,
  { holds, clock }: SendPorts,
  run: Run,
): Hold | undefined {
  if (first === undefined || CONSEQUENCES[outcome.outcomeClass].holds !== 'subscription') return undefined;
  const { cdn } = first.target;
  const provider = providers.get(cdn);
  if (provider === undefined) return undefined;
  const place = { cdn, endpointId: undefined, subscription: provider.subscription };
  return stopSending(outcome, place, { holds, clock, run });
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
  const lost = { cdn: first.target.cdn, endpointId: undefined, owners: ownersOf(targets), ...sizes };
  trackNotAccepted(describeAttempt(lost, clock.now()), outcome, run);
}

function groupByEndpoint<O>(batches: readonly Batch<O>[]): readonly (readonly Batch<O>[])[] {
  return [...Map.groupBy(batches, ({ endpointId }) => endpointId).values()];
}

function turnKeyOf<O>([first]: readonly Batch<O>[]): string {
  return `${first?.cdn} ${first?.endpointId}`;
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
