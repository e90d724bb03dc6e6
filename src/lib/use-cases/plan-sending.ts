// Plans what is due on one provider by how its day stands, and tells what waits, and what is never purged.

import { instant } from '../core/instant.ts';
import type { PlannedGroup } from '../core/planner/problem.ts';
import type { PacedBudget } from '../core/planner/prices.ts';
import { spendOf } from '../core/purge-budget.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { startOfPath } from '../core/url-matching.ts';
import { quotaDays } from '../core/quota-days.ts';
import { unitOf } from '../core/quota-ledger.ts';
import { pacedReset } from './day-spending.ts';
import type { Owner } from './owner.ts';
import { isPlannable, planDirectories, type PlannedTargets, type PlannedWait } from './plan-directories.ts';
import type { SpendingDay } from './planning-problem.ts';
import { StorageTrouble, type Clock, type LedgerStore, type PurgeProvider } from './ports.ts';
import { recallSpending } from './recall-spending.ts';
import { quotaForEvents } from './reserve-quota.ts';
import type { Sending } from './send-within-quota.ts';

/** Folds files into directories where that saves quota, and holds back what can wait for a better moment. */
export async function planSending<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  sending: Sending<O>,
): Promise<Pick<PlannedTargets<O>, 'going' | 'shortages'>> {
  const { planning, provider, cdns, ports, run } = sending;
  const asGiven = { going: targets, shortages: new Map() };
  if (planning === undefined || targets.length === 0) return asGiven;
  const { quota, subscription } = provider;
  if (quota !== undefined) {
    await recallSpending(planning, { subscription, cdns }, quota, ports, run);
  }
  const day = await readDayOrNothing(targets, provider, ports);
  if (day === undefined) return asGiven;
  const planned = await planDirectories(targets, day, planning, ports.clock.now(), run);
  await tell(planned, sending);
  return planned;
}

/**
 * Takes what is due, gives what of the provider's budgets is left for the plan, beside what is due and not planned, and
 * when its day is over. A budget for a call allows as many times its limit as calls may be under way. Throws
 * StorageTrouble.
 */
export async function readSpendingDay<O extends Owner>(
  due: readonly LocatedTarget<O>[],
  { subscription, quota, budgets, limits, capabilities }: PurgeProvider,
  ports: { readonly clock: Clock; readonly ledgers: LedgerStore },
): Promise<SpendingDay> {
  const now = ports.clock.now();
  const calls = capabilities.purgesInFlight ?? Infinity;
  // Where hosts are listed, a path counts once for all of its hosts.
  const hostsAPath = capabilities.hosts === 'listed' ? due.length / Math.max(countPaths(due), 1) : 1;
  const beside = due.filter((target) => !isPlannable(target));
  const files = beside.filter((target) => unitOf(target) === 'files').length;
  const unplanned = { files, directories: beside.length - files };
  const perCall = budgets
    .filter(({ per }) => per === 'call')
    .map((budget): PacedBudget => {
      const limit = Math.floor(budget.limit * calls * hostsAPath);
      return { ...budget, limit, left: Math.max(limit - spendOf(budget, unplanned), 0) };
    });
  const { urlsPerRequest } = limits;
  if (quota === undefined) {
    return {
      budgets: perCall,
      shares: new Map(),
      reset: instant(now + DAY_MS),
      daysAtOnce: 1,
      urlsPerRequest,
      mostFilesOf: () => mostFilesIn(perCall),
    };
  }
  const day = await quotaForEvents(subscription, beside, quota, ports);
  const all = [...day.budgets, ...perCall];
  return {
    budgets: all,
    shares: day.shares,
    reset: pacedReset(now, quota),
    daysAtOnce: quotaDays(now, { ...quota, resetMarginMs: 0 }).length,
    urlsPerRequest,
    mostFilesOf: (site) => Math.min(mostFilesIn(all), quota.sites.get(site)?.max.files ?? Infinity),
  };
}

function mostFilesIn(budgets: readonly PacedBudget[]): number {
  return budgets.reduce(
    (most, { limit, perFile }) => (perFile > 0 ? Math.min(most, Math.floor(limit / perFile)) : most),
    Infinity,
  );
}

const DAY_MS = 24 * 3_600_000;

function countPaths(due: readonly LocatedTarget<unknown>[]): number {
  return new Set(due.map(({ target: { kind, url } }) => `${kind} ${url.slice(startOfPath(url))}`)).size;
}

/** Whoever cannot see what is left plans nothing: the reservation tells of the trouble. */
async function readDayOrNothing<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  provider: PurgeProvider,
  ports: Sending<O>['ports'],
): Promise<SpendingDay | undefined> {
  try {
    return await readSpendingDay(targets, provider, ports);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    return undefined;
  }
}

async function tell<O extends Owner>(
  { waiting, dropped, groups }: PlannedTargets<O>,
  { report, run }: Sending<O>,
): Promise<void> {
  const alike = Map.groupBy(waiting, ({ reason, until, why }) => `${reason} ${until} ${why}`);
  for (const waits of alike.values()) {
    const [first] = waits;
    if (first === undefined) continue;
    const targets = waits.map(({ target }) => target);
    await report({ kind: 'held', targets, outcome: outcomeOf(first), until: first.until });
  }
  if (dropped.length > 0) {
    run.log.info('New files are not purged, as `newBlobs` says.', { files: dropped.length });
    await report({ kind: 'not-needed', targets: dropped });
  }
  for (const { group, how } of groups) if (how !== 'waits') run.log.info(GROUP_TOLD[how], { group });
}

const GROUP_TOLD: Readonly<Record<Exclude<PlannedGroup['how'], 'waits'>, string>> = {
  directory: 'A group is larger than a request: it goes as a directory.',
  'consecutive-requests': 'A group is larger than a request: it goes in several, one after the other.',
  split: 'A directory purge takes some of a group along, and the others have to wait.',
};

function outcomeOf<O>({ reason, why }: PlannedWait<O>): NotAccepted {
  return { ...NOT_SENT, reason, detail: why };
}

const NOT_SENT = {
  kind: 'failed',
  sent: false,
  outcomeClass: 'quota-exhausted',
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
} as const;
