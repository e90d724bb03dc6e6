// Accepted purges followed to their end, on real parts: Azurite, the CDN emulator, and the app as it is built. That the
// timer follows them on the Functions host is in pipeline.test.ts.

import { randomBytes, randomUUID } from 'node:crypto';

import type { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import * as z from 'zod';

import { createCdnEmulator, type CdnEmulator } from '../../dev/cdn-emulator/emulator.ts';
import { createApp } from '../../src/lib/app.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { GIVE_UP_AFTER_MS } from '../../src/lib/core/purge-tracking.ts';
import { handlePurgeRequest } from '../../src/lib/handlers/purge-request.ts';
import { handlePurgeStatus } from '../../src/lib/handlers/purge-status.ts';
import type { Services } from '../../src/lib/services.ts';
import { flushPurges } from '../../src/lib/use-cases/flush-purges.ts';
import type { Run } from '../../src/lib/use-cases/ports.ts';
import { trackPurges } from '../../src/lib/use-cases/track-purges.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces } from '../support/azurite-places.ts';
import { callHttp } from '../support/in-memory-invocation.ts';
import { createRecordingLog, type RecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry, type RecordingTelemetry } from '../support/recording-telemetry.ts';

const subscription = '11112222-3333-4444-5555-666677778888';
const endpointId = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
const host = 'www.contoso.localhost';
const key = { id: randomUUID(), value: randomBytes(48).toString('base64') };
const places = azuritePlaces();
const url = (path: string): string => `http://${host}${path}`;

let emulator: CdnEmulator;

beforeAll(async () => {
  emulator = await createCdnEmulator({
    subscriptions: [subscription],
    endpoints: [{ id: endpointId, subscription, customDomain: host }],
    hosts: [],
    keys: [{ ...key, subscription }],
    fetchOrigin: () => Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() }),
  });
});
afterAll(() => emulator.close());
beforeEach(() => {
  emulator.control.reset();
  // A task has ended when it is first asked about.
  emulator.control.changeSettings({ fileTaskMs: 0, directoryTaskMs: 0 });
});

interface TrackedApp {
  readonly services: Services;
  readonly container: ContainerClient;
  readonly log: RecordingLog;
  readonly telemetry: RecordingTelemetry;
  /** Moves the app's clock; the CDN and storage stay in the present. */
  readonly later: (ms: number) => void;
  readonly flush: () => Promise<void>;
  readonly track: () => Promise<void>;
}

interface AppOptions {
  readonly connectionString?: string;
  /** On the same storage as another one. */
  readonly beside?: TrackedApp;
}

const queueNames = new WeakMap<ContainerClient, string>();

async function openApp({ connectionString, beside }: AppOptions = {}): Promise<TrackedApp> {
  const container = beside?.container ?? places.freshContainer();
  const queueName = queueNames.get(container) ?? `buffer-${randomUUID().slice(0, 8)}`;
  queueNames.set(container, queueName);
  const built = await createApp({
    PURGE_STORAGE: connectionString ?? places.connectionString,
    PURGE_QUEUE: queueName,
    PURGE_RECORDS_CONTAINER: container.containerName,
    PURGE_CONFIG: JSON.stringify({
      cdns: {
        china: {
          provider: 'azure-china-cdn',
          subscription,
          keys: { id: 'KEY_ID', value: 'KEY_VALUE' },
          apiBaseUrl: emulator.apiUrl,
        },
      },
      defaults: { cdn: 'china' },
      sites: {
        www: {
          containers: [{ account: 'contoso', container: 'web', path: '/' }],
          hosts: [{ host, endpoint: endpointId }],
        },
      },
    }),
    KEY_ID: key.id,
    KEY_VALUE: key.value,
  }).services();
  let offsetMs = 0;
  const log = createRecordingLog();
  const telemetry = createRecordingTelemetry();
  const run: Run = { log, telemetry, traceparent: undefined };
  const clock = { now: () => instant(Date.now() + offsetMs) };
  const flushPorts = { ...built.flushPorts, clock };
  return {
    services: { ...built, flushPorts, telemetry },
    container,
    log,
    telemetry,
    later(ms) {
      offsetMs += ms;
    },
    flush: () => flushPurges(flushPorts, built.flushLimits, run),
    track: () => trackPurges(flushPorts, run),
  };
}

const Purge = z.looseObject({
  id: z.string(),
  state: z.string(),
  repurgedBy: z.array(z.string()).optional(),
});
const Request = z.looseObject({ id: z.string(), state: z.string(), purges: z.array(Purge) });

async function ask(app: TrackedApp, body: object): Promise<z.infer<typeof Request>> {
  const handler = handlePurgeRequest(async () => app.services);
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await callHttp(handler, { headers, body: JSON.stringify(body) });
  expect(status).toBe(202);
  return Request.parse(json);
}

