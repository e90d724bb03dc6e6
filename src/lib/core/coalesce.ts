// Many claims on purges to the fewest targets: equal ones once, and none that a claimed directory covers.

import { targetKey, type PurgeTarget } from './purge-target.ts';

/** Who needs a target purged: a change, a person's request. */
export type Claim<Owner> = { readonly target: PurgeTarget; readonly owner: Owner };

export type CoalescedTarget<Owner> = {
  readonly target: PurgeTarget;
  /** Everyone whom this one purge serves, each once, in the order of their claims. */
  readonly owners: ReadonlySet<Owner>;
};

/** Takes claims, gives the targets to purge in the order of their first claim. Every owner is kept. */
export function coalesce<Owner>(claims: Iterable<Claim<Owner>>): readonly CoalescedTarget<Owner>[] {
  const byKey = new Map<string, { target: PurgeTarget; owners: Set<Owner> }>();
  const directories = new Set<string>();
  for (const { target, owner } of claims) {
    const key = targetKey(target);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { target, owners: new Set([owner]) });
    else known.owners.add(owner);
    if (target.kind === 'directory') directories.add(key);
  }
  if (directories.size === 0) return [...byKey.values()];

  for (const [key, { target, owners }] of byKey) {
    const coverKey = findTopmostCover(target, directories);
    if (coverKey === undefined || coverKey === key) continue;
    const cover = byKey.get(coverKey);
    for (const owner of owners) cover?.owners.add(owner);
    byKey.delete(key);
  }
  return [...byKey.values()];
}

/** Everyone whom the targets serve, each once. */
export function ownersOf<Owner>(targets: readonly CoalescedTarget<Owner>[]): readonly Owner[] {
  return [...new Set(targets.flatMap(({ owners }) => [...owners]))];
}

type Purgeable = Pick<PurgeTarget, 'kind' | 'cdn'> & { readonly url: string };

/** Whether purging one also purges the other: the same one, or all that is below a directory. */
export function serves(purged: Purgeable, { kind, cdn, url }: Purgeable): boolean {
  if (purged.cdn !== cdn) return false;
  return purged.kind === 'directory' ? url.startsWith(purged.url) : kind === 'file' && purged.url === url;
}

/**
 * The key of the shortest claimed directory that holds the target's URL, itself included. No directory has a query,
 * so a slash in the query of a file finds none.
 */
function findTopmostCover(target: PurgeTarget, directoryKeys: ReadonlySet<string>): string | undefined {
  const { url } = target;
  const afterAuthority = url.indexOf('/', url.indexOf('//') + 2);
  for (let slash = afterAuthority; slash !== -1; slash = url.indexOf('/', slash + 1)) {
    const key = `${target.cdn} directory ${url.slice(0, slash + 1)}`;
    if (directoryKeys.has(key)) return key;
  }
  return undefined;
}
