// Counts what stands below directories now, in storage itself: for a purge whose harm the inventory cannot say.

import type { BlobDirectory } from '../core/inventory/served-containers.ts';
import type { BlobLister } from './ports.ts';

export type LiveCount =
  | { readonly kind: 'counted'; readonly objects: number }
  /** Counting was stopped there. */
  | { readonly kind: 'more-than'; readonly objects: number }
  /** An account cannot be listed. */
  | { readonly kind: 'not-known' };

/** Storage gives up to 5,000; reading these takes a second, in which nothing else is done. */
const PAGE_MAX = 1_000;

/** A directory that holds many due files and few others must not be listed for ever. */
const PAGES_MAX = 20;

/**
 * Takes the blob directories behind one URL directory, which of their blobs count, and how many of these may stand there
 * together. Lists no more than it takes to know, and 20 pages at most. Throws StorageTrouble.
 */
export async function countDirectory(
  directories: readonly BlobDirectory[],
  counts: (place: BlobDirectory, name: string) => boolean,
  most: number,
  lister: BlobLister,
): Promise<LiveCount> {
  let objects = 0;
  let pages = 0;
  for (const place of directories) {
    const { directory: prefix, account, container } = place;
    if (!lister.accounts.has(account)) return { kind: 'not-known' };
    let after: string | undefined;
    do {
      if (pages === PAGES_MAX) return { kind: 'not-known' };
      pages += 1;
      const page = await lister.listPage({ account, container }, { prefix, after, most: PAGE_MAX });
      if (page === 'no-container') break;
      if (page === 'unusable-token') return { kind: 'not-known' };
      for (const { name } of page.blobs) if (counts(place, name)) objects += 1;
      if (objects > most) return { kind: 'more-than', objects: most };
      after = page.next;
    } while (after !== undefined);
  }
  return { kind: 'counted', objects };
}
