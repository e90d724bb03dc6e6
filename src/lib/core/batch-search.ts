// Finds the items that the CDN refuses inside a batch: those that its words name, else the batch is halved until
// each bad one stands alone.

import type { NotAccepted } from './purge-outcome.ts';
import { toBatch, type Batch } from './purge-plan.ts';

/** From this size on, a batch of which nothing is accepted says that the request is at fault, not its items. */
const TELLING_SIZE = 8;

/** Takes a refused batch, gives its halves, or undefined for one that cannot be halved. */
export function halve<Owner>({ targets }: Batch<Owner>): readonly [Batch<Owner>, Batch<Owner>] | undefined {
  const middle = Math.ceil(targets.length / 2);
  const [first, ...others] = targets.slice(0, middle);
  const [next, ...rest] = targets.slice(middle);
  if (first === undefined || next === undefined) return undefined;
  return [toBatch([first, ...others]), toBatch([next, ...rest])];
}

/** Takes a refused batch, gives what the CDN's words name, and the others; undefined where they name none, or all. */
export function setApart<Owner>(
  { targets }: Batch<Owner>,
  outcome: NotAccepted,
): { readonly named: Batch<Owner>; readonly others: Batch<Owner> } | undefined {
  const urls = new Set<string>(outcome.kind === 'refused' ? outcome.namedUrls : []);
  const [bad, ...moreBad] = targets.filter(({ target }) => urls.has(target.url));
  const [other, ...others] = targets.filter(({ target }) => !urls.has(target.url));
  if (bad === undefined || other === undefined) return undefined;
  return { named: toBatch([bad, ...moreBad]), others: toBatch([other, ...others]) };
}

/** How many requests beyond the first it takes to find one bad item. */
export const searchCost = (size: number): number => 2 * Math.ceil(Math.log2(Math.max(size, 2)));

/**
 * Takes the size of a refused batch, the requests spent on its parts and whether any was accepted. True: the search
 * must end, it would refuse everything.
 */
export function isRequestAtFault(size: number, extraRequests: number, anyAccepted: boolean): boolean {
  return !anyAccepted && size >= TELLING_SIZE && extraRequests >= searchCost(size);
}
