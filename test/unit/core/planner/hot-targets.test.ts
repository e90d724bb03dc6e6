import { describe, expect, it } from 'vitest';

import { hoursToNextUnit, withoutHot, type Spender } from '../../../../src/lib/core/planner/hot-targets.ts';
import type { PacedBudget } from '../../../../src/lib/core/planner/prices.ts';

const china: readonly PacedBudget[] = [
  { perFile: 1, perDirectory: 0, left: 2000, limit: 2000, per: 'day' },
  { perFile: 0, perDirectory: 1, left: 500, limit: 500, per: 'day' },
];
const DAY_HOURS = 24;

function waitsAt(hoursToReset: number, ...spentToday: number[]): ReadonlyMap<number, number> {
  const due = spentToday.map((spent, id): Spender => ({ id, spentToday: spent }));
  return hoursToNextUnit(due, china, DAY_HOURS, hoursToReset, { hotShare: 0.5 });
}

/** Asks for the same targets every ten seconds of a day, gives what each took. */
function spendAllDay(targets: number): number[] {
  const spent = Array.from({ length: targets }, () => 0);
  for (let second = 0; second < 86_400; second += 10) {
    const held = waitsAt(DAY_HOURS - second / 3600, ...spent);
    for (const id of spent.keys()) if (!held.has(id)) spent[id] = (spent[id] ?? 0) + 1;
  }
  return spent;
}

describe('what changes all day long', () => {
  it('takes about its share of the files in a day, not more', () => {
    const [units = 0] = spendAllDay(1);
    expect(units).toBeGreaterThan(950);
    expect(units).toBeLessThanOrEqual(1001);
  });

  it('shares it evenly when several do', () => {
    const spent = spendAllDay(10);
    expect(Math.max(...spent) - Math.min(...spent)).toBeLessThanOrEqual(1);
    expect(spent.reduce((sum, units) => sum + units, 0)).toBeLessThanOrEqual(1010);
  });

  it('waits the shorter, the later it is', () => {
    const morning = waitsAt(18, 600).get(0) ?? 0;
    const evening = waitsAt(12, 600).get(0) ?? 0;
    expect(morning).toBeGreaterThan(evening);
    expect(evening).toBeGreaterThan(0);
    expect(waitsAt(6, 600).size).toBe(0);
  });
});

/** The budgets when others and what is hot took so many files. */
function spentBy(others: number, hot: number): readonly PacedBudget[] {
  return china.map((budget) => ({ ...budget, left: budget.left - budget.perFile * (others + hot) }));
}

/** At noon. */
function waitBeside(others: number, hot: number): number {
  const due = [{ id: 0, spentToday: hot }];
  return hoursToNextUnit(due, spentBy(others, hot), DAY_HOURS, 12, { hotShare: 0.5 }).get(0) ?? 0;
}

describe('what changes all day long gives way to the others', () => {
  it('where they go on to need more than the other half of the files', () => {
    expect(waitBeside(300, 400)).toBe(0);
    expect(waitBeside(750, 400)).toBeGreaterThan(1);
    expect(waitBeside(750, 400)).toBeGreaterThan(waitBeside(650, 400));
  });

  it('and makes no unit dear for them', () => {
    const budgets = spentBy(300, 500).map((budget) => ({ ...budget, usualADay: 1_600 }));
    const due = [
      { id: 0, spentToday: 500 },
      { id: 1, spentToday: 3 },
    ];
    expect(withoutHot(budgets, due, 0.5)).toMatchObject([
      { left: 1_700, usualADay: 600 },
      { left: 500, usualADay: 1_600 },
    ]);
    expect(withoutHot(budgets, [{ id: 1, spentToday: 60 }], 0.5)).toBe(budgets);
  });
});

describe('what does not', () => {
  it('waits for nobody, however much another took', () => {
    expect([...waitsAt(12, 1500, 0, 1, 7).keys()]).toEqual([0]);
  });

  it('waits for no one where no day has a limit', () => {
    const call: PacedBudget = { perFile: 1, perDirectory: 1, left: 100, limit: 100, per: 'call' };
    expect(
      hoursToNextUnit([{ id: 0, spentToday: 9999 }], [call], DAY_HOURS, 12, { hotShare: 0.5 }).size,
    ).toBe(0);
  });
});
