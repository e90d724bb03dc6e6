// For how long records are kept.

import { instant, type Instant } from './instant.ts';
import type { RequestRecord } from './purge-request.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Takes the time and a number of days, gives the beginning of the first day in UTC whose records are kept: they are
 * kept for that long at least, and for a day more at most.
 */
export function keptFrom(now: Instant, days: number): Instant {
  return instant((Math.floor(now / DAY_MS) - days) * DAY_MS);
}

/**
 * Takes the record of a request that is past its time, and the ids of the purges that are not at their end. Gives
 * whether nobody needs it any more: it waits for nothing, and none of its purges is followed, whose end would have
 * to be noted on it.
 */
export function mayForget(
  { state, purges }: Pick<RequestRecord, 'state' | 'purges'>,
  openPurgeIds: ReadonlySet<string>,
): boolean {
  return state !== 'waiting' && !purges.some(({ id }) => openPurgeIds.has(id));
}
