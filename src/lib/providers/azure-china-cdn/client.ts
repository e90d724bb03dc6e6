// The Azure China CDN (21Vianet) as a purge provider: describe, sign, send, read the answer.

import type { AzureChinaCdnConfiguration } from '../../core/configuration.ts';
import type { Clock, PurgeProvider } from '../../use-cases/ports.ts';
import { readEndpointList, readPurgeAnswer } from './answer.ts';
import { endpointFinder } from './endpoints.ts';
import { describeProgress, readProgressAnswer } from './progress.ts';
import { describeEndpointList, describePurge } from './request.ts';
import type { SignedCalls } from './signed-calls.ts';

/** Takes the CDN's configuration, the way to its API, and a clock. */
export function createAzureChinaCdn(
  cdn: AzureChinaCdnConfiguration,
  call: SignedCalls,
  clock: Clock,
): PurgeProvider {
  return {
    subscription: `${cdn.provider} ${cdn.subscriptionId}`,
    limits: cdn.limits,
    quota: cdn.quota,
    findEndpoint: endpointFinder(
      async () => readEndpointList(await call(describeEndpointList(cdn)), clock.now()),
      clock.now,
    ),
    submit: async (purge) => readPurgeAnswer(await call(describePurge(cdn, purge)), clock.now()),
    readProgress: async (purge) => readProgressAnswer(await call(describeProgress(cdn, purge)), clock.now()),
  };
}
