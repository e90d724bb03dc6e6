// The sources of the app's tokens: one for each identity that it has, shared by all who use that identity.

import type { IdentityConfiguration } from '../core/configuration.ts';
import type { HttpTimeouts } from '../providers/http/send.ts';
import type { Clock, Telemetry } from '../use-cases/ports.ts';
import { createTokenSource, type FetchToken, type TokenSource } from './token-source.ts';

export type TokenSources = (identity: IdentityConfiguration) => TokenSource;

/** On this machine, by the platform: it asks for the token, and that may take seconds. */
const TIMEOUTS: HttpTimeouts = { connectMs: 2_000, headersMs: 20_000, bodyMs: 10_000 };

/** Takes how to read a setting that must be there. What an identity needs is loaded by the first question to it. */
export function createTokenSources(
  setting: (name: string) => string,
  clock: Clock,
  telemetry: Telemetry,
): TokenSources {
  const fetchTokens = async ({ kind, clientId, authority }: IdentityConfiguration): Promise<FetchToken> => {
    switch (kind) {
      case 'managed': {
        const [{ managedIdentity }, { createAgent, createHttpSender }] = await Promise.all([
          import('./managed-identity.ts'),
          import('../providers/http/send.ts'),
        ]);
        const endpoint = { url: setting('IDENTITY_ENDPOINT'), header: setting('IDENTITY_HEADER') };
        const sender = createHttpSender(createAgent(TIMEOUTS), 'x-ms-request-id', telemetry);
        return managedIdentity(endpoint, clientId, sender, clock.now);
      }
      case 'login': {
        const { packageLogin } = await import('./package-login.ts');
        return packageLogin({ clientId, authority });
      }
    }
  };
  const sources = new Map<string, TokenSource>();
  return (identity) => {
    const key = JSON.stringify([identity.kind, identity.clientId, identity.authority]);
    let fetching: Promise<FetchToken> | undefined;
    const fetch: FetchToken = async (audience) => (await (fetching ??= fetchTokens(identity)))(audience);
    const source = sources.get(key) ?? createTokenSource(fetch, clock.now);
    sources.set(key, source);
    return source;
  };
}
