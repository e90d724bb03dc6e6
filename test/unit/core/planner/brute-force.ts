// All plans of a small problem, one after the other, by the definition alone: what the planner must match.

import type { Problem } from '../../../../src/lib/core/planner/problem.ts';

export type Least = {
  readonly waiting: number;
  readonly cost: number;
};

/** A plan named by what it purges; files are ids. */
export type Spent = {
  readonly directories: readonly { readonly site: string; readonly directory: string }[];
  readonly files: readonly number[];
};

/** Directories above a path, the root first. */
export function directoriesAbove(path: string): readonly string[] {
  const [before = ''] = path.split('?');
  const names = before.split('/').slice(1, -1);
  return Array.from({ length: names.length + 1 }, (_, depth) => ['', ...names.slice(0, depth), ''].join('/'));
}

/** Directories that the policy lets go as a whole. */
export function allowedDirectories({ due, policy, evicts }: Problem): Spent['directories'] {
  const found = new Map<string, { site: string; directory: string; due: number }>();
  for (const { site, path } of due) {
    for (const directory of new Set(directoriesAbove(path))) {
      const key = `${site} ${directory}`;
      const known = found.get(key);
      found.set(key, { site, directory, due: (known?.due ?? 0) + 1 });
    }
  }
  return [...found.values()].filter(({ site, directory, due: count }) => {
    const evicted = evicts(site, directory);
    return (
      count >= policy.smallestDirectory &&
      policy.isAllowed(site, directory) &&
      evicted !== undefined &&
      evicted <= policy.mostEvicted
    );
  });
}

/** The least waiting weight over all sets of directories, and the least cost with it. */
export function leastByBruteForce(problem: Problem): Least {
  const candidates = allowedDirectories(problem);
  let least: Least = { waiting: Infinity, cost: Infinity };
  for (let set = 0; set < 2 ** candidates.length; set += 1) {
    const outcome = outcomeOf(
      problem,
      candidates.filter((_, index) => (set & (1 << index)) !== 0),
    );
    if (outcome === undefined) continue;
    const isBetter =
      outcome.waiting < least.waiting || (outcome.waiting === least.waiting && outcome.cost < least.cost);
    if (isBetter) least = outcome;
  }
  return least;
}

/** What is left waiting, and the cost, when these directories go and the heaviest others as files. */
function outcomeOf(problem: Problem, directories: Spent['directories']): Least | undefined {
  const { due, budgets, prices, evicts } = problem;
  const isCovered = (site: string, path: string): boolean =>
    directories.some((purged) => purged.site === site && path.startsWith(purged.directory));
  const rest = due.filter(({ site, path }) => !isCovered(site, path));
  const stays = rest.filter(({ waitCost = Infinity }) => waitCost < prices.file);
  const wanting = rest
    .filter(({ waitCost = Infinity }) => waitCost >= prices.file)
    .map(({ weight }) => weight)
    .toSorted((a, b) => b - a);
  for (let files = wanting.length; files >= 0; files -= 1) {
    const spends = { directories, files: wanting.slice(0, files).map((_, index) => index) };
    if (!isWithin(budgets, spends)) continue;
    return {
      waiting: sum(wanting.slice(files)),
      cost:
        sum(directories.map(({ site, directory }) => evicts(site, directory) ?? Infinity)) +
        directories.length * prices.directory +
        files * prices.file +
        sum(stays.map(({ waitCost = 0 }) => waitCost)),
    };
  }
  return undefined;
}

/** Whether a plan spends no more than is left. */
export function isWithin(budgets: Problem['budgets'], { directories, files }: Spent): boolean {
  return budgets.every(
    ({ perFile, perDirectory, left }) => perFile * files.length + perDirectory * directories.length <= left,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
