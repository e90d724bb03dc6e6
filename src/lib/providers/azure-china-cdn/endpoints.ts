// Finds the endpoint that serves a host, in a list of the subscription's endpoints that is kept for a while.

import { err, ok, type Result } from '../../core/result.ts';
import type { Instant } from '../../core/instant.ts';
import type { PurgeFailed, PurgeRefused } from '../../core/purge-outcome.ts';
import type { ListedEndpoint } from './answer.schema.ts';

type ListEndpoints = () => Promise<Result<readonly ListedEndpoint[], PurgeRefused | PurgeFailed>>;

export type EndpointFinder = (host: string) => Promise<Result<string, PurgeRefused | PurgeFailed>>;

const KEEP_MS = 10 * 60_000;
/** A host that the list does not have, or a list that failed, is asked for again after this. */
const KEEP_MISS_MS = 60_000;

/** Builds a finder over `list`, which is called once for all that ask at the same time. */
export function endpointFinder(list: ListEndpoints, now: () => Instant): EndpointFinder {
  let listedAt = -Infinity;
  let listing: ReturnType<ListEndpoints> | undefined;
  const refresh = (): ReturnType<ListEndpoints> => {
    listedAt = now();
    listing = list();
    return listing;
  };
  return async (host) => {
    const ageMs = now() - listedAt;
    const known = listing === undefined || ageMs > KEEP_MS ? await refresh() : await listing;
    const found = known.ok ? matchHost(host, known.value) : undefined;
    if (found !== undefined) return ok(found);
    if (now() - listedAt <= KEEP_MISS_MS) return known.ok ? err(notFound(host)) : known;
    const fresh = await refresh();
    if (!fresh.ok) return fresh;
    const id = matchHost(host, fresh.value);
    return id === undefined ? err(notFound(host)) : ok(id);
  };
}

/**
 * Takes a lower-case host and the endpoints, gives the id of the one whose public name (`CustomDomain`, not `Host`,
 * which is the origin's) is the host. An exact name comes before a wildcard. Source: FAQ of the China CDN.
 */
export function matchHost(host: string, endpoints: readonly ListedEndpoint[]): string | undefined {
  const usable = endpoints.filter((one) => one.usable && one.id !== undefined);
  const exact = usable.find(({ customDomain }) => customDomain === host);
  if (exact !== undefined) return exact.id;
  const parent = host.slice(host.indexOf('.'));
  return usable.find(({ customDomain }) => customDomain === `*${parent}`)?.id;
}

function notFound(host: string): PurgeFailed {
  return {
    kind: 'failed',
    reason: 'endpoint-not-found',
    detail: `no usable endpoint of the subscription has the custom domain ${host}`,
    sent: false,
    status: undefined,
    retryAfterMs: undefined,
    correlationId: undefined,
  };
}
