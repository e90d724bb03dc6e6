// The plan as a path: at each position of the tree either open the directory or purge it and jump to its end.

import type { DirectoryTree } from './directory-tree.ts';
import type { Budget, DueFile, Prices } from './problem.ts';

/**
 * The tree, weighed. An opened directory leaves its own files uncovered, which takes `size` of the file budget and
 * costs `base`; a purged one costs `purge` and takes one directory. Every plan is a path from position 0 to the end.
 */
export type Course = {
  readonly length: number;
  readonly end: Int32Array;
  readonly size: Float64Array;
  readonly base: Float64Array;
  readonly purge: Float64Array;
  /** Sums of `size` and `base` before each position. */
  readonly sizeBefore: Float64Array;
  readonly baseBefore: Float64Array;
};

/** Positions that a plan purges, ascending; none lies below another. */
export type Purged = Int32Array;

/** What a path takes and costs. */
export type Totals = { readonly size: number; readonly directories: number; readonly cost: number };

/** Takes the tree and what each due file takes and costs when uncovered, gives the course. */
export function courseOf(
  tree: DirectoryTree,
  sizeOf: Float64Array,
  baseOf: Float64Array,
  directoryPrice: number,
): Course {
  const length = tree.size;
  const course = {
    length,
    end: tree.end,
    size: new Float64Array(length),
    base: new Float64Array(length),
    purge: new Float64Array(length),
    sizeBefore: new Float64Array(length + 1),
    baseBefore: new Float64Array(length + 1),
  };
  for (let position = 0; position < length; position += 1) {
    let size = 0;
    let base = 0;
    for (let at = tree.fileStart[position] ?? 0; at < (tree.fileStart[position + 1] ?? 0); at += 1) {
      const index = tree.files[at] ?? 0;
      size += sizeOf[index] ?? 0;
      base += baseOf[index] ?? 0;
    }
    course.size[position] = size;
    course.base[position] = base;
    course.purge[position] = quantised(tree.evicts[position] ?? Infinity) + directoryPrice;
    course.sizeBefore[position + 1] = (course.sizeBefore[position] ?? 0) + size;
    course.baseBefore[position + 1] = (course.baseBefore[position] ?? 0) + base;
  }
  return course;
}

/** What purging the directory at a position changes, against leaving all below it uncovered. */
export function gainOf(course: Course, position: number): Totals {
  const end = course.end[position] ?? position;
  return {
    size: (course.sizeBefore[position] ?? 0) - (course.sizeBefore[end] ?? 0),
    directories: 1,
    cost:
      (course.purge[position] ?? Infinity) +
      (course.baseBefore[position] ?? 0) -
      (course.baseBefore[end] ?? 0),
  };
}

/** What the plan that purges these positions takes and costs. */
export function totalsOf(course: Course, purged: Purged): Totals {
  let size = course.sizeBefore[course.length] ?? 0;
  let cost = course.baseBefore[course.length] ?? 0;
  for (const position of purged) {
    const gain = gainOf(course, position);
    size += gain.size;
    cost += gain.cost;
  }
  return { size, directories: purged.length, cost };
}

/** Multiples of the least price: sums are then exact, so the same in any order. */
export function quantised(value: number): number {
  return Math.round(value * 2 ** 20) / 2 ** 20;
}

/** How much may be spent. */
export type Room = {
  readonly budgets: readonly Budget[];
  /** The most directories that fit, whatever the files. */
  readonly mostDirectories: number;
  /** The most files that fit beside so many directories; negative when these do not fit. */
  readonly filesBeside: (directories: number) => number;
};

/** Takes budgets, gives the room that they leave together. */
export function roomOf(budgets: readonly Budget[]): Room {
  const real = budgets
    .map((budget) => ({ ...budget, left: Math.max(budget.left, 0) }))
    .filter(({ perFile, perDirectory }) => perFile > 0 || perDirectory > 0);
  const filesBeside = (directories: number): number => {
    let most = Infinity;
    for (const { perFile, perDirectory, left } of real) {
      const rest = left - perDirectory * directories;
      if (rest < 0) return -1;
      if (perFile > 0) most = Math.min(most, Math.floor(rest / perFile));
    }
    return most;
  };
  const mostDirectories = Math.min(
    ...real
      .filter(({ perDirectory }) => perDirectory > 0)
      .map((budget) => Math.floor(budget.left / budget.perDirectory)),
    Number.MAX_SAFE_INTEGER,
  );
  return { budgets: real, mostDirectories, filesBeside };
}

/** Due files by what they weigh: quantised weights, and whether each waits by choice when no directory covers it. */
export type Weights = { readonly weight: Float64Array; readonly byChoice: Uint8Array };

/** Takes due files and the price of a file, gives their weights; one that waits by choice weighs nothing. */
export function weightsOf(due: readonly DueFile[], prices: Prices): Weights {
  const weight = new Float64Array(due.length);
  const byChoice = new Uint8Array(due.length);
  let index = 0;
  for (const file of due) {
    if (file.waitCost !== undefined && file.waitCost < prices.file) byChoice[index] = 1;
    else weight[index] = Math.max(quantised(file.weight), 2 ** -20);
    index += 1;
  }
  return { weight, byChoice };
}
