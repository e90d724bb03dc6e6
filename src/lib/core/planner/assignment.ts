// Who goes how, once the directories are chosen: covered by one, as a file, or waiting; the heaviest files go first.

import type { Course, Purged, Room, Weights } from './course.ts';
import type { DirectoryTree } from './directory-tree.ts';
import type { DueFile } from './problem.ts';

/** What becomes of one due file. */
export type Fate = 'covered' | 'file' | 'no-quota' | 'by-choice' | 'group';

export type Assignment = {
  readonly purged: Purged;
  /** By index into `due`. */
  readonly fates: Fate[];
  /** For covered files the position that covers them, else -1. */
  readonly coveredBy: Int32Array;
  /** The most files that fit beside these directories. */
  readonly filesBeside: number;
};

/** Takes the purged directories, gives the fate of every due file; among equal weights the lowest id goes. */
export function assignFiles(
  due: readonly DueFile[],
  tree: DirectoryTree,
  course: Pick<Course, 'length' | 'end'>,
  room: Room,
  weights: Weights,
  purged: Purged,
): Assignment {
  const fates = due.map((): Fate => 'file');
  const coveredBy = new Int32Array(due.length).fill(-1);
  for (const position of purged) {
    const last = tree.fileStart[course.end[position] ?? 0] ?? 0;
    for (let at = tree.fileStart[position] ?? 0; at < last; at += 1) {
      const index = tree.files[at] ?? 0;
      fates[index] = 'covered';
      coveredBy[index] = position;
    }
  }
  const wanting: number[] = [];
  for (let index = 0; index < due.length; index += 1) {
    if (fates[index] === 'covered') continue;
    if (weights.byChoice[index] === 1) fates[index] = 'by-choice';
    else wanting.push(index);
  }
  const filesBeside = room.filesBeside(purged.length);
  if (wanting.length > filesBeside) {
    wanting.sort(heaviestFirst(due, weights));
    for (const index of wanting.slice(filesBeside)) fates[index] = 'no-quota';
  }
  return { purged, fates, coveredBy, filesBeside };
}

/** Orders indices into `due`: the heaviest first, then by id: callers give the oldest the lowest. */
export function heaviestFirst(
  due: readonly DueFile[],
  { weight }: Weights,
): (a: number, b: number) => number {
  return (a, b) => (weight[b] ?? 0) - (weight[a] ?? 0) || (due[a]?.id ?? 0) - (due[b]?.id ?? 0);
}
