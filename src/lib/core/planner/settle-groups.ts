// Groups, settled after the optimum: due members go together or wait together, and what cannot be kept is said.

import { assignFiles, heaviestFirst } from './assignment.ts';
import type { Assignment, Fate } from './assignment.ts';
import type { Course, Purged, Room, Weights } from './course.ts';
import { byCodeUnit } from './directory-tree.ts';
import type { DirectoryTree } from './directory-tree.ts';
import type { DueFile, PlannedGroup } from './problem.ts';

export type GroupQuestion = {
  readonly due: readonly DueFile[];
  readonly tree: DirectoryTree;
  readonly course: Pick<Course, 'length' | 'end'>;
  readonly room: Room;
  readonly weights: Weights;
  readonly urlsPerRequest: number;
  readonly purged: Purged;
};

/** Takes the chosen directories, gives who goes how and what became of the groups that did not simply fit. */
export function settleGroups(question: GroupQuestion): {
  readonly assignment: Assignment;
  readonly groups: readonly PlannedGroup[];
} {
  const { due, tree, course, room, weights } = question;
  const assign = (purged: Purged): Assignment => assignFiles(due, tree, course, room, weights, purged);
  const members = groupsOf(due, weights);
  let assignment = assign(question.purged);
  if (members.length === 0) return { assignment, groups: [] };
  const said = new Map<string, PlannedGroup['how']>();
  for (const [group, indices] of members) {
    if (urlsOf(indices, assignment) <= question.urlsPerRequest) continue;
    const wider = withDirectory(question, assignment.purged, indices);
    if (wider === undefined) {
      said.set(group, 'consecutive-requests');
    } else {
      said.set(group, 'directory');
      assignment = assign(wider);
    }
  }
  for (const [group, indices] of members) {
    const outcome = settleGroup(question, assignment, indices);
    if (outcome !== undefined) said.set(group, outcome);
  }
  const groups = [...said].map(([group, how]) => ({ group, how }));
  return { assignment, groups: groups.toSorted((a, b) => byCodeUnit(a.group, b.group)) };
}

/** Groups of two and more, the heaviest first. */
function groupsOf(
  due: readonly DueFile[],
  weights: Weights,
): readonly (readonly [string, readonly number[]])[] {
  const byName = new Map<string, number[]>();
  for (const [index, { group }] of due.entries()) {
    if (group === undefined) continue;
    const known = byName.get(group);
    if (known === undefined) byName.set(group, [index]);
    else known.push(index);
  }
  return [...byName]
    .filter(([, indices]) => indices.length > 1)
    .map(([group, indices]) => ({ group, indices, weight: weightOf(indices, weights) }))
    .toSorted((a, b) => b.weight - a.weight || byCodeUnit(a.group, b.group))
    .map(({ group, indices }) => [group, indices]);
}

function weightOf(indices: readonly number[], { weight }: Weights): number {
  return indices.reduce((sum, index) => sum + (weight[index] ?? 0), 0);
}

/** URLs that the members need in a request: files, and each directory that covers some. */
function urlsOf(indices: readonly number[], { fates, coveredBy }: Assignment): number {
  const directories = new Set<number>();
  let files = 0;
  for (const index of indices) {
    if (fates[index] === 'covered') directories.add(coveredBy[index] ?? 0);
    else files += 1;
  }
  return files + directories.size;
}

/** The deepest directory that covers all members instead, if it may be purged and fits. */
function withDirectory(
  { tree, course, room }: GroupQuestion,
  purged: Purged,
  indices: readonly number[],
): Purged | undefined {
  const wanted = new Set(indices);
  let first = Infinity;
  let last = -1;
  for (let position = 0; position < course.length; position += 1) {
    for (let at = tree.fileStart[position] ?? 0; at < (tree.fileStart[position + 1] ?? 0); at += 1) {
      if (!wanted.has(tree.files[at] ?? -1)) continue;
      first = Math.min(first, position);
      last = position;
    }
  }
  for (let position = first; position >= 0; position -= 1) {
    const end = course.end[position] ?? 0;
    if (end <= last || (tree.evicts[position] ?? Infinity) === Infinity) continue;
    const wider = Int32Array.from([
      ...purged.filter((at) => at < position || at >= end),
      position,
    ]).toSorted();
    return room.filesBeside(wider.length) >= 0 ? wider : undefined;
  }
  return undefined;
}

/** Changes the fates of a group's members and, in exchange, of files of no group; says what is worth saying. */
function settleGroup(
  question: GroupQuestion,
  assignment: Assignment,
  indices: readonly number[],
): PlannedGroup['how'] | undefined {
  const { due, weights } = question;
  const { fates } = assignment;
  const is = (...wanted: Fate[]): readonly number[] =>
    indices.filter((index) => wanted.includes(fates[index] ?? 'file'));
  const missing = is('no-quota', 'by-choice', 'group');
  const going = is('file');
  if (missing.length === 0) return undefined;
  if (missing.length === indices.length) {
    for (const index of is('no-quota')) fates[index] = 'group';
    return is('group').length > 0 ? 'waits' : undefined;
  }
  const isCovered = missing.length + going.length < indices.length;
  const order = heaviestFirst(due, weights);
  const loose = (wanted: Fate): number[] =>
    due
      .flatMap(({ group }, index) => (group === undefined && fates[index] === wanted ? [index] : []))
      .toSorted(order);
  const spare = assignment.filesBeside - fates.filter((fate) => fate === 'file').length;
  const short = Math.max(missing.length - spare, 0);
  const givers = short === 0 ? [] : loose('file').slice(-short);
  const canComplete = givers.length >= short;
  const takers = loose('no-quota').slice(0, going.length);
  const lostByCompleting = weightOf(givers, weights) - weightOf(missing, weights);
  const lostByWaiting = weightOf(going, weights) - weightOf(takers, weights);
  if (canComplete && (isCovered || lostByCompleting <= lostByWaiting)) {
    for (const index of givers) fates[index] = 'no-quota';
    for (const index of missing) fates[index] = 'file';
    return undefined;
  }
  if (isCovered) return 'split';
  for (const index of takers) fates[index] = 'file';
  for (const index of indices) fates[index] = 'group';
  return 'waits';
}
