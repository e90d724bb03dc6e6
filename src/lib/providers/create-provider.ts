// Builds the provider that a CDN of the configuration asks for.

import type { Agent } from 'undici';

import type { CdnConfiguration } from '../core/configuration.ts';
import type { Clock, PurgeProvider, Telemetry } from '../use-cases/ports.ts';
import { CORRELATION_HEADER } from './azure-china-cdn/answer.ts';
import { createAzureChinaCdn } from './azure-china-cdn/client.ts';
import { createHttpSender, type HttpTimeouts } from './http/send.ts';

export type ProviderParts = {
  /** The value of an app setting that holds a secret. Throws when it is not set. */
  readonly secret: (settingName: string) => string;
  /** Connections with these time limits, shared by all who ask for the same. */
  readonly agentFor: (timeouts: HttpTimeouts) => Agent;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
};

export function createProvider(
  cdn: CdnConfiguration,
  { secret, agentFor, clock, telemetry }: ProviderParts,
): PurgeProvider {
  switch (cdn.provider) {
    case 'azure-china-cdn': {
      const key = { id: secret(cdn.keySettings.id), value: secret(cdn.keySettings.value) };
      return createAzureChinaCdn(
        cdn,
        key,
        createHttpSender(agentFor(cdn.timeouts), CORRELATION_HEADER, telemetry),
        clock,
      );
    }
  }
}
