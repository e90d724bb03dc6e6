// Repair: takes over, subtree by subtree, what another plan does there, first to fit and then to cost less.

import { gainOf, totalsOf } from './course.ts';
import type { Course, Purged, Totals } from './course.ts';
import type { Multipliers } from './lagrangian.ts';

/** What a plan may take. */
export type Limits = {
  /** Whether totals stay within the budgets and leave no more waiting than they must. */
  readonly fits: (totals: Totals) => boolean;
  /** How far they are from that, in evicted objects that the scarce units are worth; 0 when they fit. */
  readonly excess: (totals: Totals, multipliers: Multipliers) => number;
};

/**
 * Takes a plan that need not fit and others to learn from, gives one that fits; not given when it gets no nearer.
 * Between plans that are best at nearly the same multipliers every subtree may be exchanged at nearly no cost.
 */
export function makeFit(
  course: Course,
  plan: Purged,
  others: readonly Purged[],
  multipliers: Multipliers,
  limits: Limits,
): Purged | undefined {
  let current = plan;
  let totals = totalsOf(course, plan);
  for (const other of others) {
    let excess = limits.excess(totals, multipliers);
    if (excess === 0) break;
    const before = totals;
    const changes = differences(course, current, other)
      .map((change) => ({
        change,
        saved: excess - limits.excess(plus(before, change.totals), multipliers),
        price: reducedCost(change.totals, multipliers),
      }))
      .filter(({ saved }) => saved > 0)
      .toSorted((a, b) => a.price / a.saved - b.price / b.saved || a.change.position - b.change.position);
    const taken: Difference[] = [];
    for (const { change } of changes) {
      const next = plus(totals, change.totals);
      const excessAfter = limits.excess(next, multipliers);
      if (excessAfter >= excess) continue;
      totals = next;
      excess = excessAfter;
      taken.push(change);
      if (excess === 0) break;
    }
    current = applied(current, taken);
  }
  return limits.fits(totals) ? current : undefined;
}

/** Takes a plan that fits and one to learn from (which need not), gives a plan that fits and costs no more. */
export function takeOver(
  course: Course,
  plan: Purged,
  other: Purged,
  multipliers: Multipliers,
  limits: Limits,
): Purged {
  const changes = differences(course, plan, other)
    .filter(({ totals }) => totals.cost < 0)
    .map((change) => ({ change, worth: worthOf(change.totals, multipliers) }))
    .toSorted(
      (a, b) =>
        b.worth - a.worth ||
        a.change.totals.cost - b.change.totals.cost ||
        a.change.position - b.change.position,
    );
  let totals = totalsOf(course, plan);
  const taken: Difference[] = [];
  for (const { change } of changes) {
    const next = plus(totals, change.totals);
    if (!limits.fits(next)) continue;
    totals = next;
    taken.push(change);
  }
  return applied(plan, taken);
}

/** A subtree in which two plans differ: what to purge no longer and what instead, and what that changes. */
type Difference = {
  readonly position: number;
  readonly without: readonly number[];
  readonly with: readonly number[];
  readonly totals: Totals;
};

function applied(plan: Purged, changes: readonly Difference[]): Purged {
  if (changes.length === 0) return plan;
  const dropped = new Set(changes.flatMap(({ without }) => without));
  const kept = [...plan].filter((position) => !dropped.has(position));
  return Int32Array.from(kept.concat(changes.flatMap((change) => change.with))).toSorted();
}

function reducedCost(totals: Totals, { file, directory }: Multipliers): number {
  return totals.cost + totals.size * file + totals.directories * directory;
}

/** How many evicted objects are saved for each that scarce units are worth. */
function worthOf(totals: Totals, { file, directory }: Multipliers): number {
  const use = totals.size * file + totals.directories * directory;
  return use <= 0 ? Infinity : -totals.cost / use;
}

/** In order of position. */
function differences(course: Course, plan: Purged, other: Purged): readonly Difference[] {
  const found: Difference[] = [];
  let a = 0;
  let b = 0;
  while (a < plan.length || b < other.length) {
    const own = plan[a] ?? course.length;
    const theirs = other[b] ?? course.length;
    if (own === theirs) {
      a += 1;
      b += 1;
      continue;
    }
    const position = Math.min(own, theirs);
    const end = course.end[position] ?? course.length;
    const without: number[] = [];
    const instead: number[] = [];
    for (; (plan[a] ?? end) < end; a += 1) without.push(plan[a] ?? 0);
    for (; (other[b] ?? end) < end; b += 1) instead.push(other[b] ?? 0);
    let totals: Totals = { size: 0, directories: 0, cost: 0 };
    for (const purged of instead) totals = plus(totals, gainOf(course, purged));
    for (const purged of without) totals = minus(totals, gainOf(course, purged));
    found.push({ position, without, with: instead, totals });
  }
  return found;
}

function plus(a: Totals, b: Totals): Totals {
  return { size: a.size + b.size, directories: a.directories + b.directories, cost: a.cost + b.cost };
}

function minus(a: Totals, b: Totals): Totals {
  return { size: a.size - b.size, directories: a.directories - b.directories, cost: a.cost - b.cost };
}
