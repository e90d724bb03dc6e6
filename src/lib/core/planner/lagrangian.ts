// The Lagrangian bound: with one price a budget the best path is found in one pass, and no plan costs less than it.

import { gainOf } from './course.ts';
import type { Course, Purged, Totals } from './course.ts';
import type { Budget } from './problem.ts';

/** Prices on top of the units' own: what a unit of file size and a directory cost more because they are scarce. */
export type Multipliers = { readonly file: number; readonly directory: number };

/** One relaxed solution. */
export type Relaxed = {
  readonly multipliers: Multipliers;
  /** No plan within the budgets costs less. */
  readonly bound: number;
  /** What a plan's cost plus multipliers × use exceeds its cost by when the budgets are spent in full. */
  readonly allowance: number;
  readonly totals: Totals;
};

export type LagrangianBound = {
  /** The one with the highest bound. */
  readonly best: Relaxed;
  /** All that were looked at, in order. */
  readonly looks: readonly Relaxed[];
};

/**
 * Takes a course, budgets and how much size may wait, gives the highest bound over all multipliers, up to a small
 * tolerance: it is a bound at any of them.
 */
export function findLagrangianBound(
  course: Course,
  budgets: readonly Budget[],
  waitingSize: number,
): LagrangianBound {
  const size = course.sizeBefore[course.length] ?? 0;
  const binding = budgets.filter(
    ({ perFile, perDirectory, left }) => perFile * (size - waitingSize) + perDirectory * course.length > left,
  );
  const suffix = new Float64Array(course.length + 1);
  const looks: Relaxed[] = [];
  const look = (prices: readonly number[]): Tangent => {
    let file = 0;
    let directory = 0;
    let allowance = 0;
    for (const [index, { perFile, perDirectory, left }] of binding.entries()) {
      const price = prices[index] ?? 0;
      file += price * perFile;
      directory += price * perDirectory;
      allowance += price * (left + perFile * waitingSize);
    }
    const multipliers = { file, directory };
    const bound = fillSuffix(course, multipliers, suffix) - allowance;
    const totals = totalsOnPath(course, multipliers, suffix);
    looks.push({ multipliers, bound, allowance, totals });
    const slopes = binding.map(
      ({ perFile, perDirectory, left }) =>
        perFile * (totals.size - waitingSize) + perDirectory * totals.directories - left,
    );
    return { value: bound, slopes };
  };
  climb(look, [], binding.length);
  let best: Relaxed | undefined;
  for (const relaxed of looks) if (best === undefined || relaxed.bound > best.bound) best = relaxed;
  if (best === undefined) throw new Error('the Lagrangian bound was not looked at anywhere');
  return { best, looks };
}

/** A plane that touches the dual function, which is concave, from above at one point. */
type Tangent = { readonly value: number; readonly slopes: readonly number[] };

const MOST_STEPS = 40;
const TOLERANCE = 2 ** -14;

/**
 * Maximises over the prices that are not given yet. One price at a time: the two tangents around the top meet where
 * the next look is. What it gives is a tangent over the given prices.
 */
function climb(
  look: (prices: readonly number[]) => Tangent,
  given: readonly number[],
  count: number,
): Tangent {
  const own = given.length;
  if (own === count) return look(given);
  const at = (price: number): Tangent => climb(look, [...given, price], count);
  const slope = (tangent: Tangent): number => tangent.slopes[own] ?? 0;
  let low = 0;
  let below = at(0);
  if (slope(below) <= 0) return below;
  let high = 1;
  let above = at(high);
  for (let steps = 0; slope(above) > 0 && steps < MOST_STEPS; steps += 1) {
    low = high;
    below = above;
    high *= 8;
    above = at(high);
  }
  if (slope(above) > 0) return above;
  for (let steps = 0; ; steps += 1) {
    const price =
      (above.value - slope(above) * high - below.value + slope(below) * low) / (slope(below) - slope(above));
    const top = below.value + slope(below) * (price - low);
    const between = price > low && price < high && steps < MOST_STEPS ? at(price) : undefined;
    if (between === undefined || top - between.value <= TOLERANCE) {
      // The mix of both planes that is level in this price.
      const share = slope(below) / (slope(below) - slope(above));
      const slopes = below.slopes.map(
        (value, index) => value * (1 - share) + (above.slopes[index] ?? 0) * share,
      );
      return { value: top, slopes };
    }
    if (slope(between) > 0) {
      low = price;
      below = between;
    } else {
      high = price;
      above = between;
    }
  }
}

