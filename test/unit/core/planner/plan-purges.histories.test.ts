// Real days are solved exactly, and the fast method comes close.

import { describe, expect, it } from 'vitest';

import { planPurges } from '../../../../src/lib/core/planner/plan-purges.ts';
import type { Plan, Problem } from '../../../../src/lib/core/planner/problem.ts';
import { daysOf, histories } from './histories.ts';

const QUOTAS = [
  [2000, 500],
  [400, 100],
  [200, 50],
  [100, 10],
] as const;
const DEPLOYMENTS_A_DAY = [1, 5, 20, 50];

describe.each(histories())('every day of $name', (history) => {
  const days = DEPLOYMENTS_A_DAY.flatMap((perDay) =>
    QUOTAS.flatMap((quota) => [...daysOf(history, perDay, quota)]),
  );

  it('is solved exactly', () => {
    const plans = days.map(planPurges);
    expect(plans.filter(({ isExact }) => !isExact)).toEqual([]);
    expect(plans.filter(({ waitingWeight, leastWaiting }) => waitingWeight !== leastWaiting)).toEqual([]);
    const short = days.filter(isShort).length;
    const longest = Math.max(...plans.map(({ longestLabelList }) => longestLabelList));
    const work = plans.map((plan) => plan.work);
    tell(
      `${history.name}: ${plans.length} days exact, ${short} short of files; longest label list ${longest}; ` +
        `work ${sum(work)} in all, ${Math.max(...work)} at most`,
    );
  });

  it('leaves as little waiting without any search, and evicts little more', () => {
    const pairs = days
      .filter(isShort)
      .map((day) => ({ exact: planPurges(day), fast: planPurges({ ...day, workLimit: 0 }) }));
    for (const { exact, fast } of pairs) {
      expect(fast.waitingWeight).toBe(exact.waitingWeight);
      expect(fast.cost).toBeGreaterThanOrEqual(exact.cost);
      expect(fast.bound).toBeLessThanOrEqual(exact.cost);
    }
    const gaps = pairs.map(gapPercent).toSorted((a, b) => a - b);
    tell(
      `${history.name}: without search the eviction gap of ${gaps.length} days is ` +
        `${gaps[gaps.length >> 1]?.toFixed(2)} % in the median, ${gaps.at(-1)?.toFixed(2)} % at worst`,
    );
    expect(gaps[gaps.length >> 1]).toBeLessThan(1);
  });
});

/** Numbers for people; nothing is judged by them. */
function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function isShort({ due, budgets }: Problem): boolean {
  return due.length > (budgets[0]?.left ?? 0);
}

function gapPercent({ exact, fast }: { readonly exact: Plan; readonly fast: Plan }): number {
  return (100 * (fast.evicts - exact.evicts)) / Math.max(exact.evicts, 1);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
