// The purge planner: which directories and files to purge now, and what waits. Pure; the same in any order of input.

import { chooseDirectories } from './choose-directories.ts';
import { courseOf, quantised, roomOf, weightsOf } from './course.ts';
import type { Course, Purged, Room, Weights } from './course.ts';
import { buildDirectoryTree } from './directory-tree.ts';
import type { DirectoryTree } from './directory-tree.ts';
import { explainPlan } from './explain.ts';
import { findLeastWaiting, waitingWeight } from './least-waiting.ts';
import type { LeastWaiting } from './least-waiting.ts';
import { LEAST_PRICE } from './problem.ts';
import type { DueFile, Plan, Prices, Problem } from './problem.ts';

/**
 * Takes due files, budgets, prices, policy and what stands under each directory. Gives the plan with, in this order:
 * the least weight waiting; the least evicted objects, units at their prices included. Within the work limit it is
 * exact, otherwise `gap` says how far from the best it may be.
 */
export function planPurges(problem: Problem): Plan {
  const { due, policy, evicts } = problem;
  const prices = {
    file: Math.max(quantised(problem.prices.file), LEAST_PRICE),
    directory: Math.max(quantised(problem.prices.directory), LEAST_PRICE),
  };
  const tree = buildDirectoryTree(due, policy, evicts);
  const weights = weightsOf(due, prices);
  const room = roomOf(problem.budgets);
  const plain = courseOf(
    tree,
    weights.weight.map(Math.sign),
    costsOf(due, weights, prices.file),
    prices.directory,
  );
  const least = findLeastWaiting(tree, plain, room, weights);
  const weighed =
    least.weight > 0 ? shortOfQuota(problem, prices, tree, room, weights, least) : enough(plain);
  const choice = chooseDirectories({
    tree,
    ...weighed,
    room,
    topmost: least.purged,
    workLimit: problem.workLimit,
  });
  return explainPlan({ problem, prices, tree, room, weights, least, ...weighed, choice });
}

type Weighed = {
  readonly course: Course;
  readonly waitingSize: number;
  readonly unitSize: number;
  readonly excessWaiting: (purged: Purged) => number;
  readonly asideCost: number;
  readonly isAsideExact: boolean;
};

/** Nothing need wait: each file takes one unit. */
function enough(course: Course): Weighed {
  return {
    course,
    waitingSize: 0,
    unitSize: 1,
    excessWaiting: () => 0,
    asideCost: 0,
    isAsideExact: true,
  };
}

/**
 * Something must wait: each file takes its weight, up to the threshold where files stop (`LeastWaiting.threshold`).
 * That is all there is to it when weights are equal; otherwise it is necessary, and the plan is checked for the rest.
 */
function shortOfQuota(
  { due }: Problem,
  prices: Prices,
  tree: DirectoryTree,
  room: Room,
  weights: Weights,
  least: LeastWaiting,
): Weighed {
  const { threshold, weight: waitingSize } = least;
  const sizes = weights.weight.map((weight) => Math.min(weight, threshold));
  const isEqual = weights.weight.every((weight) => weight === 0 || weight === threshold);
  if (isEqual) {
    return {
      course: courseOf(tree, sizes, costsOf(due, weights, prices.file), prices.directory),
      waitingSize,
      unitSize: threshold,
      excessWaiting: () => 0,
      // The course counts files that must wait as if they went.
      asideCost: (-prices.file * waitingSize) / threshold,
      isAsideExact: true,
    };
  }
  // Any number of files may wait, but all the files that fit beside the directories go: their price is set aside, and
  // what a directory takes of it goes into the directory's.
  const limits = room.budgets.filter(({ perFile }) => perFile > 0);
  const [limit] = limits;
  const perDirectory = limit?.perDirectory ?? 0;
  const isLinear = limits.length === 1 && limit?.perFile === 1 && Number.isInteger(perDirectory);
  const course = courseOf(
    tree,
    sizes,
    costsOf(due, weights, 0),
    prices.directory - (isLinear ? prices.file * perDirectory : 0),
  );
  const mostDirectories = Math.min(room.mostDirectories, course.length);
  return {
    course,
    waitingSize,
    unitSize: threshold,
    excessWaiting: (purged) => waitingWeight(tree, course, room, weights, purged) - waitingSize,
    asideCost: prices.file * room.filesBeside(isLinear ? 0 : mostDirectories),
    isAsideExact: isLinear,
  };
}

/** What each file costs while no directory covers it. */
function costsOf(due: readonly DueFile[], { byChoice }: Weights, filePrice: number): Float64Array {
  const costs = new Float64Array(due.length);
  let index = 0;
  for (const { waitCost } of due) {
    costs[index] = byChoice[index] === 1 ? Math.max(quantised(waitCost ?? 0), 0) : filePrice;
    index += 1;
  }
  return costs;
}
