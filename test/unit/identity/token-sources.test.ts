// One source for each identity of the app, and nothing is loaded or asked before a token is needed.

import { expect, it } from 'vitest';

import { createTokenSources, type Identity } from '../../../src/lib/identity/token-sources.ts';
import type { HttpRequest } from '../../../src/lib/providers/http/send.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const ARM = 'https://management.azure.com';
const managed: Identity = { kind: 'managed', clientId: undefined, authority: 'https://login.example' };

function sources() {
  const clock = createFakeClock();
  const asked: string[] = [];
  const sent: HttpRequest[] = [];
  const tokensFor = createTokenSources({
    secret(name) {
      asked.push(name);
      return name === 'IDENTITY_ENDPOINT' ? 'http://127.0.0.1:41741/msi/token' : 'a-secret';
    },
    async sender() {
      return async (request) => {
        sent.push(request);
        const body = {
          access_token: `token-${sent.length}`,
          expires_on: String(clock.now() / 1_000 + 86_400),
        };
        return { kind: 'answered', status: 200, headers: new Map(), text: JSON.stringify(body) };
      };
    },
    now: clock.now,
  });
  return { tokensFor, asked, sent };
}

it('asks the platform for the token of a managed identity, when one is needed', async () => {
  const { tokensFor, asked, sent } = sources();
  const source = tokensFor(managed);
  expect([asked, sent]).toEqual([[], []]);
  expect(await source.getToken(ARM)).toMatchObject({ ok: true, value: { value: 'token-1' } });
  expect(asked).toEqual(['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']);
  expect(sent[0]?.headers).toMatchObject({ 'x-identity-header': 'a-secret' });
});

it('is one for all who have the same identity, so that its tokens are kept for all', async () => {
  const { tokensFor, sent } = sources();
  expect(tokensFor({ ...managed })).toBe(tokensFor(managed));
  await tokensFor(managed).getToken(ARM);
  await tokensFor({ ...managed }).getToken(ARM);
  await tokensFor({ ...managed, clientId: 'another' }).getToken(ARM);
  expect(sent.map(({ url }) => url.searchParams.get('client_id'))).toEqual([null, 'another']);
});

it('makes a login by the package where the identity says so', async () => {
  const { tokensFor, sent } = sources();
  // The package takes no authority in the clear: no login is tried.
  const token = await tokensFor({ ...managed, kind: 'login', authority: 'http://login.example' }).getToken(
    ARM,
  );
  expect(token).toMatchObject({ ok: false, error: { detail: expect.stringContaining('@azure/identity') } });
  expect(sent).toEqual([]);
});
