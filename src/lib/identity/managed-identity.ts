// The managed identity of an app on App Service or Azure Functions: tokens from the platform's own endpoint.
// learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference

import * as z from 'zod';

import { instant, type Instant } from '../core/instant.ts';
import { err, ok } from '../core/result.ts';
import { parseRetryAfter } from '../providers/http/retry-after.ts';
import type { HttpSender } from '../providers/http/send.ts';
import type { FetchToken, TokenFailure } from './token-source.ts';

export type ManagedIdentityEndpoint = {
  /** Of the app setting IDENTITY_ENDPOINT. */
  readonly url: string;
  /** Of the app setting IDENTITY_HEADER: a secret, which shows that it is the app who asks. */
  readonly header: string;
};

const API_VERSION = '2019-08-01';

/** Takes the platform's endpoint and the user-assigned identity to use (undefined: the system-assigned one). */
export function managedIdentity(
  endpoint: ManagedIdentityEndpoint,
  clientId: string | undefined,
  send: HttpSender,
  now: () => Instant,
): FetchToken {
  return async (audience) => {
    const url = new URL(endpoint.url);
    url.searchParams.set('api-version', API_VERSION);
    url.searchParams.set('resource', audience);
    if (clientId !== undefined) url.searchParams.set('client_id', clientId);
    const headers = { 'x-identity-header': endpoint.header, accept: 'application/json' };
    const result = await send({ method: 'GET', url, headers, body: undefined });
    if (result.kind === 'no-answer') {
      return err({ kind: 'unavailable', detail: `the managed identity did not answer: ${result.reason}` });
    }
    const { status, text } = result;
    const body = parseJson(text);
    const given = Given.safeParse(body);
    if (status === 200 && given.success) return ok(given.data);
    return err(failureOf(status, body, parseRetryAfter(result.headers.get('retry-after'), now())));
  };
}

/** RFC 6750, section 2.1: what may stand in a header. */
const accessToken = z.string().regex(/^[\w\-.~+/]+=*$/u);
/** Seconds since 1970, as a string in this version of the API. */
const epochSeconds = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,15}$/u)
    .transform(Number),
]);

const Given = z
  .object({ access_token: accessToken, expires_on: epochSeconds })
  .transform(({ access_token: value, expires_on: seconds }) => ({
    value,
    expiresAt: instant(seconds * 1000),
  }));

const Refused = z.object({ message: z.string() });

function failureOf(status: number, body: unknown, retryAfterMs: number | undefined): TokenFailure {
  const refused = Refused.safeParse(body);
  // Only of a refusal: any other text could hold a token.
  const words = status >= 400 && refused.success ? `: ${refused.data.message.slice(0, 200)}` : '';
  return {
    kind: status === 429 || status >= 500 ? 'unavailable' : 'refused',
    detail: `the managed identity gave no token (status ${status}${words}): is it turned on for the app?`,
    retryAfterMs,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the status tells the rest
  }
}
