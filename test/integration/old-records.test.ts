// Records on real blob storage: listed by day while they are kept, and forgotten after that, they and nothing else.

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { ContainerClient } from '@azure/storage-blob';
import { describe, expect, inject, onTestFinished, test } from 'vitest';

import { instant, type Instant } from '../../src/lib/core/instant.ts';
import type { EndedPurge, OpenPurge } from '../../src/lib/core/purge-record.ts';
import { createBlobRecords } from '../../src/lib/records/blob-records.ts';
import { createOldRecords } from '../../src/lib/records/old-records.ts';
import { createPurgeHistory } from '../../src/lib/records/purge-history.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { forgetRecords } from '../../src/lib/use-cases/forget-records.ts';
import { listPurges } from '../../src/lib/use-cases/list-purges.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';
import { purgeIdOf } from '../../src/lib/use-cases/purge-id.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';
import { aPurge, aRequest, aRequestPurge } from '../support/builders.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry } from '../support/recording-telemetry.ts';

const places = azuritePlaces();
const DAY_MS = 24 * 3_600_000;
const DAY = '2026-03-04';
const at = (iso: string): Instant => instant(Date.parse(iso));

async function namesIn(container: ContainerClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat()) names.push(name);
  return names;
}

const purgeOf = (acceptedAt: Instant): OpenPurge =>
  aPurge({ id: purgeIdOf(acceptedAt, randomUUID()), acceptedAt });

const endOf = ({ nextPollAt: _next, ...purge }: OpenPurge): EndedPurge => ({
  ...purge,
  state: 'succeeded',
  polls: 1,
  endedAt: instant(purge.acceptedAt + 60_000),
  failedUrls: [],
  repurges: [],
});

async function put(container: ContainerClient, name: string, text = '{}'): Promise<void> {
  await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
}

describe('a day', () => {
  test('has its open and its ended purges, newest first, of whichever version they are', async () => {
    const container = places.freshContainer();
    const records = createBlobRecords(container);
    const [one, two, three, other] = [
      purgeOf(at(`${DAY}T00:00:00.000Z`)),
      purgeOf(at(`${DAY}T12:00:00.000Z`)),
      purgeOf(at(`${DAY}T23:59:59.999Z`)),
      purgeOf(at('2026-03-05T00:00:00.000Z')),
    ];
    for (const purge of [two, other, three, one]) await records.savePurge(purge);
    await records.closePurge(endOf(two));
    // Ended, and not out of the open ones yet: the tracker died in between.
    await records.closePurge(endOf(three));
    await records.savePurge(three);
    const first = readFileSync(new URL('../fixtures/records/purge-v1.json', import.meta.url), 'utf8');
    await put(container, `purges/${DAY}/9f8b6c1e-3d2a-4b5c-8d7e-6f5a4b3c2d1e.json`, first);
    const tomorrows = `20260304-${randomUUID()}`;
    await put(container, `purges/${DAY}/${tomorrows}.json`, '{"version":9}');
    await put(container, `purges/${DAY}/notes.txt`, 'of a person');

    const page = await listPurges({ day: DAY, top: 10, after: undefined }, createPurgeHistory(container));

    // The two that do not say in their metadata when they were accepted stand where they were written.
    const byAge = page?.purges.slice(-3);
    expect(byAge?.map(({ id }) => id)).toEqual([three.id, two.id, one.id]);
    expect(byAge?.map((purge) => purge.kind === 'readable' && purge.record.state)).toEqual([
      'succeeded',
      'succeeded',
      'accepted',
    ]);
    const others = page?.purges.slice(0, -3).toSorted((a, b) => a.kind.localeCompare(b.kind));
    expect(others).toMatchObject([
      {
        kind: 'readable',
        id: '20260304-9f8b6c1e-3d2a-4b5c-8d7e-6f5a4b3c2d1e',
        record: { state: 'accepted' },
      },
      { kind: 'unreadable', id: tomorrows },
    ]);
    expect(page).toMatchObject({ hasMore: false, isComplete: true });
  });

  test('still shows a purge that ends between its listing and its reading', async () => {
    const container = places.freshContainer();
    const records = createBlobRecords(container);
    const history = createPurgeHistory(container);
    const purge = purgeOf(at(`${DAY}T12:00:00.000Z`));
    await records.savePurge(purge);
    const { purges } = await history.findPurgesOf(DAY);
    await records.closePurge(endOf(purge));

    expect(await Promise.all(purges.map((found) => history.readFound(found)))).toEqual([endOf(purge)]);
  });

  test('is empty where there is no container yet, and trouble where there is no storage', async () => {
    expect(await createPurgeHistory(places.freshContainer()).findPurgesOf(DAY)).toEqual({
      purges: [],
      isComplete: true,
    });
    const gone = createStorageClients(deadStorage).blobs.getContainerClient('gone');
    await expect(createPurgeHistory(gone).findPurgesOf(DAY)).rejects.toThrow(StorageTrouble);
  });
});

