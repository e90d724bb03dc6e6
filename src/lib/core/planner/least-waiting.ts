// The least that must wait, whatever is purged: topmost allowed directories cover most, so only they compete for it.

import { gainOf } from './course.ts';
import type { Course, Purged, Room, Weights } from './course.ts';
import type { DirectoryTree } from './directory-tree.ts';

export type LeastWaiting = {
  /** Weight of what waits in the plan found, and the least that it can be: equal when the plan is proven. */
  readonly weight: number;
  readonly bound: number;
  /** The topmost directories that leave that little waiting. */
  readonly purged: Purged;
  /**
   * The weight where files stop: a plan leaves W or less waiting only if its uncovered files, each counted as
   * min(weight, threshold), sum to at most threshold × files + W. With equal weights also if.
   */
  readonly threshold: number;
};

/** Takes the tree, its course (for ties: cheaper first), the room and the weights, gives the least that waits. */
export function findLeastWaiting(
  tree: DirectoryTree,
  course: Course,
  room: Room,
  weights: Weights,
): LeastWaiting {
  const tops = topmostAllowed(course);
  const problem = { tree, course, room, weights, tops };
  const byCount = bestAt(problem, Infinity);
  if (byCount.waiting <= 0) return { weight: 0, bound: 0, purged: byCount.purged, threshold: 1 };
  const levels = [...new Set(weights.weight)].filter((weight) => weight > 0).toSorted((a, b) => a - b);
  return levels.length === 1 ? settle([bestAt(problem, levels[0] ?? 1)]) : searchThreshold(problem, levels);
}

/** Allowed directories with no allowed one above them, ascending. */
export function topmostAllowed(course: Course): Purged {
  const tops: number[] = [];
  for (let position = 0; position < course.length;) {
    if ((course.purge[position] ?? Infinity) < Infinity) {
      tops.push(position);
      position = course.end[position] ?? course.length;
    } else {
      position += 1;
    }
  }
  return Int32Array.from(tops);
}

type Competition = {
  readonly tree: DirectoryTree;
  readonly course: Course;
  readonly room: Room;
  readonly weights: Weights;
  readonly tops: Purged;
};

type Attempt = {
  readonly threshold: number;
  /** The weight purged at most, by this threshold's bound. */
  readonly covered: number;
  readonly total: number;
  readonly waiting: number;
  readonly purged: Purged;
};

/**
 * The relaxation at one threshold t: a file unit is worth t, so a directory is worth the sum of min(weight, t) below
 * it. An infinite threshold stands for counting: everything weighs 1.
 */
function bestAt(problem: Competition, threshold: number): Attempt {
  const { tree, course, room, weights, tops } = problem;
  const capped = (index: number): number => {
    const weight = weights.weight[index] ?? 0;
    return threshold === Infinity ? Math.sign(weight) : Math.min(weight, threshold);
  };
  const worth = new Float64Array(tops.length);
  let total = 0;
  let over = 0;
  for (let index = 0; index < weights.weight.length; index += 1) {
    const weight =
      threshold === Infinity ? Math.sign(weights.weight[index] ?? 0) : (weights.weight[index] ?? 0);
    total += weight;
    over += weight - capped(index);
  }
  for (const [number, position] of tops.entries()) {
    const last = tree.fileStart[course.end[position] ?? 0] ?? 0;
    for (let at = tree.fileStart[position] ?? 0; at < last; at += 1) {
      worth[number] = (worth[number] ?? 0) + capped(tree.files[at] ?? 0);
    }
  }
  const order = Array.from(tops.keys()).toSorted(
    (a, b) =>
      (worth[b] ?? 0) - (worth[a] ?? 0) ||
      gainOf(course, tops[a] ?? 0).cost - gainOf(course, tops[b] ?? 0).cost ||
      a - b,
  );
  const fileWorth = threshold === Infinity ? 1 : threshold;
  let covered = -1;
  let bestCount = 0;
  let sum = 0;
  for (let count = 0; count <= Math.min(order.length, room.mostDirectories); count += 1) {
    if (count > 0) sum += worth[order[count - 1] ?? 0] ?? 0;
    const files = room.filesBeside(count);
    if (files < 0) break;
    // What is uncovered counts at most as much as there is: files beyond that are worth nothing.
    const value = sum + Math.min(files * fileWorth, total - over - sum) + over;
    if (value <= covered) continue;
    covered = value;
    bestCount = count;
  }
  const purged = Int32Array.from(order.slice(0, bestCount), (number) => tops[number] ?? 0).toSorted();
  const waiting =
    threshold === Infinity ? total - covered : waitingWeight(tree, course, room, weights, purged);
  return { threshold, covered, total, waiting, purged };
}

/** The bound is convex in the threshold: the lowest is found by bisection over the weights that occur. */
function searchThreshold(problem: Competition, levels: readonly number[]): LeastWaiting {
  const attempts = new Map<number, Attempt>();
  const at = (level: number): Attempt => {
    const known = attempts.get(level);
    if (known !== undefined) return known;
    const attempt = bestAt(problem, levels[level] ?? 1);
    attempts.set(level, attempt);
    return attempt;
  };
  let low = 0;
  let high = levels.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle + 1).covered < at(middle).covered) low = middle + 1;
    else high = middle;
  }
  at(low);
  return settle([...attempts.values()]);
}

function settle(attempts: readonly Attempt[]): LeastWaiting {
  let found: Attempt | undefined;
  let lowest: Attempt | undefined;
  for (const attempt of attempts) {
    if (found === undefined || attempt.waiting < found.waiting) found = attempt;
    if (lowest === undefined || attempt.covered < lowest.covered) lowest = attempt;
  }
  return {
    weight: found?.waiting ?? 0,
    bound: Math.max((lowest?.total ?? 0) - (lowest?.covered ?? 0), 0),
    purged: found?.purged ?? new Int32Array(),
    threshold: lowest?.threshold ?? 1,
  };
}

/** Takes a plan, gives the weight that it leaves waiting: the lightest of what is uncovered. */
export function waitingWeight(
  tree: DirectoryTree,
  course: Course,
  room: Room,
  weights: Weights,
  purged: Purged,
): number {
  const uncovered: number[] = [];
  let next = 0;
  for (let position = 0; position < course.length;) {
    if (purged[next] === position) {
      next += 1;
      position = course.end[position] ?? course.length;
      continue;
    }
    for (let at = tree.fileStart[position] ?? 0; at < (tree.fileStart[position + 1] ?? 0); at += 1) {
      const weight = weights.weight[tree.files[at] ?? 0] ?? 0;
      if (weight > 0) uncovered.push(weight);
    }
    position += 1;
  }
  const files = room.filesBeside(purged.length);
  if (files >= uncovered.length) return 0;
  let waiting = 0;
  for (const weight of Float64Array.from(uncovered)
    .toSorted()
    .subarray(0, uncovered.length - files)) {
    waiting += weight;
  }
  return waiting;
}
