// The sources of the app's tokens: one for each identity that it has, shared by all who use that identity.

import type { IdentityConfiguration } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';
import type { HttpTimeouts } from '../providers/http/send.ts';
import type { Telemetry } from '../use-cases/ports.ts';
import { createTokenSource, type FetchToken, type TokenSource } from './token-source.ts';

export type TokenSources = (identity: Identity) => TokenSource;

/** Who asks; one identity has tokens for many audiences. */
type Identity = Pick<IdentityConfiguration, 'kind' | 'clientId' | 'authority'>;

type TokenSourceParts = {
  /** The value of an app setting. Throws when it is not set. */
  readonly secret: (name: string) => string;
  readonly telemetry: Telemetry;
  readonly now: () => Instant;
};

/** Takes what tokens are asked with. Nothing is loaded or asked before a token is needed. */
export function createTokenSources(parts: TokenSourceParts): TokenSources {
  const sources = new Map<string, TokenSource>();
  return (identity) => {
    const key = JSON.stringify([identity.kind, identity.clientId, identity.authority]);
    const source = sources.get(key) ?? createTokenSource(fetchWhenNeeded(identity, parts), parts.now);
    sources.set(key, source);
    return source;
  };
}

function fetchWhenNeeded(identity: Identity, parts: TokenSourceParts): FetchToken {
  let loading: Promise<FetchToken> | undefined;
  return async (audience) => (await (loading ??= load(identity, parts)))(audience);
}

/** Of the platform's endpoint, on this machine: it asks for the token, and that may take seconds. */
const TIMEOUTS: HttpTimeouts = { connectMs: 2_000, headersMs: 20_000, bodyMs: 10_000 };

async function load(
  { kind, clientId, authority }: Identity,
  { secret, telemetry, now }: TokenSourceParts,
): Promise<FetchToken> {
  switch (kind) {
    case 'managed': {
      const [{ managedIdentity }, { createAgent, createHttpSender }] = await Promise.all([
        import('./managed-identity.ts'),
        import('../providers/http/send.ts'),
      ]);
      const endpoint = { url: secret('IDENTITY_ENDPOINT'), header: secret('IDENTITY_HEADER') };
      const send = createHttpSender(createAgent(TIMEOUTS), 'x-ms-request-id', telemetry);
      return managedIdentity(endpoint, clientId, send, now);
    }
    case 'login': {
      const { packageLogin } = await import('./package-login.ts');
      return packageLogin({ clientId, authority });
    }
  }
}
