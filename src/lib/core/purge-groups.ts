// Groups of targets on their way: next to each other, so that they are reserved and sent as one.

type Grouped = { readonly group?: string | undefined };

/** Takes targets, gives them with the members of each group together, where the first of them stood. */
export function groupsTogether<T extends Grouped>(targets: readonly T[]): readonly T[] {
  if (targets.every(({ group }) => group === undefined)) return targets;
  const members = Map.groupBy(targets, ({ group }) => group);
  const placed = new Set<string>();
  return targets.flatMap((target) => {
    const { group } = target;
    if (group === undefined) return [target];
    if (placed.has(group)) return [];
    placed.add(group);
    return members.get(group) ?? [];
  });
}

/** Takes targets whose groups stand together, gives each group, and each of no group by itself. */
export function groupRuns<T extends Grouped>(targets: readonly T[]): readonly (readonly T[])[] {
  const runs: T[][] = [];
  for (const target of targets) {
    const last = runs.at(-1);
    if (target.group !== undefined && last?.[0]?.group === target.group) last.push(target);
    else runs.push([target]);
  }
  return runs;
}
