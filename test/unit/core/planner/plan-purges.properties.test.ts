// What holds for every plan: nothing forgotten, within budgets, as good as the best of all plans.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { planPurges } from '../../../../src/lib/core/planner/plan-purges.ts';
import type { Plan, Problem } from '../../../../src/lib/core/planner/problem.ts';
import { allowedDirectories, isWithin, leastByBruteForce } from './brute-force.ts';
import { anyProblem } from './problems.ts';

const SEEDED = { seed: 4, numRuns: 400 };

const kinds = [
  { kind: 'equal weights', draw: { equalWeights: true } },
  { kind: 'different weights', draw: {} },
  { kind: 'one budget for both', draw: { equalWeights: true, isShared: true } },
  { kind: 'one budget and different weights', draw: { isShared: true } },
];

describe.each(kinds)('a plan with $kind', ({ draw }) => {
  it('covers each due file, purges it, or says why it waits', () => {
    fc.assert(
      fc.property(anyProblem(draw), (problem) => {
        const plan = planPurges(problem);
        const told = [
          ...plan.directories.flatMap(({ covers }) => covers),
          ...plan.files,
          ...plan.waiting.map(({ id }) => id),
        ];
        expect(told.toSorted((a, b) => a - b)).toEqual(problem.due.map(({ id }) => id));
        for (const { site, directory, covers } of plan.directories) {
          expect(covers).toEqual(
            problem.due
              .filter((file) => file.site === site && file.path.startsWith(directory))
              .map(({ id }) => id),
          );
        }
      }),
      SEEDED,
    );
  });

  it('stays within its budgets and the policy', () => {
    fc.assert(
      fc.property(anyProblem(draw), (problem) => {
        const plan = planPurges(problem);
        expect(isWithin(problem.budgets, plan)).toBe(true);
        const allowed = allowedDirectories(problem).map(({ site, directory }) => `${site} ${directory}`);
        for (const { site, directory } of plan.directories) expect(allowed).toContain(`${site} ${directory}`);
      }),
      SEEDED,
    );
  });

  it('is the best of all plans when it says so, and its bounds hold when not', () => {
    fc.assert(
      fc.property(anyProblem({ ...draw, smallTree: true }), (problem) => {
        const plan = planPurges(problem);
        const least = leastByBruteForce(problem);
        expect(plan.leastWaiting).toBeLessThanOrEqual(least.waiting);
        expect(plan.waitingWeight).toBeGreaterThanOrEqual(least.waiting);
        expect(plan.isExact ? { waiting: plan.waitingWeight, cost: plan.cost } : least).toEqual(least);
        expect(plan.waitingWeight > least.waiting || plan.bound <= least.cost).toBe(true);
        expect(plan.waitingWeight > least.waiting || plan.cost >= least.cost).toBe(true);
      }),
      SEEDED,
    );
  });

  it('is the same in whatever order the due files come', () => {
    const shuffled = anyProblem(draw).chain((problem) =>
      fc.tuple(
        fc.constant(problem),
        fc.shuffledSubarray([...problem.due], {
          minLength: problem.due.length,
          maxLength: problem.due.length,
        }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([problem, due]) => {
        expect(planPurges({ ...problem, due })).toEqual(planPurges(problem));
      }),
      SEEDED,
    );
  });

  it('is never worse with more budget', () => {
    const more = fc.tuple(anyProblem(draw), fc.nat({ max: 3 }), fc.nat({ max: 3 }));
    fc.assert(
      fc.property(more, ([problem, first, second]) => {
        const budgets = problem.budgets.map((budget, index) => ({
          ...budget,
          left: budget.left + (index === 0 ? first : second),
        }));
        const less = planPurges(problem);
        const plenty = planPurges({ ...problem, budgets });
        fc.pre(less.isExact && plenty.isExact);
        expect(plenty.waitingWeight).toBeLessThanOrEqual(less.waitingWeight);
        expect(less.waitingWeight > 0 || plenty.cost <= less.cost).toBe(true);
      }),
      SEEDED,
    );
  });
});

describe('a plan with groups', () => {
  it('sends a group whole or not at all, unless it says otherwise', () => {
    fc.assert(
      fc.property(anyProblem({ hasGroups: true }), (problem) => {
        const plan = planPurges(problem);
        const waiting = new Set(plan.waiting.map(({ id }) => id));
        expect(plan.files.length + waiting.size + coveredBy(plan).length).toBe(problem.due.length);
        expect(isWithin(problem.budgets, plan)).toBe(true);
        const split = new Set(plan.groups.filter(({ how }) => how === 'split').map(({ group }) => group));
        for (const group of ['x', 'y']) {
          const members = problem.due.filter((file) => file.group === group);
          const waits = members.filter(({ id }) => waiting.has(id));
          expect(split.has(group) || [0, members.length].includes(waits.length)).toBe(true);
        }
      }),
      SEEDED,
    );
  });
});

function coveredBy(plan: Plan): readonly number[] {
  return plan.directories.flatMap(({ covers }) => covers);
}

describe('the exact search', () => {
  it.each([
    { kind: 'equal weights', draw: { equalWeights: true } },
    { kind: 'one budget for both', draw: { equalWeights: true, isShared: true } },
  ])('solves every small problem with $kind', ({ draw }) => {
    fc.assert(
      fc.property(anyProblem(draw), (problem) => {
        expect(planPurges(problem).isExact).toBe(true);
      }),
      SEEDED,
    );
  });

  it('leaves no more waiting when it may not work at all', () => {
    fc.assert(
      fc.property(anyProblem({ equalWeights: true }), (problem) => {
        const fast = planPurges({ ...problem, workLimit: 0 });
        expect(shown(fast, problem).waiting).toBe(planPurges(problem).leastWaiting);
        expect(fast.cost).toBeGreaterThanOrEqual(fast.bound);
      }),
      SEEDED,
    );
  });
});

function shown(plan: Plan, problem: Problem): { readonly waiting: number } {
  const weights = new Map(problem.due.map(({ id, weight }) => [id, weight]));
  return {
    waiting: plan.waiting
      .filter(({ why }) => why.kind !== 'by-choice')
      .reduce((sum, { id }) => sum + (weights.get(id) ?? 0), 0),
  };
}
