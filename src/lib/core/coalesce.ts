// Many claims on purges to the fewest targets: equal ones once, and none that a claimed directory covers.

import type { UrlMatching } from './capabilities.ts';
import { targetKey, type PurgeTarget } from './purge-target.ts';
import { comparableUrl, directoryOf, isDirectlyIn, startOfPath } from './url-matching.ts';

/** Who needs a target purged: a change, a person's request. */
export type Claim<Owner> = { readonly target: PurgeTarget; readonly owner: Owner };

export type CoalescedTarget<Owner> = {
  readonly target: PurgeTarget;
  /** What this one purge serves: claims on the target itself, and on what it covers. */
  readonly claims: readonly Claim<Owner>[];
  /** Everyone whom this one purge serves, each once, in the order of their claims. */
  readonly owners: ReadonlySet<Owner>;
};

/** Takes claims, gives the targets to purge in the order of their first claim. Every owner is kept. */
export function coalesce<Owner>(claims: Iterable<Claim<Owner>>): readonly CoalescedTarget<Owner>[] {
  type Coalescing = { target: PurgeTarget; claims: Claim<Owner>[]; owners: Set<Owner> };
  const byKey = new Map<string, Coalescing>();
  const directories = new Set<string>();
  for (const claim of claims) {
    const { target, owner } = claim;
    const key = targetKey(target);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { target, claims: [claim], owners: new Set([owner]) });
    else {
      known.claims.push(claim);
      known.owners.add(owner);
    }
    if (target.kind === 'directory') directories.add(key);
  }
  if (directories.size === 0) return [...byKey.values()];

  for (const [key, { target, claims: covered, owners }] of byKey) {
    const coverKey = findTopmostCover(target, directories);
    if (coverKey === undefined || coverKey === key) continue;
    const cover = byKey.get(coverKey);
    for (const owner of owners) cover?.owners.add(owner);
    for (const claim of covered) cover?.claims.push(claim);
    byKey.delete(key);
  }
  return [...byKey.values()];
}

/** Everyone whom the targets serve, each once. */
export function ownersOf<Owner>(targets: readonly CoalescedTarget<Owner>[]): readonly Owner[] {
  return [...new Set(targets.flatMap(({ owners }) => [...owners]))];
}

type Purgeable = Pick<PurgeTarget, 'kind' | 'cdn'> & { readonly url: string };

/**
 * Whether purging one also purges the other: the same one, or what is below a directory. `matching` is their CDN's;
 * undefined: exact.
 */
export function serves(
  purged: Purgeable,
  { kind, cdn, url }: Purgeable,
  matching: UrlMatching | undefined,
): boolean {
  if (purged.cdn !== cdn) return false;
  const own = comparableUrl(purged.url, matching);
  const other = comparableUrl(url, matching);
  if (purged.kind === 'file') return kind === 'file' && own === other;
  return other.startsWith(own) && (matching?.reachesBelow !== false || isDirectlyIn(other, own));
}

/** What was purged so far, for asking what else was purged with it. */
export type Coverage = {
  readonly add: (target: PurgeTarget) => void;
  /** Whether what was added purges the target too. */
  readonly covers: (target: PurgeTarget) => boolean;
};

export function createCoverage(): Coverage {
  const keys = new Set<string>();
  const directories = new Set<string>();
  return {
    add(target) {
      keys.add(targetKey(target));
      if (target.kind === 'directory') directories.add(targetKey(target));
    },
    covers: (target) =>
      keys.size > 0 && (keys.has(targetKey(target)) || findTopmostCover(target, directories) !== undefined),
  };
}

/**
 * The key of the shortest claimed directory that purges the target's URL, itself included. No directory has a query,
 * so a slash in the query of a file finds none.
 */
function findTopmostCover(target: PurgeTarget, directoryKeys: ReadonlySet<string>): string | undefined {
  const { cdn, matching } = target;
  const url = comparableUrl(target.url, matching);
  const keyOf = (directory: string): string => `${cdn} directory ${directory}`;
  if (matching?.reachesBelow === false) {
    const directory = directoryOf(url);
    return directoryKeys.has(keyOf(directory)) && isDirectlyIn(url, directory) ? keyOf(directory) : undefined;
  }
  for (let slash = startOfPath(url); slash !== -1; slash = url.indexOf('/', slash + 1)) {
    const key = keyOf(url.slice(0, slash + 1));
    if (directoryKeys.has(key)) return key;
  }
  return undefined;
}
