// One plan, as a reader would check it by hand: what goes, what waits, and what it says about itself.

import { describe, expect, it } from 'vitest';

import { planPurges } from '../../../../src/lib/core/planner/plan-purges.ts';
import {
  everyDirectoryButTheRoot,
  LEAST_PRICE,
  tieBreakingPrices,
  type Budget,
  type DueFile,
  type Plan,
  type Problem,
} from '../../../../src/lib/core/planner/problem.ts';
import { aProblem, chinaBudgets, dueAt, SITE } from './problems.ts';

describe('a plan with room for all', () => {
  it('is empty when nothing is due', () => {
    expect(shown(planOf({}))).toEqual({ directories: [], files: [], waiting: [] });
  });

  it('purges files rather than a directory that would evict something', () => {
    const plan = planOf({ due: dueAt('/a/1', '/a/2', '/a/3', '/a/4', '/a/5'), evicts: () => 1 });
    expect(shown(plan)).toEqual({ directories: [], files: [0, 1, 2, 3, 4], waiting: [] });
  });

  it('purges a directory as one when all in it is due and it saves more files than it is worth', () => {
    const four = dueAt('/a/1', '/a/2', '/a/3', '/a/4');
    const five = dueAt('/a/1', '/a/2', '/a/3', '/a/4', '/a/5');
    const prices = tieBreakingPrices(2000, 500);
    expect(shown(planOf({ due: four, prices })).directories).toEqual([]);
    expect(shown(planOf({ due: five, prices })).directories).toEqual(['/a/']);
  });

  it('purges the deepest of the directories that cover the same', () => {
    const due = dueAt('/a/b/c/1', '/a/b/c/2', '/a/b/c/3', '/a/b/c/4', '/a/b/c/5');
    expect(shown(planOf({ due })).directories).toEqual(['/a/b/c/']);
  });

  it('takes the next directory up where the deepest may not be purged', () => {
    const due = dueAt('/a/b/1', '/a/b/2', '/a/b/3', '/a/b/4', '/a/b/5');
    expect(shown(planOf({ due, policy: { ...aPolicy, isAllowed: isA } })).directories).toEqual(['/a/']);
  });

  it('weighs evicted objects against units at their prices', () => {
    const due = dueAt('/a/1', '/a/2', '/a/3', '/a/4', '/a/5', '/a/6');
    expect(shown(planOf({ due, evicts: () => 2, prices: { file: 0.5, directory: 1 } })).directories).toEqual(
      [],
    );
    expect(shown(planOf({ due, evicts: () => 2, prices: { file: 0.75, directory: 1 } })).directories).toEqual(
      ['/a/'],
    );
  });

  it.each([0, -1, 2 ** -30])('counts a price of %d as the least price: a unit is never free', (price) => {
    const plan = planOf({ due: dueAt('/a/1'), prices: { file: price, directory: price } });
    expect(plan.cost).toBe(LEAST_PRICE);
  });

  it('does not mix sites', () => {
    const due = [1, 2, 3, 4, 5, 6].map((id) => ({ id, site: `site ${id % 2}`, path: `/a/${id}`, weight: 1 }));
    expect(shown(planOf({ due, prices: { file: 0.75, directory: 1 } })).directories).toEqual(['/a/', '/a/']);
  });

  it('counts a path that ends in a slash to its own directory, and no slash of a query', () => {
    const due = dueAt('/a/', '/a/1?to=/b/c/', '/a/2', '/a/3', '/a/4');
    expect(shown(planOf({ due })).directories).toEqual(['/a/']);
  });
});