/** Fills in the least reduced cost from each position to the end; gives that of the whole course. */
export function fillSuffix(course: Course, multipliers: Multipliers, suffix: Float64Array): number {
  const { end, size, base, purge } = course;
  const { file, directory } = multipliers;
  suffix[course.length] = 0;
  for (let position = course.length - 1; position >= 0; position -= 1) {
    const open = (base[position] ?? 0) + file * (size[position] ?? 0) + (suffix[position + 1] ?? 0);
    const purged = (purge[position] ?? Infinity) + directory + (suffix[end[position] ?? 0] ?? 0);
    suffix[position] = purged < open ? purged : open;
  }
  return suffix[0] ?? 0;
}

/** Is the directory at a position purged on the best path through it? On a tie it stays open, unless told otherwise. */
function isPurgedOnPath(
  course: Course,
  multipliers: Multipliers,
  suffix: Float64Array,
  position: number,
  purgeOnTie: boolean,
): boolean {
  const purge = course.purge[position] ?? Infinity;
  if (purge === Infinity) return false;
  const open =
    (course.base[position] ?? 0) +
    multipliers.file * (course.size[position] ?? 0) +
    (suffix[position + 1] ?? 0);
  const purged = purge + multipliers.directory + (suffix[course.end[position] ?? 0] ?? 0);
  return purgeOnTie ? purged <= open : purged < open;
}

function totalsOnPath(course: Course, multipliers: Multipliers, suffix: Float64Array): Totals {
  let size = course.sizeBefore[course.length] ?? 0;
  let cost = course.baseBefore[course.length] ?? 0;
  let directories = 0;
  for (let position = 0; position < course.length;) {
    if (!isPurgedOnPath(course, multipliers, suffix, position, false)) {
      position += 1;
      continue;
    }
    const gain = gainOf(course, position);
    size += gain.size;
    cost += gain.cost;
    directories += 1;
    position = course.end[position] ?? course.length;
  }
  return { size, directories, cost };
}

/** Takes a course and multipliers, gives the directories on the best path between two positions. */
export function pathAt(
  course: Course,
  multipliers: Multipliers,
  suffix: Float64Array,
  purgeOnTie: boolean,
  from = 0,
  to = course.length,
): Purged {
  const purged: number[] = [];
  for (let position = from; position < to;) {
    if (isPurgedOnPath(course, multipliers, suffix, position, purgeOnTie)) {
      purged.push(position);
      position = course.end[position] ?? course.length;
    } else {
      position += 1;
    }
  }
  return Int32Array.from(purged);
}

/** The relaxed solutions with the highest bounds and different multipliers, best first. */
export function nearBest({ looks }: LagrangianBound, most: number): readonly Relaxed[] {
  const seen = new Set<string>();
  return looks
    .toSorted(
      (a, b) =>
        b.bound - a.bound ||
        a.multipliers.file - b.multipliers.file ||
        a.multipliers.directory - b.multipliers.directory,
    )
    .filter(({ multipliers }) => {
      const key = `${multipliers.file} ${multipliers.directory}`;
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    })
    .slice(0, most);
}

/** Both best paths at the same multipliers: they differ where two ways cost the same. */
export function pathsOf(course: Course, { multipliers }: Relaxed): readonly Purged[] {
  const suffix = new Float64Array(course.length + 1);
  fillSuffix(course, multipliers, suffix);
  return [false, true].map((purgeOnTie) => pathAt(course, multipliers, suffix, purgeOnTie));
}
