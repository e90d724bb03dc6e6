// The emulator's control over HTTP: what it shows, what it changes, and how it says no.
import { request } from 'undici';
import { expect, it } from 'vitest';
import {
  callApi,
  fetchEdge,
  purge,
  startCdn,
  subscription,
  webEndpoint,
  type TestCdn,
} from './cdn-support.ts';

const file = 'http://www.contoso.localhost/a.txt';
const directory = 'http://www.contoso.localhost/b/';

interface ControlAnswer {
  readonly status: number;
  readonly json: unknown;
}

async function control(cdn: TestCdn, route: string, body?: unknown): Promise<ControlAnswer> {
  const [method = '', path = ''] = route.split(' ');
  const response = await request(`${cdn.emulator.apiUrl}/_emulator/${path}`, {
    method,
    body: body === undefined ? null : JSON.stringify(body),
  });
  return { status: response.statusCode, json: await response.body.json() };
}

it('shows every accepted purge', async () => {
  const cdn = await startCdn();
  const { headers, taskId } = await purge(cdn, { Files: [file], Directories: [directory] });
  await purge(cdn, { Files: ['http://evil.example/'] });

  const { json } = await control(cdn, 'GET purges');

  expect(json).toEqual([
    {
      at: '2024-01-15T08:09:10.000Z',
      subscription,
      endpointId: webEndpoint,
      files: [file],
      directories: [directory],
      correlationId: headers['x-correlation-id'],
      taskId,
    },
  ]);
});

it('shows every request with its outcome and correlation id', async () => {
  const cdn = await startCdn();
  const target = `/subscriptions/${subscription}/endpoints/${webEndpoint}/purges?apiVersion=1.0`;
  const good = await purge(cdn, { Files: [file] });
  const bad = await purge(cdn, {});
  const lost = await callApi(cdn, { target: '/nowhere' });

  const { json } = await control(cdn, 'GET requests');

  const requestDate = '2024-01-15 08:09:10';
  expect(json).toMatchObject([
    { method: 'POST', target, operation: 'add-purge', outcome: 'ok', status: 202, requestDate },
    { method: 'POST', target, operation: 'add-purge', outcome: 'ParameterMissing', status: 400 },
    { method: 'GET', target: '/nowhere', operation: null, outcome: 'not-found', status: 404 },
  ]);
  expect(json).toMatchObject(
    [good, bad, lost].map(({ headers }) => ({ correlationId: headers['x-correlation-id'] })),
  );
});

it('shows the quota and what is spent of it', async () => {
  const cdn = await startCdn();
  await purge(cdn, { Files: [file, file], Directories: [directory] });

  const { json } = await control(cdn, 'GET quota');

  expect(json).toEqual({
    limits: { files: 2_000, directories: 500, preloads: 2_000 },
    spent: [{ subscription, files: 2, directories: 1, preloads: 0, resetsAt: '2024-01-15T16:00:00.000Z' }],
  });
});

it('shows what the edge remembers', async () => {
  const cdn = await startCdn();
  cdn.origin.blobs.set('$web/a.txt', 'content');
  await fetchEdge(cdn, 'www.contoso.localhost', '/a.txt');

  const { json } = await control(cdn, 'GET cache');

  expect(json).toEqual([
    {
      host: 'www.contoso.localhost',
      path: '/a.txt',
      query: '',
      status: 200,
      etag: '"content"',
      bytes: 7,
      storedAt: '2024-01-15T08:09:10.000Z',
    },
  ]);
});

it('takes one fault or a list, shows what is left, and clears it', async () => {
  const cdn = await startCdn();

  await control(cdn, 'POST faults', { fault: 'throttle', times: 2 });
  await control(cdn, 'POST faults', [{ fault: 'gateway' }, { fault: 'error', type: 'InternalError' }]);
  const met = await purge(cdn, { Files: [file] });
  const left = await control(cdn, 'GET faults');
  const cleared = await control(cdn, 'DELETE faults');

  expect(met.status).toBe(429);
  expect(left.json).toMatchObject([
    { fault: 'throttle', times: 1 },
    { fault: 'gateway', times: 1 },
    { fault: 'error', type: 'InternalError' },
  ]);
  expect(cleared).toEqual({ status: 200, json: [] });
});

it('changes the switches that are named and leaves the others', async () => {
  const cdn = await startCdn({ behaviour: { maxUrlsPerRequest: 2 } });

  const { json } = await control(cdn, 'POST settings', { filesPerDay: 0 });
  const answer = await purge(cdn, { Files: [file] });

  expect(json).toMatchObject({ filesPerDay: 0, directoriesPerDay: 500, maxUrlsPerRequest: 2 });
  expect(answer.errorType).toBe('RequestThrottled');
});

it('empties the cache when its names change', async () => {
  const cdn = await startCdn();
  await fetchEdge(cdn, 'www.contoso.localhost', '/a.txt');

  await control(cdn, 'POST settings', { cacheKeyQuery: 'kept' });

  expect(cdn.emulator.control.cache()).toEqual([]);
});

it('goes back to the start', async () => {
  const cdn = await startCdn({ behaviour: { maxUrlsPerRequest: 2 } });
  await fetchEdge(cdn, 'www.contoso.localhost', '/a.txt');
  await purge(cdn, { Files: [file] });
  await control(cdn, 'POST settings', { maxUrlsPerRequest: 1 });
  await control(cdn, 'POST faults', { fault: 'throttle' });

  await control(cdn, 'POST reset');

  const { control: state } = cdn.emulator;
  expect(state.settings().maxUrlsPerRequest).toBe(2);
  expect([state.purges(), state.requests(), state.faults(), state.cache(), state.quota().spent]).toEqual([
    [],
    [],
    [],
    [],
    [],
  ]);
});

it.each([
  { route: 'POST faults', body: { fault: 'explode' }, problem: 'fault' },
  { route: 'POST faults', body: { fault: 'throttle', times: 0 }, problem: 'times' },
  { route: 'POST settings', body: { filesPerday: 1 }, problem: 'filesPerday' },
  { route: 'POST settings', body: { cacheKeyQuery: 'maybe' }, problem: 'cacheKeyQuery' },
])('refuses $body for $route and names the problem', async ({ route, body, problem }) => {
  const cdn = await startCdn();

  const { status, json } = await control(cdn, route, body);

  expect(status).toBe(400);
  expect(JSON.stringify(json)).toContain(problem);
});

it('lists its routes to who asks for another', async () => {
  const cdn = await startCdn();

  const { status, json } = await control(cdn, 'GET nothing');

  expect(status).toBe(404);
  expect(JSON.stringify(json)).toContain('/_emulator/faults');
});

it('is not part of the API: it needs no signature and is in no log', async () => {
  const cdn = await startCdn();

  await control(cdn, 'GET purges');

  expect(cdn.emulator.control.requests()).toEqual([]);
});

it('never shows a key', async () => {
  const cdn = await startCdn({
    keys: [{ id: 'some-key', value: 'canary-7d1f', subscription, permission: 'read-write' }],
  });

  const shown = await Promise.all(
    ['settings', 'requests', 'purges', 'quota', 'faults', 'cache', 'keys'].map((route) =>
      control(cdn, `GET ${route}`),
    ),
  );

  expect(JSON.stringify(shown)).not.toContain('canary-7d1f');
});
