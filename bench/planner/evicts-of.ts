// What a directory purge would evict at one moment: what stands below it less what is due there.

import { directoriesOf } from './directories-of.ts';
import type { Inventory } from './inventory.ts';
import type { Evicts } from '../../src/lib/core/planner/problem.ts';

export function evictsOf(
  due: readonly { readonly site: string; readonly path: string }[],
  inventoryOf: (site: string) => Inventory,
): Evicts {
  const dueBelow = new Map<string, number>();
  for (const { site, path } of due) {
    // What is deleted does not stand there any more, though its old copy does at the edge.
    if (!inventoryOf(site).has(path)) continue;
    for (const directory of directoriesOf(path)) {
      const key = `${site}${directory}`;
      dueBelow.set(key, (dueBelow.get(key) ?? 0) + 1);
    }
  }
  return (site, directory) =>
    inventoryOf(site).countBelow(directory) - (dueBelow.get(`${site}${directory}`) ?? 0);
}
