// How events reach the subscriber: handshake, both schemas, retries, dead letters, and the control endpoints.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { QueueServiceClient } from '@azure/storage-queue';
import { request as sendRequest } from 'undici';
import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import * as z from 'zod';
import {
  createEventGridProxy,
  type EventGridProxy,
  type EventGridProxySettings,
} from '../../dev/event-grid/event-grid-proxy.ts';
import type { NewLogEntry } from '../../dev/processes/log-entry.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

interface FakeSubscriber {
  readonly url: string;
  /** Without handshakes. */
  readonly notifications: Received[];
  readonly handshakes: Received[];
  close(): Promise<void>;
}

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).toReversed()) await part.close();
});

type Respond = (response: ServerResponse, count: number) => void;

interface FakeSettings {
  readonly onNotification?: Respond;
  /** Undefined: the handshake succeeds. */
  readonly onHandshake?: Respond;
  readonly port?: number;
}

const ValidationEvents = z.tuple([
  z.looseObject({
    eventType: z.literal('Microsoft.EventGrid.SubscriptionValidationEvent'),
    data: z.object({ validationCode: z.string() }),
  }),
]);

async function fakeSubscriber(settings: FakeSettings = {}): Promise<FakeSubscriber> {
  const notifications: Received[] = [];
  const handshakes: Received[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const text = (await request.setEncoding('utf8').toArray()).join('');
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const received = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
      };
      const isHandshake =
        request.method === 'OPTIONS' || request.headers['aeg-event-type'] === 'SubscriptionValidation';
      if (!isHandshake) {
        notifications.push(received);
        const respond = settings.onNotification ?? ((answer) => answer.writeHead(200).end());
        respond(response, notifications.length);
        return;
      }
      handshakes.push(received);
      if (settings.onHandshake !== undefined) {
        settings.onHandshake(response, handshakes.length);
      } else if (request.method === 'OPTIONS') {
        response.writeHead(200, { 'webhook-allowed-origin': 'eventgrid.azure.net' }).end();
      } else {
        const [event] = ValidationEvents.parse(body);
        response.writeHead(200).end(JSON.stringify({ validationResponse: event.data.validationCode }));
      }
    })();
  }).listen(settings.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const subscriber: FakeSubscriber = {
    url: `http://127.0.0.1:${port}/runtime/webhooks/eventgrid?functionName=on-blob-changed`,
    notifications,
    handshakes,
    async close() {
      server.closeAllConnections();
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
  };
  running.push(subscriber);
  return subscriber;
}

/** No storage is needed here: events are published by hand. */
async function proxyFor(settings: Partial<EventGridProxySettings>): Promise<EventGridProxy> {
  const proxy = await createEventGridProxy({ azuriteUrl: 'http://127.0.0.1:9', ...settings });
  running.push(proxy);
  return proxy;
}

function renamed(id: string): Readonly<Record<string, unknown>> {
  return {
    id,
    topic: '/some/topic',
    subject: '/blobServices/default/containers/media/blobs/新 name.txt',
    eventType: 'Microsoft.Storage.BlobRenamed',
    eventTime: '2026-11-22T08:00:00.0000000Z',
    data: { api: 'RenameFile', sourceUrl: 'https://a/b/c', destinationUrl: 'https://a/b/d' },
    dataVersion: '1',
    metadataVersion: '1',
  };
}

function ids(subscriber: FakeSubscriber): unknown[] {
  const WithId = z.looseObject({ id: z.string() });
  return subscriber.notifications.flatMap(({ body }) =>
    (Array.isArray(body) ? body : [body]).map((event: unknown) => WithId.parse(event).id),
  );
}

describe('a storage queue as the destination', () => {
  test.each(['eventgrid', 'cloudevents'])(
    'gets one message an event, base64 of its JSON: %s',
    async (schema) => {
      const { connectionString, queueUrl } = inject('azurite');
      const name = `raw-${randomUUID()}`;
      const queue = QueueServiceClient.fromConnectionString(connectionString).getQueueClient(name);
      const proxy = await proxyFor({ queueUrl: `${queueUrl}/${name}`, batchSize: 2, retryScale: 0.01 });
      const events = ['1', '2'].map((id) =>
        schema === 'eventgrid' ? renamed(id) : { specversion: '1.0', id, type: 't', subject: '新 #?%.txt' },
      );
      for (const event of events) proxy.publish(event);
      await expect.poll(() => proxy.state()).toMatchObject({ delivered: 2, subscription: 'validated' });

      const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
      const texts = receivedMessageItems.map(({ messageText }) => messageText);
      expect(texts.map((text): unknown => JSON.parse(Buffer.from(text, 'base64').toString('utf8')))).toEqual(
        expect.arrayContaining(events),
      );
      expect(texts).toHaveLength(2);
      expect(receivedMessageItems[0]?.expiresOn.getUTCFullYear()).toBe(9999);
    },
  );

  test('that is gone is tried again', async () => {
    const { connectionString, queueUrl } = inject('azurite');
    const name = `raw-${randomUUID()}`;
    const queue = QueueServiceClient.fromConnectionString(connectionString).getQueueClient(name);
    const proxy = await proxyFor({ queueUrl: `${queueUrl}/${name}`, retryScale: 0.005 });
    await expect.poll(() => proxy.state().subscription).toBe('validated');
    await queue.delete();
    proxy.publish(renamed('1'));
    await expect.poll(() => proxy.events()[0]?.lastAnswer).toBe('status 404');
    await queue.create();
    await expect.poll(() => proxy.state().delivered, { timeout: 10_000 }).toBe(1);
  });
});

describe('the handshake', () => {
  test('of the Event Grid schema wants its code back before any event is sent', async () => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({ webhook: { url: subscriber.url, key: 'canary-key' } });
    proxy.publish(renamed('1'));

    await expect.poll(() => subscriber.notifications).toHaveLength(1);

    expect(subscriber.handshakes).toHaveLength(1);
    const shake = subscriber.handshakes[0];
    expect(shake?.method).toBe('POST');
    expect(shake?.url).toBe('/runtime/webhooks/eventgrid?functionName=on-blob-changed&code=canary-key');
    expect(proxy.state().subscription).toBe('validated');
  });

  test('of CloudEvents asks by OPTIONS for leave to send', async () => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({ webhook: { url: subscriber.url }, schema: 'cloudevents' });

    await expect.poll(() => proxy.state().subscription).toBe('validated');

    expect(subscriber.handshakes.map(({ method }) => method)).toEqual(['OPTIONS']);
    expect(subscriber.handshakes[0]?.headers['webhook-request-origin']).toBe('eventgrid.azure.net');
  });

  test('is repeated until the endpoint is there and says yes; the events wait', async () => {
    const subscriber = await fakeSubscriber({
      onHandshake: (response, count) => {
        if (count === 1) response.socket?.destroy();
        else
          response.writeHead(count === 2 ? 404 : 200).end(count === 3 ? '{"validationResponse":"no"}' : '');
      },
    });
    const proxy = await proxyFor({ webhook: { url: subscriber.url } });
    proxy.publish(renamed('1'));
    await expect.poll(() => subscriber.handshakes.length, { timeout: 10_000 }).toBeGreaterThan(3);
    expect(subscriber.notifications).toEqual([]);
    expect(proxy.state()).toMatchObject({ subscription: 'validating', undelivered: 1 });

    const willing = await fakeSubscriber();
    proxy.subscribe({ url: willing.url });

    await expect.poll(() => ids(willing)).toEqual(['1']);
  });

  test('that fails until its deadline is an error that says what to do, and loses no event', async () => {
    const subscriber = await fakeSubscriber({ onHandshake: (response) => response.writeHead(401).end() });
    const log = vi.fn<(entry: NewLogEntry) => void>();
    const proxy = await proxyFor({ webhook: { url: subscriber.url }, handshakeDeadlineMs: 300, log });
    proxy.publish(renamed('1'));

    await expect.poll(() => proxy.state().subscription).toBe('failed');

    expect(proxy.state().undelivered).toBe(1);
    expect(log.mock.calls.map(([entry]) => entry).findLast(({ level }) => level === 'error')).toMatchObject({
      event: 'subscription-failed',
      message: expect.stringMatching(/401 \(is the key right\?\).*PUT \/_event-grid\/subscription/u),
    });
  });
});

