// Sends requests to Azure Resource Manager with the app's token; with a new one if that one is refused.

import { err, ok } from '../../core/result.ts';
import type { TokenSource } from '../../identity/token-source.ts';
import type { HttpResult, HttpSender } from '../http/send.ts';
import type { CallResult } from './answer.ts';
import type { ApiRequest } from './request.ts';

/** Sends a request. Never throws for what the network, the identity or Azure does. */
export type AuthorizedCalls = (request: ApiRequest) => Promise<CallResult>;

/** Takes a sender, who gives tokens, what they are for, and who makes ids for requests. */
export function authorizedCalls(
  send: HttpSender,
  tokens: TokenSource,
  audience: string,
  newId: () => string,
): AuthorizedCalls {
  const callWith = (request: ApiRequest, token: string): Promise<HttpResult> =>
    send({
      ...request,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'x-ms-client-request-id': newId(),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    });

  return async (request) => {
    const token = await tokens.getToken(audience);
    if (!token.ok) return token;
    const result = await callWith(request, token.value.value);
    if (!isUnauthorized(result)) return ok(result);
    // Refused before anything was done: it may be sent again.
    tokens.forget(audience, token.value);
    const renewed = await tokens.getToken(audience);
    // Whoever gives tokens may keep them, too: what was refused would be again.
    if (!renewed.ok) return err(renewed.error);
    return ok(
      renewed.value.value === token.value.value ? result : await callWith(request, renewed.value.value),
    );
  };
}

function isUnauthorized(result: HttpResult): boolean {
  return result.kind === 'answered' && result.status === 401;
}
