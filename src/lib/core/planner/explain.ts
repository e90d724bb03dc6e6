// The plan in words that a record can keep: what each directory covers and spares, and why each waiting file waits.

import type { Assignment } from './assignment.ts';
import type { Choice } from './choose-directories.ts';
import type { Course, Room, Weights } from './course.ts';
import type { DirectoryTree } from './directory-tree.ts';
import { fillSuffix, pathAt } from './lagrangian.ts';
import type { LeastWaiting } from './least-waiting.ts';
import { topmostAllowed } from './least-waiting.ts';
import type { Plan, PlannedDirectory, Prices, Problem, WaitingFile, WhyWaiting } from './problem.ts';
import { settleGroups } from './settle-groups.ts';

/** All that led to a choice of directories. */
export type Reasoning = {
  readonly problem: Problem;
  /** As they were used: never 0. */
  readonly prices: Prices;
  readonly tree: DirectoryTree;
  readonly course: Course;
  readonly room: Room;
  readonly weights: Weights;
  readonly least: LeastWaiting;
  /** What one file takes of the course's size. */
  readonly unitSize: number;
  /** What a plan costs beside the cost of its course, and whether that is the same for all plans, not just the least. */
  readonly asideCost: number;
  readonly isAsideExact: boolean;
  readonly choice: Choice;
};

/** Takes the choice and what led to it, gives the plan: files assigned, groups settled, everything explained. */
export function explainPlan(reasoning: Reasoning): Plan {
  const { problem, prices, tree, course, room, weights, least, choice, unitSize } = reasoning;
  const { due, policy } = problem;
  const { assignment, groups } = settleGroups({
    due,
    tree,
    course,
    room,
    weights,
    urlsPerRequest: policy.urlsPerRequest ?? Infinity,
    purged: choice.purged,
  });
  const ids = (indices: readonly number[]): readonly number[] =>
    Array.from(Float64Array.from(indices, (index) => due[index]?.id ?? 0).toSorted());
  const files: number[] = [];
  let waitingWeight = 0;
  let waitCosts = 0;
  for (const [index, fate] of assignment.fates.entries()) {
    if (fate === 'file') files.push(index);
    else if (fate === 'by-choice') waitCosts += Math.max(due[index]?.waitCost ?? 0, 0);
    else if (fate !== 'covered') waitingWeight += weights.weight[index] ?? 0;
  }
  const directories = describeDirectories(reasoning, assignment, ids);
  const evicts = directories.reduce((sum, directory) => sum + directory.evicts, 0);
  const cost = evicts + directories.length * prices.directory + files.length * prices.file + waitCosts;
  const isExact = choice.isExact && reasoning.isAsideExact && least.weight <= least.bound;
  // The bound is for the plan before groups.
  const bound = Math.min(choice.bound + reasoning.asideCost, cost);
  const { multipliers } = choice.relaxed;
  return {
    directories,
    files: ids(files),
    waiting: describeWaiting(reasoning, assignment),
    groups,
    waitingWeight,
    leastWaiting: least.bound,
    evicts,
    cost,
    bound,
    gap: isExact ? 0 : cost - bound,
    isExact,
    source: choice.source,
    shadowPrices: { file: multipliers.file * unitSize, directory: multipliers.directory },
    work: choice.work,
    longestLabelList: choice.longestLabelList,
  };
}

function describeDirectories(
  { tree, course, choice, weights }: Reasoning,
  { purged }: Assignment,
  ids: (indices: readonly number[]) => readonly number[],
): PlannedDirectory[] {
  const { multipliers } = choice.relaxed;
  const suffix = new Float64Array(course.length + 1);
  fillSuffix(course, multipliers, suffix);
  const below = (position: number): Int32Array =>
    tree.files.subarray(tree.fileStart[position], tree.fileStart[course.end[position] ?? 0]);
  const wanting = (position: number): number =>
    below(position).reduce((count, index) => count + (weights.byChoice[index] === 1 ? 0 : 1), 0);
  return Array.from(purged, (position) => {
    const instead = pathAt(course, multipliers, suffix, false, position + 1, course.end[position]);
    return {
      site: tree.sites[position] ?? '',
      directory: tree.directories[position] ?? '',
      covers: ids([...below(position)]),
      evicts: tree.evicts[position] ?? 0,
      alternative: {
        files: instead.reduce((left, inner) => left - wanting(inner), wanting(position)),
        directories: instead.length,
        evicts: instead.reduce((sum, inner) => sum + (tree.evicts[inner] ?? 0), 0),
      },
    };
  });
}

function describeWaiting(
  { problem: { due }, prices, tree, course }: Reasoning,
  { fates }: Assignment,
): readonly WaitingFile[] {
  if (fates.every((fate) => fate === 'file' || fate === 'covered')) return [];
  const topOf = new Int32Array(due.length).fill(-1);
  for (const top of topmostAllowed(course)) {
    const last = tree.fileStart[course.end[top] ?? 0] ?? 0;
    for (let at = tree.fileStart[top] ?? 0; at < last; at += 1) topOf[tree.files[at] ?? 0] = top;
  }
  const shortage = (index: number): WhyWaiting => {
    const top = topOf[index] ?? -1;
    if (top < 0) return { kind: 'no-directory-allowed' };
    const covers = (tree.fileStart[course.end[top] ?? 0] ?? 0) - (tree.fileStart[top] ?? 0);
    return { kind: 'budget-spent', directory: tree.directories[top] ?? '', covers };
  };
  const waiting: WaitingFile[] = [];
  for (const [index, { id, group, waitCost }] of due.entries()) {
    const fate = fates[index];
    if (fate === 'no-quota') waiting.push({ id, why: shortage(index) });
    else if (fate === 'group') waiting.push({ id, why: { kind: 'group', group: group ?? '' } });
    else if (fate === 'by-choice') {
      waiting.push({ id, why: { kind: 'by-choice', waitCost: waitCost ?? 0, price: prices.file } });
    }
  }
  return waiting.toSorted((a, b) => a.id - b.id);
}