async function look(app: TrackedApp, id: string): Promise<unknown> {
  const handler = handlePurgeStatus(async () => app.services);
  const { status, json } = await callHttp(handler, { method: 'GET', params: { id } });
  expect(status).toBe(200);
  return json;
}

async function namesIn(container: ContainerClient, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat({ prefix })) names.push(name);
  return names;
}

describe('an accepted purge', () => {
  test('runs as long as the CDN says so, and has not ended when the CDN forgets it', async () => {
    emulator.control.changeSettings({ directoryTaskMs: 3_600_000 });
    const app = await openApp();
    const { id, purges } = await ask(app, { files: [url('/a%20b.txt')], directories: [url('/d/')] });
    const purgeId = purges[0]?.id ?? '';
    expect(await look(app, id)).toMatchObject({ state: 'accepted', purges: [{ state: 'accepted' }] });

    app.later(15_000);
    await app.track();
    expect(await look(app, purgeId)).toMatchObject({ state: 'running', polls: 1 });
    emulator.control.reset();
    app.later(30_000);
    await app.track();

    expect(await look(app, purgeId)).toMatchObject({ state: 'running', polls: 2 });
    expect(await namesIn(app.container, 'open-purges/')).toEqual([`open-purges/${purgeId}.json`]);
  });

  test.each(['Succeed', 'Succeeded'] as const)(
    'of files and directories succeeds, and so does its request: %s',
    async (itemSuccessWord) => {
      emulator.control.changeSettings({ itemSuccessWord, extraAnswerMembers: true });
      const app = await openApp();
      const { id, purges } = await ask(app, { files: [url('/a%20b.txt')], directories: [url('/d/')] });
      const purgeId = purges[0]?.id ?? '';

      app.later(15_000);
      await app.track();

      expect(await look(app, id)).toMatchObject({ state: 'succeeded', purges: [{ state: 'succeeded' }] });
      expect(await look(app, purgeId)).toMatchObject({
        id: purgeId,
        state: 'succeeded',
        polls: 1,
        failedUrls: [],
        files: [url('/a%20b.txt')],
        causes: [{ type: 'request', requestId: id }],
      });
      const day = `${purgeId.slice(0, 4)}-${purgeId.slice(4, 6)}-${purgeId.slice(6, 8)}`;
      expect(await namesIn(app.container, 'purges/')).toEqual([`purges/${day}/${purgeId}.json`]);
      expect(await namesIn(app.container, 'open-purges/')).toEqual([]);
      expect(app.telemetry.named('purge-ended')).toMatchObject([
        { purgeId, state: 'succeeded', correlationId: emulator.control.purges()[0]?.correlationId },
      ]);
    },
  );

  test.each([
    { what: 'wait', settings: { purgeItemsWait: true, fileTaskMs: 3_600_000 }, faults: [] },
    {
      what: 'have a status that nobody knows',
      settings: {},
      faults: [{ fault: 'unknown-item-status' as const, times: 1 }],
    },
  ])('is not at its end while its items $what', async ({ settings, faults }) => {
    emulator.control.changeSettings(settings);
    const app = await openApp();
    const { purges } = await ask(app, { files: [url('/a.txt')] });
    emulator.control.addFaults(...faults);

    app.later(15_000);
    await app.track();

    expect(await look(app, purges[0]?.id ?? '')).toMatchObject({ state: 'running', polls: 1 });
  });

  test.each([
    { fault: 'gateway' as const },
    { fault: 'throttle' as const },
    { fault: 'reset-before-acting' as const },
    { fault: 'error' as const, type: 'InternalError' as const },
  ])('is asked about again after $fault', async (fault) => {
    const app = await openApp();
    const { purges } = await ask(app, { files: [url('/a.txt')] });
    emulator.control.addFaults({ ...fault, match: { operation: 'query-purge' } });
    const purgeId = purges[0]?.id ?? '';

    app.later(15_000);
    await app.track();
    expect(await look(app, purgeId)).toMatchObject({ state: 'accepted', polls: 1 });
    app.later(30_000);
    await app.track();

    expect(await look(app, purgeId)).toMatchObject({ state: 'succeeded', polls: 2 });
  });

  test('whose task the CDN has forgotten is given up as unknown after 24 hours', async () => {
    const app = await openApp();
    const { purges } = await ask(app, { files: [url('/a.txt')] });
    emulator.control.reset();

    app.later(GIVE_UP_AFTER_MS + 1_000);
    await app.track();

    expect(await look(app, purges[0]?.id ?? '')).toMatchObject({ state: 'unknown' });
    expect(app.telemetry.named('purge-ended')).toMatchObject([{ state: 'unknown' }]);
    expect(await namesIn(app.container, 'open-purges/')).toEqual([]);
  });
});

