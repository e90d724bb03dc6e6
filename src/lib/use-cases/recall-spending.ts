// What files took of the day before this process began: the records of the day's purges tell.

import { rereadCdnUrl } from '../core/cdn-url.ts';
import { instant } from '../core/instant.ts';
import type { QuotaCalendar } from '../core/quota-days.ts';
import { pacedReset } from './day-spending.ts';
import type { Planning } from './plan-directories.ts';
import { StorageTrouble, type Clock, type PurgeRecords, type Run } from './ports.ts';

const DAY_MS = 24 * 3_600_000;
/** Each is a reading, once in the life of a process. */
const MOST_PURGES = 1_000;

/**
 * Notes what blob events had purged as files since the last reset, once for a subscription; `cdns` share it. What went
 * as a directory is not told by file, and counts as nothing.
 */
export async function recallSpending(
  { spending, matchingOf }: Pick<Planning, 'spending' | 'matchingOf'>,
  { subscription, cdns }: { readonly subscription: string; readonly cdns: ReadonlySet<string> },
  calendar: QuotaCalendar,
  { records, clock }: { readonly records: PurgeRecords; readonly clock: Clock },
  { log }: Run,
): Promise<void> {
  if (spending.recalled.has(subscription)) return;
  const reset = pacedReset(clock.now(), calendar);
  const since = instant(reset - DAY_MS);
  try {
    const purges = await records.findPurgesSince(since, MOST_PURGES, () => false);
    // A dry run may have asked at the same time: what was spent must not count twice.
    if (spending.recalled.has(subscription)) return;
    for (const { cdn, acceptedAt, causes, files } of purges) {
      const isOurs = cdns.has(cdn) && acceptedAt >= since && causes.some(({ type }) => type === 'change');
      for (const file of isOurs ? files : []) {
        const url = rereadCdnUrl(file)?.url;
        if (url !== undefined) spending.note({ cdn, kind: 'file', url, matching: matchingOf(cdn) }, 1, reset);
      }
    }
    spending.recalled.add(subscription);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('The records of the day cannot be read: what changes all day long may take more of the quota.', {
      error: error.message,
    });
  }
}
