// Which directories to purge: the exact plan within the work limit, else the best of what repair and greed find.

import { totalsOf } from './course.ts';
import type { Course, Purged, Room, Totals } from './course.ts';
import type { DirectoryTree } from './directory-tree.ts';
import { searchExactly } from './exact-labels.ts';
import { roundingAt } from './label-sweep.ts';
import { collapseDeepest } from './greedy.ts';
import type { Candidate } from './greedy.ts';
import { findLagrangianBound, nearBest, pathsOf } from './lagrangian.ts';
import type { Relaxed } from './lagrangian.ts';
import { sweepLevels } from './level-sweep.ts';
import { LEAST_PRICE } from './problem.ts';
import type { PlanSource } from './problem.ts';
import { makeFit, takeOver } from './repair.ts';
import type { Limits } from './repair.ts';

export type Question = {
  readonly tree: DirectoryTree;
  readonly course: Course;
  readonly room: Room;
  /** A plan that fits. */
  readonly topmost: Purged;
  /** Size that must wait, and what one file unit takes of it. */
  readonly waitingSize: number;
  readonly unitSize: number;
  /**
   * Weight that a plan leaves waiting beyond what `waitingSize` says: not 0 only where weights differ and quota is
   * short. Less comes first, whatever it costs.
   */
  readonly excessWaiting: (purged: Purged) => number;
  readonly workLimit: number;
};

export type Choice = {
  readonly purged: Purged;
  readonly totals: Totals;
  readonly source: PlanSource;
  /** No plan that leaves as little waiting costs less. */
  readonly bound: number;
  readonly isExact: boolean;
  readonly relaxed: Relaxed;
  readonly work: number;
  readonly longestLabelList: number;
};

/** Takes the question, gives the cheapest directories to purge among the plans that leave least waiting. */
export function chooseDirectories(question: Question): Choice {
  const { course, room, unitSize } = question;
  const scaled = {
    ...room,
    budgets: room.budgets.map((budget) => ({ ...budget, perFile: budget.perFile / unitSize })),
  };
  const lagrangian = findLagrangianBound(course, scaled.budgets, question.waitingSize);
  const { best: relaxed } = lagrangian;
  const limits = limitsOf(question);
  const { fits } = limits;
  const candidates = new Candidates(question);
  const teachers = nearBest(lagrangian, MOST_TEACHERS).flatMap((look) => pathsOf(course, look));
  candidates.offer(question.topmost, 'topmost');
  for (const purged of teachers) {
    if (fits(totalsOf(course, purged))) candidates.offer(purged, 'lagrangian');
  }
  const improve = (plan: Purged): void => {
    let better = plan;
    for (const teacher of teachers) better = takeOver(course, better, teacher, relaxed.multipliers, limits);
    candidates.offer(better, 'lagrangian');
  };
  const repair = (): void => {
    for (const plan of teachers.slice(0, MOST_REPAIRED)) {
      const fitting = makeFit(course, plan, teachers, relaxed.multipliers, limits);
      if (fitting !== undefined) improve(fitting);
    }
    improve(question.topmost);
    improve(candidates.best.purged);
  };
  const answer = (purged: Purged, source: PlanSource, isProven: boolean, search = NO_SEARCH): Choice => {
    const totals = totalsOf(course, purged);
    const isExact = isProven && question.excessWaiting(purged) <= 0;
    return {
      purged,
      totals,
      source: isExact && source !== 'exact' ? 'bound' : source,
      bound: isExact ? totals.cost : Math.min(relaxed.bound, totals.cost),
      isExact,
      relaxed,
      work: search.work,
      longestLabelList: search.longestLabelList,
    };
  };
  const isAtBound = (): boolean => candidates.best.totals.cost <= relaxed.bound + roundingAt(relaxed.bound);
  if (isAtBound()) return answer(candidates.best.purged, candidates.best.source, true);
  repair();
  if (isAtBound()) return answer(candidates.best.purged, candidates.best.source, true);
  const search = searchExactly({
    course,
    relaxed: nearBest(lagrangian, MOST_SIDES),
    mostDirectories: room.mostDirectories,
    fits,
    known: candidates.best.totals.cost,
    workLimit: question.workLimit,
  });
  if (search.isProven) {
    const exact = answer(search.purged ?? candidates.best.purged, 'exact', true, search);
    if (exact.isExact) return exact;
    candidates.offer(exact.purged, 'lagrangian');
  } else if (search.purged !== undefined) {
    improve(search.purged);
  }
  for (const make of [sweepLevels, collapseDeepest]) {
    const candidate = make(question.tree, course, fits);
    if (candidate === undefined) continue;
    candidates.offer(candidate.purged, candidate.source);
    improve(candidate.purged);
  }
  return answer(candidates.best.purged, candidates.best.source, false, search);
}

function limitsOf({ room, waitingSize, unitSize }: Question): Limits {
  const overSize = ({ size, directories }: Totals): number =>
    Math.max(size - waitingSize - unitSize * Math.max(room.filesBeside(directories), 0), 0);
  const overDirectories = ({ directories }: Totals): number =>
    Math.max(directories - room.mostDirectories, 0);
  return {
    fits: (totals) => overDirectories(totals) === 0 && overSize(totals) === 0,
    excess: (totals, { file, directory }) =>
      overSize(totals) * Math.max(file, LEAST_PRICE) +
      overDirectories(totals) * Math.max(directory, LEAST_PRICE),
  };
}

const MOST_REPAIRED = 4;
const MOST_TEACHERS = 12;
const MOST_SIDES = 3;
const NO_SEARCH = { work: 0, longestLabelList: 0 };
/** Keeps the plan that leaves least waiting, then costs least, then came first. */
class Candidates {
  readonly #question: Question;
  #best: (Candidate & { readonly excess: number }) | undefined;

  constructor(question: Question) {
    this.#question = question;
  }

  get best(): Candidate {
    if (this.#best === undefined) throw new Error('no plan was offered');
    return this.#best;
  }

  offer(purged: Purged, source: PlanSource): void {
    const best = this.#best;
    const totals = totalsOf(this.#question.course, purged);
    const excess = this.#question.excessWaiting(purged);
    const isBetter =
      best === undefined ||
      excess < best.excess ||
      (excess === best.excess && totals.cost < best.totals.cost);
    if (isBetter) this.#best = { purged, totals, source, excess };
  }
}
