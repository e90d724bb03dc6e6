// Every plan that a trace asks for, 1 to 50 deployments planned together: does the exact plan keep its promises, and
// does no public method do better?

import { deepestShared } from './deepest-shared.ts';
import { dueDirectories, withoutCovered } from './collapse.ts';
import { evictsOf } from './evicts-of.ts';
import { levelSweep } from './level-sweep.ts';
import type { Decision, Due, Method, Moment, Units } from './method.ts';
import { naive } from './naive.ts';
import { planExactly } from './planned.ts';
import type { Rules } from './replay.ts';
import { threshold } from './threshold.ts';
import { replayOne, needOf } from './workload.ts';
import type { Trace } from './trace.ts';
import type { Plan } from '../../src/lib/core/planner/problem.ts';

export type SinglePlans = {
  readonly plans: number;
  readonly exact: number;
  /** Plans that leave more waiting than there is need to: none. */
  readonly overLeastWaiting: number;
  /** Plans that a method which leaves no more waiting beats on evictions: none, by method. */
  readonly beatenBy: Readonly<Record<string, number>>;
  readonly evicted: number;
  /** Over the plans where the method leaves no more waiting than the exact plan. */
  readonly evictedBy: Readonly<
    Record<string, { readonly plans: number; readonly theirs: number; readonly ours: number }>
  >;
  readonly waiting: number;
  readonly longestLabelList: number;
  readonly mostWork: number;
  readonly largestGap: number;
  readonly longestMs: number;
};

const BASELINES: readonly Method[] = [naive, threshold, levelSweep, deepestShared];

export type SinglePlansOptions = {
  readonly skip: number;
  readonly together: readonly number[];
  readonly limits: Units;
  readonly policy: Rules['policy'];
};

export function planEachWindow(trace: Trace, options: SinglePlansOptions): SinglePlans {
  const totals = { plans: 0, exact: 0, overLeastWaiting: 0, evicted: 0, waiting: 0 };
  const most = { longestLabelList: 0, mostWork: 0, largestGap: 0, longestMs: 0 };
  const beatenBy = new Map(BASELINES.map(({ name }) => [name, 0]));
  const evictedBy = new Map(BASELINES.map(({ name }) => [name, { plans: 0, theirs: 0, ours: 0 }]));
  for (const perDay of options.together) {
    for (const moment of windows(trace, perDay, options)) {
      const startedAt = performance.now();
      const plan = planExactly(moment);
      most.longestMs = Math.max(most.longestMs, performance.now() - startedAt);
      const ours = outcomeOf(decisionOf(plan), moment);
      totals.plans += 1;
      if (plan.isExact) totals.exact += 1;
      if (ours.waiting !== leastWaiting(moment)) totals.overLeastWaiting += 1;
      totals.evicted += ours.evicted;
      totals.waiting += ours.waiting;
      most.longestLabelList = Math.max(most.longestLabelList, plan.longestLabelList);
      most.mostWork = Math.max(most.mostWork, plan.work);
      most.largestGap = Math.max(most.largestGap, plan.gap);
      for (const { name, decide } of BASELINES) {
        const theirs = outcomeOf(decide(moment), moment);
        const compared = evictedBy.get(name);
        if (theirs.waiting > ours.waiting || compared === undefined) continue;
        compared.plans += 1;
        compared.theirs += theirs.evicted;
        compared.ours += ours.evicted;
        if (theirs.evicted < ours.evicted) beatenBy.set(name, (beatenBy.get(name) ?? 0) + 1);
      }
    }
  }
  return {
    ...totals,
    ...most,
    beatenBy: Object.fromEntries(beatenBy),
    evictedBy: Object.fromEntries(evictedBy),
  };
}

/** The trace cut into days of so many deployments, each planned at once with nothing carried over. */
function* windows(
  trace: Trace,
  perDay: number,
  { skip, limits, policy }: SinglePlansOptions,
): Generator<Moment> {
  const workload = replayOne(trace, { perDay, skip });
  const inventories = workload.startInventories();
  for (const arrivals of workload.days) {
    const due = new Map<string, Due>();
    for (const { site, deployment } of arrivals) {
      needOf(inventories, site).deploy(deployment);
      for (const path of [...deployment.puts, ...deployment.deletes]) {
        if (!due.has(path)) due.set(path, { id: due.size, site, path, ageHours: 0, spentToday: 0 });
      }
    }
    const all = [...due.values()];
    const evicts = evictsOf(all, (site) => needOf(inventories, site));
    yield { atHours: 0, left: limits, limits, daysBefore: [], due: all, policy, evicts };
  }
}

type Outcome = { readonly waiting: number; readonly evicted: number };

/** Counted from what the method chose, not from what it says of itself. */
function outcomeOf({ files, directories }: Decision, { due, evicts, left }: Moment): Outcome {
  if (files.length > left.files || directories.length > left.directories) throw new Error('overspends');
  const chosen = new Set(files);
  const waiting = due.filter(
    ({ id, site, path }) =>
      !chosen.has(id) &&
      !directories.some((purged) => purged.site === site && path.startsWith(purged.directory)),
  );
  return {
    waiting: waiting.length,
    evicted: directories.reduce((sum, { site, directory }) => sum + (evicts(site, directory) ?? 0), 0),
  };
}

/** max(0, n - F - the sum of the G largest due counts among the topmost directories that policy allows). */
function leastWaiting({ due, policy, evicts, left }: Moment): number {
  const topmost = withoutCovered(dueDirectories({ due, policy, evicts }))
    .map(({ covers }) => covers.length)
    .toSorted((a, b) => b - a)
    .slice(0, left.directories);
  return Math.max(0, due.length - left.files - topmost.reduce((sum, count) => sum + count, 0));
}

function decisionOf({ files, directories }: Plan): Decision {
  return { files, directories };
}
