// Brings a purge whose end is on record out of the open ones, after everyone who must know has been told.

import { rereadCdnUrl } from '../core/cdn-url.ts';
import type { Configuration } from '../core/configuration.ts';
import type { EndedPurge } from '../core/purge-record.ts';
import { withPurgeEnd } from '../core/purge-request.ts';
import { sitesOf } from '../core/sites-of.ts';
import type { Clock, ConfigurationSource, PurgeBuffer, PurgeRecords, Run } from './ports.ts';
import { askForRepurges } from './repurge-failed.ts';

type ClosePorts = {
  readonly buffer: PurgeBuffer;
  readonly clock: Clock;
  readonly configuration: ConfigurationSource;
  readonly newId: () => string;
  readonly records: PurgeRecords;
};

/**
 * A purge is on record a moment before the request that it served names it. Longer than any flush runs, a request
 * that does not name it never will: the flush died in between, and the request is purged anew.
 */
const NAMED_WITHIN_MS = 10 * 60_000;

/**
 * True when the purge left the open ones by this call. Safe to repeat from any point; only telemetry and log, told
 * by whoever took the purge out, may be lost in a crash.
 */
export async function closeEnded(purge: EndedPurge, ports: ClosePorts, run: Run): Promise<boolean> {
  await askForRepurges(purge, ports);
  if (!(await noteOnRequests(purge, ports))) return false;
  if (!(await ports.records.closePurge(purge))) return false;
  trackEnd(purge, await ports.configuration.current(), run);
  logEnd(purge, run);
  return true;
}

/** False when a request may still be about to name the purge: its end is noted at a later tick. */
async function noteOnRequests(purge: EndedPurge, { clock, records }: ClosePorts): Promise<boolean> {
  let allNoted = true;
  for (const cause of purge.causes) {
    if (cause.type !== 'request') continue;
    const request = await records.readRequest(cause.requestId);
    if (request === undefined) continue; // no longer kept
    if (request.purges.some(({ id }) => id === purge.id)) {
      await records.updateRequest(cause.requestId, (record) => withPurgeEnd(record, purge));
    } else if (clock.now() - purge.acceptedAt < NAMED_WITHIN_MS) {
      allNoted = false;
    }
  }
  return allNoted;
}

function trackEnd(purge: EndedPurge, configuration: Configuration, { telemetry }: Run): void {
  const { id, taskId, correlationId, cdn, endpointId, state, failedUrls, failure } = purge;
  telemetry.track({
    name: 'purge-ended',
    purgeId: id,
    taskId,
    correlationId,
    cdn,
    endpointId,
    state,
    sites: sitesOfPurge(purge, configuration),
    failedUrls: failedUrls.length,
    failedForGood: failedForGood(purge).length,
    failure,
    polls: purge.polls,
    tookMs: purge.endedAt - purge.acceptedAt,
  });
}

/** Those that nobody purges again. */
function failedForGood({ failedUrls, repurges }: EndedPurge): readonly string[] {
  const again = new Set(repurges.flatMap(({ urls }) => urls));
  return failedUrls.filter((url) => !again.has(url));
}

/** By the configuration of this moment: the record names URLs only. */
function sitesOfPurge({ cdn, files, directories }: EndedPurge, { hosts }: Configuration): string {
  const named = new Set([...files, ...directories].flatMap((url) => rereadCdnUrl(url)?.host ?? []));
  return sitesOf(
    [...named].flatMap((host) =>
      (hosts.get(host)?.servedBy ?? []).flatMap((one) => (one.cdn === cdn ? [{ target: one }] : [])),
    ),
  );
}

function logEnd(purge: EndedPurge, { log }: Run): void {
  const { id: purgeId, state, correlationId, failure, repurges } = purge;
  switch (state) {
    case 'succeeded':
      return;
    case 'unknown':
      log.warn(
        'The CDN did not say within 24 hours what became of a purge. Look at its URLs at the edge, and ask the CDN for the correlation id.',
        { purgeId, correlationId },
      );
      return;
    case 'failed': {
      const again = new Set(repurges.flatMap(({ urls }) => urls));
      const forGood = failedForGood(purge);
      if (again.size > 0) {
        log.warn('The CDN failed to purge some URLs: they are purged again.', {
          purgeId,
          correlationId,
          failure,
          urls: again.size,
          requestIds: repurges.map(({ requestId }) => requestId).join(' '),
        });
      }
      if (forGood.length > 0) {
        log.error(
          'The CDN failed to purge some URLs for good: its edge may serve stale copies. Ask its support for the correlation id, then purge the URLs by hand.',
          { purgeId, correlationId, failure, urls: forGood.length, first: forGood.slice(0, 5).join(' ') },
        );
      }
    }
  }
}
