// This planner, as the app uses it: at prices that follow the clock.

import type { Method, Moment } from './method.ts';
import { planOnline, type OnlineSettings } from '../../src/lib/core/planner/online.ts';
import type { PacedBudget } from '../../src/lib/core/planner/prices.ts';
import { DEFAULT_WORK_LIMIT } from '../../src/lib/core/planner/problem.ts';
import { DAY_HOURS } from './workload.ts';

export function thisPlanner(settings: OnlineSettings, name = 'planner'): Method {
  return {
    name,
    decide: (moment) => {
      const { plan, againInHours } = planOnline({
        due: moment.due.map((target) => ({ ...target, weight: 1 })),
        budgets: dayBudgets(moment),
        dayHours: DAY_HOURS,
        hoursToReset: DAY_HOURS - moment.atHours,
        policy: moment.policy,
        evicts: moment.evicts,
        settings,
        workLimit: DEFAULT_WORK_LIMIT,
      });
      return {
        files: plan.files,
        directories: plan.directories,
        againAtHours: againInHours === undefined ? undefined : moment.atHours + againInHours,
      };
    },
  };
}

/** Days that say what a day usually takes: as many as the quota ledger keeps. */
const DAYS_REMEMBERED = 7;

/** As the Azure China CDN has them: one for files, one for directories. */
export function dayBudgets({
  left,
  limits,
  daysBefore,
}: Pick<Moment, 'left' | 'limits' | 'daysBefore'>): readonly PacedBudget[] {
  const usual = (kind: 'files' | 'directories'): number | undefined => {
    const days = daysBefore.slice(-DAYS_REMEMBERED);
    if (days.length === 0) return undefined;
    return days.reduce((sum, day) => sum + day[kind], 0) / days.length;
  };
  return [
    {
      perFile: 1,
      perDirectory: 0,
      left: left.files,
      limit: limits.files,
      per: 'day',
      usualADay: usual('files'),
    },
    {
      perFile: 0,
      perDirectory: 1,
      left: left.directories,
      limit: limits.directories,
      per: 'day',
      usualADay: usual('directories'),
    },
  ];
}
