// Sites with guarantees and caps under one quota: a plan in which no site takes more than its own, or what is another's.

import { planPurges } from './plan-purges.ts';
import type { Budget, DueFile, Plan, Problem } from './problem.ts';

/** What one owner of sites has of each budget, in the order of the problem's budgets. */
export type Share = {
  /** What is left of what others must leave to it. */
  readonly guaranteed: readonly number[];
  /** The most that it may still take. */
  readonly most: readonly number[];
};

export type Shares = {
  /** Whose a site is: several sites of a plan may be one in an operator's eyes. */
  readonly ownerOf: (site: string) => string;
  /** Who is not in it has no guarantee and no cap. */
  readonly byOwner: ReadonlyMap<string, Share>;
};

type Part = { readonly due: readonly DueFile[]; readonly plan: Plan };

/**
 * As `planPurges`, within shares. Everything is planned together first; an owner that takes too much is then planned
 * alone, up to its cap, and when guarantees are touched, who stays within its own is planned alone and the others share
 * the rest. At most one round for each owner.
 */
export function planWithinShares(problem: Problem, shares?: Shares): Plan {
  if (shares === undefined || shares.byOwner.size === 0) return planPurges(problem);
  const { ownerOf, byOwner } = shares;
  const dueOf = Map.groupBy(problem.due, ({ site }) => ownerOf(site));
  const parts: Part[] = [];
  let left = problem.budgets.map((budget) => budget.left);
  /** What others hold is kept from the plan as if it were spent. */
  for (const [owner, { guaranteed }] of byOwner) {
    if (!dueOf.has(owner)) left = left.map((units, at) => units - (guaranteed[at] ?? 0));
  }
  const budgetsWith = (units: readonly number[]): Budget[] =>
    problem.budgets.map((budget, at) => ({ ...budget, left: Math.max(units[at] ?? 0, 0) }));
  const settle = (owner: string, most: readonly number[]): void => {
    const due = dueOf.get(owner) ?? [];
    const within = left.map((units, at) => Math.min(units, most[at] ?? Infinity));
    const plan = planPurges({ ...problem, due, budgets: budgetsWith(within) });
    const guaranteed = byOwner.get(owner)?.guaranteed ?? [];
    const spent = problem.budgets.map((budget) =>
      spentOn(budget, plan.files.length, plan.directories.length),
    );
    left = left.map((units, at) => units - Math.max(spent[at] ?? 0, guaranteed[at] ?? 0));
    parts.push({ due, plan });
    dueOf.delete(owner);
  };
  for (;;) {
    const due = [...dueOf.values()].flat();
    if (due.length === 0) break;
    const plan = planPurges({ ...problem, due, budgets: budgetsWith(left) });
    const spent = spentByOwner(plan, due, problem.budgets, ownerOf);
    const owners = [...dueOf.keys()].toSorted();
    const shareOf = (owner: string, of: keyof Share, at: number): number =>
      byOwner.get(owner)?.[of][at] ?? (of === 'most' ? Infinity : 0);
    const takes = (owner: string, at: number): number => spent.get(owner)?.[at] ?? 0;
    const greedy = owners.find((owner) =>
      problem.budgets.some((_, at) => takes(owner, at) > shareOf(owner, 'most', at)),
    );
    if (greedy !== undefined) {
      settle(greedy, byOwner.get(greedy)?.most ?? []);
      continue;
    }
    const touched = problem.budgets.findIndex(
      (_, at) =>
        owners.reduce((sum, owner) => sum + Math.max(takes(owner, at), shareOf(owner, 'guaranteed', at)), 0) >
        (left[at] ?? 0),
    );
    const modest = owners.filter((owner) => takes(owner, touched) < shareOf(owner, 'guaranteed', touched));
    if (touched === -1 || modest.length === 0) {
      parts.push({ due, plan });
      break;
    }
    for (const owner of modest) {
      settle(
        owner,
        problem.budgets.map((_, at) => shareOf(owner, at === touched ? 'guaranteed' : 'most', at)),
      );
    }
  }
  return mergedPlan(
    parts.map(({ plan }) => plan),
    problem,
  );
}

function spentByOwner(
  { files, directories }: Plan,
  due: readonly DueFile[],
  budgets: readonly Budget[],
  ownerOf: (site: string) => string,
): ReadonlyMap<string, readonly number[]> {
  const units = new Map<string, { files: number; directories: number }>();
  const add = (site: string, kind: 'files' | 'directories'): void => {
    const owner = ownerOf(site);
    const known = units.get(owner) ?? { files: 0, directories: 0 };
    known[kind] += 1;
    units.set(owner, known);
  };
  const purged = new Set(files);
  for (const { id, site } of due) if (purged.has(id)) add(site, 'files');
  for (const { site } of directories) add(site, 'directories');
  return new Map(
    [...units].map(([owner, counts]) => [
      owner,
      budgets.map((budget) => spentOn(budget, counts.files, counts.directories)),
    ]),
  );
}

function spentOn({ perFile, perDirectory }: Budget, files: number, directories: number): number {
  return perFile * files + perDirectory * directories;
}

/** Plans of different sites as one: what is added up is added up, and what a part cannot know is not claimed. */
function mergedPlan(plans: readonly Plan[], problem: Problem): Plan {
  const [first, ...others] = plans;
  if (first === undefined) return planPurges({ ...problem, due: [] });
  return others.reduce(
    (all, plan): Plan => ({
      directories: [...all.directories, ...plan.directories],
      files: [...all.files, ...plan.files].toSorted((a, b) => a - b),
      waiting: [...all.waiting, ...plan.waiting].toSorted((a, b) => a.id - b.id),
      groups: [...all.groups, ...plan.groups],
      waitingWeight: all.waitingWeight + plan.waitingWeight,
      leastWaiting: all.leastWaiting + plan.leastWaiting,
      evicts: all.evicts + plan.evicts,
      cost: all.cost + plan.cost,
      bound: all.bound + plan.bound,
      gap: all.gap + plan.gap,
      isExact: false,
      source: plan.source,
      shadowPrices: {
        file: Math.max(all.shadowPrices.file, plan.shadowPrices.file),
        directory: Math.max(all.shadowPrices.directory, plan.shadowPrices.directory),
      },
      work: all.work + plan.work,
      longestLabelList: Math.max(all.longestLabelList, plan.longestLabelList),
    }),
    first,
  );
}
