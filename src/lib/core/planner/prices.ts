// What a unit of quota is worth at this moment, in evicted objects: nothing much on the clock, a lot ahead of it.

import { LEAST_PRICE, type Budget, type Prices } from './problem.ts';

/** A limit of a CDN on what is spent in a day, or in one call. */
export type PacedBudget = Budget & {
  readonly limit: number;
  readonly per: 'day' | 'call';
  /** What a day took on average of late; not given: nobody knows yet. */
  readonly usualADay?: number | undefined;
};

export type PriceSettings = {
  /**
   * Share of a limit that a day is taken to need as long as nobody knows better. So much of it is kept back, by the
   * clock, before a unit gets dear: at 0.4, 60 % of the quota may go at once after the reset, 80 % by noon.
   */
  readonly usualShare: number;
  /** However little the days before took, this share is kept back by the clock. */
  readonly leastShare: number;
  /** Evicted objects that a file is worth when only half of what should be kept back is left. */
  readonly steepness: number;
  /** Evicted objects that a file is worth at most, for the sake of those that may come. */
  readonly dearest: number;
};

/** Dearer than this a unit never gets, spent quota included: sums of it stay exact. */
const HIGHEST_PRICE = 2 ** 20;

/** The directory is never worth more than this many files for the sake of the ratio of what is left alone. */
const MOST_FILES_A_DIRECTORY = 1024;

/**
 * Takes the budgets as a plan would leave them and the share of the day that is left, gives what a unit is then worth.
 * Base prices stand in the ratio of what is left; on top of them comes what spending ahead of the clock costs.
 */
export function pricesAt(
  budgets: readonly PacedBudget[],
  shareOfDayLeft: number,
  settings: PriceSettings,
): Prices {
  const base = basePrices(budgets);
  let file = 0;
  let directory = 0;
  for (const budget of budgets) {
    const price = priceOf(budget, shareOfDayLeft, settings);
    file += budget.perFile * price;
    directory += budget.perDirectory * price * exchangeOf(budgets, budget);
  }
  return { file: exact(base.file + file), directory: exact(base.directory + directory) };
}

/** A directory is worth as many files as there are files left for each directory left. */
function basePrices(budgets: readonly Budget[]): Prices {
  const scarcity = (kind: 'perFile' | 'perDirectory'): number =>
    budgets.reduce((sum, budget) => sum + budget[kind] / Math.max(budget.left, 1), 0);
  const file = scarcity('perFile');
  const ratio = file === 0 ? 1 : Math.round(scarcity('perDirectory') / file);
  return {
    file: LEAST_PRICE,
    directory: LEAST_PRICE * Math.min(Math.max(ratio, 1), MOST_FILES_A_DIRECTORY),
  };
}

/** A unit of a budget of few units is dearer than one of a budget of many. */
function exchangeOf(budgets: readonly PacedBudget[], budget: PacedBudget): number {
  const most = budgets.reduce((limit, other) => Math.max(limit, other.limit), 1);
  return most / Math.max(budget.limit, 1);
}

function priceOf(budget: PacedBudget, shareOfDayLeft: number, settings: PriceSettings): number {
  if (budget.per === 'call') return 0;
  const keptBack = shareOfDayLeft * neededADay(budget, settings);
  if (budget.left >= keptBack) return 0;
  const price = settings.steepness * (keptBack / Math.max(budget.left, 2 ** -10) - 1);
  return Math.min(price, settings.dearest);
}

/** How many files can go without making a unit dear for what the rest of the day usually needs. */
export function filesToSpare(
  budgets: readonly PacedBudget[],
  shareOfDayLeft: number,
  settings: PriceSettings,
): number {
  return budgets
    .filter(({ perFile }) => perFile > 0)
    .reduce((files, budget) => {
      const keptBack = budget.per === 'call' ? 0 : shareOfDayLeft * neededADay(budget, settings);
      return Math.min(files, Math.max(Math.floor((budget.left - keptBack) / budget.perFile), 0));
    }, Infinity);
}

function neededADay({ limit, usualADay }: PacedBudget, { usualShare, leastShare }: PriceSettings): number {
  return Math.min(Math.max(usualADay ?? usualShare * limit, leastShare * limit), limit);
}

/** A multiple of the smallest price, so that sums of prices do not depend on their order. */
function exact(price: number): number {
  return Math.round(Math.min(price, HIGHEST_PRICE) / LEAST_PRICE) * LEAST_PRICE;
}
