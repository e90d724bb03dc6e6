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

/**
 * Takes the blob directories behind one URL directory and how many objects may stand there together. Lists no more than
 * it takes to know. Throws StorageTrouble.
 */
export async function countDirectory(
  directories: readonly BlobDirectory[],
  most: number,
  lister: BlobLister,
): Promise<LiveCount> {
  let objects = 0;
  for (const { directory: prefix, account, container } of directories) {
    if (!lister.accounts.has(account)) return { kind: 'not-known' };
    let after: string | undefined;
    do {
      const options = { prefix, after, most: Math.min(PAGE_MAX, most - objects + 1) };
      const page = await lister.listPage({ account, container }, options);
      if (page === 'no-container') break;
      if (page === 'unusable-token') return { kind: 'not-known' };
      objects += page.blobs.length;
      if (objects > most) return { kind: 'more-than', objects: most };
      after = page.next;
    } while (after !== undefined);
  }
  return { kind: 'counted', objects };
}