describe('a delivery', () => {
  test('is one event in an array, with the headers of Event Grid', async () => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({ webhook: { url: subscriber.url, key: 'canary-key' } });
    proxy.publish(renamed('1'));
    proxy.publish(renamed('2'));

    await expect.poll(() => proxy.state().delivered).toBe(2);

    expect(new Set(ids(subscriber))).toEqual(new Set(['1', '2']));
    const first = subscriber.notifications.find(({ body }) => JSON.stringify(body).includes('"id":"1"'));
    expect(first?.body).toEqual([renamed('1')]);
    expect(first?.url).toBe('/runtime/webhooks/eventgrid?functionName=on-blob-changed&code=canary-key');
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'aeg-event-type': 'Notification',
      'aeg-subscription-name': 'LOCAL-BLOB-EVENTS',
      'aeg-delivery-count': '0',
    });
    expect(first?.headers).not.toHaveProperty('traceparent');
  });

  test.each([
    { batchSize: 1, contentType: 'application/cloudevents+json; charset=utf-8', alone: true },
    { batchSize: 5, contentType: 'application/cloudevents-batch+json; charset=utf-8', alone: false },
  ])('of CloudEvents in batches of $batchSize is $contentType', async ({ batchSize, contentType, alone }) => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({ webhook: { url: subscriber.url }, schema: 'cloudevents', batchSize });
    const event = { specversion: '1.0', id: '1', type: 'Microsoft.Storage.DirectoryDeleted', source: '/s' };
    proxy.publish(event);

    await expect.poll(() => proxy.state().delivered).toBe(1);

    expect(subscriber.notifications[0]?.headers['content-type']).toBe(contentType);
    expect(subscriber.notifications[0]?.body).toEqual(alone ? event : [event]);
  });

  test('takes up to the given number of events along, and is all or none', async () => {
    const subscriber = await fakeSubscriber({
      onNotification: (response, count) => response.writeHead(count === 1 ? 500 : 200).end(),
    });
    const proxy = await proxyFor({ batchSize: 4, retryScale: 0.0001 });
    for (let id = 1; id <= 6; id += 1) proxy.publish(renamed(String(id)));
    proxy.subscribe({ url: subscriber.url });

    await expect.poll(() => proxy.state().delivered).toBe(6);

    const sizes = subscriber.notifications.map(({ body }) => (Array.isArray(body) ? body.length : 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4);
    expect(new Set(ids(subscriber)).size).toBe(6);
    expect(ids(subscriber)).toHaveLength(10);
  });

  test('that fails is tried again until it succeeds, and says how often it was tried', async () => {
    const subscriber = await fakeSubscriber({
      onNotification: (response, count) => {
        if (count === 1) response.socket?.destroy();
        else response.writeHead(count === 2 ? 500 : count === 3 ? 302 : 202, { location: '/' }).end();
      },
    });
    const proxy = await proxyFor({ webhook: { url: subscriber.url }, retryScale: 0.001 });
    proxy.publish(renamed('1'));

    await expect.poll(() => proxy.state().delivered, { timeout: 10_000 }).toBe(1);

    expect(subscriber.notifications.map(({ headers }) => headers['aeg-delivery-count'])).toEqual([
      '0',
      '1',
      '2',
      '3',
    ]);
    expect(proxy.events()).toMatchObject([{ state: 'delivered', attempts: 4, lastAnswer: 'status 202' }]);
  });

  test('outlives a host that is gone for a while: its successor on the same port gets the event', async () => {
    const first = await fakeSubscriber();
    const port = Number(new URL(first.url).port);
    const proxy = await proxyFor({ webhook: { url: first.url }, retryScale: 0.005 });
    await expect.poll(() => proxy.state().subscription).toBe('validated');
    await first.close();
    proxy.publish(renamed('1'));
    await expect.poll(() => proxy.events()[0]?.attempts ?? 0).toBeGreaterThan(0);

    const second = await fakeSubscriber({ port });

    await expect.poll(() => ids(second), { timeout: 10_000 }).toEqual(['1']);
  });

  test.each([400, 401, 403, 413])('answered %i is a dead letter at once, and an error', async (status) => {
    const subscriber = await fakeSubscriber({
      onNotification: (response) => response.writeHead(status).end(),
    });
    const log = vi.fn<(entry: NewLogEntry) => void>();
    const proxy = await proxyFor({ webhook: { url: subscriber.url }, retryScale: 0.0001, log });
    proxy.publish(renamed('1'));

    await expect.poll(() => proxy.state().deadLettered).toBe(1);

    expect(proxy.events()).toMatchObject([
      { state: 'dead-lettered', attempts: 1, lastAnswer: `status ${status}` },
    ]);
    expect(log.mock.calls.map(([entry]) => entry).findLast(({ level }) => level === 'error')).toMatchObject({
      event: 'event-dead-lettered',
      eventId: '1',
      message: expect.stringMatching(/media\/blobs\/新 name\.txt.*\/_event-grid\/publish/u),
    });
  });

  test('is given up when its time to live is over', async () => {
    const subscriber = await fakeSubscriber({ onNotification: (response) => response.writeHead(500).end() });
    const log = vi.fn<(entry: NewLogEntry) => void>();
    // 24 hours at this scale are 86 ms.
    const proxy = await proxyFor({ webhook: { url: subscriber.url }, retryScale: 1e-6, log });
    proxy.publish(renamed('1'));

    await expect.poll(() => proxy.state().deadLettered, { timeout: 10_000 }).toBe(1);

    expect(log.mock.calls.at(-1)?.[0]).toMatchObject({ reason: 'its time to live is over' });
    expect(proxy.state()).toMatchObject({ undelivered: 0, delivered: 0 });
  });

  test('has at most 16 others beside it', async () => {
    const open: ServerResponse[] = [];
    const subscriber = await fakeSubscriber({ onNotification: (response) => void open.push(response) });
    const proxy = await proxyFor({ webhook: { url: subscriber.url } });
    for (let id = 0; id < 40; id += 1) proxy.publish(renamed(String(id)));

    await expect.poll(() => open).toHaveLength(16);
    expect(proxy.events().filter(({ state }) => state === 'delivering')).toHaveLength(16);
    for (const response of open.splice(0)) response.writeHead(200).end();
    await expect.poll(() => open).toHaveLength(16);
    for (const response of open.splice(0)) response.writeHead(200).end();
    await expect.poll(() => open).toHaveLength(8);
    for (const response of open.splice(0)) response.writeHead(200).end();

    await expect.poll(() => proxy.state().delivered).toBe(40);
  });

  test('never shows the key, in a log or anywhere else', async () => {
    const subscriber = await fakeSubscriber({
      onNotification: (response, count) => response.writeHead(count === 1 ? 500 : 401).end(),
    });
    const log = vi.fn<(entry: NewLogEntry) => void>();
    const webhook = { url: subscriber.url, key: 'canary-key' };
    const proxy = await proxyFor({ webhook, retryScale: 0.0001, log });
    proxy.publish(renamed('1'));

    await expect.poll(() => proxy.state().deadLettered).toBe(1);

    expect(subscriber.notifications[0]?.url).toContain('canary-key');
    expect(JSON.stringify([log.mock.calls, proxy.events(), proxy.state()])).not.toContain('canary-key');
  });
});

