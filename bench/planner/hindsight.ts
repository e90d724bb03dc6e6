// The bound: each day planned exactly as one, when everything that it brought is known.

import { evictsOf } from './evicts-of.ts';
import type { Due } from './method.ts';
import { planExactly } from './planned.ts';
import type { DayResult, Rules } from './replay.ts';
import { needOf, type Workload } from './workload.ts';

export type Hindsight = { readonly days: readonly DayResult[]; readonly planningMs: readonly number[] };

export function planInHindsight(workload: Workload, { limits, policy }: Rules): Hindsight {
  const inventories = workload.startInventories();
  const planningMs: number[] = [];
  let carried: readonly Due[] = [];
  /** Changes of what is due, by site and path. */
  const changesOf = new Map<string, number>();
  const days = workload.days.map((arrivals): DayResult => {
    const due = new Map(carried.map((target) => [`${target.site}${target.path}`, target]));
    let changes = 0;
    for (const { site, deployment } of arrivals) {
      needOf(inventories, site).deploy(deployment);
      for (const path of [...deployment.puts, ...deployment.deletes]) {
        const key = `${site}${path}`;
        changes += 1;
        changesOf.set(key, (changesOf.get(key) ?? 0) + 1);
        if (!due.has(key)) due.set(key, { id: 0, site, path, ageHours: 0, spentToday: 0 });
      }
    }
    const all = [...due.values()].map((target, id) => ({ ...target, id }));
    const evicts = evictsOf(all, (site) => needOf(inventories, site));
    const startedAt = performance.now();
    const plan = planExactly({ due: all, left: limits, limits, daysBefore: [], policy, evicts });
    planningMs.push(performance.now() - startedAt);
    const waits = new Set(plan.waiting.map(({ id }) => id));
    carried = all.filter(({ id }) => waits.has(id));
    for (const { id, site, path } of all) if (!waits.has(id)) changesOf.delete(`${site}${path}`);
    return {
      spent: { files: plan.files.length, directories: plan.directories.length },
      evicted: plan.directories.reduce((sum, directory) => sum + directory.evicts, 0),
      waiting: [...changesOf.values()].reduce((sum, count) => sum + count, 0),
      changes,
    };
  });
  return { days, planningMs };
}
