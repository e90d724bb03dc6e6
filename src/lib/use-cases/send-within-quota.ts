// Sends what the daily quota allows, reserved before it leaves; the rest is held back until the reset.

import type { CoalescedTarget } from '../core/coalesce.ts';
import { instant, type Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { planBatches, type Batch, type LocatedTarget } from '../core/purge-plan.ts';
import { targetKey } from '../core/purge-target.ts';
import { firstReset } from '../core/quota-days.ts';
import { unitOf, type QuotaPolicy, type QuotaUnit } from '../core/quota-ledger.ts';
import { waitMs } from '../core/settlement.ts';
import { sitesOf } from '../core/sites-of.ts';
import { pacedReset } from './day-spending.ts';
import { sendInTurn } from './endpoint-turn.ts';
import { findThrottling, holdBack, holdResting, holdThrottled, type Stop } from './hold-back.ts';
import type { Owner } from './owner.ts';
import type { Planning } from './plan-directories.ts';
import { planSending } from './plan-sending.ts';
import { StorageTrouble, type PurgeProvider, type Run } from './ports.ts';
import { findFlightHold, flightTurnOf } from './purges-in-flight.ts';
import { isManual, reserveQuota, settleQuota, type Grant } from './reserve-quota.ts';
import { sendBatch } from './send-batch.ts';
import type { SendPorts, SendResult } from './send-purges.ts';

export type Sending<O extends Owner> = {
  readonly provider: PurgeProvider;
  /** All that share its subscription. */
  readonly cdns: ReadonlySet<string>;
  readonly ports: SendPorts;
  readonly run: Run;
  readonly report: (result: SendResult<O>) => Promise<void>;
  /** Undefined: files go as files. */
  readonly planning?: Planning | undefined;
};

/**
 * Takes the located targets of one provider, the oldest first. Where it has a quota, a slice of what that allows is
 * reserved at a time, so that a host that dies in a call costs no more than that; what is released again goes to the
 * next.
 */
export async function sendWithinQuota<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  sending: Sending<O>,
): Promise<void> {
  const { provider, ports, run } = sending;
  const { quota } = provider;
  if (quota === undefined) {
    // A plan takes time and calls, and all of it would only wait.
    const hold = sending.planning && (await findFlightHold(provider, sending.cdns, ports, run));
    if (hold !== undefined) {
      return sending.report({ kind: 'held', targets, outcome: hold.outcome, until: hold.until });
    }
    const { going } = await planSending(targets, sending);
    // As by a quota: where few purges may be under way, a backlog may take hours.
    const inOrder = going.toSorted((a, b) => Number(isManual(b)) - Number(isManual(a)));
    return sendToEndpoints(inOrder, {
      ...sending,
      report(result) {
        noteSpending(result, quota, sending);
        return sending.report(result);
      },
    });
  }
  const free = await holdThrottled(
    await holdResting(targets, sending),
    sending,
    ({ probeAt }) => probeAt > ports.clock.now(),
  );
  const probed = await sendProbes(free, quota, sending);
  const { going, shortages } = await planSending(probed, sending);
  let next = going;
  while (next.length > 0 && run.mayBegin?.() !== false) {
    next = await holdThrottled(await holdResting(next, sending), sending, () => true);
    const grant = await reserveOrHold(next, quota, sending);
    if (grant === undefined) return;
    if (grant.granted.length === 0) {
      const left = new Set(grant.others);
      const isLeft = (target: LocatedTarget<O>): boolean => left.has(target);
      next = await holdUntilReset(grant.others, isLeft, quota, sending, shortages);
      continue;
    }
    await sendReserved(grant, quota, sending);
    next = grant.others;
  }
}

