// The purges of one day, newest first, page by page.

import type { PurgeRecord } from '../core/purge-record.ts';
import { forEachLimited } from './for-each-limited.ts';
import type { FoundPurge, PurgeHistory } from './ports.ts';

export type PageAsk = {
  /** `YYYY-MM-DD`, in UTC. */
  readonly day: string;
  /** So many purges at most. */
  readonly top: number;
  /** The last purge of the page before. */
  readonly after: string | undefined;
};

export type PurgePage = {
  readonly purges: readonly ListedPurge[];
  /** Whether older ones follow. */
  readonly hasMore: boolean;
  /** False: the day has more purges than can be listed, and some of them are on no page. */
  readonly isComplete: boolean;
};

export type ListedPurge =
  | { readonly kind: 'readable'; readonly id: string; readonly record: PurgeRecord }
  /** A newer version of the app wrote it. */
  | { readonly kind: 'unreadable'; readonly id: string };

const PARALLEL_READS = 16;

/**
 * Undefined when the day has no purge `after`. Costs a listing of the day and a reading of each purge of the page.
 * Throws StorageTrouble.
 */
export async function listPurges(ask: PageAsk, history: PurgeHistory): Promise<PurgePage | undefined> {
  const { purges: found, isComplete } = await history.findPurgesOf(ask.day);
  const page = pageOf(found, ask);
  if (page === undefined) return undefined;
  const read = new Map<string, ListedPurge>();
  await forEachLimited(page.purges, PARALLEL_READS, async (purge) => {
    const record = await history.readFound(purge);
    const { id } = purge;
    if (record === 'unreadable') read.set(id, { kind: 'unreadable', id });
    else if (record !== undefined) read.set(id, { kind: 'readable', id, record });
  });
  return { purges: page.purges.flatMap(({ id }) => read.get(id) ?? []), hasMore: page.hasMore, isComplete };
}

/** Takes the purges of a day in any order, gives a page of them; undefined when none is `after`. */
export function pageOf(
  found: readonly FoundPurge[],
  { top, after }: Pick<PageAsk, 'top' | 'after'>,
): { readonly purges: readonly FoundPurge[]; readonly hasMore: boolean } | undefined {
  const newestFirst = found.toSorted((a, b) => b.acceptedAt - a.acceptedAt || (a.id < b.id ? 1 : -1));
  const last = after === undefined ? -1 : newestFirst.findIndex(({ id }) => id === after);
  if (after !== undefined && last === -1) return undefined;
  const end = last + 1 + top;
  return { purges: newestFirst.slice(last + 1, end), hasMore: end < newestFirst.length };
}
