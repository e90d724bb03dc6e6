// The configuration as a document in a blob: read again by its ETag, and never replaced by a faulty version.

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';

import { createApp } from '../../src/lib/app.ts';
import { blobDocuments } from '../../src/lib/config/blob-documents.ts';
import { ConfigurationError } from '../../src/lib/config/configuration-error.ts';
import { blobConfiguration } from '../../src/lib/config/configuration-source.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { reportConfiguration } from '../../src/lib/report-configuration.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { noTelemetry } from '../../src/lib/telemetry/no-telemetry.ts';
import { flushPurges } from '../../src/lib/use-cases/flush-purges.ts';
import {
  StorageTrouble,
  type ConfigurationSource,
  type Log,
  type Telemetry,
} from '../../src/lib/use-cases/ports.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';

const places = azuritePlaces();
const minuteMs = 60_000;

let container: ContainerClient;
let records: ContainerClient;
let document: BlockBlobClient;
let nowMs: number;
let told: Parameters<Telemetry['track']>[0][];

beforeEach(async () => {
  container = places.freshContainer();
  records = places.freshContainer();
  document = container.getBlockBlobClient('purge/config.json');
  await container.create();
  nowMs = Date.now();
  told = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(() => undefined);
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const documentFor = (...hosts: string[]): string =>
  JSON.stringify({
    cdns: {
      china: {
        provider: 'azure-china-cdn',
        subscription: '11112222-3333-4444-5555-666677778888',
        keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
      },
    },
    defaults: { cdn: 'china' },
    sites: { www: { containers: [{ account: 'contoso', container: '$web' }], hosts } },
  });

const write = (text: string): Promise<unknown> => document.upload(text, Buffer.byteLength(text));

/** As one process of the app has it; another call is another process, which remembers nothing. */
function startSource(blobs = places.blobs): ConfigurationSource {
  const telemetry: Telemetry = { ...noTelemetry, track: (event) => told.push(event) };
  return blobConfiguration({
    ...blobDocuments(
      blobs,
      { container: container.containerName, blob: 'purge/config.json' },
      blobs.getContainerClient(records.containerName),
    ),
    now: () => instant(nowMs),
    ...reportConfiguration(telemetry),
  });
}

const hostsOf = async (source: ConfigurationSource): Promise<string[]> => [
  ...(await source.current()).hosts.keys(),
];

describe('a configuration in a blob', () => {
  test('is read again a minute later, and taken when it changed', async () => {
    await write(documentFor('one.contoso.cn'));
    const source = startSource();
    const first = await source.current();
    await write(documentFor('two.contoso.cn'));

    nowMs += minuteMs - 1;
    expect(await source.current()).toBe(first);
    nowMs += 1;
    expect(await hostsOf(source)).toEqual(['two.contoso.cn']);
    expect(told.map(({ name }) => name)).toEqual(['configuration-taken', 'configuration-taken']);
  });

  test('that did not change is the same object, and not told of again', async () => {
    await write(documentFor('one.contoso.cn'));
    const source = startSource();
    const first = await source.current();

    nowMs += minuteMs;

    expect(await source.current()).toBe(first);
    expect(told).toHaveLength(1);
  });

  test('is refused whole where it is faulty: the last good one stays, and an event lists every fault', async () => {
    await write(documentFor('one.contoso.cn'));
    const source = startSource();
    await source.current();
    const { etag } = await document.upload('{"cdns": {}, "sitez": {}}', 25);

    nowMs += minuteMs;

    expect(await hostsOf(source)).toEqual(['one.contoso.cn']);
    expect(told.at(-1)).toMatchObject({
      name: 'configuration-refused',
      etag,
      problems: expect.stringMatching(/cdns.*\n?.*sitez|sitez.*\n?.*cdns/su),
    });
    // oxlint-disable-next-line no-console -- the host's log outside an invocation
    expect(console.error).toHaveBeenCalledWith(expect.stringContaining('last good one stays'));
  });

  test('is taken again once it is mended', async () => {
    await write(documentFor('one.contoso.cn'));
    const source = startSource();
    await source.current();
    await write('not even JSON');
    nowMs += minuteMs;
    await source.current();

    await write(documentFor('mended.contoso.cn'));
    nowMs += minuteMs;

    expect(await hostsOf(source)).toEqual(['mended.contoso.cn']);
  });

  test.each<{ what: string; spoil: () => Promise<unknown>; event: string | undefined }>([
    { what: 'faulty', spoil: () => write('{}'), event: 'configuration-refused' },
    { what: 'gone', spoil: () => document.delete(), event: undefined },
    { what: 'gone with its container', spoil: () => container.delete(), event: undefined },
  ])('that is $what at a restart gives way to the last good one', async ({ spoil, event }) => {
    await write(documentFor('one.contoso.cn'));
    await startSource().current();
    await spoil();
    told = [];

    expect(await hostsOf(startSource())).toEqual(['one.contoso.cn']);
    expect(told.map(({ name }) => name)).toContain(event ?? 'configuration-unreadable');
  });

  test('that cannot be read stays in force, and an event says so once', async () => {
    await write(documentFor('one.contoso.cn'));
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const source = startSource(createStorageClients(proxy.connectionString).blobs);
    await source.current();
    await proxy.takeAway();

    nowMs += minuteMs;
    expect(await hostsOf(source)).toEqual(['one.contoso.cn']);
    nowMs += minuteMs;
    expect(await hostsOf(source)).toEqual(['one.contoso.cn']);

    expect(told.map(({ name }) => name)).toEqual(['configuration-taken', 'configuration-unreadable']);
    await proxy.close();
  });
});

describe('a first start', () => {
  test.each([
    { what: 'faulty', text: '{"cdns": {}}', fault: /cdns/u },
    { what: 'missing', text: undefined, fault: /does not exist/u },
  ])('without any good one stops where the document is $what', async ({ text, fault }) => {
    if (text !== undefined) await write(text);

    const failed = await startSource()
      .current()
      .catch((error: unknown) => error);

    expect(failed).toBeInstanceOf(ConfigurationError);
    expect(failed).toHaveProperty('message', expect.stringMatching(fault));
  });

  test('with storage out stops as well, and says what it was', async () => {
    const source = startSource(createStorageClients(deadStorage).blobs);

    await expect(source.current()).rejects.toThrow(StorageTrouble);
  });
});

const settings = (storage = places.connectionString): Record<string, string> => ({
  PURGE_STORAGE: storage,
  PURGE_CONFIG_BLOB: `${container.containerName}/purge/config.json`,
  PURGE_RECORDS_CONTAINER: records.containerName,
  PURGE_QUEUE: `queue-${container.containerName.slice(-12)}`,
  CDN_KEY_ID: 'key-id',
  CDN_KEY_VALUE: 'key-value',
});

describe('the app with its configuration in a blob', () => {
  test('starts by a good one', async () => {
    await write(documentFor('one.contoso.cn'));

    await expect(createApp(settings()).start()).resolves.toBeUndefined();
  });

  test('refuses to start by one whose keys are not set, and names the app settings', async () => {
    await write(documentFor('one.contoso.cn'));

    await expect(createApp({ ...settings(), CDN_KEY_VALUE: '' }).start()).rejects.toThrow(
      /cdns\.china\.keys\.value: the app setting CDN_KEY_VALUE is not set/u,
    );
  });

  test('spends at most 5 storage calls on an idle tick, also when it reads the configuration again', async () => {
    await write(documentFor('one.contoso.cn'));
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const app = createApp(settings(proxy.connectionString));
    await app.start();
    const { flushPorts, flushLimits } = await app.services();
    const logged: string[] = [];
    const log = silentLog(logged);
    const tick = (): Promise<void> =>
      flushPurges(flushPorts, flushLimits, { log, telemetry: noTelemetry, traceparent: undefined });
    await tick(); // makes the queue
    vi.useFakeTimers({ toFake: ['Date'] });

    const before = proxy.calls().length;
    await tick();
    const usual = proxy.calls().slice(before);
    vi.setSystemTime(Date.now() + 61_000);
    await tick();
    const withRefresh = proxy.calls().slice(before + usual.length);

    expect(usual).toHaveLength(4); // lease, backlog, buffer, release
    expect(withRefresh.length).toBeLessThanOrEqual(5);
    expect(withRefresh).toContainEqual(expect.stringMatching(/config\.json 304$/u));
    expect(logged).toEqual([]);
    await proxy.close();
  });
});

function silentLog(lines: string[]): Log {
  const keep = (message: string): void => void lines.push(message);
  return { debug: keep, info: keep, warn: keep, error: keep };
}
