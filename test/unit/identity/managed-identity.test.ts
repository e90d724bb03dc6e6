// The platform's token endpoint: how it is asked, and what its answers mean.

import { describe, expect, it } from 'vitest';

import { managedIdentity } from '../../../src/lib/identity/managed-identity.ts';
import type { HttpRequest, HttpResult } from '../../../src/lib/providers/http/send.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const ENDPOINT = { url: 'http://127.0.0.1:41741/msi/token', header: 'canary-header' };
const ARM = 'https://management.chinacloudapi.cn';
const CLIENT = '0a1b2c3d-1111-2222-3333-444455556666';

function identity(result: HttpResult, clientId?: string) {
  const sent: HttpRequest[] = [];
  const send = async (request: HttpRequest): Promise<HttpResult> => {
    sent.push(request);
    return result;
  };
  return { getToken: managedIdentity(ENDPOINT, clientId, send, createFakeClock().now), sent };
}

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): HttpResult => ({
  kind: 'answered',
  status,
  headers: new Map(Object.entries(headers)),
  text: typeof body === 'string' ? body : JSON.stringify(body),
});

const given = { access_token: 'eyJ0.canary-token_-.~+/=', expires_on: '1705310950', token_type: 'Bearer' };

describe('the token endpoint', () => {
  it('is asked for the resource, by its own secret', async () => {
    const { getToken, sent } = identity(answer(200, given));
    await getToken(ARM);
    expect(sent).toEqual([
      {
        method: 'GET',
        url: new URL(
          `${ENDPOINT.url}?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.chinacloudapi.cn`,
        ),
        headers: { 'x-identity-header': 'canary-header', accept: 'application/json' },
        body: undefined,
      },
    ]);
  });

  it('is told which user-assigned identity is meant', async () => {
    const { getToken, sent } = identity(answer(200, given), CLIENT);
    await getToken(ARM);
    expect(sent[0]?.url.searchParams.get('client_id')).toBe(CLIENT);
  });

  it.each([
    ['as text', '1705310950'],
    ['as a number', 1_705_310_950],
  ])('gives the token with its end %s', async (_how, expires_on) => {
    const { getToken } = identity(answer(200, { ...given, expires_on }));
    expect(await getToken(ARM)).toEqual({
      ok: true,
      value: { value: given.access_token, expiresAt: 1_705_310_950_000 },
    });
  });

  it.each([
    [
      'no such identity',
      answer(400, { statusCode: 400, message: 'No User Assigned identity' }),
      'refused',
      /status 400: No User Assigned identity/u,
    ],
    ['its own failure', answer(500, 'oops'), 'unavailable', /status 500\)/u],
    ['no JSON', answer(200, '<html>canary</html>'), 'refused', /status 200\)/u],
    [
      'a token that cannot be one',
      answer(200, { ...given, access_token: 'canary\r\nX: 1' }),
      'refused',
      /status 200\)/u,
    ],
    ['no end', answer(200, { ...given, expires_on: 'never' }), 'refused', /status 200\)/u],
    [
      'nothing',
      { kind: 'no-answer', reason: 'timed-out', sent: true, detail: '' } as const,
      'unavailable',
      /did not answer: timed-out/u,
    ],
  ])('answers with %s', async (_what, result, kind, detail) => {
    const failure = await identity(result).getToken(ARM);
    expect(failure).toMatchObject({ ok: false, error: { kind, detail: expect.stringMatching(detail) } });
    expect(JSON.stringify(failure)).not.toContain('canary');
  });

  it('may ask for time', async () => {
    const failure = await identity(answer(429, {}, { 'retry-after': '7' })).getToken(ARM);
    expect(failure).toMatchObject({ ok: false, error: { kind: 'unavailable', retryAfterMs: 7_000 } });
  });
});
