// What changes all day long gets its units by the clock, so that it neither eats the quota nor delays anything else.

import type { PacedBudget } from './prices.ts';

export type HotSettings = {
  /** Share of a day's files that the targets which take more than a few may take together. */
  readonly hotShare: number;
};

export type Spender = {
  readonly id: number;
  /** File units that it took since the reset; of a directory purge, its part of the files that a directory is worth. */
  readonly spentToday: number;
};

/** No target waits for having taken so many units. */
const FREE_UNITS = 8;

/** The part of the share that there is from the first minute on. */
const AT_ONCE = 0.1;

/**
 * Takes who is due and the share of the day that is gone, gives in how many hours each that must wait gets its next
 * unit. The share grows with the clock and is divided among the hot ones as evenly as their spending allows.
 */
export function hoursToNextUnit(
  due: readonly Spender[],
  budgets: readonly PacedBudget[],
  dayHours: number,
  hoursToReset: number,
  { hotShare }: HotSettings,
): ReadonlyMap<number, number> {
  const hot = due.filter(({ spentToday }) => spentToday >= FREE_UNITS);
  const share = hotShare * filesADay(budgets);
  if (hot.length === 0 || !Number.isFinite(share)) return new Map();
  const gone = Math.min(Math.max(1 - hoursToReset / dayHours, 0), 1);
  const level = levelOf(
    hot.map(({ spentToday }) => spentToday + 1),
    share * (AT_ONCE + (1 - AT_ONCE) * gone),
  );
  const perHour = (share * (1 - AT_ONCE)) / dayHours / hot.length;
  return new Map(
    hot
      .map(({ id, spentToday }): [number, number] => [id, (spentToday + 1 - level) / perHour])
      .filter(([, hours]) => hours > 0),
  );
}

/** The most that a day's budgets allow in files; without an end when none is for a day. */
function filesADay(budgets: readonly PacedBudget[]): number {
  return budgets
    .filter(({ per, perFile }) => per === 'day' && perFile > 0)
    .reduce((least, { limit, perFile }) => Math.min(least, limit / perFile), Infinity);
}

/** Up to where each may go so that all together stay within the share: who wants less leaves more to the others. */
function levelOf(wanted: readonly number[], share: number): number {
  let left = share;
  let others = wanted.length;
  for (const units of wanted.toSorted((a, b) => a - b)) {
    if (units * others > left) return Math.max(left / others, FREE_UNITS);
    left -= units;
    others -= 1;
  }
  return Infinity;
}
