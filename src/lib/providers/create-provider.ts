// Builds the provider that a CDN of the configuration asks for.

import type { Agent } from 'undici';

import type { CdnConfiguration, KeySettings } from '../core/configuration.ts';
import type { TokenSources } from '../identity/token-sources.ts';
import type { Clock, PurgeProvider, Telemetry } from '../use-cases/ports.ts';
import { CORRELATION_HEADER } from './azure-china-cdn/answer.ts';
import { createAzureChinaCdn } from './azure-china-cdn/client.ts';
import type { ApiKey } from './azure-china-cdn/signature.ts';
import { signedCalls, type CallReports } from './azure-china-cdn/signed-calls.ts';
import type { ClockOffset } from './azure-china-cdn/clock-offset.ts';
import { CORRELATION_HEADER as ARM_CORRELATION_HEADER } from './azure-front-door/answer.ts';
import { authorizedCalls } from './azure-front-door/authorized-calls.ts';
import { createAzureFrontDoor } from './azure-front-door/client.ts';
import { createHttpSender, type HttpTimeouts } from './http/send.ts';

export type ProviderParts = {
  /** The value of an app setting that holds a secret. Throws when it is not set. */
  readonly secret: (settingName: string) => string;
  /** Connections with these time limits, shared by all who ask for the same. */
  readonly agentFor: (timeouts: HttpTimeouts) => Agent;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** How far the clock of an API is off ours: one for all who call it. */
  readonly clockOffsetFor: (apiBaseUrl: string) => ClockOffset;
  /** Whom to tell of a CDN's keys and clock. */
  readonly reportsFor: (cdnName: string) => CallReports;
  /** The tokens of an identity: one source for all CDNs that have the same. */
  readonly tokensFor: TokenSources;
  readonly newId: () => string;
};

/** Takes a CDN of the configuration, whose secrets are checked to be set. Nothing is asked yet, no token either. */
export function createProvider(cdn: CdnConfiguration, parts: ProviderParts): PurgeProvider {
  const { secret, agentFor, clock, telemetry, clockOffsetFor, reportsFor, tokensFor, newId } = parts;
  switch (cdn.provider) {
    case 'azure-china-cdn': {
      const keyOf = ({ id, value }: KeySettings): ApiKey => ({ id: secret(id), value: secret(value) });
      const { second } = cdn.keySettings;
      const keys = {
        first: keyOf(cdn.keySettings),
        second: second === undefined ? undefined : keyOf(second),
      };
      const sender = createHttpSender(agentFor(cdn.timeouts), CORRELATION_HEADER, telemetry);
      const offset = clockOffsetFor(cdn.apiBaseUrl);
      const call = signedCalls(keys, sender, clock, offset, reportsFor(cdn.name));
      return createAzureChinaCdn(cdn, call, clock);
    }
    case 'azure-front-door': {
      const sender = createHttpSender(agentFor(cdn.timeouts), ARM_CORRELATION_HEADER, telemetry);
      const call = authorizedCalls(sender, tokensFor(cdn.identity), cdn.identity.audience, newId);
      return createAzureFrontDoor(cdn, call, clock);
    }
  }
}
