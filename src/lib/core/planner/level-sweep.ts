// A further candidate: from the deepest level up, purge every directory of a level that has anything due below it.

import type { Course, Purged } from './course.ts';
import type { DirectoryTree } from './directory-tree.ts';
import type { Candidate } from './greedy.ts';
import { totalsOf } from './course.ts';
import type { Limits } from './repair.ts';

/**
 * Takes a tree, gives the plan of the deepest level at which it fits, as s3deploy's sweep does it: what lies deeper
 * than the level goes by the directory at it. Not given when it fits at no level.
 */
export function sweepLevels(
  tree: DirectoryTree,
  course: Course,
  fits: Limits['fits'],
): Candidate | undefined {
  const depths = tree.directories.map((directory) => directory.split('/').length - 2);
  const deepest = depths.reduce((most, depth) => Math.max(most, depth), 0);
  for (let level = deepest; level >= 0; level -= 1) {
    const purged = atLevel(course, depths, level);
    const totals = totalsOf(course, purged);
    if (fits(totals)) return { purged, totals, source: 'level-sweep' };
  }
  return undefined;
}

function atLevel(course: Course, depths: readonly number[], level: number): Purged {
  const purged: number[] = [];
  for (let position = 0; position < course.length;) {
    if ((depths[position] ?? 0) >= level && (course.purge[position] ?? Infinity) < Infinity) {
      purged.push(position);
      position = course.end[position] ?? course.length;
    } else {
      position += 1;
    }
  }
  return Int32Array.from(purged);
}
