// Which containers the inventory knows, and which of them is listed next.

import { isHostContainer } from '../host-container.ts';
import type { Instant } from '../instant.ts';
import type { MappingRule } from '../url-mapping.ts';
import type { CompleteListing, ContainerPlace } from './listing.ts';
import type { KnownContainers } from './served-containers.ts';

/** By account, then by container: those that a rule serves. */
export type InventoryIndex = ReadonlyMap<string, ReadonlyMap<string, ListedContainer>>;

/** What the last complete listing of a container found; undefined: there was none. */
export type ListedContainer =
  | {
      readonly startedAt: Instant;
      readonly completedAt: Instant;
      readonly objects: number;
      readonly bytes: number;
      readonly directories: number;
    }
  | undefined;

export const EMPTY_INDEX: InventoryIndex = new Map();

/**
 * Takes an account, gives the containers that its rules name; undefined where one of them has a pattern, so that only
 * storage knows.
 */
export function namedContainers(
  account: string,
  rules: readonly MappingRule[],
): readonly string[] | undefined {
  const names = new Set<string>();
  for (const rule of rules) {
    if (rule.account !== '*' && rule.account !== account) continue;
    if (rule.containerName === undefined) return undefined;
    names.add(rule.containerName);
  }
  return [...names];
}

/** Takes the containers that an account has, gives those that a rule serves. The host's own are no site's. */
export function servedOf(
  account: string,
  containers: readonly string[],
  rules: readonly MappingRule[],
): readonly string[] {
  const ofAccount = rules.filter((rule) => rule.account === '*' || rule.account === account);
  return containers.filter(
    (container) => !isHostContainer(container) && ofAccount.some((rule) => rule.matchesContainer(container)),
  );
}

/** Takes which containers an account serves, gives the index with these and no others. */
export function withContainers(
  index: InventoryIndex,
  account: string,
  containers: readonly string[],
): InventoryIndex {
  const before = index.get(account);
  return new Map(index).set(
    account,
    new Map(containers.map((container) => [container, before?.get(container)])),
  );
}

/** Takes a complete listing, gives the index with it; unchanged where the container is no longer served. */
export function withListing(
  index: InventoryIndex,
  { account, container }: ContainerPlace,
  { startedAt, completedAt, tree }: CompleteListing,
): InventoryIndex {
  const containers = index.get(account);
  if (containers?.has(container) !== true) return index;
  const { objects, bytes } = tree.below('') ?? { objects: 0, bytes: 0 };
  const listed = { startedAt, completedAt, objects, bytes, directories: tree.size() };
  return new Map(index).set(account, new Map(containers).set(container, listed));
}

/** Gives the containers whose listing is missing or began before a time; what was never listed first, then the oldest. */
export function dueForListing(index: InventoryIndex, before: Instant): readonly ContainerPlace[] {
  return placesOf(index)
    .filter(({ listed }) => listed === undefined || listed.startedAt < before)
    .toSorted((one, other) => (one.listed?.startedAt ?? 0) - (other.listed?.startedAt ?? 0))
    .map(({ account, container }) => ({ account, container }));
}

/** Gives what one index has and another has not. */
export function placesWithout(index: InventoryIndex, others: InventoryIndex): readonly ContainerPlace[] {
  return placesOf(index)
    .filter(({ account, container }) => others.get(account)?.has(container) !== true)
    .map(({ account, container }) => ({ account, container }));
}

export function knownContainers(index: InventoryIndex): KnownContainers {
  return new Map([...index].map(([account, containers]) => [account, new Set(containers.keys())]));
}

function placesOf(index: InventoryIndex): (ContainerPlace & { readonly listed: ListedContainer })[] {
  return [...index].flatMap(([account, containers]) =>
    [...containers].map(([container, listed]) => ({ account, container, listed })),
  );
}
