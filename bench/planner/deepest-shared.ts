// The greedy of vladcosorg/action-s3-cloudfront-smart-deploy (src/strategy-picker.ts at b28fe6d), from its description:
// while there are too many paths, the deepest directory that holds two or more of them takes their place.

import { dueDirectories, spendOn, type DueDirectory } from './collapse.ts';
import { directoriesOf } from './directories-of.ts';
import type { Method, Moment } from './method.ts';

export const deepestShared: Method = { name: 'deepest-shared', decide: (moment) => collapse(moment) };

function collapse(moment: Moment): ReturnType<Method['decide']> {
  const { due, left } = moment;
  // Two due files or more each, as `smallestDirectory` is never below two here: a deeper one is never made later.
  const candidates = dueDirectories(moment).toSorted(
    (a, b) => b.depth - a.depth || compare(a.site, b.site) || compare(a.directory, b.directory),
  );
  const chosen = new Map<string, DueDirectory>();
  const covered = new Set<number>();
  for (const candidate of candidates) {
    if (due.length - covered.size <= left.files && chosen.size <= left.directories) break;
    const inside = insideOf(candidate, chosen);
    const paths = inside.size + candidate.covers.filter(({ id }) => !covered.has(id)).length;
    if (paths < 2) continue;
    for (const key of inside) chosen.delete(key);
    for (const { id } of candidate.covers) covered.add(id);
    chosen.set(`${candidate.site}${candidate.directory}`, candidate);
  }
  return spendOn([...chosen.values()], due, left);
}

/** Keys of the chosen directories that lie in a directory. */
function insideOf({ site, covers }: DueDirectory, chosen: ReadonlyMap<string, DueDirectory>): Set<string> {
  const inside = new Set<string>();
  for (const { path } of covers) {
    for (const directory of directoriesOf(path)) {
      const key = `${site}${directory}`;
      if (chosen.has(key)) inside.add(key);
    }
  }
  return inside;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
