// One source for each identity of the app, and nothing is asked before a token is needed.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { expect, it, onTestFinished } from 'vitest';

import type { IdentityConfiguration } from '../../../src/lib/core/configuration.ts';
import { createTokenSources } from '../../../src/lib/identity/token-sources.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

const ARM = 'https://management.azure.com';
const managed: IdentityConfiguration = {
  kind: 'managed',
  clientId: undefined,
  authority: 'https://login.example',
  audience: ARM,
};

/** The platform's endpoint on this machine, and the app's sources over it. */
async function sources() {
  const clock = createFakeClock();
  const requests: URL[] = [];
  const headers: unknown[] = [];
  const server = createServer((request, response) => {
    requests.push(new URL(request.url ?? '/', 'http://127.0.0.1'));
    headers.push(request.headers['x-identity-header']);
    const body = {
      access_token: `canary-${requests.length}`,
      expires_on: String(clock.now() / 1_000 + 86_400),
    };
    response.setHeader('connection', 'close').end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const settings: string[] = [];
  const telemetry = createRecordingTelemetry();
  const tokensFor = createTokenSources({
    secret(name) {
      settings.push(name);
      return name === 'IDENTITY_ENDPOINT' ? `http://127.0.0.1:${port}/msi/token` : 'canary-header';
    },
    telemetry,
    now: clock.now,
  });
  return { tokensFor, settings, requests, headers, telemetry };
}

it('asks the platform for the token of a managed identity, when one is needed', async () => {
  const { tokensFor, settings, requests, headers, telemetry } = await sources();
  const source = tokensFor(managed);
  expect([settings, requests]).toEqual([[], []]);
  expect(await source.getToken(ARM)).toMatchObject({ ok: true, value: { value: 'canary-1' } });
  expect(settings).toEqual(['IDENTITY_ENDPOINT', 'IDENTITY_HEADER']);
  expect(headers).toEqual(['canary-header']);
  expect(telemetry.spans).toHaveLength(1);
  expect(JSON.stringify(telemetry.spans)).not.toContain('canary');
});

it('is one for all who have the same identity, so that its tokens are kept for all', async () => {
  const { tokensFor, requests } = await sources();
  expect(tokensFor({ ...managed })).toBe(tokensFor(managed));
  await tokensFor(managed).getToken(ARM);
  await tokensFor({ ...managed }).getToken(ARM);
  await tokensFor({ ...managed, clientId: 'another' }).getToken(ARM);
  expect(requests.map((url) => url.searchParams.get('client_id'))).toEqual([null, 'another']);
});

it('makes a login by the package where the identity says so', async () => {
  const { tokensFor, requests } = await sources();
  // The package takes no authority in the clear: no login is tried.
  const login = tokensFor({ ...managed, kind: 'login', authority: 'http://login.example' });
  expect(await login.getToken(ARM)).toMatchObject({
    ok: false,
    error: { detail: expect.stringContaining('@azure/identity') },
  });
  expect(requests).toEqual([]);
});
