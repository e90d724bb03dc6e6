// Two versions of the app on one storage account, each a process of its own, and the way back from the newer one.

import { randomBytes, randomUUID } from 'node:crypto';

import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';

import { createCdnEmulator, type CdnEmulator } from '../../dev/cdn-emulator/emulator.ts';
import { createBlobBacklog } from '../../src/lib/records/blob-backlog.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';
import { runVersion } from '../support/app-version.ts';
import { azuritePlaces } from '../support/azurite-places.ts';

const subscription = '11112222-3333-4444-5555-666677778888';
const endpointId = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
const host = 'www.contoso.localhost';
const key = { id: randomUUID(), value: randomBytes(48).toString('base64'), subscription };
const places = azuritePlaces();

let emulator: CdnEmulator;

beforeAll(async () => {
  emulator = await createCdnEmulator({
    subscriptions: [subscription],
    endpoints: [{ id: endpointId, subscription, customDomain: host }],
    hosts: [],
    keys: [key],
    fetchOrigin: () => Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() }),
  });
});

afterAll(() => emulator.close());

type Site = {
  readonly settings: Readonly<Record<string, string>>;
  readonly queue: QueueClient;
  readonly poison: QueueClient;
  readonly records: ContainerClient;
};

/** A storage account's places of a test's own. `filesPerDay` is what the quota leaves. */
function openSite({ filesPerDay = 2_000 }: { readonly filesPerDay?: number } = {}): Site {
  const queue = places.freshQueue();
  const poison = places.queues.getQueueClient(`${queue.name}-poison`);
  const records = places.freshContainer();
  const settings = {
    PURGE_STORAGE: places.connectionString,
    PURGE_CONFIG: configurationOf(filesPerDay),
    PURGE_QUEUE: queue.name,
    PURGE_RECORDS_CONTAINER: records.containerName,
    PURGE_VISIBILITY_SECONDS: '5',
    PURGE_LEASE_SECONDS: '15',
    KEY_ID: key.id,
    KEY_VALUE: key.value,
  };
  return { settings, queue, poison, records };
}

function configurationOf(filesPerDay: number): string {
  return JSON.stringify({
    cdns: {
      china: {
        provider: 'azure-china-cdn',
        subscription,
        keys: { id: 'KEY_ID', value: 'KEY_VALUE' },
        apiBaseUrl: emulator.apiUrl,
        quota: { files: filesPerDay, manualReservePercent: 0 },
      },
    },
    defaults: { cdn: 'china' },
    sites: {
      www: {
        containers: [{ account: 'contoso', container: 'web', path: '/' }],
        hosts: [{ host, endpoint: endpointId }],
      },
    },
  });
}

let files = 0;
/** Names that no other test has. */
const namesOf = (count: number): string[] => Array.from({ length: count }, () => `file-${(files += 1)}.txt`);
const urlOf = (name: string): string => `http://${host}/${name}`;

/** Of the URLs, those that the CDN accepted. */
function acceptedOf(names: readonly string[]): readonly string[] {
  const accepted = new Set(emulator.control.purges().flatMap((purge) => purge.files));
  return names.filter((name) => accepted.has(urlOf(name)));
}

async function countOf(queue: QueueClient): Promise<number> {
  if (!(await queue.exists())) return 0;
  return (await queue.getProperties()).approximateMessagesCount ?? 0;
}

const Versioned = z.looseObject({ v: z.number() });

/** The versions of the messages, of those that can be received now. */
async function versionsIn(queue: QueueClient): Promise<number[]> {
  const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 });
  return peekedMessageItems.map(
    ({ messageText }) => Versioned.parse(JSON.parse(Buffer.from(messageText, 'base64').toString())).v,
  );
}

/** Every blob with its ETag, but for the lease. */
async function blobsIn(records: ContainerClient): Promise<Record<string, string>> {
  const blobs: Record<string, string> = {};
  for await (const { name, properties } of records.listBlobsFlat()) {
    if (name !== 'flush.lease') blobs[name] = properties.etag;
  }
  return blobs;
}

