// What stands under a URL directory, and what of it a purge would evict although nothing there changed.

import type { Instant } from '../instant.ts';
import type { DueFile } from '../planner/problem.ts';
import type { ContainerInventory } from './container-inventory.ts';
import { createDirectoryTree, type DirectoryTree, type Reach, type Standing } from './directory-tree.ts';
import type { ContainerPlace } from './listing.ts';
import { decodeUrlPath, type ServedContainers } from './served-containers.ts';

export type Inventory = {
  readonly served: ServedContainers;
  /** Undefined: the container was never listed to its end. */
  readonly of: (place: ContainerPlace) => ContainerInventory | undefined;
};

/** What was counted, and when the oldest listing in it began. */
export type CountedDirectory = Standing & { readonly listedAt: Instant };

/** Takes a site and a URL directory, gives what stands below it, or directly in it, by all rules; undefined: not known. */
export function standingBelow(
  site: string,
  urlDirectory: string,
  { served, of }: Inventory,
  reach: Reach = 'below',
): CountedDirectory | undefined {
  let total: CountedDirectory | undefined;
  for (const { directory, ...place } of served.directoriesBelow(site, urlDirectory, reach) ?? []) {
    const container = of(place);
    const standing = container?.objectsBelow(directory, reach);
    if (container === undefined || standing === undefined) return undefined;
    total = {
      objects: (total?.objects ?? 0) + standing.objects,
      bytes: (total?.bytes ?? 0) + standing.bytes,
      listedAt: earlier(total?.listedAt, container.listedAt),
    };
  }
  return total;
}

const earlier = (known: Instant | undefined, at: Instant): Instant =>
  known === undefined || at < known ? at : known;

/** Due files that stand in the containers, below a URL directory or directly in it. */
type DueStanding = (site: string, urlDirectory: string, reach: Reach) => number;

/**
 * Takes what is due, gives how much of it stands below a directory: a deleted blob does not, nor a URL that an index
 * document also answers. Several spellings of one blob count once.
 */
function dueStanding(due: Iterable<Pick<DueFile, 'site' | 'path'>>, { served, of }: Inventory): DueStanding {
  const sites = new Map<string, { readonly tree: DirectoryTree; readonly seen: Set<string> }>();
  for (const { site, path } of due) {
    const known = sites.get(site) ?? { tree: createDirectoryTree(), seen: new Set<string>() };
    sites.set(site, known);
    const raw = decodeUrlPath(path);
    if (raw === undefined || known.seen.has(raw)) continue;
    known.seen.add(raw);
    const standing = served
      .blobsAt(site, path)
      .filter(({ name, ...place }) => of(place)?.stands(name) === true);
    if (standing.length > 0) known.tree.add(raw.slice(1), standing.length, 0);
  }
  return (site, urlDirectory, reach) => {
    const raw = decodeUrlPath(urlDirectory);
    return raw === undefined ? 0 : (sites.get(site)?.tree.below(raw.slice(1), reach)?.objects ?? 0);
  };
}

/** What a directory purge would evict, by the inventory. */
export type CountedEviction = {
  /** Objects that are not due. */
  readonly evicts: number;
  readonly listedAt: Instant;
};

/** Takes what is due, gives what purging a URL directory would evict. Undefined where the inventory does not know. */
export function evictionsOf(
  due: Iterable<Pick<DueFile, 'site' | 'path'>>,
  inventory: Inventory,
): (site: string, urlDirectory: string, reach?: Reach) => CountedEviction | undefined {
  const dueBelow = dueStanding(due, inventory);
  return (site, directory, reach = 'below') => {
    const standing = standingBelow(site, directory, inventory, reach);
    if (standing === undefined) return undefined;
    const { objects, listedAt } = standing;
    return { evicts: Math.max(0, objects - dueBelow(site, directory, reach)), listedAt };
  };
}
