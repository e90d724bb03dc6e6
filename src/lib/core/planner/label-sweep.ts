// One sweep of the exact search: labels (size, directories, cost) of partial plans, pruned by dominance and by bounds.

import { gainOf } from './course.ts';
import type { Course, Purged } from './course.ts';
import { fillSuffix } from './lagrangian.ts';
import type { Relaxed } from './lagrangian.ts';
import { ParetoFront } from './pareto-front.ts';
import type { Limits } from './repair.ts';

export type Search = {
  readonly course: Course;
  /** The bounds to prune with; the best first. */
  readonly relaxed: readonly Relaxed[];
  readonly mostDirectories: number;
  readonly fits: Limits['fits'];
  /** The cost of a plan that is known: only cheaper ones are of interest. */
  readonly known: number;
  readonly workLimit: number;
};

/** What a step and a partial plan must be able to end below. */
export type Below = { readonly steps: number; readonly labels: number };

/** Room for rounding where multipliers are involved; costs themselves are exact multiples of the least price. */
export function roundingAt(cost: number): number {
  return 2 ** -22 + Math.abs(cost) * 2 ** -44;
}

/** One bound: least reduced costs from the start to each position, and from there to the end. */
export type Side = {
  readonly relaxed: Relaxed;
  readonly prefix: Float64Array;
  readonly suffix: Float64Array;
};

/** Takes a relaxed solution, gives the bounds that its multipliers make. */
export function sideOf(course: Course, relaxed: Relaxed): Side {
  const { end, size, base, purge, length } = course;
  const { multipliers } = relaxed;
  const suffix = new Float64Array(length + 1);
  fillSuffix(course, multipliers, suffix);
  const prefix = new Float64Array(length + 1).fill(Infinity);
  prefix[0] = 0;
  for (let position = 0; position < length; position += 1) {
    const here = prefix[position] ?? Infinity;
    const open = here + (base[position] ?? 0) + multipliers.file * (size[position] ?? 0);
    const next = position + 1;
    if (open < (prefix[next] ?? Infinity)) prefix[next] = open;
    const purged = here + (purge[position] ?? Infinity) + multipliers.directory;
    const after = end[position] ?? length;
    if (purged < (prefix[after] ?? Infinity)) prefix[after] = purged;
  }
  return { relaxed, prefix, suffix };
}

/** One sweep over the course that keeps all that may end below the limit. */
export class LabelSweep {
  work = 0;
  longestLabelList = 0;
  isStopped = false;
  /** The cheapest plan below the limit. */
  purged: Purged | undefined;
  cost = Infinity;
  readonly #search: Search;
  readonly #sides: readonly Side[];
  readonly #limits: Below;
  readonly #below: number;
  readonly #workLimit: number;
  readonly #mostLabels: number;
  // Labels: what a partial plan leaves uncovered of the whole course so far, its directories, its cost, the directory
  // purged last and the label before it. Opening a directory changes none of these, so it is free.
  readonly #size: number[];
  readonly #directories: number[] = [0];
  readonly #cost: number[];
  readonly #purged: number[] = [-1];
  readonly #before: number[] = [-1];
  readonly #front: ParetoFront;
  // By side: what a unit of size and a directory cost on top, and what the rest of the course adds.
  readonly #filePrice: Float64Array;
  readonly #directoryPrice: Float64Array;
  readonly #after: Float64Array;

