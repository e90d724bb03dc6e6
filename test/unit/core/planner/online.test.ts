import { describe, expect, it } from 'vitest';

import {
  defaultOnlineSettings,
  planOnline,
  type OnlinePlan,
  type OnlineProblem,
  type WaitingDue,
} from '../../../../src/lib/core/planner/online.ts';
import type { PacedBudget } from '../../../../src/lib/core/planner/prices.ts';
import { everyDirectoryButTheRoot } from '../../../../src/lib/core/planner/problem.ts';

const SITE = 'china http://www.example.cn';

function due(count: number, about: Partial<WaitingDue> & { readonly directory?: string } = {}): WaitingDue[] {
  const { directory = '/', ...rest } = about;
  return Array.from({ length: count }, (_, index) => ({
    id: (rest.id ?? 0) + index,
    site: SITE,
    path: `${directory}${index}.html`,
    weight: 1,
    ageHours: 0,
    spentToday: 0,
    ...rest,
    ...(rest.id === undefined ? {} : { id: rest.id + index }),
  }));
}

function budgets(files: number, directories = 500): readonly PacedBudget[] {
  return [
    { perFile: 1, perDirectory: 0, left: files, limit: 2000, per: 'day' },
    { perFile: 0, perDirectory: 1, left: directories, limit: 500, per: 'day' },
  ];
}

function plan(problem: Partial<OnlineProblem> & Pick<OnlineProblem, 'due'>): OnlinePlan {
  return planOnline({
    budgets: budgets(2000),
    dayHours: 24,
    hoursToReset: 12,
    policy: { isAllowed: everyDirectoryButTheRoot, smallestDirectory: 2, mostEvicted: Infinity },
    evicts: () => 1000,
    settings: defaultOnlineSettings,
    workLimit: 100_000,
    ...problem,
  });
}

describe('on the clock', () => {
  it('purges everything at once', () => {
    const { plan: planned, againInHours } = plan({ due: due(300) });
    expect(planned.files).toHaveLength(300);
    expect(planned.waiting).toEqual([]);
    expect(againInHours).toBeUndefined();
  });

  it.each([
    { count: 4, directories: 0 },
    { count: 5, directories: 1 },
  ])('purges $count files of which nothing else stands there by $directories directories', (row) => {
    const { plan: planned } = plan({
      due: due(row.count, { directory: '/docs/' }),
      budgets: budgets(2000, 500),
      evicts: () => 0,
    });
    expect(planned.directories).toHaveLength(row.directories);
  });

  it('evicts nothing to save files', () => {
    const { plan: planned } = plan({ due: due(500, { directory: '/docs/' }), evicts: () => 1 });
    expect(planned.evicts).toBe(0);
    expect(planned.files).toHaveLength(500);
  });
});