/** One URL of each kind that is throttled goes alone; what it is answered decides on the others. Gives those. */
async function sendProbes<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  quota: QuotaPolicy,
  sending: Sending<O>,
): Promise<readonly LocatedTarget<O>[]> {
  const reported = new Set<LocatedTarget<O>>();
  const spentUnits = new Set<QuotaUnit>();
  for (const [unit, ofUnit] of Map.groupBy(targets, unitOf)) {
    if (findThrottling(unit, sending) === undefined) continue;
    if (sending.run.mayBegin?.() === false) break;
    const grant = await reserveOrHold(ofUnit, quota, sending, 1);
    for (const target of grant?.granted ?? ofUnit) reported.add(target);
    if (grant === undefined) continue;
    if (grant.granted.length === 0) spentUnits.add(unit);
    else await sendReserved(grant, quota, sending);
  }
  const others = targets.filter((target) => !reported.has(target));
  // Their time is the reset, not that of the next probe.
  return holdUntilReset(others, (target) => spentUnits.has(unitOf(target)), quota, sending);
}

/** Undefined when nothing may be sent: without the ledger all of it waits for a moment. */
async function reserveOrHold<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  quota: QuotaPolicy,
  { provider, ports, run, report }: Sending<O>,
  most?: number,
): Promise<Grant<O> | undefined> {
  if (targets.length === 0) return undefined;
  try {
    return await reserveQuota(provider.subscription, targets, quota, ports, most);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('The quota ledger cannot be reached: nothing goes to the subscription without it.', {
      subscription: provider.subscription,
      error: error.message,
    });
    const until = instant(ports.clock.now() + waitMs(NO_LEDGER, 0));
    await report({ kind: 'held', targets, outcome: NO_LEDGER, until });
    return undefined;
  }
}

async function sendReserved<O extends Owner>(
  { reservationId, granted }: Grant<O>,
  quota: QuotaPolicy,
  sending: Sending<O>,
): Promise<void> {
  const spent: CoalescedTarget<O>[] = [];
  const reported = new Set<CoalescedTarget<O>>();
  const note = async (result: SendResult<O>): Promise<void> => {
    const mayBeSpent =
      result.kind === 'purged' || (result.kind === 'tried' && result.outcome.outcomeClass === 'unknown');
    if (mayBeSpent) spent.push(...result.targets);
    for (const target of result.targets) reported.add(target);
    noteSpending(result, quota, sending);
    await sending.report(result);
  };
  try {
    await sendToEndpoints(granted, { ...sending, report: note });
  } catch (error) {
    // Storage trouble ends a turn only between two purges. After anything else, some may have been accepted: what
    // nobody told of counts as spent.
    if (!(error instanceof StorageTrouble)) spent.push(...granted.filter((target) => !reported.has(target)));
    throw error;
  } finally {
    await settleOrLeave(reservationId, spent, quota, sending);
  }
}

/** A directory that the planner chose and the CDN refuses was nobody's wish: its files go as files from now on. */
function noteSpending<O extends Owner>(
  result: SendResult<O>,
  quota: QuotaPolicy | undefined,
  { planning, ports }: Sending<O>,
): void {
  if (planning === undefined) return;
  const { spending } = planning;
  if (result.kind === 'unpurgeable') {
    for (const { target, claims } of result.targets) {
      if (target.kind === 'directory' && claims.every((claim) => claim.target.kind === 'file')) {
        spending.refuse(target.url);
      }
    }
  }
  if (result.kind !== 'purged' || quota === undefined) return;
  const reset = pacedReset(ports.clock.now(), quota);
  const worth = filesWorthADirectory(quota);
  for (const { target, claims } of result.targets) {
    // One purge, however many changes asked for it.
    const served = new Map(claims.map((claim) => [targetKey(claim.target), claim.target]));
    const units = target.kind === 'file' ? 1 : worth / Math.max(served.size, 1);
    for (const one of served.values()) if (one.kind === 'file') spending.note(one, units, reset);
  }
}

/** As many files as there are for each directory. */
function filesWorthADirectory({ budgets }: QuotaPolicy): number {
  const limitOf = (kind: 'perFile' | 'perDirectory'): number =>
    budgets.reduce(
      (least, budget) => (budget[kind] > 0 ? Math.min(least, budget.limit / budget[kind]) : least),
      Infinity,
    );
  return limitOf('perFile') / Math.max(limitOf('perDirectory'), 1);
}

