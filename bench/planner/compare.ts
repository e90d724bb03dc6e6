// All methods on one workload, under the same policy and budgets, beside the bound.

import { deepestShared } from './deepest-shared.ts';
import { planInHindsight, type Hindsight } from './hindsight.ts';
import { levelSweep } from './level-sweep.ts';
import type { Method } from './method.ts';
import { naive } from './naive.ts';
import { dayEnd, exactWithoutPrices } from './planned.ts';
import { replay, type Rules } from './replay.ts';
import { regretOf, scoreOf, type Regret, type Score } from './score.ts';
import { threshold } from './threshold.ts';
import type { Workload } from './workload.ts';

/** What each method came to, by name, and what hindsight would have. Nobody can say how stale that would have been. */
export type Comparison = {
  readonly workload: string;
  readonly days: number;
  readonly methods: Readonly<Record<string, Score & { readonly regret: Regret }>>;
  readonly bound: Omit<Score, 'staleHours'>;
};

const PUBLIC_METHODS: readonly Method[] = [naive, threshold, levelSweep, deepestShared];

export const METHODS_WITHOUT_PRICES: readonly Method[] = [...PUBLIC_METHODS, exactWithoutPrices, dayEnd];

export function compare(workload: Workload, rules: Rules, methods: readonly Method[]): Comparison {
  const hindsight = planInHindsight(workload, rules);
  return {
    workload: workload.name,
    days: workload.days.length,
    methods: Object.fromEntries(
      methods.map((method) => {
        const result = replay(workload, rules, method);
        return [method.name, { ...scoreOf(result), regret: regretOf(result, hindsight) }];
      }),
    ),
    bound: boundOf(hindsight),
  };
}

function boundOf({ days, planningMs }: Hindsight): Omit<Score, 'staleHours'> {
  const { staleHours: _, ...score } = scoreOf({ days, planningMs, staleHours: [] });
  return score;
}
