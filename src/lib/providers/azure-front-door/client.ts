// Azure Front Door (Standard and Premium) as a purge provider: describe, authorize, send, read the answer.

import type { Capabilities } from '../../core/capabilities.ts';
import type { AzureFrontDoorConfiguration } from '../../core/configuration.ts';
import type { PurgeFailed } from '../../core/purge-outcome.ts';
import { err, ok } from '../../core/result.ts';
import type { Clock, PurgeProvider } from '../../use-cases/ports.ts';
import { readPurgeAnswer } from './answer.ts';
import type { AuthorizedCalls } from './authorized-calls.ts';
import { classOfFailure } from './outcome-classes.ts';
import { askProgress } from './progress.ts';
import { describePurge, urlsNamedIn } from './request.ts';

const MINUTE_MS = 60_000;

/**
 * A purge took from two minutes to three quarters of an hour; one behind others in Front Door's queue takes longer.
 * Its end lets go what waits for it: it is noticed soon, by the time that the purge took.
 */
const POLL_PAUSES_MS = [0.5, 1, 1, 2, 2, 3, 5, 5, 5, 5, 5, 10, 10, 10, 20, 30, 60, 120].map(
  (minutes) => minutes * MINUTE_MS,
);

/** Takes the CDN's configuration, the way to its API, and a clock. */
export function createAzureFrontDoor(
  cdn: AzureFrontDoorConfiguration,
  call: AuthorizedCalls,
  clock: Clock,
): PurgeProvider {
  const capabilities: Capabilities = {
    hosts: 'listed',
    purgesInFlight: cdn.purgesInFlight,
    pollPausesMs: POLL_PAUSES_MS,
  };
  return {
    budgets: [{ perFile: 1, perDirectory: 1, limit: cdn.limits.urlsPerRequest, per: 'call' }],
    // The names of Azure's resources mean the same in any case.
    subscription: `${cdn.provider} ${cdn.subscriptionId}/${cdn.resourceGroup}/${cdn.profile}`.toLowerCase(),
    limits: cdn.limits,
    capabilities,
    async findEndpoint(host) {
      return cdn.endpoint === undefined ? err(withoutEndpoint(host)) : ok(cdn.endpoint);
    },
    async submit(purge) {
      const outcome = readPurgeAnswer(await call(describePurge(cdn, purge)), cdn.armUrl, clock.now());
      if (outcome.kind !== 'refused' || outcome.outcomeClass !== 'item-refused') return outcome;
      return { ...outcome, namedUrls: urlsNamedIn(outcome.message, purge) };
    },
    readProgress: (purge) => askProgress(purge, cdn.armUrl, call, clock.now),
  };
}

/** The configuration has one for each host; this one is of an older configuration. */
function withoutEndpoint(host: string): PurgeFailed {
  return {
    kind: 'failed',
    reason: 'endpoint-not-found',
    detail: `the configuration names no endpoint for ${host}`,
    sent: false,
    outcomeClass: classOfFailure('endpoint-not-found', undefined),
    status: undefined,
    retryAfterMs: undefined,
    correlationId: undefined,
  };
}