describe('ahead of the clock', () => {
  const scarce = { budgets: budgets(40) };

  it('lets what is fresh wait, and says until when at the latest', () => {
    const {
      plan: planned,
      prices,
      atLatestHours,
      againInHours,
    } = plan({
      ...scarce,
      due: due(1, { directory: '/docs/' }),
    });
    expect(planned.waiting).toMatchObject([{ id: 0, why: { kind: 'by-choice' } }]);
    expect(atLatestHours.get(0)).toBeCloseTo(Math.min(prices.file / defaultOnlineSettings.staleCost, 4));
    expect(againInHours).toBeLessThanOrEqual(5 / 60);
  });

  it.each([
    { times: 0.9, goes: false },
    { times: 1.1, goes: true },
  ])('purges a file when it has waited for $times of what a unit is worth: $goes', ({ times, goes }) => {
    const settings = { ...defaultOnlineSettings, maxStalenessHours: 1000, dearest: 1000 };
    const fresh = plan({ ...scarce, due: due(1, { directory: '/docs/' }), settings });
    const ageHours = (times * fresh.prices.file) / settings.staleCost;
    const { plan: planned } = plan({ ...scarce, due: due(1, { directory: '/docs/', ageHours }), settings });
    expect(planned.files).toEqual(goes ? [0] : []);
  });

  it('purges the first change of a file at once where waiting can save no unit: no directory above may go', () => {
    expect(plan({ ...scarce, due: due(1) }).plan.files).toEqual([0]);
    expect(plan({ ...scarce, due: due(1, { spentToday: 1 }) }).plan.files).toEqual([]);
  });

  it('lets nothing wait longer than the longest staleness while budget is left', () => {
    const [before, after] = [3.9, 4].map(
      (ageHours) => plan({ ...scarce, due: due(10, { directory: '/docs/', ageHours }) }).plan.waiting.length,
    );
    expect([before, after]).toEqual([10, 0]);
  });

  it('lets nothing wait by choice when the reset is near', () => {
    const [before, after] = [1, 1 / 60].map(
      (hoursToReset) =>
        plan({ budgets: budgets(1), due: due(1, { directory: '/docs/' }), hoursToReset }).plan.waiting.length,
    );
    expect([before, after]).toEqual([1, 0]);
  });

  it('waits for the reset only when nothing is left to purge with', () => {
    const { plan: planned, atLatestHours } = plan({
      due: due(3, { ageHours: 5 }),
      budgets: budgets(0, 0),
      hoursToReset: 7,
    });
    expect(planned.waiting.map(({ why }) => why.kind)).not.toContain('by-choice');
    expect([...atLatestHours.values()]).toEqual([7, 7, 7]);
  });

  it('pays for a plan what it leaves over: a large one does not take all that the day has left', () => {
    const { plan: planned } = plan({
      due: due(900, { directory: '/docs/' }),
      budgets: budgets(1000),
      hoursToReset: 20,
      evicts: () => 100_000,
    });
    // For 20 of 24 hours, 0.4 of an even pace is kept back: 666.7 of 2,000.
    expect(planned.files).toHaveLength(333);
    expect(planned.waiting).toHaveLength(567);
  });

  it('lets nothing wait that could not go later: the last directory is for whom the files do not suffice', () => {
    const old = due(30, { directory: '/a/', ageHours: 3 });
    const fresh = due(31, { id: 30, directory: '/b/' });
    const { plan: planned } = plan({
      due: [...old, ...fresh],
      budgets: budgets(30, 1),
      hoursToReset: 20,
      evicts: (_, directory) => (directory === '/a/' ? 5 : 500),
    });
    expect(planned.directories).toMatchObject([{ directory: '/b/' }]);
    expect(planned.waiting).toEqual([]);
  });

  it('prefers a directory that evicts little to many files', () => {
    const bulk = due(600, { directory: '/docs/', ageHours: 0.2 });
    const { plan: planned } = plan({ due: bulk, budgets: budgets(620), hoursToReset: 20, evicts: () => 2 });
    expect(planned.directories).toMatchObject([{ directory: '/docs/', evicts: 2 }]);
    expect(planned.files).toEqual([]);
  });
});

describe('a blob that is rewritten all day', () => {
  it('waits alone: the others go at once', () => {
    const hot = { id: 0, site: SITE, path: '/score.json', weight: 1, ageHours: 0, spentToday: 900 };
    const { plan: planned, atLatestHours } = plan({ due: [hot, ...due(20, { id: 1 })] });
    expect(planned.waiting.map(({ id }) => id)).toEqual([0]);
    expect(planned.files).toHaveLength(20);
    expect(atLatestHours.get(0)).toBeGreaterThan(1);
    expect(atLatestHours.get(0)).toBeLessThanOrEqual(defaultOnlineSettings.maxStalenessHours);
  });
});

describe('new blobs', () => {
  const mixed = [...due(3), ...due(5, { id: 10, isNew: true, directory: '/new/' })];
  const filesWith = (newBlobs: 'purge' | 'when-there-is-room' | 'never', left: number): OnlinePlan =>
    plan({
      due: mixed,
      budgets: budgets(left, 0),
      hoursToReset: 1 / 60,
      settings: { ...defaultOnlineSettings, newBlobs },
    });

  it('are purged like any other by default', () => {
    expect(filesWith('purge', 100).plan.files).toHaveLength(8);
  });

  it('get what is to spare when they are to wait for room', () => {
    const { plan: planned } = filesWith('when-there-is-room', 5);
    expect(planned.files).toEqual([0, 1, 2, 10, 11]);
    expect(planned.waiting.map(({ id }) => id)).toEqual([12, 13, 14]);
  });

  it('are dropped when they are never to be purged', () => {
    const { plan: planned, dropped } = filesWith('never', 100);
    expect(planned.files).toEqual([0, 1, 2]);
    expect(planned.waiting).toEqual([]);
    expect(dropped).toEqual([10, 11, 12, 13, 14]);
  });
});

it('gives the same plan in any order of what is due', () => {
  const targets = [
    ...due(200, { directory: '/a/', ageHours: 0.1 }),
    ...due(300, { id: 200, directory: '/a/b/', ageHours: 0.4 }),
    ...due(100, { id: 500, spentToday: 9 }),
  ];
  const scarce = { budgets: budgets(300, 3), hoursToReset: 18, evicts: (_: string, at: string) => at.length };
  expect(plan({ ...scarce, due: targets.toReversed() })).toEqual(plan({ ...scarce, due: targets }));
});
