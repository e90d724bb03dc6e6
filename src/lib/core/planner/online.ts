// One plan of a day whose rest is unknown: what goes now, and what had better wait.

import { hoursToNextUnit, withoutHot, type HotSettings } from './hot-targets.ts';
import { sortNewBlobs, type NewBlobs } from './new-blobs.ts';
import { filesToSpare, pricesAt, type PacedBudget, type PriceSettings } from './prices.ts';
import { LEAST_PRICE, type DueFile, type Evicts, type Plan, type Policy, type Prices } from './problem.ts';
import { planWithinShares, type Shares } from './site-shares.ts';

/** A due target and how it stands in its day. */
export type WaitingDue = Omit<DueFile, 'waitCost'> & {
  /** Since its oldest change. */
  readonly ageHours: number;
  /** File units that it took since the reset; of a directory purge, its part of the files that a directory is worth. */
  readonly spentToday: number;
  /** A name that the inventory has never seen. */
  readonly isNew?: boolean | undefined;
};

export type OnlineSettings = PriceSettings &
  HotSettings & {
    /** Evicted objects that one hour of one stale target is worth. */
    readonly staleCost: number;
    /** The longest that a target waits by choice. */
    readonly maxStalenessHours: number;
    /** This long before the reset, nothing waits by choice any more. */
    readonly lastCallHours: number;
    readonly newBlobs: NewBlobs;
  };

export type OnlineProblem = {
  readonly due: readonly WaitingDue[];
  /** What is left without the share for manual purges. */
  readonly budgets: readonly PacedBudget[];
  readonly shares?: Shares | undefined;
  readonly dayHours: number;
  readonly hoursToReset: number;
  readonly policy: Policy;
  readonly evicts: Evicts;
  readonly settings: OnlineSettings;
  /** Of each of the dozen plans that finding a price may take. */
  readonly workLimit: number;
};

export type OnlinePlan = {
  readonly plan: Plan;
  readonly prices: Prices;
  /** In how many hours each target that waits gets its turn at the latest, by its id. */
  readonly atLatestHours: ReadonlyMap<number, number>;
  /** In how many hours another look is worth it; none when nothing waits by choice. */
  readonly againInHours: number | undefined;
  /** Ids of new blobs that are never purged, by the setting. */
  readonly dropped: readonly number[];
};

/** Proved on both published traces from 1 to 50 deployments a day, and on mixes of 40 hosts: npm run bench:planner. */
export const defaultOnlineSettings: OnlineSettings = {
  usualShare: 0.4,
  leastShare: 0.2,
  steepness: 1,
  dearest: 4,
  hotShare: 0.5,
  staleCost: 1,
  maxStalenessHours: 4,
  lastCallHours: 1 / 60,
  newBlobs: 'purge',
};

/** Enough to tell prices apart that lie a thousandfold from each other. */
const PRICE_STEPS = 10;

/** What waiting costs a target that is not to have its next unit yet. */
const HELD = 0;

/** A price falls as the day goes on, so that what waits may go before its time. */
const LONGEST_LOOK_HOURS = 5 / 60;

/**
 * Takes what is due and how the day stands, gives the plan at prices that fit what it leaves over: a plan that spends
 * much pays more for its units, as those after it would.
 */
export function planOnline(problem: OnlineProblem): OnlinePlan {
  const { budgets, hoursToReset, dayHours, settings } = problem;
  const isLastCall = hoursToReset <= settings.lastCallHours;
  const shareLeft = isLastCall ? 0 : Math.min(hoursToReset / dayHours, 1);
  const { now, ifThereIsRoom, dropped } = sortNewBlobs(problem.due, settings.newBlobs);
  const asked = { ...problem, due: now };
  const heldHours = isLastCall
    ? new Map<number, number>()
    : hoursToNextUnit(now, budgets, dayHours, hoursToReset, settings);
  const waitCosts = isLastCall ? new Map<number, number>() : waitCostsOf(asked, heldHours);
  const { plan, prices } = planAtFittingPrices(asked, waitCosts, shareLeft);
  const room = filesToSpare(budgets.map(spentBy(plan)), shareLeft, settings);
  const whole = withNewBlobs(plan, ifThereIsRoom, room);
  const atLatestHours = latestOf(whole, problem, prices, heldHours);
  return {
    plan: namingHot(whole, now, heldHours),
    prices,
    atLatestHours,
    againInHours: againIn(whole, atLatestHours),
    dropped: dropped.map(({ id }) => id).toSorted((a, b) => a - b),
  };
}