  constructor(search: Search, sides: readonly Side[], limits: Below, workLimit: number, mostLabels: number) {
    this.#search = search;
    this.#sides = sides;
    this.#limits = {
      steps: limits.steps + roundingAt(limits.steps),
      labels: limits.labels + roundingAt(limits.labels),
    };
    this.#below = limits.labels;
    this.#workLimit = workLimit;
    this.#mostLabels = mostLabels;
    this.#size = [search.course.sizeBefore[search.course.length] ?? 0];
    this.#cost = [search.course.baseBefore[search.course.length] ?? 0];
    this.#filePrice = Float64Array.from(sides, ({ relaxed }) => relaxed.multipliers.file);
    this.#directoryPrice = Float64Array.from(sides, ({ relaxed }) => relaxed.multipliers.directory);
    this.#after = new Float64Array(sides.length);
    this.#front = new ParetoFront(Math.min(search.mostDirectories, search.course.length));
  }

  run(): void {
    const { course } = this.#search;
    const { length, end, base, size, purge } = course;
    let labels: readonly number[] = [0];
    // Lists of labels that have purged a directory, waiting where it ends; the next end on top.
    const waiting: { readonly at: number; readonly labels: readonly number[] }[] = [];
    for (let position = 0; ; position += 1) {
      for (let top = waiting.at(-1); top !== undefined && top.at === position; top = waiting.at(-1)) {
        waiting.pop();
        labels = this.#merge(labels, top.labels, position);
      }
      if (position === length || this.isStopped) break;
      const after = end[position] ?? length;
      const purgeCost = purge[position] ?? Infinity;
      if (labels.length > 0 && purgeCost < Infinity && this.#mayLead(position, after, purgeCost, 0, 1)) {
        const purged = this.#purge(labels, position, after);
        if (purged.length > 0) waiting.push({ at: after, labels: purged });
      }
      if (
        labels.length > 0 &&
        !this.#mayLead(position, position + 1, base[position] ?? 0, size[position] ?? 0, 0)
      ) {
        labels = [];
      }
      if (labels.length === 0) {
        const top = waiting.at(-1);
        if (top === undefined) break;
        position = top.at - 1;
      }
    }
    if (!this.isStopped) this.purged = this.#cheapest(labels);
  }

  /** May any plan that takes this step end below the limit? */
  #mayLead(from: number, to: number, cost: number, size: number, directories: number): boolean {
    for (const { relaxed, prefix, suffix } of this.#sides) {
      const { multipliers, allowance } = relaxed;
      const reduced = cost + multipliers.file * size + multipliers.directory * directories;
      const least = (prefix[from] ?? Infinity) + reduced + (suffix[to] ?? 0) - allowance;
      if (least >= this.#limits.steps) return false;
    }
    return true;
  }

  /** Sets what the bounds add for all that comes after a position. */
  #lookFrom(position: number): void {
    const { course } = this.#search;
    const rest = course.length;
    // A label counts all after the position as uncovered; the suffix counts that again.
    const sizeAfter = (course.sizeBefore[rest] ?? 0) - (course.sizeBefore[position] ?? 0);
    const costAfter = (course.baseBefore[rest] ?? 0) - (course.baseBefore[position] ?? 0);
    let at = 0;
    for (const { relaxed, suffix } of this.#sides) {
      const { multipliers, allowance } = relaxed;
      this.#after[at] = (suffix[position] ?? 0) - allowance - costAfter - multipliers.file * sizeAfter;
      at += 1;
    }
  }

  /** The least that a partial plan may end at, from the position looked from. */
  #leastEnd(size: number, directories: number, cost: number): number {
    let least = -Infinity;
    for (let at = 0; at < this.#after.length; at += 1) {
      const bound =
        cost +
        (this.#filePrice[at] ?? 0) * size +
        (this.#directoryPrice[at] ?? 0) * directories +
        (this.#after[at] ?? 0);
      if (bound > least) least = bound;
    }
    return least;
  }

  #purge(labels: readonly number[], position: number, after: number): readonly number[] {
    const { course, mostDirectories } = this.#search;
    const gain = gainOf(course, position);
    const purged: number[] = [];
    this.#count(labels.length);
    this.#lookFrom(after);
    for (const label of labels) {
      const size = (this.#size[label] ?? 0) + gain.size;
      const directories = (this.#directories[label] ?? 0) + 1;
      const cost = (this.#cost[label] ?? 0) + gain.cost;
      if (directories > mostDirectories) continue;
      if (this.#leastEnd(size, directories, cost) >= this.#limits.labels) continue;
      purged.push(this.#size.length);
      this.#size.push(size);
      this.#directories.push(directories);
      this.#cost.push(cost);
      this.#purged.push(position);
      this.#before.push(label);
    }
    return purged;
  }

  /** Both lists stand in order of size, directories, cost; so does what is given: what no other label beats. */
  #merge(a: readonly number[], b: readonly number[], position: number): readonly number[] {
    if (a.length === 0) return b;
    this.#count(a.length + b.length);
    const merged: number[] = [];
    const leasts: number[] = [];
    const isCut = this.#mostLabels < Infinity;
    this.#front.clear();
    this.#lookFrom(position);
    let i = 0;
    let j = 0;
    while (i < a.length || j < b.length) {
      const left = a[i];
      const right = b[j];
      let label: number;
      if (right === undefined || (left !== undefined && this.#compare(left, right) <= 0)) {
        label = left ?? 0;
        i += 1;
      } else {
        label = right;
        j += 1;
      }
      const size = this.#size[label] ?? 0;
      const directories = this.#directories[label] ?? 0;
      const cost = this.#cost[label] ?? 0;
      if (this.#front.isBeaten(directories, cost)) continue;
      const least = this.#leastEnd(size, directories, cost);
      if (least >= this.#limits.labels) continue;
      this.#front.add(directories, cost);
      merged.push(label);
      if (isCut) leasts.push(least);
    }
    this.longestLabelList = Math.max(this.longestLabelList, merged.length);
    return isCut && merged.length > this.#mostLabels ? this.#mostPromising(merged, leasts) : merged;
  }

  #mostPromising(labels: readonly number[], leasts: readonly number[]): readonly number[] {
    const order = Array.from(labels.keys()).toSorted((a, b) => (leasts[a] ?? 0) - (leasts[b] ?? 0) || a - b);
    return order
      .slice(0, this.#mostLabels)
      .toSorted((a, b) => a - b)
      .map((index) => labels[index] ?? 0);
  }

  #compare(a: number, b: number): number {
    return (
      (this.#size[a] ?? 0) - (this.#size[b] ?? 0) ||
      (this.#directories[a] ?? 0) - (this.#directories[b] ?? 0) ||
      (this.#cost[a] ?? 0) - (this.#cost[b] ?? 0)
    );
  }

  #count(labels: number): void {
    this.work += labels;
    if (this.work > this.#workLimit) this.isStopped = true;
  }

  #cheapest(labels: readonly number[]): Purged | undefined {
    let best = -1;
    let least = this.#below;
    for (const label of labels) {
      const cost = this.#cost[label] ?? 0;
      const totals = { size: this.#size[label] ?? 0, directories: this.#directories[label] ?? 0, cost };
      if (cost >= least || !this.#search.fits(totals)) continue;
      least = cost;
      best = label;
    }
    if (best < 0) return undefined;
    this.cost = least;
    const purged: number[] = [];
    for (let label = best; (this.#before[label] ?? -1) >= 0; label = this.#before[label] ?? 0) {
      purged.push(this.#purged[label] ?? 0);
    }
    return Int32Array.from(purged.toReversed());
  }
}
