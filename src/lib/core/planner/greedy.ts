// A further candidate: while it does not fit, the deepest directory that holds two or more due paths takes them all.

import { gainOf, totalsOf } from './course.ts';
import type { Course, Purged, Totals } from './course.ts';
import type { DirectoryTree } from './directory-tree.ts';
import type { PlanSource } from './problem.ts';
import type { Limits } from './repair.ts';

/** A plan that fits, and how it was made. */
export type Candidate = { readonly purged: Purged; readonly totals: Totals; readonly source: PlanSource };

/** Takes a tree, gives the first plan that fits; not given when none does, even with all that may be purged. */
export function collapseDeepest(
  tree: DirectoryTree,
  course: Course,
  fits: Limits['fits'],
): Candidate | undefined {
  let totals = totalsOf(course, new Int32Array());
  const purged = new Set<number>();
  const depths = tree.directories.map((directory) => directory.split('/').length - 2);
  const order = depths
    .map((_, position) => position)
    .filter((position) => (course.purge[position] ?? Infinity) < Infinity)
    .toSorted((a, b) => (depths[b] ?? 0) - (depths[a] ?? 0) || a - b);
  for (const position of order) {
    if (fits(totals)) break;
    const end = course.end[position] ?? position;
    const below: number[] = [];
    for (let at = position + 1; at < end;) {
      if (purged.has(at)) {
        below.push(at);
        at = course.end[at] ?? end;
      } else {
        at += 1;
      }
    }
    const gain = gainOf(course, position);
    const filesBelow = below.reduce((left, inner) => left + gainOf(course, inner).size, -gain.size);
    if (below.length === 0 ? isOneFile(tree, course, position) : below.length === 1 && filesBelow === 0)
      continue;
    totals = add(totals, gain, 1);
    for (const inner of below) {
      totals = add(totals, gainOf(course, inner), -1);
      purged.delete(inner);
    }
    purged.add(position);
  }
  return fits(totals) ? { purged: Int32Array.from(purged).toSorted(), totals, source: 'greedy' } : undefined;
}

function isOneFile(tree: DirectoryTree, course: Course, position: number): boolean {
  return (tree.fileStart[course.end[position] ?? 0] ?? 0) - (tree.fileStart[position] ?? 0) < 2;
}

function add(a: Totals, b: Totals, sign: 1 | -1): Totals {
  return {
    size: a.size + sign * b.size,
    directories: a.directories + sign * b.directories,
    cost: a.cost + sign * b.cost,
  };
}
