// The Azure China CDN (21Vianet) as a purge provider: describe, sign, send, read the answer.

import type { Capabilities } from '../../core/capabilities.ts';
import type { AzureChinaCdnConfiguration } from '../../core/configuration.ts';
import type { Clock, PurgeProvider } from '../../use-cases/ports.ts';
import { readEndpointList, readPurgeAnswer } from './answer.ts';
import { endpointFinder } from './endpoints.ts';
import { describeProgress, readProgressAnswer } from './progress.ts';
import { describeEndpointList, describePurge } from './request.ts';
import type { SignedCalls } from './signed-calls.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const CAPABILITIES: Capabilities = {
  hosts: 'in-url',
  purgesInFlight: undefined,
  // No document says how long a purge takes: files are told to be quick and directories slow, and the vendor behind
  // the service speaks of minutes. So an ordinary purge is asked about a few times only, and a slow one never costs
  // more than two calls an hour.
  pollPausesMs: [
    15 * SECOND_MS,
    30 * SECOND_MS,
    MINUTE_MS,
    2 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    30 * MINUTE_MS,
  ],
};

/** Takes the CDN's configuration, the way to its API, and a clock. */
export function createAzureChinaCdn(
  cdn: AzureChinaCdnConfiguration,
  call: SignedCalls,
  clock: Clock,
): PurgeProvider {
  return {
    subscription: `${cdn.provider} ${cdn.subscriptionId}`,
    limits: cdn.limits,
    capabilities: CAPABILITIES,
    budgets: cdn.quota.budgets,
    quota: cdn.quota,
    findEndpoint: endpointFinder(
      async () => readEndpointList(await call(describeEndpointList(cdn)), clock.now()),
      clock.now,
    ),
    submit: async (purge) => readPurgeAnswer(await call(describePurge(cdn, purge)), clock.now()),
    readProgress: async (purge) => readProgressAnswer(await call(describeProgress(cdn, purge)), clock.now()),
  };
}