/**
 * What a plan spends falls as prices rise, and what a unit is worth rises with what is spent: the price is where they
 * meet when nobody waits. At that price, who may wait chooses.
 */
function planAtFittingPrices(
  problem: OnlineProblem,
  waitCosts: ReadonlyMap<number, number>,
  shareLeft: number,
): { readonly plan: Plan; readonly prices: Prices } {
  const { budgets, settings } = problem;
  const pricesWith = (left: readonly PacedBudget[]): Prices =>
    pricesAt(withoutHot(left, problem.due, shareLeft), shareLeft, settings);
  const pricesAfter = (plan: Plan): Prices => pricesWith(budgets.map(spentBy(plan)));
  const held = heldOnly(waitCosts);
  let low = pricesWith(budgets);
  let prompt = planAt(low, problem, held);
  let high = pricesAfter(prompt);
  if (isDearer(high, low)) {
    for (let step = 0; step < PRICE_STEPS; step++) {
      const prices = between(low, high);
      if (isDearer(pricesAfter(planAt(prices, problem, held)), prices)) low = prices;
      else high = prices;
    }
    prompt = planAt(high, problem, held);
  } else high = low;
  if (high.file === LEAST_PRICE) return { plan: prompt, prices: high };
  const patient = planAt(high, problem, affordableAt(high, problem, prompt, waitCosts, shareLeft));
  const isSafe = leftForLater(patient, problem).leastWaiting <= prompt.leastWaiting;
  return { plan: isSafe ? patient : prompt, prices: high };
}

/** The plan of what waits by choice, with what is left after a plan: what has to wait in it had better go now. */
function leftForLater(plan: Plan, problem: OnlineProblem): Plan {
  const waits = new Set(plan.waiting.map(({ id }) => id));
  return planAt(
    { file: 0, directory: 0 },
    {
      ...problem,
      due: problem.due.filter(({ id }) => waits.has(id)),
      budgets: problem.budgets.map(spentBy(plan)),
    },
    new Map(),
  );
}

function heldOnly(waitCosts: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return new Map([...waitCosts].filter(([, cost]) => cost === HELD));
}

/**
 * Many of one age would all wait at one price and all go at the next. So the wait of as many as the rising price allows
 * is ended one by one, the oldest first: of those that go as files when nobody waits. Gives the others' costs.
 */
function affordableAt(
  prices: Prices,
  problem: OnlineProblem,
  prompt: Plan,
  waitCosts: ReadonlyMap<number, number>,
  shareLeft: number,
): ReadonlyMap<number, number> {
  const { due, budgets, settings } = problem;
  const patient = planAt(prices, problem, waitCosts);
  const waits = new Set(patient.waiting.map(({ id }) => id));
  const files = new Set(prompt.files);
  const inTurn = due
    .filter(({ id, group }) => waits.has(id) && files.has(id) && group === undefined)
    .toSorted((a, b) => b.ageHours - a.ageHours || a.id - b.id);
  const waiting = new Map(waitCosts);
  let after = budgets.map(spentBy(patient));
  for (const { id } of inTurn) {
    after = after.map((budget) => ({ ...budget, left: budget.left - budget.perFile }));
    if (
      pricesAt(withoutHot(after, due, shareLeft), shareLeft, settings).file > (waitCosts.get(id) ?? Infinity)
    )
      break;
    waiting.delete(id);
  }
  return waiting;
}

function planAt(prices: Prices, problem: OnlineProblem, waitCosts: ReadonlyMap<number, number>): Plan {
  const { due, budgets, shares, policy, evicts, workLimit } = problem;
  return planWithinShares(
    {
      due: due.map(({ id, site, path, weight, group }): DueFile => {
        return { id, site, path, weight, group, waitCost: waitCosts.get(id) };
      }),
      budgets,
      prices,
      policy,
      evicts,
      workLimit,
    },
    shares,
  );
}

