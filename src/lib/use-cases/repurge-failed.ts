// Purges again what a CDN accepted and then failed to purge: by a request of the app's own, like a person's.

import type { Configuration } from '../core/configuration.ts';
import type { EndedPurge, Repurge } from '../core/purge-record.ts';
import { resolveAsk, type RequestRecord } from '../core/purge-request.ts';
import { askAgain, planRepurges, REPURGES_MAX } from '../core/repurge.ts';
import type { ConfigurationSource, PurgeBuffer, PurgeRecords } from './ports.ts';

type RepurgePorts = {
  readonly buffer: PurgeBuffer;
  readonly configuration: ConfigurationSource;
  readonly newId: () => string;
  readonly records: PurgeRecords;
};

/** Takes a purge that has just ended, gives it with the requests that are to purge its failed URLs again. */
export async function withRepurges(
  purge: EndedPurge,
  { configuration, newId, records }: Pick<RepurgePorts, 'configuration' | 'newId' | 'records'>,
): Promise<EndedPurge> {
  if (purge.failedUrls.length === 0) return purge;
  const inForce = await configuration.current();
  const served = await readServed(purge, records);
  const { again } = planRepurges(purge, served, inForce.cdns.get(purge.cdn)?.matching);
  const repurges = again.flatMap(({ urls, times }): readonly Repurge[] => {
    const configured = urls.filter((url) => resolveAsk(askAgain([url], purge), inForce).ok);
    return configured.length === 0 ? [] : [{ requestId: newId(), urls: configured, times }];
  });
  return { ...purge, repurges };
}

/**
 * Puts the requests of an ended purge where the flush finds them: record first, message second. May be done again:
 * a request that was made before is not made anew.
 */
export async function askForRepurges(purge: EndedPurge, ports: RepurgePorts): Promise<void> {
  if (purge.repurges.length === 0) return;
  const { buffer, configuration, records } = ports;
  const inForce = await configuration.current();
  for (const repurge of purge.repurges) {
    const isNew = await records.createRequest(requestOf(repurge, purge, inForce));
    const known = isNew ? undefined : await records.readRequest(repurge.requestId);
    // Also for a known request that still waits: its message may never have been written.
    if (known !== undefined && known.state !== 'waiting') continue;
    await buffer.add({ type: 'request', requestId: repurge.requestId, failedAttempts: 0 });
  }
}

function requestOf(repurge: Repurge, purge: EndedPurge, configuration: Configuration): RequestRecord {
  const { requestId, urls, times } = repurge;
  const ask = askAgain(urls, purge);
  const resolved = resolveAsk(ask, configuration);
  return {
    version: 2,
    id: requestId,
    origin: 'tracker',
    repurges: times,
    state: 'waiting',
    askedAt: purge.endedAt,
    reason: `The CDN accepted purge ${purge.id} and then failed to purge these URLs. They are purged again, ${times} of ${REPURGES_MAX}.`,
    ask,
    targets: resolved.ok ? resolved.value.map(({ kind, url, cdn, site }) => ({ kind, url, cdn, site })) : [],
    purges: [],
  };
}

/** The records of the requests that the purge served; of those that are no longer kept, nothing. */
async function readServed({ causes }: EndedPurge, records: PurgeRecords): Promise<readonly RequestRecord[]> {
  const served: RequestRecord[] = [];
  for (const cause of causes) {
    if (cause.type !== 'request') continue;
    const record = await records.readRequest(cause.requestId);
    if (record !== undefined) served.push(record);
  }
  return served;
}