async function call(proxy: EventGridProxy, method: string, path: string, body?: string): Promise<unknown> {
  const response = await sendRequest(`http://127.0.0.1:${proxy.port}/_event-grid/${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.statusCode, body: await response.body.json() };
}

describe('the control endpoints', () => {
  test('publish what is posted, as it is, and show what became of it', async () => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({ webhook: { url: subscriber.url } });

    expect(await call(proxy, 'POST', 'publish', JSON.stringify(renamed('1')))).toEqual({
      status: 202,
      body: { published: 1 },
    });
    const nonsense = [{ nothing: 'that Event Grid knows' }, renamed('2')];
    await call(proxy, 'POST', 'publish', JSON.stringify(nonsense));

    await expect
      .poll(() => call(proxy, 'GET', 'state'))
      .toEqual({
        status: 200,
        body: { undelivered: 0, delivered: 3, deadLettered: 0, paused: false, subscription: 'validated' },
      });
    expect(await call(proxy, 'GET', 'events')).toMatchObject({
      status: 200,
      body: [{ id: '1', state: 'delivered', attempts: 1 }, { event: nonsense[0] }, { id: '2' }],
    });
    expect(subscriber.notifications.map(({ body }) => body)).toContainEqual([nonsense[0]]);
  });

  test('hold deliveries back and let them go', async () => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({ webhook: { url: subscriber.url } });
    await expect.poll(() => proxy.state().subscription).toBe('validated');

    expect(await call(proxy, 'POST', 'pause')).toMatchObject({ body: { paused: true } });
    proxy.publish(renamed('1'));
    expect(await call(proxy, 'GET', 'state')).toMatchObject({ body: { undelivered: 1, delivered: 0 } });
    expect(subscriber.notifications).toEqual([]);
    await call(proxy, 'POST', 'resume');

    await expect.poll(() => ids(subscriber)).toEqual(['1']);
  });

  test('set the subscriber later', async () => {
    const subscriber = await fakeSubscriber();
    const proxy = await proxyFor({});
    proxy.publish(renamed('1'));
    expect(proxy.state()).toMatchObject({ subscription: 'none', undelivered: 1 });

    const body = JSON.stringify({ webhookUrl: subscriber.url, key: 'k' });
    expect(await call(proxy, 'PUT', 'subscription', body)).toMatchObject({ status: 202 });

    await expect.poll(() => ids(subscriber)).toEqual(['1']);
  });

  test.each([
    ['POST', 'publish', 'no json', 400],
    ['POST', 'publish', '"text"', 400],
    ['POST', 'publish', 'x'.repeat(1024 * 1024 + 1), 400],
    ['PUT', 'subscription', '{"webhookUrl":"nowhere"}', 400],
    ['GET', 'nothing', undefined, 404],
    ['DELETE', 'events', undefined, 404],
  ])('answer %s %s with what is wrong', async (method, path, body, status) => {
    const proxy = await proxyFor({});

    expect(await call(proxy, method, path, body)).toEqual({ status, body: { error: expect.any(String) } });
    expect(proxy.events()).toEqual([]);
  });
});
