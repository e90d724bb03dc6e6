// Plans of one moment by the exact solver, without a thought for the rest of the day.

import { dayBudgets } from './this-planner.ts';
import type { Decision, Method, Moment } from './method.ts';
import { planPurges } from '../../src/lib/core/planner/plan-purges.ts';
import {
  DEFAULT_WORK_LIMIT,
  tieBreakingPrices,
  type Plan,
  type Prices,
} from '../../src/lib/core/planner/problem.ts';
import { DAY_HOURS } from './workload.ts';

/** The last flush before a reset, ten seconds before it, and what rounding may make of it. */
const DAY_END_HOURS = DAY_HOURS - 10 / 3600;
const ROUNDING_HOURS = 1e-6;

/** The exact plan of each moment; a unit costs nothing but breaks ties, each kind the same. */
export const exactWithoutPrices: Method = {
  name: 'exact-without-prices',
  decide: (moment) => decisionOf(planAtPrices(moment, { file: 0, directory: 0 })),
};

/** Everything waits for the day's end and is then planned at once. */
export const dayEnd: Method = {
  name: 'day-end',
  decide: (moment) =>
    moment.atHours < DAY_END_HOURS - ROUNDING_HOURS
      ? { files: [], directories: [], againAtHours: DAY_END_HOURS }
      : decisionOf(planExactly(moment)),
};

export type PlanQuestion = Pick<Moment, 'due' | 'left' | 'limits' | 'daysBefore' | 'policy' | 'evicts'>;

/** The exact plan at prices that only break ties, in the ratio of what is left. */
export function planExactly(question: PlanQuestion): Plan {
  return planAtPrices(question, tieBreakingPrices(question.left.files, question.left.directories));
}

function planAtPrices({ due, left, limits, daysBefore, policy, evicts }: PlanQuestion, prices: Prices): Plan {
  return planPurges({
    due: due.map(({ id, site, path }) => ({ id, site, path, weight: 1 })),
    budgets: dayBudgets({ left, limits, daysBefore }),
    prices,
    policy,
    evicts,
    workLimit: DEFAULT_WORK_LIMIT,
  });
}

function decisionOf({ files, directories }: Plan): Decision {
  return { files, directories };
}
