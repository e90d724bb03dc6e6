// The embedded Functions host from outside: HTTP functions, keys, the Event Grid webhook, the admin API, its log.
import { once } from 'node:events';
import { request as rawRequest, type IncomingMessage } from 'node:http';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventually, fixture, startHost, testKeys, type HostChild } from './functions-host-child.ts';

let host: HostChild;

function asHeader(key: string): RequestInit {
  return { headers: { 'x-functions-key': key } };
}

function webhook(functionName: string): string {
  return `/runtime/webhooks/eventgrid?functionName=${functionName}&code=${testKeys.eventgrid}`;
}

beforeAll(async () => {
  host = await startHost(['http', 'event-grid', 'late-registration'], {
    args: ['--host-json', fixture('host-verbose.json')],
    env: { 'AzureWebJobs.switched-off.Disabled': 'true' },
  });
});

afterAll(() => host.child.stop());

function post(body: unknown, headers: Record<string, string>, functionName = 'on-event'): Promise<Response> {
  return host.request(webhook(functionName), { method: 'POST', headers, body: JSON.stringify(body) });
}

function notify(body: unknown, functionName?: string): Promise<Response> {
  return post(body, { 'aeg-event-type': 'Notification' }, functionName);
}

describe('HTTP functions', () => {
  const Description = z.looseObject({
    function: z.string(),
    method: z.string(),
    url: z.string(),
    params: z.record(z.string(), z.string()),
    query: z.record(z.string(), z.string()),
    header: z.string().nullable(),
    traceParent: z.string(),
    traceState: z.string(),
    invocationId: z.uuid(),
  });
  const describeRequest = async (path: string, init?: RequestInit): Promise<z.infer<typeof Description>> => {
    const response = await host.request(path, init);
    expect(response.status).toBe(200);
    return Description.parse(await response.json());
  };

  it('carry a binary body both ways, byte for byte', async () => {
    const body = Buffer.concat([Buffer.from([0, 255, 13, 10, 128]), randomBytes(300_000)]);

    const response = await host.request(`/api/echo?code=${testKeys.default}`, { method: 'POST', body });

    expect(response.status).toBe(201);
    expect(response.headers.get('x-kind')).toBe('echo');
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(body.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
  });

  it('see method, URL, headers and query of the request', async () => {
    const seen = await describeRequest('/api/describe?a=1&b=x%20y&a=2&empty=', {
      headers: { 'x-test': 'yes' },
    });

    expect(seen).toMatchObject({
      function: 'describe',
      method: 'GET',
      url: `${host.url}/api/describe?a=1&b=x%20y&a=2&empty=`,
      query: { a: '1,2', b: 'x y', empty: '' },
      header: 'yes',
    });
  });

  it.each([
    { path: '/api/items/42', name: 'describe-item', params: { id: '42' } },
    { path: '/api/items/42/', name: 'describe-item', params: { id: '42' } },
    { path: '/api/items/a%20b%2Fc/%E4%B8%AD', name: 'describe-item', params: { id: 'a b%2Fc', part: '中' } },
    { path: '/API/Items/42', name: 'describe-item', params: { id: '42' } },
    { path: '/api/items/special', name: 'describe-special-item', params: {} },
    { path: '/api/files/a/b.txt', name: 'describe-file', params: { rest: 'a/b.txt' } },
    { path: '/api/files', name: 'describe-file', params: {} },
  ])('route $path to $name', async ({ path, name, params }) => {
    expect(await describeRequest(path)).toMatchObject({ function: name, params });
  });

  it.each([
    ['a path that no route fits', 'GET', '/api/unknown'],
    ['a path outside the prefix', 'GET', '/describe'],
    ['a parameter without a value', 'GET', '/api/items/'],
    ['more segments than the route has', 'GET', '/api/items/1/2/3'],
    ['a method that the function does not take', 'DELETE', '/api/describe'],
    ['a disabled function', 'GET', '/api/switched-off'],
  ])('answer 404 to %s', async (_case, method, path) => {
    const response = await host.request(path, { method });

    expect(response.status).toBe(404);
  });

  it('answer 204 where the handler returns nothing', async () => {
    expect((await host.request('/api/answer-nothing')).status).toBe(204);
  });

  it("answer the handler's status and text in UTF-8", async () => {
    const response = await host.request('/api/answer-text');

    expect(response.status).toBe(418);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain;\s*charset=utf-8$/iu);
    expect(await response.text()).toBe('grüß dich');
  });

  it('answer 500 without a body where the handler throws, and log why on one line', async () => {
    const response = await host.request('/api/fail');

    expect(response.status).toBe(500);
    expect(await response.text()).toBe('');
    await eventually(() => {
      const [entry] = host.entries('invocation-failed').filter(({ message }) => message.startsWith('fail '));
      expect(entry).toMatchObject({ level: 'error', function: 'fail', cause: 'the cause' });
      expect(entry?.message).toContain(String.raw`first line\nsecond line \u001b[31m`);
    });
  });

  it('send no cookies, and warn that they do not', async () => {
    const response = await host.request('/api/answer-cookie');

    expect(response.status).toBe(200);
    expect(response.headers.has('set-cookie')).toBe(false);
    await eventually(() => expect(host.entries('cookies-not-sent')).toHaveLength(1));
  });

  it('refuse a body over 100 MB before reading it', async () => {
    const sent = rawRequest(`${host.url}/api/echo`, {
      method: 'POST',
      headers: { 'x-functions-key': testKeys.default, 'content-length': 100 * 1024 * 1024 + 1 },
    });
    sent.on('error', () => undefined);
    sent.flushHeaders();

    const answered = await new Promise<IncomingMessage>((resolve) => sent.on('response', resolve));
    sent.destroy();

    expect(answered.statusCode).toBe(413);
  });

  it('get a usable URL even where the Host header is none', async () => {
    const sent = rawRequest(`${host.url}/api/describe`, { headers: { host: 'a b@c' } });
    sent.end();
    const [answered]: IncomingMessage[] = await once(sent, 'response');

    expect(answered?.statusCode).toBe(200);
    answered?.resume();
  });

  it('continue the trace of the caller', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = `00-${traceId}-b7ad6b7169203331-00`;

    const seen = await describeRequest('/api/describe', { headers: { traceparent, tracestate: 'vendor=1' } });

    expect(seen.traceParent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`, 'u'));
    expect(seen.traceParent).not.toBe(traceparent);
    expect(seen.traceState).toBe('vendor=1');
  });

  it.each([{}, { traceparent: 'nonsense', tracestate: 'vendor=1' }])(
    'begin a sampled trace where the caller has none: %j',
    async (headers: Record<string, string>) => {
      const seen = await describeRequest('/api/describe', { headers });

      expect(seen.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/u);
      expect(seen.traceState).toBe('');
    },
  );

  it('cannot be registered after start-up', async () => {
    expect((await host.request('/api/register-late')).status).toBe(500);
    await eventually(() =>
      expect(host.messages('invocation-failed').join()).toContain('only be registered during app startup'),
    );
  });
});

describe('keys', () => {
  it.each([
    { path: '/api/describe', key: undefined, status: 200 },
    { path: '/api/for-functions', key: undefined, status: 401 },
    { path: '/api/for-functions', key: 'wrong', status: 401 },
    { path: '/api/for-functions', key: '', status: 401 },
    { path: '/api/for-functions', key: testKeys.eventgrid, status: 401 },
    { path: '/api/for-functions', key: testKeys.default, status: 200 },
    { path: '/api/for-functions', key: testKeys.functions['for-functions'], status: 200 },
    { path: '/api/for-functions', key: testKeys.master, status: 200 },
    { path: '/api/echo', key: testKeys.functions['for-functions'], status: 401, method: 'POST' },
    { path: '/api/for-admins', key: testKeys.default, status: 401 },
    { path: '/api/for-admins', key: testKeys.master, status: 200 },
  ])('$path with key $key answers $status', async ({ path, key, status, method = 'GET' }) => {
    const byHeader = await host.request(path, { method, ...(key === undefined ? {} : asHeader(key)) });
    const byCode = await host.request(key === undefined ? path : `${path}?code=${key}`, { method });

    expect([byHeader.status, byCode.status]).toEqual([status, status]);
  });

  it('answer 401 without a body', async () => {
    expect(await (await host.request('/api/for-functions')).text()).toBe('');
  });

  it('are not shown to the app', async () => {
    expect(await (await host.request('/api/environment')).text()).not.toContain('canary-');
  });

  it('take the header before the query', async () => {
    const response = await host.request(`/api/for-functions?code=${testKeys.default}`, asHeader('wrong'));

    expect(response.status).toBe(401);
  });
});

describe('the Event Grid webhook', () => {
  it('runs the function once an event and answers 202', async () => {
    const response = await notify([{ id: 'one', data: { b: 'c' } }, { id: 'two' }]);

    expect(response.status).toBe(202);
    await eventually(() => {
      const lines = host.messages('function-log');
      expect(lines).toContainEqual(expect.stringMatching(/^received one /u));
      expect(lines).toContainEqual(expect.stringMatching(/^received two /u));
      expect(lines).toContain('metadata {"data":{"b":"c"}}');
    });
  });

  it('takes a single event too, and continues its trace', async () => {
    const traceparent = '00-11112222333344445555666677778888-b7ad6b7169203331-01';

    const response = await post({ id: 'alone' }, { 'aeg-event-type': 'notification', traceparent });

    expect(response.status).toBe(202);
    await eventually(() =>
      expect(host.messages('function-log')).toContain(
        'received alone of trace 11112222333344445555666677778888',
      ),
    );
  });

  it('fails the whole delivery with the exception when one event fails, after all have run', async () => {
    const response = await notify([{ id: 'bad', data: { behaviour: 'fail' } }, { id: 'good-beside-bad' }]);

    expect(response.status).toBe(500);
    expect(await response.text()).toContain('refused bad');
    await eventually(() =>
      expect(host.messages('function-log')).toContainEqual(
        expect.stringMatching(/^received good-beside-bad/u),
      ),
    );
  });

  it('runs a function with cardinality many once for the whole delivery', async () => {
    const response = await notify([{ id: 'x' }, { id: 'y' }, { id: 'z' }], 'on-batch');

    expect(response.status).toBe(202);
    await eventually(() => expect(host.messages('function-log')).toContain('received x+y+z'));
  });

  it.each([
    ['Event Grid schema', [{ id: '1', data: { validationCode: 'code-1' } }]],
    ['CloudEvents, with JSON in JSON', { id: '1', data: '{"validationCode":"code-1"}' }],
  ])('answers the validation handshake (%s)', async (_case, body) => {
    const response = await post(body, { 'aeg-event-type': 'SubscriptionValidation' });

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ validationResponse: 'code-1' });
  });

  it.each([
    ['one CloudEvent', 'application/cloudevents+json; charset=utf-8', { id: 'cloud-1' }, 'cloud-1'],
    ['a batch of them', 'application/cloudevents-batch+json', [{ id: 'cloud-2' }], 'cloud-2'],
  ])('takes %s without the header of Event Grid', async (_case, contentType, body, id) => {
    const response = await post(body, { 'content-type': contentType });

    expect(response.status).toBe(202);
    await eventually(() =>
      expect(host.messages('function-log')).toContainEqual(expect.stringContaining(`received ${id} `)),
    );
  });

  it('answers the abuse-protection handshake of CloudEvents', async () => {
    const response = await host.request(webhook('on-event'), {
      method: 'OPTIONS',
      headers: { 'WebHook-Request-Origin': 'eventgrid.azure.net', 'WebHook-Request-Rate': '120' },
    });

    expect(response.status).toBe(200);
    expect(response.headers.get('WebHook-Allowed-Origin')).toBe('eventgrid.azure.net');
    expect(response.headers.get('WebHook-Allowed-Rate')).toBe('120');
  });

  it.each([
    ['Unsubscribe', { 'aeg-event-type': 'Unsubscribe' }, 202],
    ['no header', {}, 400],
    ['another header', { 'aeg-event-type': 'Surprise' }, 400],
  ])('answers %s with its status', async (_case, headers: Record<string, string>, status) => {
    expect((await post([{ id: 'not-run' }], headers)).status).toBe(status);
  });

  it.each(['unknown', 'ON-EVENT', 'describe', ''])(
    'answers 404 for the function "%s"',
    async (functionName) => {
      expect((await notify([{ id: 'not-run' }], functionName)).status).toBe(404);
    },
  );

  it('answers 500 to what is not JSON', async () => {
    const response = await host.request(webhook('on-event'), {
      method: 'POST',
      headers: { 'aeg-event-type': 'Notification' },
      body: '{"id":',
    });

    expect(response.status).toBe(500);
  });

  it.each([
    ['no key', '', 401],
    ['a wrong key', '&code=wrong', 401],
    ['a function key', `&code=${testKeys.default}`, 401],
    ['the master key', `&code=${testKeys.master}`, 202],
  ])('with %s', async (_case, code, status) => {
    const response = await host.request(`/runtime/webhooks/EventGrid?functionName=on-event${code}`, {
      method: 'POST',
      headers: { 'aeg-event-type': 'Notification' },
      body: '[{"id":"keyed"}]',
    });

    expect(response.status).toBe(status);
  });
});

describe('the admin API', () => {
  const withMaster = asHeader(testKeys.master);

  it('answers a ping to anyone and the status to the master key only', async () => {
    expect((await host.request('/admin/host/ping')).status).toBe(200);
    expect((await host.request('/admin/host/status')).status).toBe(401);
    expect((await host.request(`/admin/host/status?code=${testKeys.default}`)).status).toBe(401);
    const status = await host.request('/admin/host/status', withMaster);
    expect(await status.json()).toMatchObject({ state: 'Running' });
  });

  it('runs an Event Grid function with the event that it is given', async () => {
    const response = await host.request('/admin/functions/on-event?wait=true', {
      ...withMaster,
      method: 'POST',
      body: JSON.stringify({ input: JSON.stringify({ id: 'by-admin' }) }),
    });

    expect(response.status).toBe(202);
    await eventually(() =>
      expect(host.messages('function-log')).toContainEqual(expect.stringMatching(/^received by-admin/u)),
    );
  });

  it.each([
    ['an Event Grid function without an event', '/admin/functions/on-event', 400],
    ['an HTTP function', '/admin/functions/describe', 400],
    ['an unknown function', '/admin/functions/unknown', 404],
    ['an unknown path', '/admin/else', 404],
  ])('refuses %s', async (_case, path, status) => {
    expect((await host.request(path, { ...withMaster, method: 'POST' })).status).toBe(status);
  });
});

describe('the ready line and the log', () => {
  it('name every function with how it is reached', () => {
    expect(host.functions).toContainEqual({
      name: 'describe-item',
      trigger: 'http',
      route: '/api/items/{id}/{part?}',
      methods: ['GET', 'POST'],
      authLevel: 'anonymous',
    });
    expect(host.functions).toContainEqual({ name: 'on-batch', trigger: 'eventGrid', cardinality: 'many' });
    expect(host.functions).toContainEqual(expect.objectContaining({ name: 'switched-off', disabled: true }));
  });

  it('carry what a function logs, with level, function and invocation, one line each', async () => {
    await host.request('/api/log');

    await eventually(() => expect(host.messages('console')).toContain('from console'));
    const lines = host.entries('function-log').filter((entry) => entry['function'] === 'log');
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'at information { attribute: 1 }'],
      ['warn', 'at warning'],
      ['error', String.raw`at error\nforged line`],
    ]);
    expect(new Set(lines.map((entry) => entry['invocationId'])).size).toBe(1);
  });

  it('never show a key', async () => {
    await host.request(`/api/for-functions?code=${testKeys.default}&x=1`);
    await host.request(`/api/unknown?code=${testKeys.master}`);
    await host.request('/api/fail', { headers: { 'x-functions-key': testKeys.master } });

    await eventually(() => expect(host.messages('http-request')).toContain('GET /api/fail 500'));
    expect(host.messages('http-request')).toContain('GET /api/for-functions?x=1 200');
    expect(host.child.output()).not.toContain('canary-');
  });
});
