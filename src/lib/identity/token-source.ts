// Tokens of Microsoft Entra, by what they are for: asked for once, kept until shortly before they end.

import type { Instant } from '../core/instant.ts';
import { ok, type Result } from '../core/result.ts';

export type Token = {
  /** A secret: in headers only, never in a log, an error or telemetry. */
  readonly value: string;
  readonly expiresAt: Instant;
};

/** Why there is no token, in words for the operator. */
export type TokenFailure = {
  /** `refused`: it will be again; `unavailable`: the next time may do. */
  readonly kind: 'refused' | 'unavailable';
  readonly detail: string;
  readonly retryAfterMs?: number | undefined;
};

export type TokenResult = Result<Token, TokenFailure>;

/** Asks for a new token. Never throws for what the network or the identity does. */
export type FetchToken = (audience: string) => Promise<TokenResult>;

export type TokenSource = {
  /** One that is good for a while. Never throws, like `FetchToken`. */
  readonly getToken: FetchToken;
  /** The token was refused: it is not given again. One that came meanwhile stays. */
  readonly forget: (audience: string, refused: Token) => void;
};

/** A request that is under way when its token ends would be refused. */
const BEFORE_END_MS = 5 * 60_000;

/** While the token that is kept does, the next try to renew it comes so long after one that failed. */
const AFTER_FAILURE_MS = 15_000;

/** Builds a source over `fetch`, which is called once for all who need a token of an audience at the same time. */
export function createTokenSource(fetch: FetchToken, now: () => Instant): TokenSource {
  const kept = new Map<string, { readonly token: Token; readonly renewAt: number }>();
  const underWay = new Map<string, Promise<TokenResult>>();

  const renew = async (audience: string): Promise<TokenResult> => {
    const askedAt = now();
    const result = await fetch(audience);
    if (result.ok) {
      const lifeMs = result.value.expiresAt - askedAt;
      const renewAt = result.value.expiresAt - Math.min(BEFORE_END_MS, lifeMs / 2);
      kept.set(audience, { token: result.value, renewAt });
      return result;
    }
    const old = kept.get(audience)?.token;
    if (old === undefined || old.expiresAt <= now()) return result;
    // What is kept is not at its end yet. Who gives tokens may be slow to fail: not every call is to wait for that.
    const pauseMs = Math.max(result.error.retryAfterMs ?? 0, AFTER_FAILURE_MS);
    kept.set(audience, { token: old, renewAt: Math.min(now() + pauseMs, old.expiresAt) });
    return ok(old);
  };

  return {
    async getToken(audience) {
      const held = kept.get(audience);
      if (held !== undefined && now() < held.renewAt) return ok(held.token);
      const asked = underWay.get(audience) ?? renew(audience).finally(() => underWay.delete(audience));
      underWay.set(audience, asked);
      return asked;
    },
    forget(audience, refused) {
      if (kept.get(audience)?.token.value === refused.value) kept.delete(audience);
    },
  };
}