describe('a plan that is short of files', () => {
  const due = dueAt('/a/1', '/a/2', '/a/3', '/b/1', '/b/2', '/b/3', '/c/1');

  it('purges the directory that evicts least', () => {
    const plan = planOf({ due, evicts: leastInA, budgets: chinaBudgets(4, 10) });
    expect(shown(plan)).toEqual({ directories: ['/a/'], files: [3, 4, 5, 6], waiting: [] });
  });

  it('leaves as little waiting as can be, whatever that evicts', () => {
    const plan = planOf({ due, evicts: leastInA, budgets: chinaBudgets(0, 2) });
    expect(shown(plan)).toEqual({ directories: ['/a/', '/b/'], files: [], waiting: [6] });
    expect(plan.waitingWeight).toBe(plan.leastWaiting);
  });

  it('lets the lightest wait, and among equals the last by path', () => {
    const weighed = [4, 1, 4, 2, 1].map((weight, id): DueFile => ({
      id,
      site: SITE,
      path: `/${id}`,
      weight,
    }));
    expect(shown(planOf({ due: weighed, budgets: chinaBudgets(3, 0) })).waiting).toEqual([1, 4]);
    expect(shown(planOf({ due: weighed, budgets: chinaBudgets(4, 0) })).waiting).toEqual([4]);
  });

  it('purges the directory with the heaviest files', () => {
    const weighed = due.map((file) => ({ ...file, weight: file.path.startsWith('/b/') ? 5 : 1 }));
    expect(
      shown(planOf({ due: weighed, evicts: leastInA, budgets: chinaBudgets(0, 1) })).directories,
    ).toEqual(['/b/']);
  });

  it.each([
    ['whose count is not known', { evicts: (): undefined => undefined }],
    [
      'that would evict too much',
      { evicts: (): number => 9, policy: { ...aProblem({}).policy, mostEvicted: 8 } },
    ],
    ['with too few due files', { policy: { ...aProblem({}).policy, smallestDirectory: 4 } }],
    ['that may not be purged', { policy: { ...aProblem({}).policy, isAllowed: () => false } }],
  ])('never purges a directory %s', (_what, changes: Partial<Problem>) => {
    const plan = planOf({ due, budgets: chinaBudgets(5, 500), ...changes });
    expect(shown(plan)).toEqual({ directories: [], files: [0, 1, 2, 3, 4], waiting: [5, 6] });
  });

  it('never purges the root of a host by default', () => {
    const plan = planOf({ due: dueAt('/1', '/2', '/3'), budgets: chinaBudgets(1, 500) });
    expect(shown(plan)).toEqual({ directories: [], files: [0], waiting: [1, 2] });
  });

  it.each([
    [7, { directories: [], files: [0, 1, 2, 3, 4, 5, 6], waiting: [] }],
    [5, { directories: ['/a/'], files: [3, 4, 5, 6], waiting: [] }],
    [3, { directories: ['/a/', '/b/'], files: [6], waiting: [] }],
    [1, { directories: ['/a/'], files: [], waiting: [3, 4, 5, 6] }],
  ])('spends one budget of %d on files and directories alike', (left, expected) => {
    const budgets: readonly Budget[] = [{ perFile: 1, perDirectory: 1, left }];
    expect(shown(planOf({ due, evicts: leastInA, budgets }))).toEqual(expected);
  });
});

describe('waiting by choice', () => {
  const due = dueAt('/a/1', '/a/2', '/b/1').map((file) => ({ ...file, waitCost: 0.5 }));

  it('waits while that costs less than a file', () => {
    const dear = planOf({ due, prices: { file: 1, directory: 4 } });
    expect(shown(dear).waiting).toEqual([0, 1, 2]);
    expect(dear.waitingWeight).toBe(0);
    expect(shown(planOf({ due, prices: { file: 0.5, directory: 4 } })).waiting).toEqual([]);
  });

  it('does not wait in a directory that goes anyway', () => {
    const urgent = dueAt('/a/1', '/a/2', '/a/3', '/a/4', '/a/5').map((file) =>
      file.id === 4 ? { ...file, waitCost: 0 } : file,
    );
    expect(shown(planOf({ due: urgent, prices: { file: 1, directory: 3 } })).directories).toEqual(['/a/']);
  });

  it('takes no file from those that must not wait', () => {
    const mixed = dueAt('/1', '/2').map((file) => (file.id === 0 ? { ...file, waitCost: 0.5 } : file));
    const plan = planOf({ due: mixed, budgets: chinaBudgets(1, 0), prices: { file: 1, directory: 4 } });
    expect(shown(plan)).toEqual({ directories: [], files: [1], waiting: [0] });
  });
});

