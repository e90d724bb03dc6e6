// Event Grid's dead-letter container on real storage: one listing finds what is unread, and nobody settles a blob twice.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inject } from 'vitest';
import type { ContainerClient } from '@azure/storage-blob';

import { deadLetterBlobs } from '../../src/lib/buffer/dead-letter-blobs.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { releaseDeadLetters } from '../../src/lib/use-cases/release-dead-letters.ts';
import { StorageTrouble, type DeadLetterStore } from '../../src/lib/use-cases/ports.ts';
import { startCountingProxy, type CountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';
import { deadLetterName } from '../support/dead-letters.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry } from '../support/recording-telemetry.ts';
import { runCommand } from '../support/run-command.ts';

const places = azuritePlaces();
const at = instant(Date.parse('2026-03-04T05:06:07.000Z'));
const run = { log: createRecordingLog(), telemetry: createRecordingTelemetry(), traceparent: undefined };

let container: ContainerClient;
let store: DeadLetterStore;
beforeEach(async () => {
  container = places.freshContainer();
  await container.create();
  store = deadLetterBlobs(container);
});

async function put(name: string, text = '[]'): Promise<void> {
  await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
}

async function readText(name: string): Promise<string> {
  return (await container.getBlobClient(name).downloadToBuffer()).toString();
}

async function versionOf(name: string): Promise<string> {
  const read = await store.read(name);
  if (read === undefined) throw new Error(`${name} is gone`);
  return read.version;
}

const namesOf = async (which: 'unread' | 'kept'): Promise<readonly string[]> =>
  (await store.find(which, 100)).map(({ name }) => name);

const [one, two] = [deadLetterName('1'), deadLetterName('2')];

describe('dead letters', () => {
  test('are found with their size, and read with their version', async () => {
    await put(one, '["é"]');

    expect(await store.find('unread', 100)).toEqual([{ name: one, bytes: 6 }]);
    expect(await store.read(one)).toEqual({ text: '["é"]', version: expect.any(String) });
    expect(await namesOf('kept')).toEqual([]);
  });

  test('are only what Event Grid writes: everything else in the container is left alone', async () => {
    const others = [
      'notes.json',
      'a/b.json',
      'PURGE-WEB/2024/1/15/8/readme.txt',
      'PURGE-WEB/24/1/15/8/1.json',
      'PURGE-WEB/2024/1/15/1.json',
    ];
    for (const name of [...others, one]) await put(name);

    expect(await namesOf('unread')).toEqual([one]);
  });

  test('are not more than asked for', async () => {
    for (let index = 0; index < 5; index += 1) await put(deadLetterName(`${index}`));

    expect(await store.find('unread', 3)).toHaveLength(3);
  });

  test('are none where there is no container yet, and then there is one', async () => {
    const missing = places.freshContainer();

    expect(await deadLetterBlobs(missing).find('unread', 100)).toEqual([]);
    expect(await missing.exists()).toBe(true);
    expect(await deadLetterBlobs(missing).read(one)).toBeUndefined();
  });

  test('that are kept have what is left of them, and the reason for whoever looks; they can be released', async () => {
    await put(one, '["all"]');
    const version = await versionOf(one);

    expect(await store.keep(one, { version, text: '["lé"]', reasons: 'dot-segment=1', at })).toBe(true);

    expect(await readText(one)).toBe('["lé"]');
    const { metadata, contentType } = await container.getBlobClient(one).getProperties();
    expect({ metadata, contentType }).toEqual({
      metadata: { purgereadat: '2026-03-04T05:06:07.000Z', purgereasons: 'dot-segment=1' },
      contentType: 'application/json',
    });
    expect([await namesOf('unread'), await namesOf('kept')]).toEqual([[], [one]]);

    await store.release(one);
    expect([await namesOf('unread'), await namesOf('kept')]).toEqual([[one], []]);
    expect(await readText(one)).toBe('["lé"]');
  });

  test('that are kept whole are only marked', async () => {
    await put(one, 'no json');

    expect(await store.keep(one, { reasons: 'not-json', at })).toBe(true);

    expect(await readText(one)).toBe('no json');
    expect(await namesOf('kept')).toEqual([one]);
  });
});

describe('a blob that somebody else has settled meanwhile', () => {
  test.each([
    ['deleted', () => container.getBlobClient(one).delete()],
    ['changed', () => put(one, '["other"]')],
  ])('is not settled again: %s', async (_how, meanwhile) => {
    await put(one);
    const version = await versionOf(one);
    await meanwhile();

    expect(await store.remove(one, version)).toBe(false);
    expect(await store.keep(one, { version, text: '[]', reasons: 'r=1', at })).toBe(false);
    expect(await store.keep(one, { version, reasons: 'r=1', at })).toBe(false);
  });

  test('is no trouble when it is gone and released', async () => {
    await expect(store.release(one)).resolves.toBeUndefined();
  });

  test('goes with its snapshots', async () => {
    await put(one);
    await container.getBlobClient(one).createSnapshot();

    expect(await store.remove(one, await versionOf(one))).toBe(true);
    expect(await store.read(one)).toBeUndefined();
  });
});

describe('storage calls', () => {
  let proxy: CountingProxy;
  beforeAll(async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    proxy = await startCountingProxy(blobUrl, queueUrl);
  });
  afterAll(() => proxy.close());

  test('are one listing, however many blobs stay', async () => {
    for (let index = 0; index < 20; index += 1) {
      await put(deadLetterName(`${index}`));
      await store.keep(deadLetterName(`${index}`), { reasons: 'r=1', at });
    }
    const counted = deadLetterBlobs(
      createStorageClients(proxy.connectionString).blobs.getContainerClient(container.containerName),
    );
    const before = proxy.calls().length;

    expect(await counted.find('unread', 1_000)).toEqual([]);

    expect(proxy.calls().length - before).toBe(1);
  });

  test('that fail are told apart from a bug', async () => {
    const gone = deadLetterBlobs(createStorageClients(deadStorage).blobs.getContainerClient('gone'));

    for (const call of [gone.find('unread', 1), gone.read(one), gone.remove(one, '"1"'), gone.release(one)]) {
      await expect(call).rejects.toThrow(StorageTrouble);
    }
  });
});

describe('a release', () => {
  test('makes all that stayed unread again', async () => {
    for (const name of [one, two]) {
      await put(name);
      await store.keep(name, { reasons: 'r=1', at });
    }

    expect(await releaseDeadLetters(store, run)).toEqual({ released: 2, interrupted: false });

    expect((await namesOf('unread')).toSorted()).toEqual([one, two]);
  });

  test('is part of npm run replay where the container is given', async () => {
    await put(one);
    await store.keep(one, { reasons: 'r=1', at });

    const ended = await runCommand('src/lib/buffer/cli/replay.ts', [], 20_000, {
      PURGE_STORAGE: places.connectionString,
      PURGE_QUEUE: places.freshName('queue').slice(0, 56),
      PURGE_DEAD_LETTER_CONTAINER: container.containerName,
    }).ended;

    expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('"released":1') });
    expect(await namesOf('unread')).toEqual([one]);
  });
});
