// Which URLs that a CDN failed to purge are purged again: two times more, by requests of the app's own.

import type { UrlMatching } from './capabilities.ts';
import type { EndedPurge, Repurge } from './purge-record.ts';
import type { RequestRecord, UrlAsk } from './purge-request.ts';
import { comparableUrl } from './url-matching.ts';

/** A URL that failed three times in a row needs a person. */
export const REPURGES_MAX = 2;

/** URLs that failed equally often, to be purged again together. */
export type RepurgePlan = Omit<Repurge, 'requestId'>;

/**
 * Takes an ended purge, the records of the requests that it served and which URLs its CDN takes for the same
 * (undefined: none), gives what to purge again, and the URLs that have failed for good.
 */
export function planRepurges(
  { failedUrls }: Pick<EndedPurge, 'failedUrls'>,
  served: readonly RequestRecord[],
  matching: UrlMatching | undefined,
): { readonly again: readonly RepurgePlan[]; readonly forGood: readonly string[] } {
  const times = timesRepurged(served, matching);
  const timesOf = (url: string): number => times.get(comparableUrl(url, matching)) ?? 0;
  const byTimes = Map.groupBy(failedUrls, timesOf);
  return {
    again: [...byTimes]
      .filter(([before]) => before < REPURGES_MAX)
      .map(([before, urls]) => ({ times: before + 1, urls })),
    forGood: failedUrls.filter((url) => timesOf(url) >= REPURGES_MAX),
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

/** By comparable URL: what was sent may be another's spelling of what was asked for. */
function timesRepurged(
  served: readonly RequestRecord[],
  matching: UrlMatching | undefined,
): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  for (const { ask, repurges } of served) {
    if (ask.by !== 'url') continue;
    for (const asked of [...ask.files, ...ask.directories]) {
      const url = comparableUrl(asked, matching);
      most.set(url, Math.max(most.get(url) ?? 0, repurges));
    }
  }
  return most;
}