describe('what a plan says about itself', () => {
  it('says for each directory what it covers, what it evicts and what the other way would have taken', () => {
    const due = dueAt('/a/1', '/a/2', '/a/b/1', '/c/1');
    const plan = planOf({ due, evicts: () => 7, budgets: chinaBudgets(1, 1) });
    expect(plan.directories).toEqual([
      {
        site: SITE,
        directory: '/a/',
        covers: [0, 1, 2],
        evicts: 7,
        alternative: { files: 3, directories: 0, evicts: 0 },
      },
    ]);
    expect(plan).toMatchObject({ evicts: 7, isExact: true, gap: 0 });
  });

  it('says why each file waits', () => {
    const due = [
      ...dueAt('/a/1', '/b/1', '/b/2', '/1'),
      { id: 4, site: SITE, path: '/c/1', weight: 1, waitCost: 0.125 },
    ];
    const plan = planOf({ due, budgets: chinaBudgets(0, 1) });
    expect(plan.waiting).toEqual([
      { id: 0, why: { kind: 'budget-spent', directory: '/a/', covers: 1 } },
      { id: 3, why: { kind: 'no-directory-allowed' } },
      { id: 4, why: { kind: 'by-choice', waitCost: 0.125, price: 0.25 } },
    ]);
  });

  it('says what one more unit would save', () => {
    const due = dueAt('/a/1', '/a/2', '/b/1', '/b/2');
    const plan = planOf({ due, evicts: () => 8, budgets: chinaBudgets(2, 500) });
    expect(plan.shadowPrices.file).toBeGreaterThan(3);
    expect(planOf({ due, evicts: () => 8 }).shadowPrices).toEqual({ file: 0, directory: 0 });
  });

  it('says how far from the best it may be when it may not search', () => {
    const due = dueAt('/a/1', '/a/2', '/a/3', '/b/1', '/b/2', '/b/3', '/c/1', '/c/2');
    const problem = { due, evicts: leastInA, budgets: chinaBudgets(4, 500) };
    const exact = planOf(problem);
    const fast = planOf({ ...problem, workLimit: 0 });
    expect(exact).toMatchObject({ isExact: true, gap: 0 });
    expect(fast.bound).toBeLessThanOrEqual(exact.cost);
    expect(fast.cost - fast.gap).toBeCloseTo(fast.bound);
  });
});

describe('a group', () => {
  it('goes together, and others wait instead', () => {
    const due = [...loose('/1', '/2'), ...members('/8', '/9')];
    const plan = planOf({ due, budgets: chinaBudgets(3, 0) });
    expect(shown(plan)).toEqual({ directories: [], files: [0, 1, 10], waiting: [11] });
    expect(plan.groups).toEqual([]);
  });

  it('waits as a whole when it cannot go as a whole, and others go instead', () => {
    const due = [...members('/1', '/2', '/3'), ...loose('/8', '/9')];
    const plan = planOf({ due, budgets: chinaBudgets(2, 0) });
    expect(shown(plan)).toEqual({ directories: [], files: [10, 11], waiting: [0, 1, 2] });
    expect(plan.groups).toEqual([{ group: 'app', how: 'waits' }]);
    expect(plan.waiting[0]?.why).toEqual({ kind: 'group', group: 'app' });
  });

  it('takes along what would have waited by choice', () => {
    const due = members('/1', '/2').map((file) => (file.id === 1 ? { ...file, waitCost: 0 } : file));
    expect(shown(planOf({ due })).files).toEqual([0, 1]);
  });

  it('goes as a directory when it is too large for one request', () => {
    const due = members('/a/1', '/a/2', '/a/b/3');
    const plan = planOf({ due, evicts: () => 5, policy: { ...aPolicy, urlsPerRequest: 2 } });
    expect(shown(plan)).toEqual({ directories: ['/a/'], files: [], waiting: [] });
    expect(plan.groups).toEqual([{ group: 'app', how: 'directory' }]);
  });

  it('goes in consecutive requests when no directory may be purged instead', () => {
    const plan = planOf({ due: members('/1', '/2', '/3'), policy: { ...aPolicy, urlsPerRequest: 2 } });
    expect(shown(plan)).toEqual({ directories: [], files: [0, 1, 2], waiting: [] });
    expect(plan.groups).toEqual([{ group: 'app', how: 'consecutive-requests' }]);
  });

  it('is split only when a directory takes some members and there is no room for the others', () => {
    const due = [...members('/a/1', '/9', '/8'), ...loose('/a/2', '/a/3', '/a/4')];
    const plan = planOf({ due, budgets: chinaBudgets(1, 1) });
    expect(shown(plan)).toEqual({ directories: ['/a/'], files: [1], waiting: [2] });
    expect(plan.groups).toEqual([{ group: 'app', how: 'split' }]);
  });
});

function members(...paths: readonly string[]): readonly DueFile[] {
  return dueAt(...paths).map((file) => ({ ...file, group: 'app' }));
}

function loose(...paths: readonly string[]): readonly DueFile[] {
  return dueAt(...paths).map((file) => ({ ...file, id: file.id + 10 }));
}

function isA(_site: string, directory: string): boolean {
  return directory === '/a/';
}

function leastInA(_site: string, directory: string): number {
  return directory === '/a/' ? 10 : 20;
}

const aPolicy = { isAllowed: everyDirectoryButTheRoot, smallestDirectory: 1, mostEvicted: Infinity };

function planOf(changes: Partial<Problem>): Plan {
  return planPurges(aProblem(changes));
}

function shown({ directories, files, waiting }: Plan): {
  readonly directories: readonly string[];
  readonly files: readonly number[];
  readonly waiting: readonly number[];
} {
  return {
    directories: directories.map(({ directory }) => directory),
    files,
    waiting: waiting.map(({ id }) => id),
  };
}