describe('what the CDN fails to purge', () => {
  test('is purged twice more, then reported; the rest is not purged again', async () => {
    emulator.control.addFaults({
      fault: 'failing-items',
      times: 3,
      failing: '/bad',
      match: { operation: 'add-purge', urlIncludes: '/bad' },
    });
    const app = await openApp();
    const body = { files: [url('/good.txt'), url('/bad%20one.txt')], directories: [url('/bad/')] };
    const { id, purges } = await ask(app, body);

    for (let round = 1; round <= 4; round += 1) {
      app.later(15_000);
      await app.track();
      await app.flush();
    }

    const bad = { files: [url('/bad%20one.txt')], directories: [url('/bad/')] };
    expect(emulator.control.purges()).toMatchObject([body, bad, bad]);
    expect(app.log.at('error')).toMatchObject([{ details: { urls: 2 } }]);
    expect(app.telemetry.named('purge-ended').map(({ state, failedUrls }) => [state, failedUrls])).toEqual([
      ['failed', 2],
      ['failed', 2],
      ['failed', 2],
    ]);
    const request = Request.parse(await look(app, id));
    expect(request).toMatchObject({ state: 'accepted', purges: [{ id: purges[0]?.id, state: 'failed' }] });
    // From the person's request to the app's own, and from that to its second.
    const again = Request.parse(await look(app, request.purges[0]?.repurgedBy?.[0] ?? ''));
    expect(again).toMatchObject({ origin: 'tracker', repurges: 1, purges: [{ state: 'failed' }] });
    const last = Request.parse(await look(app, again.purges[0]?.repurgedBy?.[0] ?? ''));
    expect(last).toMatchObject({ origin: 'tracker', repurges: 2, purges: [{ state: 'failed' }] });
    expect(last.purges[0]?.repurgedBy).toBeUndefined();
    expect(await namesIn(app.container, 'open-purges/')).toEqual([]);
    expect(await namesIn(app.container, 'purges/')).toHaveLength(3);
  });

  test('is well when a later purge of it is', async () => {
    emulator.control.addFaults({ fault: 'failing-items', times: 1 });
    const app = await openApp();
    await ask(app, { files: [url('/once.txt')] });

    for (let round = 1; round <= 3; round += 1) {
      app.later(15_000);
      await app.track();
      await app.flush();
    }

    expect(emulator.control.purges()).toHaveLength(2);
    expect(app.log.at('error')).toEqual([]);
    expect(app.telemetry.named('purge-ended').map(({ state }) => state)).toEqual(['failed', 'succeeded']);
  });
});

describe('two apps on one storage account', () => {
  test('end each purge once, and ask once for what failed', async () => {
    emulator.control.addFaults({ fault: 'failing-items', times: 2, failing: '/bad' });
    const app = await openApp();
    const other = await openApp({ beside: app });
    await ask(app, { files: [url('/good-1.txt'), url('/bad-1.txt')] });
    await ask(app, { files: [url('/good-2.txt'), url('/bad-2.txt')] });
    for (const one of [app, other]) one.later(15_000);

    await Promise.all([app.track(), other.track(), app.track(), other.track()]);
    await Promise.all([app.track(), other.track()]);
    await app.flush();

    const ended = [app, other].flatMap(({ telemetry }) => telemetry.named('purge-ended'));
    expect(ended.map(({ state, failedUrls }) => [state, failedUrls])).toEqual([
      ['failed', 1],
      ['failed', 1],
    ]);
    expect(new Set(ended.map(({ purgeId }) => purgeId)).size).toBe(2);
    expect(await namesIn(app.container, 'requests/')).toHaveLength(4);
    const again = emulator.control.purges().slice(2);
    expect(again.flatMap(({ files }) => files).toSorted()).toEqual([url('/bad-1.txt'), url('/bad-2.txt')]);
  });
});

describe('a tick', () => {
  test('costs one storage call while nothing is due, however much has ended', async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const app = await openApp({ connectionString: proxy.connectionString });
    for (let index = 1; index <= 5; index += 1) await ask(app, { files: [url(`/${index}.txt`)] });
    const costOf = async (): Promise<number> => {
      const before = proxy.calls().length;
      await app.track();
      return proxy.calls().length - before;
    };

    expect(await costOf()).toBe(1);
    app.later(15_000);
    await app.track();
    expect(await namesIn(app.container, 'purges/')).toHaveLength(5);
    const lines = app.log.lines.length;
    const flushes = app.telemetry.flushes();
    expect(await costOf()).toBe(1);
    app.later(GIVE_UP_AFTER_MS);
    expect(await costOf()).toBe(1);
    expect([app.log.lines.length, app.telemetry.flushes()]).toEqual([lines, flushes]);
    await proxy.close();
  });
});
