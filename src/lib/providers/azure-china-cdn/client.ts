// The Azure China CDN (21Vianet) as a purge provider: describe, sign, send, read the answer.

import type { AzureChinaCdnConfiguration } from '../../core/configuration.ts';
import type { Clock, PurgeProvider } from '../../use-cases/ports.ts';
import type { HttpResult, HttpSender } from '../http/send.ts';
import { readEndpointList, readPurgeAnswer } from './answer.ts';
import { endpointFinder } from './endpoints.ts';
import { describeEndpointList, describePurge, type ApiRequest } from './request.ts';
import { signRequest, type ApiKey } from './signature.ts';

/** Takes the CDN's configuration, its key, a sender and a clock. Each attempt is signed at its own time. */
export function createAzureChinaCdn(
  cdn: AzureChinaCdnConfiguration,
  key: ApiKey,
  sender: HttpSender,
  clock: Clock,
): PurgeProvider {
  const call = (request: ApiRequest): Promise<HttpResult> =>
    sender({
      ...request,
      headers: {
        ...signRequest(request, key, clock.now()),
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    });
  return {
    limits: cdn.limits,
    findEndpoint: endpointFinder(
      async () => readEndpointList(await call(describeEndpointList(cdn)), clock.now()),
      clock.now,
    ),
    submit: async (purge) => readPurgeAnswer(await call(describePurge(cdn, purge)), clock.now()),
  };
}
