// What the local Event Grid keeps of an event that it gives up on: as Azure writes it.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { afterEach, describe, expect, inject, test, vi } from 'vitest';

import { createEventGridProxy, type EventGridProxy } from '../../dev/event-grid/event-grid-proxy.ts';
import { deadLetterBlobName, deadLetterOf, type GivenUp } from '../../dev/event-grid/dead-letter.ts';
import type { OutgoingEvent } from '../../dev/event-grid/event.ts';
import type { NewLogEntry } from '../../dev/processes/log-entry.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';

const places = azuritePlaces();
const running: { readonly close: () => Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).toReversed()) await part.close();
});

const eventOf = (
  schema: OutgoingEvent['schema'],
  wire: Readonly<Record<string, unknown>>,
): OutgoingEvent => ({
  id: '1',
  eventType: 'Microsoft.Storage.BlobCreated',
  subject: '/s',
  schema,
  wire,
});

const givenUp = (parts: Partial<GivenUp> = {}): GivenUp => ({
  event: eventOf('eventgrid', { id: '1', data: { api: 'PutBlob' } }),
  reason: 'MaxDeliveryAttemptsExceeded',
  attempts: 30,
  answer: { kind: 'answered', status: 404 },
  acceptedAtMs: Date.UTC(2026, 10, 22, 8, 0, 0),
  lastAttemptAtMs: Date.UTC(2026, 10, 22, 9, 0, 0),
  ...parts,
});

describe('a dead letter', () => {
  test('is the event with why and when it was given up', () => {
    expect(deadLetterOf(givenUp())).toEqual({
      id: '1',
      data: { api: 'PutBlob' },
      deadLetterReason: 'MaxDeliveryAttemptsExceeded',
      deliveryAttempts: 30,
      lastDeliveryOutcome: 'NotFound',
      publishTime: '2026-11-22T08:00:00.000Z',
      lastDeliveryAttemptTime: '2026-11-22T09:00:00.000Z',
    });
  });

  test('says the same of a CloudEvent in lower case, which its attributes must be in', () => {
    expect(deadLetterOf(givenUp({ event: eventOf('cloudevents', { specversion: '1.0' }) }))).toEqual({
      specversion: '1.0',
      deadletterreason: 'MaxDeliveryAttemptsExceeded',
      deliveryattempts: 30,
      lastdeliveryoutcome: 'NotFound',
      publishtime: '2026-11-22T08:00:00.000Z',
      lastdeliveryattempttime: '2026-11-22T09:00:00.000Z',
    });
  });

  test.each<[string, GivenUp['answer']]>([
    ['Unauthorized', { kind: 'answered', status: 401 }],
    ['BadRequest', { kind: 'answered', status: 400 }],
    ['GenericError', { kind: 'answered', status: 302 }],
    ['TimedOut', { kind: 'unanswered', reason: 'The operation was aborted due to timeout' }],
    ['SocketError', { kind: 'unanswered', reason: 'connect ECONNREFUSED 127.0.0.1:7071' }],
    ['Probation', undefined],
  ])('has the outcome %s', (outcome, answer) => {
    expect(deadLetterOf(givenUp({ answer }))).toMatchObject({ lastDeliveryOutcome: outcome });
  });

  test('stands in a blob by the subscription in upper case and the hour without leading zeros', () => {
    expect(deadLetterBlobName('My-Subscription', new Date('2019-08-08T05:59:00.000Z'), 'id')).toBe(
      'MY-SUBSCRIPTION/2019/8/8/5/id.json',
    );
  });
});

/** Answers the handshake, and everything else with that status. */
async function subscriberThatAnswers(status: number): Promise<string> {
  const server = createServer((request, response) => {
    const isHandshake = request.headers['aeg-event-type'] === 'SubscriptionValidation';
    void (async () => {
      const body = (await request.setEncoding('utf8').toArray()).join('');
      const code = /"validationCode":"(?<code>[^"]+)"/u.exec(body)?.groups?.['code'];
      response.writeHead(isHandshake ? 200 : status).end(JSON.stringify({ validationResponse: code }));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  running.push({
    async close() {
      server.closeAllConnections();
      server.close();
    },
  });
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/hook`;
}

describe('what is given up on', () => {
  const open = async (azuriteUrl: string, log?: (entry: NewLogEntry) => void): Promise<EventGridProxy> => {
    const proxy = await createEventGridProxy({
      azuriteUrl,
      webhook: { url: await subscriberThatAnswers(401) },
      deadLetterContainer: container.containerName,
      ...(log === undefined ? {} : { log }),
    });
    running.push(proxy);
    return proxy;
  };
  const container = places.freshContainer();

  test('goes to the container, which is made when missing, in an array, and makes no event', async () => {
    const proxy = await open(inject('azurite').blobUrl);
    const event = { id: '7', eventType: 'T', subject: '/s', topic: '/t', data: {} };
    proxy.publish(event);

    await expect.poll(() => proxy.events()[0]?.deadLetterBlob).toMatch(/^LOCAL-BLOB-EVENTS\/\d{4}\//u);

    const [record] = proxy.events();
    const content = await container.getBlobClient(record?.deadLetterBlob ?? '').downloadToBuffer();
    expect(JSON.parse(content.toString())).toMatchObject([
      { ...event, deadLetterReason: 'UndeliverableDueToClientError', lastDeliveryOutcome: 'Unauthorized' },
    ]);
    expect(proxy.state()).toMatchObject({ deadLettered: 1, undelivered: 0 });
    expect(proxy.events()).toHaveLength(1);
  });

  test('is lost where storage does not take it, and said to be', async () => {
    const log = vi.fn<(entry: NewLogEntry) => void>();
    const gone = /BlobEndpoint=(?<url>[^;]+)/u.exec(deadStorage)?.groups?.['url'] ?? '';
    const proxy = await open(gone, log);
    proxy.publish({ id: '7', eventType: 'T', subject: '/s' });

    await expect
      .poll(() => log.mock.calls.map(([{ event }]) => event), { timeout: 20_000 })
      .toContain('dead-letter-lost');
    expect(proxy.events()[0]).not.toHaveProperty('deadLetterBlob');
  });
});
