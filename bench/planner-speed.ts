// How long does one plan take, and how far from the bound is it, from a thousand due URLs to a million?
//
// Trees with a directory for every four due URLs, each directory holding one of them at least; what else stands in
// the directories is heavy-tailed. Budgets from plenty to short; the time includes building the tree.

import { median, rounded } from './measure.ts';
import { seededRandom } from './seeded-random.ts';
import { planPurges } from '../src/lib/core/planner/plan-purges.ts';
import {
  DEFAULT_WORK_LIMIT,
  everyDirectoryButTheRoot,
  tieBreakingPrices,
} from '../src/lib/core/planner/problem.ts';
import type { DueFile, Evicts, Plan } from '../src/lib/core/planner/problem.ts';

const SEED = 20_261_122;
const SITES = 4;
const DEEPEST = 9;
const SIZES = [1000, 10_000, 25_000, 100_000, 1_000_000];

/** What is left of the quota, for so many due URLs. */
const quotas = new Map<string, (due: number) => readonly [files: number, directories: number]>([
  ['plenty', (due) => [due, due / 4]],
  ['half', (due) => [due / 2, due / 16]],
  ['scarce', (due) => [due / 10, due / 40]],
  ['2000 files, 500 directories', () => [2000, 500]],
]);

export function measurePlannerSpeed(): Record<string, unknown> {
  return Object.fromEntries(
    SIZES.map((count) => {
      const workload = makeWorkload(count);
      const byQuota = [...quotas].map(([name, quota]) => {
        const [files, directories] = quota(count).map(Math.floor);
        return [name, measurePlan(workload, files ?? 0, directories ?? 0)];
      });
      return [`${count} due`, { directories: workload.directories, ...Object.fromEntries(byQuota) }];
    }),
  );
}

function measurePlan(workload: Workload, files: number, directories: number): Record<string, unknown> {
  const rounds = workload.due.length > 100_000 ? 1 : 5;
  let plan: Plan | undefined;
  const cpuMs: number[] = [];
  const times = Array.from({ length: rounds }, () => {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    plan = planPurges({
      due: workload.due,
      budgets: [
        { perFile: 1, perDirectory: 0, left: files },
        { perFile: 0, perDirectory: 1, left: directories },
      ],
      prices: tieBreakingPrices(files, directories),
      policy: { isAllowed: everyDirectoryButTheRoot, smallestDirectory: 1, mostEvicted: Infinity },
      evicts: workload.evicts,
      workLimit: DEFAULT_WORK_LIMIT,
    });
    const tookMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMs.push((user + system) / 1000);
    return tookMs;
  });
  if (plan === undefined) throw new Error('nothing was planned');
  return {
    medianMs: rounded(median(times)),
    medianCpuMs: rounded(median(cpuMs)),
    longestMs: rounded(Math.max(...times)),
    waiting: plan.waiting.length,
    waitingOverLeast: plan.waitingWeight - plan.leastWaiting,
    files: plan.files.length,
    directories: plan.directories.length,
    evicts: plan.evicts,
    gapPercent: rounded((100 * plan.gap) / Math.max(plan.bound, 1), 4),
    source: plan.source,
    work: plan.work,
    longestLabelList: plan.longestLabelList,
  };
}

type Workload = {
  readonly due: readonly DueFile[];
  readonly directories: number;
  readonly evicts: Evicts;
};

function makeWorkload(count: number): Workload {
  const random = seededRandom(SEED);
  const pick = (below: number): number => Math.floor(random() * below);
  const directories = Math.ceil(count / 4);
  const nodes = Array.from({ length: directories }, () => ({
    path: '/',
    site: '',
    depth: 0,
    parent: -1,
    own: 0,
    all: 0,
  }));
  for (const [index, node] of nodes.entries()) {
    const parent = index < SITES ? -1 : random() < 0.5 ? pick(index) : pick(Math.min(index, 200));
    const above = nodes[parent];
    node.parent = above === undefined || above.depth >= DEEPEST ? index % SITES : parent;
    const from = nodes[node.parent];
    if (index < SITES || from === undefined) {
      node.parent = -1;
      node.site = `china http://www${index}.example.cn`;
    } else {
      node.site = from.site;
      node.depth = from.depth + 1;
      node.path = `${from.path}directory-${index}/`;
    }
    node.own = random() < 0.3 ? 0 : Math.floor(1 / (random() + 0.002));
    node.all = node.own;
  }
  for (const node of nodes.toReversed()) {
    const above = nodes[node.parent];
    if (above !== undefined) above.all += node.all;
  }
  const due = Array.from({ length: count }, (_, id): DueFile => {
    const skewed = Math.floor(directories * random() ** 3);
    const node = nodes[id < directories ? id : skewed];
    return { id, site: node?.site ?? '', path: `${node?.path ?? '/'}page-${id}.html`, weight: 1 };
  });
  for (let at = due.length - 1; at > 0; at -= 1) {
    const other = pick(at + 1);
    const [a, b] = [due[at], due[other]];
    if (a === undefined || b === undefined) continue;
    due[at] = b;
    due[other] = a;
  }
  const standing = new Map<string, Map<string, number>>();
  for (const { site, path, all } of nodes) {
    const known = standing.get(site) ?? new Map<string, number>();
    known.set(path, all);
    standing.set(site, known);
  }
  // As they come out of storage: flat strings, not ropes that the first look would have to flatten.
  const stored: unknown = JSON.parse(JSON.stringify(due.map(({ path }) => path)));
  const paths = Array.isArray(stored) ? stored.map(String) : [];
  return {
    due: due.map((file, index) => ({ ...file, path: paths[index] ?? file.path })),
    directories,
    evicts: (site, directory) => standing.get(site)?.get(directory),
  };
}
