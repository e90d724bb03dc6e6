// A container listed page by page, over several runs: what was found so far and where to go on.

import type { Instant } from '../instant.ts';
import { createDirectoryTree, type DirectoryTree } from './directory-tree.ts';
import { createNameSet, type NameSet } from './name-set.ts';

export type ContainerPlace = { readonly account: string; readonly container: string };

export type BlobPage = {
  readonly blobs: readonly { readonly name: string; readonly bytes: number }[];
  /** Continuation token of the next page; undefined: this is the last one. */
  readonly next: string | undefined;
};

/** What stands in a container, or in the part of it before a continuation token. */
type Found = { readonly startedAt: Instant; readonly tree: DirectoryTree; readonly names: NameSet };

/** `after` undefined: nothing is listed yet. */
export type PartialListing = Found & { readonly isComplete: false; readonly after: string | undefined };

export type CompleteListing = Found & { readonly isComplete: true; readonly completedAt: Instant };

export type Listing = PartialListing | CompleteListing;

/** Takes when the first page is asked for. */
export function beginListing(startedAt: Instant): PartialListing {
  return {
    startedAt,
    tree: createDirectoryTree(),
    names: createNameSet(),
    isComplete: false,
    after: undefined,
  };
}

/**
 * Takes a listing, its next page and the present time, gives the listing with that page. The one given is used up:
 * both share what was found. Nothing of the page's text is kept.
 */
export function withPage(
  { startedAt, tree, names }: PartialListing,
  { blobs, next }: BlobPage,
  now: Instant,
): Listing {
  for (const { name, bytes } of blobs) {
    tree.add(name, 1, bytes);
    names.add(name);
  }
  const found = { startedAt, tree, names };
  return next === undefined
    ? { ...found, isComplete: true, completedAt: now }
    : { ...found, isComplete: false, after: next };
}
