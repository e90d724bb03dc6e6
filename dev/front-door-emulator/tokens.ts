// Access tokens as a managed identity gets them: opaque to the app, with an audience and an end, checked here.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { equalInConstantTime } from '../emulator/equal-in-constant-time.ts';
import { refuse, type Refused } from './arm-error.ts';

export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
}

export interface Tokens {
  /** @param objectId whose token it is */
  issue(audience: string, objectId: string, lifetimeSeconds: number): IssuedToken;
  /** Judges an `Authorization` header; gives the object id of the caller. */
  check(
    authorization: string | undefined,
    audiences: readonly string[],
  ): { readonly ok: true; readonly value: string } | Refused;
  /** No token of before is taken any more. */
  revoke(): void;
}

const Claims = z.object({ aud: z.string(), exp: z.number(), oid: z.string() });

export function createTokens(now: () => Date): Tokens {
  let secret = randomBytes(32);
  const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');
  return {
    issue(audience, objectId, lifetimeSeconds) {
      const issuedAt = Math.floor(now().getTime() / 1_000);
      const exp = issuedAt + lifetimeSeconds;
      const claims = { aud: audience, iat: issuedAt, exp, oid: objectId, uti: randomUUID() };
      const text = `${encode({ typ: 'JWT', alg: 'HS256' })}.${encode(claims)}`;
      return { token: `${text}.${sign(text)}`, expiresAt: new Date(exp * 1_000) };
    },
    check(authorization, audiences) {
      if (authorization === undefined || authorization === '') {
        return refuse(
          401,
          'AuthenticationFailed',
          "Authentication failed. The 'Authorization' header is missing.",
        );
      }
      const token = /^Bearer (?<token>\S+)$/iu.exec(authorization)?.groups?.['token'];
      if (token === undefined) {
        return refuse(
          401,
          'AuthenticationFailedInvalidHeader',
          "Authentication failed. The 'Authorization' header is provided in an invalid format.",
        );
      }
      const [head = '', body = '', signature = ''] = token.split('.');
      const claims = equalInConstantTime(signature, sign(`${head}.${body}`)) ? decode(body) : undefined;
      if (claims === undefined) {
        return refuse(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
      }
      if (claims.exp * 1_000 <= now().getTime()) {
        return refuse(401, 'ExpiredAuthenticationToken', 'The access token has expired.');
      }
      if (!isAudience(claims.aud, audiences)) {
        return refuse(
          401,
          'InvalidAuthenticationTokenAudience',
          `The access token has been obtained for wrong audience or resource '${claims.aud}'. It should exactly match with one of the allowed audiences ${audiences.map((audience) => `'${audience}'`).join(',')}.`,
        );
      }
      return { ok: true, value: claims.oid };
    },
    revoke() {
      secret = randomBytes(32);
    },
  };
}

/** A slash at the end makes no difference. */
export function isAudience(given: string, audiences: readonly string[]): boolean {
  return audiences.some((audience) => bare(audience) === bare(given));
}

const bare = (audience: string): string => audience.replace(/\/$/u, '').toLowerCase();

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): z.infer<typeof Claims> | undefined {
  try {
    return Claims.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
