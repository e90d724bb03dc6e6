// The token endpoint: who gets a token, for what, and in which words.
import { describe, expect, it } from 'vitest';
import {
  askForToken,
  callArm,
  purgeTarget,
  startFrontDoor,
  userAssignedClientId,
} from './front-door-support.ts';

it('gives a token that Resource Manager takes, and says when it ends', async () => {
  const frontDoor = await startFrontDoor({ behaviour: { tokenLifetimeSeconds: 3_600 } });

  const { status, json } = await askForToken(frontDoor);

  expect(status).toBe(200);
  expect(json).toMatchObject({
    resource: 'https://management.azure.com',
    token_type: 'Bearer',
    expires_on: String(Date.parse('2026-01-15T09:09:10Z') / 1_000),
  });
  const answer = await callArm(frontDoor, purgeTarget(), {
    method: 'POST',
    body: '{"contentPaths":["/a"]}',
    headers: { authorization: `Bearer ${String(json['access_token'])}` },
  });
  expect(answer.status).toBe(202);
});

it('gives a user-assigned identity its own token', async () => {
  const frontDoor = await startFrontDoor({
    identities: { system: false, userAssigned: [userAssignedClientId] },
  });

  expect(await askForToken(frontDoor, { client_id: userAssignedClientId.toUpperCase() })).toMatchObject({
    status: 200,
    json: { client_id: userAssignedClientId.toUpperCase() },
  });
});

describe('a request for a token is refused', () => {
  it.each([
    { what: 'without the header', parameters: {}, header: null, status: 401 },
    { what: 'with a wrong header', parameters: {}, header: 'guessed', status: 401 },
    { what: 'of another api-version', parameters: { 'api-version': '2018-02-01' }, status: 400 },
    { what: 'without resource', parameters: { resource: null }, status: 400 },
    {
      what: 'for another cloud',
      parameters: { resource: 'https://management.chinacloudapi.cn' },
      status: 400,
    },
    { what: 'for storage', parameters: { resource: 'https://storage.azure.com/' }, status: 400 },
    {
      what: 'for an unknown identity',
      parameters: { client_id: '00000000-0000-0000-0000-000000000000' },
      status: 400,
    },
    { what: 'with an unknown parameter', parameters: { scope: 'x' }, status: 400 },
  ])('$what', async ({ parameters, header, status }) => {
    const answer = await askForToken(await startFrontDoor(), parameters, header);

    expect(answer).toMatchObject({ status, json: { statusCode: status, message: expect.any(String) } });
    expect(answer.json).not.toHaveProperty('access_token');
  });

  it('where the app has no identity of its own', async () => {
    const frontDoor = await startFrontDoor({ identities: { system: false } });

    expect((await askForToken(frontDoor)).status).toBe(400);
  });
});

it('keeps tokens, the header and the query of operation URLs out of its logs', async () => {
  const frontDoor = await startFrontDoor();
  const { json } = await askForToken(frontDoor);
  await askForToken(frontDoor, {}, 'canary-header');
  const authorization = `Bearer ${String(json['access_token'])}`;
  const { headers } = await callArm(frontDoor, purgeTarget(), {
    method: 'POST',
    body: '{"contentPaths":["/a"]}',
    headers: { authorization },
  });
  await callArm(frontDoor, String(headers['location']), { headers: { authorization } });

  const { control } = frontDoor.emulator;
  const said = JSON.stringify([control.requests(), control.purges(), control.operations(), frontDoor.logged]);
  expect(control.requests().map(({ operation, outcome }) => [operation, outcome])).toEqual([
    ['token', 'ok'],
    ['token', expect.stringContaining('X-IDENTITY-HEADER')],
    ['purge', 'ok'],
    ['poll', 'ok'],
  ]);
  expect(said).not.toContain(String(json['access_token']));
  expect(said).not.toContain('canary-header');
  expect(said).not.toMatch(/[?&][tcsh]=/u);
});