/** The time at which everything that is written now is so many days old. */
const inDays = (days: number): Instant => instant(Date.now() + days * DAY_MS);

async function forgetAt(now: Instant, container: ContainerClient) {
  const log = createRecordingLog();
  const run = { log, telemetry: createRecordingTelemetry(), traceparent: undefined };
  await forgetRecords({ oldRecords: createOldRecords(container), days: 30, clock: { now: () => now } }, run);
  return log.lines;
}

/** Ended purges of yesterday, of now, and one that still is open; requests; an idempotency key; all else. */
async function fillRecords(container: ContainerClient) {
  const records = createBlobRecords(container);
  const now = instant(Date.now());
  const [yesterdays, ended, open] = [purgeOf(instant(now - DAY_MS)), purgeOf(now), purgeOf(now)];
  for (const purge of [yesterdays, ended, open]) await records.savePurge(purge);
  for (const purge of [yesterdays, ended]) await records.closePurge(endOf(purge));
  const [over, waiting, followed] = [randomUUID(), randomUUID(), randomUUID()];
  await records.createRequest(aRequest({ id: over, state: 'succeeded' }));
  await records.createRequest(aRequest({ id: waiting }));
  const purges = [aRequestPurge({ id: open.id })];
  await records.createRequest(aRequest({ id: followed, state: 'accepted', purges }));
  const keyHash = createHash('sha256').update('key').digest('hex');
  await records.claimIdempotencyKey({ keyHash, bodyHash: 'b', requestId: over, claimedAt: now });
  const others = [
    'backlog/backlog.jsonl.gz',
    'configuration/last-good.json',
    'flush.lease',
    'poison-originals/1.txt',
    'purges/2020-01-01/notes.txt',
    'purges/not-a-day/20200101-00000000-0000-4000-8000-000000000001.json',
    'quota/11112222-3333-4444-5555-666677778888.json',
    'requests/notes.txt',
  ];
  for (const name of others) await put(container, name);
  const kept = [
    ...others,
    `open-purges/${open.id}.json`,
    `requests/${followed}.json`,
    `requests/${waiting}.json`,
  ];
  return { records, ended, over, kept: kept.toSorted() };
}

describe('forgetting', () => {
  test('leaves everything as it is for 30 days', async () => {
    const container = places.freshContainer();
    await fillRecords(container);
    const before = await namesIn(container);

    expect(await forgetAt(inDays(29), container)).toEqual([]);

    expect(await namesIn(container)).toEqual(before);
  });

  test('deletes what has ended, and nothing that is open, waits, or is no record of a purge or request', async () => {
    const container = places.freshContainer();
    const { kept } = await fillRecords(container);

    const lines = await forgetAt(inDays(32), container);

    expect((await namesIn(container)).toSorted()).toEqual(kept);
    expect(lines).toMatchObject([
      { level: 'info', details: { purges: 2, requests: 1, idempotencyKeys: 1, isCutShort: false } },
    ]);
    expect(await forgetAt(inDays(32), container)).toEqual([]);
  });

  test('costs nothing for the purges that are kept', async () => {
    const container = places.freshContainer();
    await fillRecords(container);
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    onTestFinished(() => proxy.close());
    const counted = createStorageClients(proxy.connectionString).blobs.getContainerClient(
      container.containerName,
    );

    await forgetAt(inDays(29), counted);

    // Requests, keys and the folders of days, each once; and the one day of long ago, which is not empty.
    expect(proxy.calls().filter((call) => call.startsWith('GET'))).toHaveLength(4);
  });

  test('spares what is written after it was found', async () => {
    const container = places.freshContainer();
    const { ended, over, records } = await fillRecords(container);
    const before = inDays(-1);

    const oldRecords = createOldRecords(container);
    const name = `requests/${over}.json`;
    expect(await oldRecords.readRequest(name)).toMatchObject({ id: over });
    expect(await oldRecords.remove(name, before)).toBe(false);
    expect(await records.readRequest(over)).toBeDefined();
    expect(await oldRecords.remove(name, inDays(1))).toBe(true);
    expect(await oldRecords.remove(name, inDays(1))).toBe(false);
    expect(await records.readPurge(ended.id)).toBeDefined();
  });

  test('is harmless when two do it at once, and where there is no container', async () => {
    const container = places.freshContainer();
    expect(await forgetAt(inDays(32), container)).toEqual([]);
    const { kept } = await fillRecords(container);

    const lines = await Promise.all([forgetAt(inDays(32), container), forgetAt(inDays(32), container)]);

    expect((await namesIn(container)).toSorted()).toEqual(kept);
    const counts = lines.flat().map(({ details }) => Number(details['purges']));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(lines.flat().filter(({ level }) => level === 'warn')).toEqual([]);
  });

  test('tells that storage is out, and fails nobody', async () => {
    const gone = createStorageClients(deadStorage).blobs.getContainerClient('gone');
    expect(await forgetAt(inDays(32), gone)).toMatchObject([{ level: 'warn', details: { times: 3 } }]);
  });
});