/** What waiting costs so far of each that may wait by choice. */
function waitCostsOf(
  { due, policy, evicts, settings }: OnlineProblem,
  heldHours: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> {
  const { staleCost, maxStalenessHours } = settings;
  const canSave = directoriesThatMayGo(policy, evicts);
  const costs = new Map<number, number>();
  for (const { id, site, path, ageHours, spentToday } of due) {
    if (ageHours >= maxStalenessHours) continue;
    if (heldHours.has(id)) costs.set(id, HELD);
    // Waiting saves a unit where others may join it, or a next change: not for the first change where only files may go.
    else if (spentToday > 0 || canSave(site, path)) {
      // On the clock a unit costs the least price, and only what is hot has to wait for that.
      costs.set(id, Math.max(exact(ageHours * staleCost), LEAST_PRICE));
    }
  }
  return costs;
}

/** Whether some directory above a path may be purged as a whole; remembers its answers. */
function directoriesThatMayGo(
  { isAllowed, mostEvicted }: Policy,
  evicts: Evicts,
): (site: string, path: string) => boolean {
  const known = new Map<string, boolean>();
  const mayGo = (site: string, path: string): boolean => {
    const directory = path.slice(0, path.lastIndexOf('/') + 1);
    if (directory === '') return false;
    const key = `${site} ${directory}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const may =
      (isAllowed(site, directory) && (evicts(site, directory) ?? Infinity) <= mostEvicted) ||
      mayGo(site, directory.slice(0, -1));
    known.set(key, may);
    return may;
  };
  return mayGo;
}

/** New blobs get the files that are to spare, the oldest first; what a directory purge takes along is gone anyway. */
function withNewBlobs(plan: Plan, fresh: readonly WaitingDue[], room: number): Plan {
  if (fresh.length === 0) return plan;
  const uncovered = fresh
    .filter((target) => !plan.directories.some((purged) => isIn(target, purged)))
    .toSorted((a, b) => b.ageHours - a.ageHours || a.id - b.id);
  const files = [...plan.files, ...uncovered.slice(0, room).map(({ id }) => id)];
  const waiting = uncovered.slice(room).map(({ id }): Plan['waiting'][number] => {
    return { id, why: { kind: 'new-blob' } };
  });
  return {
    ...plan,
    directories: plan.directories.map((purged) => ({
      ...purged,
      covers: [
        ...purged.covers,
        ...fresh.filter((target) => isIn(target, purged)).map(({ id }) => id),
      ].toSorted((a, b) => a - b),
    })),
    files: files.toSorted((a, b) => a - b),
    waiting: [...plan.waiting, ...waiting].toSorted((a, b) => a.id - b.id),
  };
}

function namingHot(plan: Plan, due: readonly WaitingDue[], heldHours: ReadonlyMap<number, number>): Plan {
  if (heldHours.size === 0) return plan;
  const spentToday = new Map(due.map((target) => [target.id, target.spentToday]));
  return {
    ...plan,
    waiting: plan.waiting.map((one): Plan['waiting'][number] =>
      one.why.kind === 'by-choice' && heldHours.has(one.id)
        ? { id: one.id, why: { kind: 'hot', spentToday: spentToday.get(one.id) ?? 0 } }
        : one,
    ),
  };
}

function isIn({ site, path }: WaitingDue, purged: Plan['directories'][number]): boolean {
  return purged.site === site && path.startsWith(purged.directory);
}

/** At prices and ages as they are; prices fall as the day goes on if nobody spends. */
function latestOf(
  plan: Plan,
  { due, hoursToReset, settings }: OnlineProblem,
  prices: Prices,
  heldHours: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> {
  const byId = new Map(due.map((target) => [target.id, target]));
  return new Map(
    plan.waiting.map(({ id, why }) => {
      const target = byId.get(id);
      if (why.kind !== 'by-choice' || target === undefined) return [id, hoursToReset];
      const worthIt = heldHours.get(id) ?? prices.file / settings.staleCost - target.ageHours;
      const longest = settings.maxStalenessHours - target.ageHours;
      return [id, Math.max(Math.min(worthIt, longest, hoursToReset - settings.lastCallHours), 0)];
    }),
  );
}

function againIn(plan: Plan, atLatestHours: ReadonlyMap<number, number>): number | undefined {
  const byChoice = plan.waiting.filter(({ why }) => why.kind === 'by-choice' || why.kind === 'new-blob');
  if (byChoice.length === 0) return undefined;
  return byChoice.reduce(
    (least, { id }) => Math.min(least, atLatestHours.get(id) ?? least),
    LONGEST_LOOK_HOURS,
  );
}

function spentBy({ files, directories }: Plan): (budget: PacedBudget) => PacedBudget {
  return (budget) => ({
    ...budget,
    left: budget.left - budget.perFile * files.length - budget.perDirectory * directories.length,
  });
}

function isDearer(a: Prices, b: Prices): boolean {
  return a.file > b.file || a.directory > b.directory;
}

function between(low: Prices, high: Prices): Prices {
  return {
    file: exact(Math.sqrt(low.file * high.file)),
    directory: exact(Math.sqrt(low.directory * high.directory)),
  };
}

/** A multiple of the smallest price, so that sums do not depend on their order. */
function exact(price: number): number {
  return Math.round(price / LEAST_PRICE) * LEAST_PRICE;
}
