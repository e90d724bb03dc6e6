// The way of an event that Event Grid gave up on: dead-letter container, the app's next look, the edge.

import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';

import { hostKeys } from '../../dev/local-settings.ts';
import { startChild, type Child } from '../../dev/processes/child.ts';
import { FREE_PORTS, startStack, type Stack } from '../../dev/stack.ts';
import { createStackClient, type StackClient } from '../support/stack-client.ts';

const media = 'media.contoso.localhost';
const CONTAINER = 'dead-letters';
/** Event Grid's 24 hours are two seconds. */
const retryScale = 2 / (24 * 3600);
const waiting = { timeout: 30_000, interval: 100 };

let stack: Stack;
let client: StackClient;
let host: Child;

beforeAll(async () => {
  stack = await startStack({
    ports: FREE_PORTS,
    host: 'embedded',
    hostArguments: ['--no-timers'],
    retryScale,
  });
  client = createStackClient({ ...stack, masterKey: stack.secrets.masterKey, queueName: 'purge-buffer' });
  await client.changeCdn({ fileTaskMs: 0, directoryTaskMs: 0 });
  await client.blobs.getContainerClient('media').create();
  const started = stack.children.find(({ name }) => name === 'Functions host');
  if (started === undefined) throw new Error('the stack has no host');
  host = started;
});

afterAll(async () => {
  await host.stop();
  await stack.stop();
});

/** Ends the host as a crash does. */
async function killHost(): Promise<void> {
  host.kill('SIGKILL');
  await host.exited;
}

type HostParts = {
  /** Another than Event Grid has: the host refuses what it delivers. */
  readonly eventGridKey?: string;
  readonly settings?: Readonly<Record<string, string>>;
};

/** Starts a host where the last one was. */
async function startHost({
  eventGridKey = stack.secrets.eventGridKey,
  settings = {},
}: HostParts = {}): Promise<void> {
  host = await startChild({
    name: 'Functions host',
    file: fileURLToPath(new URL('../../dev/functions-host/main.ts', import.meta.url)),
    args: ['--port', new URL(stack.functionsUrl).port, '--no-timers'],
    env: {
      ...stack.appSettings,
      ...settings,
      FUNCTIONS_HOST_KEYS: hostKeys({ ...stack.secrets, eventGridKey }),
    },
  });
}

async function call(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${stack.functionsUrl}${path}`, {
    method: 'POST',
    headers: { 'x-functions-key': stack.secrets.masterKey },
  });
  return { status: answer.status, text: await answer.text() };
}

const tick = (): Promise<unknown> => call('/admin/functions/read-dead-letters?wait=true');

async function deadLetters(): Promise<readonly string[]> {
  const container = client.blobs.getContainerClient(CONTAINER);
  const names: string[] = [];
  if (await container.exists()) for await (const { name } of container.listBlobsFlat()) names.push(name);
  return names;
}

/** Writes a blob whose old version the edge holds for sure. */
async function change(name: string): Promise<void> {
  await client.write('media', name, 'old');
  await client.deliverAndFlush();
  await client.edge(media, `/${name}`);
  expect(await client.edge(media, `/${name}`)).toMatchObject({ cache: 'HIT', text: 'old' });
}

const Document = z.looseObject({
  sites: z.looseObject({ media: z.looseObject({ containers: z.array(z.unknown()) }) }),
});

/** The stack's configuration, with one more account that the site serves. */
function configurationThatKnows(account: string): string {
  const document = Document.parse(JSON.parse(stack.appSettings['PURGE_CONFIG'] ?? ''));
  document.sites.media.containers.push({ account, container: 'media', path: '/' });
  return JSON.stringify(document);
}

const errorsOf = (child: Child): readonly string[] =>
  child.entries().flatMap(({ level, message }) => (level === 'error' ? [message] : []));

describe('an event that Event Grid gives up on', () => {
  test('since the app is down: the app takes it from the container when it is back, and the edge is fresh', async () => {
    await change('down.txt');
    await killHost();
    await client.write('media', 'down.txt', 'new');
    await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), waiting);
    await startHost();

    await tick();
    expect(await client.flush()).toBe(202);

    expect(await client.edge(media, '/down.txt')).toMatchObject({ cache: 'MISS', text: 'new' });
    expect(await deadLetters()).toEqual([]);
    expect(errorsOf(host)).toEqual([
      expect.stringMatching(/^Event Grid could not deliver blob events; .*SocketError.*"undelivered":1/u),
    ]);
  });

  test('since its key is refused: the error says so, and the edge is fresh', async () => {
    await change('refused.txt');
    await killHost();
    await startHost({ eventGridKey: 'another-key-than-event-grid-has' });
    await client.write('media', 'refused.txt', 'new');
    await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), waiting);

    await tick();
    expect(await client.flush()).toBe(202);

    expect(await client.edge(media, '/refused.txt')).toMatchObject({ cache: 'MISS', text: 'new' });
    expect(errorsOf(host)).toEqual([expect.stringMatching(/Unauthorized.*present key/u)]);
    await killHost();
    await startHost();
  });

  test('and that the app cannot take either stays with the reason, until a replay takes it', async () => {
    await killHost();
    const event = {
      id: 'of-another-account',
      topic:
        '/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/unknown',
      subject: '/blobServices/default/containers/media/blobs/a.txt',
      eventType: 'Microsoft.Storage.BlobCreated',
      eventTime: '2026-11-22T08:00:00.0000000Z',
      data: { api: 'PutBlob' },
      dataVersion: '',
      metadataVersion: '1',
    };
    await client.publish(event);
    await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), waiting);
    await startHost();

    await tick();
    await tick();

    const [name = ''] = await deadLetters();
    const kept = await client.read(CONTAINER, name);
    expect(JSON.parse(kept ?? '')).toMatchObject([
      { ...event, deadLetterReason: expect.any(String), purgeNotTaken: { reason: 'unknown-account' } },
    ]);
    expect(errorsOf(host)).toHaveLength(2);
    await killHost();
    await startHost({ settings: { PURGE_CONFIG: configurationThatKnows('unknown') } });

    const replay = await call('/api/poison/replay');

    expect(replay.status).toBe(200);
    expect(JSON.parse(replay.text)).toMatchObject({ deadLetters: { released: 1, buffered: 1, kept: 0 } });
    expect(await deadLetters()).toEqual([]);
    expect(await client.buffered()).toBe(1);
  });
});
