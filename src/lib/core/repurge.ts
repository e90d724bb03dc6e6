// Which URLs that a CDN failed to purge are purged again: two times more, by requests of the app's own.

import type { EndedPurge, Repurge } from './purge-record.ts';
import type { RequestRecord, UrlAsk } from './purge-request.ts';

/** A URL that failed three times in a row needs a person. */
export const REPURGES_MAX = 2;

/** URLs that failed equally often, to be purged again together. */
export type RepurgePlan = Omit<Repurge, 'requestId'>;

/**
 * Takes an ended purge and the records of the requests that it served, gives what to purge again, and the URLs
 * that have failed for good.
 */
export function planRepurges(
  { failedUrls }: Pick<EndedPurge, 'failedUrls'>,
  served: readonly RequestRecord[],
): { readonly again: readonly RepurgePlan[]; readonly forGood: readonly string[] } {
  const byTimes = Map.groupBy(failedUrls, (url) => timesRepurged(url, served));
  return {
    again: [...byTimes]
      .filter(([times]) => times < REPURGES_MAX)
      .map(([times, urls]) => ({ times: times + 1, urls })),
    forGood: failedUrls.filter((url) => timesRepurged(url, served) >= REPURGES_MAX),
  };
}

/** Takes failed URLs of a purge, gives the ask for them: as they were sent, and only on the CDN that failed. */
export function askAgain(
  urls: readonly string[],
  { cdn, directories }: Pick<EndedPurge, 'cdn' | 'directories'>,
): UrlAsk {
  const known = new Set(directories);
  return {
    by: 'url',
    files: urls.filter((url) => !known.has(url)),
    directories: urls.filter((url) => known.has(url)),
    everything: true,
    asSent: { cdn },
  };
}

function timesRepurged(url: string, served: readonly RequestRecord[]): number {
  return served.reduce((most, { ask, repurges }) => {
    const asked = ask.by === 'url' && [...ask.files, ...ask.directories].includes(url);
    return asked ? Math.max(most, repurges) : most;
  }, 0);
}