/** A reservation that could not be settled stays spent: too little is sent then, never too much. */
async function settleOrLeave<O extends Owner>(
  reservationId: string,
  spent: readonly CoalescedTarget<O>[],
  quota: QuotaPolicy,
  { provider, ports, run }: Sending<O>,
): Promise<void> {
  try {
    await settleQuota(provider.subscription, reservationId, spent, quota, ports);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('The quota ledger could not be settled: what was reserved counts as spent.', {
      error: error.message,
    });
  }
}

/** Gives the others, and what was only covered by a directory that waits: it may go on its own. */
async function holdUntilReset<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  hasToWait: (target: LocatedTarget<O>) => boolean,
  quota: QuotaPolicy,
  sending: Sending<O>,
  shortages: ReadonlyMap<LocatedTarget<O>, string> = new Map(),
): Promise<readonly LocatedTarget<O>[]> {
  const until = firstReset(sending.ports.clock.now(), quota);
  tellOfSpentQuota(targets.filter(hasToWait), until, sending);
  // One object for all that wait for the same.
  const stops = new Map<string, Stop>();
  const stopFor = (detail: string): Stop => {
    const stop = stops.get(detail) ?? { outcome: { ...QUOTA_SPENT, detail }, until };
    stops.set(detail, stop);
    return stop;
  };
  return holdBack(targets, sending, (target) =>
    hasToWait(target) ? stopFor(shortages.get(target) ?? QUOTA_SPENT.detail) : undefined,
  );
}

/** Once for each reset and kind of URL. */
function tellOfSpentQuota<O extends Owner>(
  waiting: readonly LocatedTarget<O>[],
  until: Instant,
  { provider, ports, run }: Sending<O>,
): void {
  const { subscription } = provider;
  const counts = Map.groupBy(waiting, unitOf);
  const news = [...counts.keys()].filter((unit) => ports.holds.isNews(`${unit} ${subscription}`, until));
  if (news.length === 0) return;
  const files = counts.get('files')?.length ?? 0;
  const directories = counts.get('directories')?.length ?? 0;
  run.telemetry.track({
    name: 'quota-spent',
    subscription,
    by: 'ledger',
    unit: undefined,
    sites: sitesOf(waiting),
    files,
    directories,
    until,
  });
  run.log.warn('The daily quota leaves nothing for these before its reset: they wait.', {
    subscription,
    files,
    directories,
    until: new Date(until).toISOString(),
  });
}

async function sendToEndpoints<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  { provider, cdns, ports, run, report }: Sending<O>,
): Promise<void> {
  const flightTurn = flightTurnOf(provider);
  const byEndpoint = Map.groupBy(
    planBatches(targets, provider.limits, provider.capabilities),
    ({ endpointId }) => endpointId,
  );
  const sending = [...byEndpoint.values()].map((batches) =>
    sendInTurn(batches, {
      provider,
      holds: ports.holds,
      clock: ports.clock,
      run,
      report,
      inTurn: (work) => ports.endpointTurns.run(flightTurn ?? turnKeyOf(batches), work),
      findFlightHold: () => findFlightHold(provider, cdns, ports, run),
      send: (batch) => sendBatch(batch, provider, ports, run),
    }),
  );
  const trouble = (await Promise.allSettled(sending)).find((one) => one.status === 'rejected');
  if (trouble !== undefined) throw trouble.reason;
}

function turnKeyOf<O>([first]: readonly Batch<O>[]): string {
  return `${first?.cdn} ${first?.endpointId}`;
}

const NOT_SENT = {
  kind: 'failed',
  sent: false,
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
} as const;

const QUOTA_SPENT = {
  ...NOT_SENT,
  reason: 'quota-spent',
  detail: 'the daily quota leaves nothing for it before the reset',
  outcomeClass: 'quota-exhausted',
} as const;

const NO_LEDGER: NotAccepted = {
  ...NOT_SENT,
  reason: 'no-ledger',
  detail: 'the quota ledger could not be written',
  outcomeClass: 'transient',
};
