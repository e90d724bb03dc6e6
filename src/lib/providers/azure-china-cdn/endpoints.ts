// Finds the endpoint that serves a host, in a list of the subscription's endpoints that is kept for a while.

import { err, ok, type Result } from '../../core/result.ts';
import type { Instant } from '../../core/instant.ts';
import type { NotAccepted, PurgeFailed } from '../../core/purge-outcome.ts';
import { classOfFailure } from './outcome-classes.ts';
import type { ListedEndpoint } from './answer.schema.ts';

type ListEndpoints = () => Promise<Result<readonly ListedEndpoint[], NotAccepted>>;

export type EndpointFinder = (host: string) => Promise<Result<string, NotAccepted>>;

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
    const asked = listing === undefined || now() - listedAt > KEEP_MS ? refresh() : listing;
    const found = findHost(host, await asked);
    if (found.ok) return found;
    // Somebody else may have asked again meanwhile.
    const latest = listing;
    if (latest !== undefined && latest !== asked) return findHost(host, await latest);
    return now() - listedAt <= KEEP_MISS_MS ? found : findHost(host, await refresh());
  };
}

function findHost(
  host: string,
  listed: Awaited<ReturnType<ListEndpoints>>,
): Awaited<ReturnType<EndpointFinder>> {
  if (!listed.ok) return listed;
  const id = matchHost(host, listed.value);
  return id === undefined ? err(notFound(host)) : ok(id);
}

/**
 * Takes a lower-case host and the endpoints, gives the id of the one whose public name (`CustomDomain`, not `Host`,
 * which is the origin's) is the host. An exact name comes before a wildcard (source: FAQ of the China CDN), and
 * the wildcard of the nearest parent before that of a farther one.
 */
export function matchHost(host: string, endpoints: readonly ListedEndpoint[]): string | undefined {
  const usable = endpoints.filter((one) => one.usable && one.id !== undefined);
  const parents = [...host.matchAll(/\./gu)].map(({ index }) => `*${host.slice(index)}`);
  for (const name of [host, ...parents]) {
    const match = usable.find(({ customDomain }) => customDomain === name);
    if (match !== undefined) return match.id;
  }
  return undefined;
}

function notFound(host: string): PurgeFailed {
  return {
    kind: 'failed',
    reason: 'endpoint-not-found',
    detail: `no usable endpoint of the subscription has the custom domain ${host}`,
    sent: false,
    outcomeClass: classOfFailure('endpoint-not-found', undefined),
    status: undefined,
    retryAfterMs: undefined,
    correlationId: undefined,
  };
}
