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

/** What takes no more than this part of a day's files is ordinary, as long as all that do fit into the share. */
const ORDINARY_SHARE = 1 / 32;

/** Others may come to need so much more than it looks. */
const MARGIN = 1.25;

/** The part of the share that there is from the first minute on. */
const AT_ONCE = 0.1;

/**
 * Takes who is due and the share of the day that is gone, gives in how many hours each that must wait gets its next
 * unit. The share grows with the clock and is divided among the hot ones as evenly as their spending allows. It is no more
 * than what the others leave if they go on as they did so far today, but a tenth of it there always is; and what is
 * published often, but not all the time, is held by none of this.
 */
export function hoursToNextUnit(
  due: readonly Spender[],
  budgets: readonly PacedBudget[],
  dayHours: number,
  hoursToReset: number,
  { hotShare }: HotSettings,
): ReadonlyMap<number, number> {
  const hot = due.filter(({ spentToday }) => spentToday >= FREE_UNITS);
  const files = filesADay(budgets);
  if (hot.length === 0 || !Number.isFinite(files)) return new Map();
  const gone = Math.min(Math.max(1 - hoursToReset / dayHours, 0), 1);
  const most = hotShare * files;
  const share = Math.max(Math.min(most, files - MARGIN * othersADay(hot, budgets, gone)), AT_ONCE * most);
  const level = Math.max(
    levelOf(
      hot.map(({ spentToday }) => spentToday + 1),
      share * (AT_ONCE + (1 - AT_ONCE) * gone),
    ),
    Math.min(ordinaryUnits(budgets), most / hot.length),
  );
  const perHour = (share * (1 - AT_ONCE)) / dayHours / hot.length;
  return new Map(
    hot
      .map(({ id, spentToday }): [number, number] => [id, (spentToday + 1 - level) / perHour])
      .filter(([, hours]) => hours > 0),
  );
}

/** What all others take of a day's files if they go on as they did so far today. */
function othersADay(hot: readonly Spender[], budgets: readonly PacedBudget[], gone: number): number {
  const spent = budgets
    .filter(({ per, perFile }) => per === 'day' && perFile > 0)
    .reduce((most, { limit, left, perFile }) => Math.max(most, (limit - left) / perFile), 0);
  return Math.max(spent - hotSpending(hot, budgets), 0) / Math.max(gone, AT_ONCE);
}

/** Up to so many units a target is one of the others. */
function ordinaryUnits(budgets: readonly PacedBudget[]): number {
  return Math.max(ORDINARY_SHARE * filesADay(budgets), FREE_UNITS);
}

function hotSpending(due: readonly Spender[], budgets: readonly PacedBudget[]): number {
  const ordinary = ordinaryUnits(budgets);
  return due.reduce((sum, { spentToday }) => sum + (spentToday > ordinary ? spentToday : 0), 0);
}

/**
 * Takes the budgets and who is due, gives the budgets as they would be without what is hot: it is kept to the clock by
 * itself, and must not make units dear for the others.
 */
export function withoutHot(
  budgets: readonly PacedBudget[],
  due: readonly Spender[],
  shareOfDayLeft: number,
): readonly PacedBudget[] {
  const spent = hotSpending(due, budgets);
  if (spent === 0) return budgets;
  const aDay = spent / Math.max(1 - shareOfDayLeft, AT_ONCE);
  return budgets.map((budget) => {
    const { per, perFile, limit, left, usualADay } = budget;
    if (per === 'call') return budget;
    return {
      ...budget,
      left: Math.min(left + perFile * spent, limit),
      usualADay: usualADay === undefined ? undefined : Math.max(usualADay - perFile * aDay, 0),
    };
  });
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
