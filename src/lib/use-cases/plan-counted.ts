// Plans, and counts what the plan would evict before it is carried out: no directory goes of which nobody knows what
// stands there.

import { evictionsOf, type Inventory } from '../core/inventory/inventory.ts';
import { instant, type Instant } from '../core/instant.ts';
import { planOnline, type OnlinePlan, type OnlineProblem } from '../core/planner/online.ts';
import type { DueFile } from '../core/planner/problem.ts';
import { asShallow, fromShallow } from '../core/planner/shallow-directories.ts';
import { countDirectory } from './count-directory.ts';
import { forEachLimited } from './for-each-limited.ts';
import { StorageTrouble, type BlobLister, type Run } from './ports.ts';

export type CountedPlanning = {
  readonly inventory: Inventory;
  readonly lister: BlobLister;
  /** What goes beside the plan: it is due as well. */
  readonly alsoDue: readonly Pick<DueFile, 'site' | 'path'>[];
  /** A count from a listing that began longer ago is made anew. */
  readonly recountAfterMs: number;
  /** Whether a directory purge reaches what lies in directories below it. */
  readonly reachesBelow: boolean;
};

/** Plans that counts may make anew. In the last one nothing is chosen that nobody has counted. */
const PLANS_MAX = 4;
/** Each is a storage call or a few. */
const COUNTS_MAX = 200;
const PARALLEL_COUNTS = 4;

/**
 * Takes a problem, gives the plan. A directory that the inventory does not know is taken to evict all that one may; one
 * that is chosen all the same, or whose count is old, is counted in storage, and the plan made again by what was found.
 */
export async function planCounted(
  problem: Omit<OnlineProblem, 'evicts'>,
  planning: CountedPlanning,
  now: Instant,
  run: Run,
): Promise<OnlinePlan> {
  const { inventory, recountAfterMs, reachesBelow } = planning;
  const due = [...problem.due, ...planning.alsoDue];
  const { mostEvicted } = problem.policy;
  const reach = reachesBelow ? 'below' : 'directly';
  const evictions = evictionsOf(due, inventory);
  const staleBefore = instant(now - recountAfterMs);
  /** Undefined: more than it may be, or not to be counted. */
  const counted = new Map<string, number | undefined>();
  let counts = 0;
  const canCount = (site: string, directory: string): boolean =>
    counts < COUNTS_MAX &&
    (inventory.served
      .directoriesBelow(site, directory, reach)
      ?.every(({ account }) => planning.lister.accounts.has(account)) ??
      false);

  for (let plans = 1; ; plans += 1) {
    const evicts = (site: string, directory: string): number | undefined => {
      const key = keyOf(site, directory);
      if (counted.has(key)) return counted.get(key);
      const known = evictions(site, directory, reach);
      if (known !== undefined) return known.evicts;
      return plans < PLANS_MAX && canCount(site, directory) ? mostEvicted : undefined;
    };
    const planned = reachesBelow
      ? planOnline({ ...problem, evicts })
      : fromShallow(planOnline(asShallow({ ...problem, evicts })));
    if (plans === PLANS_MAX) return planned;
    const doubtful = planned.plan.directories.filter(({ site, directory }) => {
      if (counted.has(keyOf(site, directory)) || !canCount(site, directory)) return false;
      const known = evictions(site, directory, reach);
      return known === undefined || known.listedAt < staleBefore;
    });
    if (doubtful.length === 0) return planned;
    const isDue = dueBlobs(due, inventory);
    const toCount = doubtful.slice(0, COUNTS_MAX - counts);
    counts += toCount.length;
    let isOff = toCount.length < doubtful.length;
    await forEachLimited(toCount, PARALLEL_COUNTS, async (chosen) => {
      const { site, directory } = chosen;
      const evicted = await countOthers(site, directory, isDue, mostEvicted, planning, run);
      counted.set(keyOf(site, directory), evicted);
      isOff ||= evicted !== chosen.evicts;
      if (evicted !== undefined || !reachesBelow) return;
      // What is too much is too much for every directory above.
      for (const above of directoriesAbove(directory)) counted.set(keyOf(site, above), undefined);
    });
    if (!isOff) return planned;
  }
}

const keyOf = (site: string, directory: string): string => `${site}${directory}`;

/** Of `/a/b/` these are `/a/` and `/`. */
function directoriesAbove(directory: string): readonly string[] {
  const above: string[] = [];
  for (
    let end = directory.lastIndexOf('/', directory.length - 2);
    end !== -1;
    end = directory.lastIndexOf('/', end - 1)
  ) {
    above.push(directory.slice(0, end + 1));
    if (end === 0) break;
  }
  return above;
}

type IsDue = (site: string, blob: string) => boolean;

function dueBlobs(due: readonly Pick<DueFile, 'site' | 'path'>[], { served }: Inventory): IsDue {
  const blobs = new Set<string>();
  for (const { site, path } of due) {
    for (const { account, container, name } of served.blobsAt(site, path)) {
      blobs.add(`${site} ${account}/${container}/${name}`);
    }
  }
  return (site, blob) => blobs.has(`${site} ${blob}`);
}

/** Objects that stand in a directory now and are not due; undefined: too many, or nobody can say. */
async function countOthers(
  site: string,
  directory: string,
  isDue: IsDue,
  most: number,
  { inventory, lister, reachesBelow }: CountedPlanning,
  { log }: Run,
): Promise<number | undefined> {
  const places =
    inventory.served.directoriesBelow(site, directory, reachesBelow ? 'below' : 'directly') ?? [];
  try {
    const count = await countDirectory(
      places,
      ({ account, container, directory: blobDirectory }, name) =>
        (reachesBelow || !name.includes('/', blobDirectory.length)) &&
        !isDue(site, `${account}/${container}/${name}`),
      most,
      lister,
    );
    return count.kind === 'counted' ? count.objects : undefined;
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('What stands in a directory could not be counted: its files go as files for now.', {
      directory: `${site}${directory}`,
      error: error.message,
    });
    return undefined;
  }
}
