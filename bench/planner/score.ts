// What a replay came to, in the numbers that methods are compared by.

import { percentile } from '../../dev/demo/percentile.ts';
import { rounded } from '../measure.ts';
import type { ReplayResult } from './replay.ts';

export type Score = {
  readonly changes: number;
  readonly fileUnits: number;
  readonly directoryUnits: number;
  readonly unchangedEvicted: number;
  /** Changes that waited over a reset, counted once for each that they waited over. */
  readonly waitingOverReset: number;
  readonly staleHours: {
    readonly sum: number;
    readonly mean: number;
    readonly p95: number;
    readonly longest: number;
  };
  readonly planning: {
    readonly plans: number;
    readonly sumMs: number;
    readonly p95Ms: number;
    readonly longestMs: number;
  };
};

/** How much worse than hindsight. */
export type Regret = {
  readonly unchangedEvicted: number;
  readonly waitingOverReset: number;
  /** Days on which objects were evicted though hindsight needed to evict none. */
  readonly daysEvictedForNothing: number;
};

export function scoreOf({
  days,
  staleHours,
  planningMs,
}: Pick<ReplayResult, 'days' | 'staleHours' | 'planningMs'>): Score {
  const hours = staleHours.map((change) => change.hours);
  const changes = sum(days.map((day) => day.changes));
  return {
    changes,
    fileUnits: sum(days.map(({ spent }) => spent.files)),
    directoryUnits: sum(days.map(({ spent }) => spent.directories)),
    unchangedEvicted: sum(days.map(({ evicted }) => evicted)),
    waitingOverReset: sum(days.map(({ waiting }) => waiting)),
    staleHours: {
      sum: rounded(sum(hours), 2),
      mean: changes === 0 ? 0 : rounded(sum(hours) / changes, 5),
      p95: rounded(percentile(hours, 95) ?? 0, 4),
      longest: rounded(largest(hours), 3),
    },
    planning: {
      plans: planningMs.length,
      sumMs: rounded(sum(planningMs)),
      p95Ms: rounded(percentile(planningMs, 95) ?? 0, 2),
      longestMs: rounded(largest(planningMs), 1),
    },
  };
}

/** Takes what a method came to and the bound, both by day. */
export function regretOf(result: Pick<ReplayResult, 'days'>, bound: Pick<ReplayResult, 'days'>): Regret {
  return {
    unchangedEvicted: totalOf(result, 'evicted') - totalOf(bound, 'evicted'),
    waitingOverReset: totalOf(result, 'waiting') - totalOf(bound, 'waiting'),
    daysEvictedForNothing: result.days.filter(
      ({ evicted }, day) => evicted > 0 && bound.days[day]?.evicted === 0,
    ).length,
  };
}

function totalOf({ days }: Pick<ReplayResult, 'days'>, what: 'evicted' | 'waiting'): number {
  return sum(days.map((day) => day[what]));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Not `Math.max(...)`: a replay has more changes than a call takes arguments. */
function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
