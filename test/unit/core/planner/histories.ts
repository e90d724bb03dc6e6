// Days of a site's history as planning problems: what changed together, and what stands beside it.

import { readTrace, type Deployment } from '../../../../bench/planner/trace.ts';
import { Inventory } from '../../../../bench/planner/inventory.ts';
import { directoriesOf } from '../../../../bench/planner/directories-of.ts';
import { seededRandom } from '../../../../bench/seeded-random.ts';
import { tieBreakingPrices, type Evicts, type Problem } from '../../../../src/lib/core/planner/problem.ts';
import { aProblem, chinaBudgets, dueAt } from './problems.ts';

export type History = { readonly name: string; readonly deployments: readonly Deployment[] };

/** Published histories (files named in PLANNER_TRACES, separated by commas); without them a made one. */
export function histories(): readonly History[] {
  const files = (process.env['PLANNER_TRACES'] ?? '').split(',').filter((file) => file !== '');
  return files.length === 0 ? [madeHistory()] : files.map(readTrace);
}

/** Takes how many deployments are planned together, gives one problem for each such day. */
export function* daysOf(
  { deployments }: History,
  perDay: number,
  [files, directories]: readonly [number, number],
): Generator<Problem> {
  const inventory = new Inventory();
  for (let at = 0; at < deployments.length; at += perDay) {
    const changed = new Set<string>();
    for (const deployment of deployments.slice(at, at + perDay)) {
      inventory.deploy(deployment);
      for (const path of [...deployment.puts, ...deployment.deletes]) changed.add(path);
    }
    yield aProblem({
      due: dueAt(...changed),
      budgets: chinaBudgets(files, directories),
      prices: tieBreakingPrices(files, directories),
      evicts: unchangedIn(inventory, changed),
    });
  }
}

function unchangedIn(inventory: Inventory, changed: ReadonlySet<string>): Evicts {
  const changedBelow = new Map<string, number>();
  for (const path of changed) {
    if (!inventory.has(path)) continue;
    for (const directory of directoriesOf(path)) {
      changedBelow.set(directory, (changedBelow.get(directory) ?? 0) + 1);
    }
  }
  return (_site, directory) => inventory.countBelow(directory) - (changedBelow.get(directory) ?? 0);
}

/** Versions of a handbook side by side: most deployments touch a few pages, some a whole version. */
function madeHistory(): History {
  const random = seededRandom(20_261_122);
  const pick = (below: number): number => Math.floor(random() * below);
  const deployments = Array.from({ length: 60 }, (_, index): Deployment => {
    if (index < 12) return { puts: version(index), deletes: [] };
    const touched = index % 9 === 0 ? version(pick(12)) : [];
    const pages = Array.from({ length: 5 + pick(60) }, () => {
      const page = pick(120);
      return pageOf(pick(12), page % 12, page);
    });
    return { puts: [...touched, ...pages.slice(3)], deletes: pages.slice(0, 3) };
  });
  return { name: 'a made history (name files in PLANNER_TRACES for published ones)', deployments };
}

function version(number: number): string[] {
  return Array.from({ length: 120 }, (_, page) => pageOf(number, page % 12, page)).concat(
    `/handbook-${number}.html`,
  );
}

function pageOf(version: number, section: number, page: number): string {
  return `/handbook/${version}/section-${section}/${page % 3 === 0 ? 'reference/' : ''}page-${page}.html`;
}