describe.concurrent('two versions at once', () => {
  test('lose nothing: each takes changes and flushes, and all are purged', async () => {
    const { settings, queue, poison } = openSite();
    const [old, next] = [namesOf(40), namesOf(40)];

    await Promise.all([
      runVersion('shipped', { take: old, flushes: 20 }, settings),
      runVersion('next', { take: next, flushes: 'until empty' }, settings),
    ]);
    await runVersion('next', { flushes: 'until empty' }, settings);

    expect(acceptedOf([...old, ...next])).toEqual([...old, ...next]);
    expect(await countOf(queue)).toBe(0);
    expect(await countOf(poison)).toBe(0);
  });

  test('of which the newer one came first: what it wrote is left to it, what both read is purged', async () => {
    const { settings, queue, poison, records } = openSite();
    const [before, old, newer] = [namesOf(3), namesOf(5), namesOf(4)];
    await runVersion('next, but the ledger', { take: before, flushes: 1 }, settings);
    await runVersion('next, but the ledger', { take: newer, flushes: 0 }, settings);
    const blobs = await blobsIn(records);

    const warnings = await runVersion('shipped', { take: old, flushes: 2 }, settings);

    expect(acceptedOf([...before, ...old])).toEqual([...before, ...old]);
    expect(acceptedOf(newer)).toEqual([]);
    expect(warnings).toContain('A message of a newer version waits for that version.');
    expect(await blobsIn(records)).toMatchObject(withoutLedger(blobs));
    await vi.waitUntil(async () => (await versionsIn(queue)).length === newer.length, {
      timeout: 20_000,
      interval: 250,
    });
    expect(await versionsIn(queue)).toEqual(newer.map(() => 2));
    expect(await countOf(poison)).toBe(0);

    // The newer one comes back.
    await runVersion('next, but the ledger', { flushes: 'until empty' }, settings);
    expect(acceptedOf(newer)).toEqual(newer);
  });
});

/** The ledger is of both. */
const withoutLedger = (blobs: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(blobs).filter(([name]) => !name.startsWith('quota/')));

describe.concurrent('the way back', () => {
  test('from a version that reads the next formats and writes these needs no waiting', async () => {
    const { settings, queue, poison, records } = openSite({ filesPerDay: 2 });
    const [newer, old] = [namesOf(6), namesOf(3)];
    await runVersion('prepared', { take: newer, flushes: 1 }, settings);
    expect(acceptedOf(newer)).toEqual(newer.slice(0, 2));

    const larger = { ...settings, PURGE_CONFIG: configurationOf(2_000) };
    const warnings = await runVersion('shipped', { take: old, flushes: 'until empty' }, larger);

    expect(acceptedOf([...newer, ...old])).toEqual([...newer, ...old]);
    expect(warnings).toEqual([]);
    expect((await createBlobBacklog(records).load()).backlog.entries.size).toBe(0);
    expect(await countOf(queue)).toBe(0);
    expect(await countOf(poison)).toBe(0);
  });

  test('from a version that wrote every format anew loses nothing: what needs them waits for it', async () => {
    const { settings, queue, poison, records } = openSite({ filesPerDay: 2 });
    const [newer, old] = [namesOf(6), namesOf(3)];
    // Two are purged, four wait in its backlog, by its ledger.
    await runVersion('next', { take: newer, flushes: 1 }, settings);
    const blobs = await blobsIn(records);
    expect(acceptedOf(newer)).toEqual(newer.slice(0, 2));
    expect(Object.keys(blobs)).toContain('backlog/backlog.jsonl.gz');
    await expect(createBlobBacklog(records).load()).rejects.toThrow(StorageTrouble);

    await runVersion('shipped', { take: old, flushes: 3 }, settings);

    expect(acceptedOf(old)).toEqual([]);
    expect(await blobsIn(records)).toEqual(blobs);
    expect(await countOf(queue)).toBe(3);
    expect(await countOf(poison)).toBe(0);

    // With the newer version, and a larger quota, all of it goes.
    await runVersion(
      'next',
      { flushes: 'until empty' },
      { ...settings, PURGE_CONFIG: configurationOf(2_000) },
    );
    expect(acceptedOf([...newer, ...old])).toEqual([...newer, ...old]);
  });
});
