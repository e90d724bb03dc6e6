// What stands in one container now: its last complete listing, and what change events have said since.

import { instant, type Instant } from '../instant.ts';
import { createDirectoryTree, type DirectoryTree, type Reach, type Standing } from './directory-tree.ts';
import { foldCase } from '../url-matching.ts';
import { changesFrom, type InventoryChanges } from './inventory-changes.ts';
import type { CompleteListing } from './listing.ts';

export type ContainerInventory = {
  /** What changed before is surely in the listing. */
  readonly listedAt: Instant;
  /**
   * Takes a directory that ends with `/`, or an empty one for the whole container. Undefined: never seen, or something
   * unknown was moved there. Bytes are those of the listing; events do not tell of them.
   */
  readonly objectsBelow: (directory: string, reach?: Reach) => Standing | undefined;
  readonly stands: (name: string) => boolean;
  /** Whether another directory is known that differs from this one, or from one above it, by the case of letters alone. */
  readonly hasTwin: (directory: string) => boolean;
  /**
   * Whether neither the listing nor an event from before this change has the name. False where only its deletion is
   * known, and where something unknown was moved to: it stood there before. False, too, where a later change is known:
   * its event came first, and what this one made may have been fetched in between.
   */
  readonly isNew: (name: string, changedAt: Instant) => boolean;
  /** The oldest creation that an event told of since the listing; undefined: none did. */
  readonly firstStoodAt: (name: string) => Instant | undefined;
};

/** Event times are the storage service's, the listing's are ours. */
const CLOCK_SLACK_MS = 60_000;

/** Takes a complete listing and all changes of the container, gives what stands there. Keeps both. */
export function containerInventory(
  listing: CompleteListing,
  allChanges: InventoryChanges,
): ContainerInventory {
  const { tree, names, startedAt, completedAt } = listing;
  const changes = changesSince(listing, allChanges);
  const unknown = new Set(changes.unknown.keys());
  const cleared = new Map<string, Instant>();
  for (const [directory, at] of changes.cleared) {
    // While it was listed: what was made there afterwards may be in the listing, or not.
    if (at <= completedAt) unknown.add(directory);
    else cleared.set(directory, at);
  }
  const aboveUnknown = new Set([...unknown].flatMap((directory) => ancestorsOf(directory)));

  const clearedAt = (path: string): Instant | undefined => {
    let at: Instant | undefined;
    for (const directory of cleared.size === 0 ? [] : ancestorsOf(path)) {
      const one = cleared.get(directory);
      if (one !== undefined && (at === undefined || one > at)) at = one;
    }
    return at;
  };
  const stands = (name: string): boolean => {
    const change = changes.names.get(name);
    const gone = clearedAt(name);
    if (change !== undefined && (gone === undefined || change.at >= gone)) return change.stands;
    return gone === undefined && names.has(name);
  };

  const difference = createDirectoryTree();
  for (const directory of cleared.keys()) takeAway(directory, tree, difference, clearedAt);
  for (const name of changes.names.keys()) {
    const stood = clearedAt(name) === undefined && names.has(name);
    difference.add(name, Number(stands(name)) - Number(stood), 0);
  }

  let spellings: Spellings | undefined;

  return {
    listedAt: startedAt,

    objectsBelow(directory, reach) {
      if (aboveUnknown.has(directory) || unknown.has(directory)) return undefined;
      if (unknown.size > 0 && ancestorsOf(directory).some((above) => unknown.has(above))) return undefined;
      const listed = clearedAt(directory) === undefined ? tree.below(directory, reach) : undefined;
      const since = difference.below(directory, reach);
      if (listed === undefined && since === undefined) {
        // Seen, and emptied since.
        return tree.below(directory) === undefined ? undefined : { objects: 0, bytes: 0 };
      }
      return {
        objects: Math.max(0, (listed?.objects ?? 0) + (since?.objects ?? 0)),
        bytes: Math.max(0, (listed?.bytes ?? 0) + (since?.bytes ?? 0)),
      };
    },

    stands,

    hasTwin(directory) {
      spellings ??= spellingsOf([tree, difference]);
      for (const path of [...ancestorsOf(directory), directory]) {
        const known = spellings.get(foldCase(path));
        if (known !== undefined && known !== path) return true;
      }
      return false;
    },

    isNew(name, changedAt) {
      if (names.has(name) || ancestorsOf(name).some((directory) => unknown.has(directory))) return false;
      const change = changes.names.get(name);
      if (change === undefined) return true;
      return change.at <= changedAt && change.firstStoodAt !== undefined && change.firstStoodAt >= changedAt;
    },

    firstStoodAt: (name) => changes.names.get(name)?.firstStoodAt,
  };
}

/** Gives the changes that a listing may not show; the others need not be kept. */
export function changesSince({ startedAt }: CompleteListing, changes: InventoryChanges): InventoryChanges {
  return changesFrom(changes, instant(startedAt - CLOCK_SLACK_MS));
}

/** Directories by their folded names: as each is written, or `several`. */
type Spellings = ReadonlyMap<string, string | typeof SEVERAL>;
const SEVERAL = Symbol('several');

function spellingsOf(trees: readonly DirectoryTree[]): Spellings {
  const spellings = new Map<string, string | typeof SEVERAL>();
  for (const tree of trees) {
    const path: string[] = [];
    for (const { depth, segment } of tree.lines()) {
      path[depth] = depth === 0 ? '' : `${path[depth - 1] ?? ''}${segment}/`;
      const directory = path[depth];
      const folded = foldCase(directory);
      const known = spellings.get(folded) ?? directory;
      spellings.set(folded, known === directory ? directory : SEVERAL);
    }
  }
  return spellings;
}

/** What a cleared directory held goes once, though a directory above or below it was cleared as well. */
function takeAway(
  directory: string,
  tree: DirectoryTree,
  difference: DirectoryTree,
  clearedAt: (path: string) => Instant | undefined,
): void {
  const held = tree.below(directory);
  if (held === undefined || clearedAt(directory) !== undefined) return;
  difference.add(directory, -held.objects, -held.bytes);
}

/** Directories strictly above a path, the whole container first: of `a/b/` and of `a/b` these are `` and `a/`. */
function ancestorsOf(path: string): string[] {
  if (path === '') return [];
  const above = [''];
  const end = path.length - 1;
  for (let slash = path.indexOf('/'); slash !== -1 && slash < end; slash = path.indexOf('/', slash + 1)) {
    above.push(path.slice(0, slash + 1));
  }
  return above;
}
