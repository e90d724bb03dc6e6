// The inventory on Azurite: real listings, the real stored form.

import { describe, expect, it } from 'vitest';

import { EMPTY_INDEX } from '../../src/lib/core/inventory/inventory-index.ts';
import { NO_CHANGES } from '../../src/lib/core/inventory/inventory-changes.ts';
import { evictionsOf } from '../../src/lib/core/inventory/inventory.ts';
import { beginListing, type BlobPage, type CompleteListing } from '../../src/lib/core/inventory/listing.ts';
import { siteOf } from '../../src/lib/core/inventory/served-containers.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { createBlobInventory } from '../../src/lib/records/blob-inventory.ts';
import { createBlobClient } from '../../src/lib/storage/clients.ts';
import { createBlobLister } from '../../src/lib/storage/list-blobs.ts';
import { countDirectory } from '../../src/lib/use-cases/count-directory.ts';
import { loadInventory, noteChanges } from '../../src/lib/use-cases/know-inventory.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';
import { refreshInventory } from '../../src/lib/use-cases/refresh-inventory.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';
import { aChange, aConfiguration, aRule, CDN, HOST } from '../support/builders.ts';
import { aCompleteListing } from '../support/in-memory-inventory.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry } from '../support/recording-telemetry.ts';

const places = azuritePlaces();
const account = places.blobs.accountName;
const SITE = siteOf(CDN, 'http', HOST);
const AT = instant(Date.UTC(2026, 10, 22, 12));
const PLACE = { account, container: '$web' };

const aListing = (...names: readonly string[]): CompleteListing => aCompleteListing(names, AT);

async function containerWith(...names: readonly string[]): Promise<string> {
  const container = places.freshContainer();
  await container.create();
  for (const name of names) await container.getBlockBlobClient(name).upload('content', 7);
  return container.containerName;
}

const lister = createBlobLister(new Map([[account, places.blobs]]));

function pageOf(listed: BlobPage | string): BlobPage {
  if (typeof listed === 'string') throw new Error(listed);
  return listed;
}

describe('the stored inventory', () => {
  it('is empty at first, and its container is made at the first write', async () => {
    const store = createBlobInventory(places.freshContainer());
    expect(await store.loadIndex()).toEqual({ index: EMPTY_INDEX, version: undefined });
    expect(await store.loadListing(PLACE)).toBeUndefined();
    expect(await store.loadProgress(PLACE)).toBeUndefined();
    expect(await store.loadChanges(PLACE)).toEqual({ changes: NO_CHANGES, version: undefined });
    await store.saveListing(PLACE, aListing('a/1'));
    expect((await store.loadListing(PLACE))?.tree.below('a/')).toEqual({ objects: 1, bytes: 10 });
  });

  it('gives the same listing again while nobody has written, and then the new one', async () => {
    const container = places.freshContainer();
    const [reader, writer] = [createBlobInventory(container), createBlobInventory(container)];
    await writer.saveListing(PLACE, aListing('a/1'));
    const first = await reader.loadListing(PLACE);
    expect(await reader.loadListing(PLACE)).toBe(first);
    await writer.saveListing(PLACE, aListing('a/1', 'a/2'));
    expect((await reader.loadListing(PLACE))?.tree.below('a/')?.objects).toBe(2);
  });

  it('is not written over where somebody else wrote meanwhile', async () => {
    const container = places.freshContainer();
    const [one, other] = [createBlobInventory(container), createBlobInventory(container)];
    const index = new Map([[account, new Map([['$web', undefined]])]]);
    expect(await one.saveIndex(index, undefined)).toBe(true);
    expect(await other.saveIndex(index, undefined)).toBe(false);
    expect(await one.saveChanges(PLACE, NO_CHANGES, undefined)).toBe(true);
    expect(await other.saveChanges(PLACE, NO_CHANGES, undefined)).toBe(false);
    const version = (await one.saveProgress(PLACE, beginListing(AT), undefined)) ?? 'none';
    expect(await other.saveProgress(PLACE, beginListing(AT), undefined)).toBeUndefined();
    expect(await other.saveProgress(PLACE, beginListing(AT), version)).not.toBe(version);
    expect(await one.endProgress(PLACE, version)).toBe(false);
    expect((await one.loadProgress(PLACE))?.record).toMatchObject({ startedAt: AT, isComplete: false });
  });

  it('forgets a container', async () => {
    const container = places.freshContainer();
    const store = createBlobInventory(container);
    await store.saveListing(PLACE, aListing('a/1'));
    await store.saveProgress(PLACE, beginListing(AT), undefined);
    await store.saveChanges(PLACE, NO_CHANGES, undefined);
    await store.forget(PLACE);
    await store.forget(PLACE);
    const left = [];
    for await (const { name } of container.listBlobsFlat()) left.push(name);
    expect(left).toEqual([]);
    expect(await store.loadListing(PLACE)).toBeUndefined();
  });

  it('is trouble where a newer version wrote it', async () => {
    const container = places.freshContainer();
    await createBlobInventory(container).saveListing(PLACE, aListing('a/1'));
    const blob = container.getBlockBlobClient(`inventory/${account}/$web/listing.jsonl.gz`);
    await blob.upload('what is this', 12);
    await expect(createBlobInventory(container).loadListing(PLACE)).rejects.toThrow(StorageTrouble);
  });
});

describe('a listing of storage', () => {
  it('comes in pages, each by the token of the one before', async () => {
    const names = ['a b/1 & 2.html', 'a/1', 'a/2', '图/3', 'z'];
    const container = await containerWith(...names);
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = pageOf(await lister.listPage({ account, container }, { after, most: 2 }));
      found.push(...page.blobs.map(({ name, bytes }) => `${name} ${bytes}`));
      after = page.next;
    } while (after !== undefined);
    expect(found.toSorted()).toEqual(names.map((name) => `${name} 7`).toSorted());
  });

  it('says so where there is no container', async () => {
    const container = places.freshContainer().containerName;
    expect(await lister.listPage({ account, container }, {})).toBe('no-container');
  });

  it('is trouble where storage does not answer', async () => {
    const gone = createBlobLister(new Map([[account, createBlobClient(deadStorage)]]));
    await expect(gone.listPage(PLACE, {})).rejects.toThrow(StorageTrouble);
    await expect(gone.findContainers(account)).rejects.toThrow(StorageTrouble);
  });

  it('counts below a directory, live', async () => {
    const container = await containerWith('a/1', 'a/2', 'a/b/3', 'a-b/4');
    const directory = { account, container, directory: 'a/' };
    expect(await countDirectory([directory], () => true, 10, lister)).toEqual({
      kind: 'counted',
      objects: 3,
    });
    expect(await countDirectory([directory], () => true, 1, lister)).toEqual({
      kind: 'more-than',
      objects: 1,
    });
  });
});

it('what was listed and what changed since says what a purge evicts', async () => {
  const container = await containerWith('docs/a.html', 'docs/b.html', 'docs/deep/c.html', 'x.html');
  const rules = [aRule({ account, matchesContainer: (name) => name === container, servedUnder: '/' })];
  const configuration = aConfiguration({ rules, accounts: [account] });
  const store = createBlobInventory(places.freshContainer());
  const run = { log: createRecordingLog(), telemetry: createRecordingTelemetry(), traceparent: undefined };
  const ports = {
    configuration: { current: async () => configuration },
    inventory: store,
    lister,
    own: { account, recordsContainer: 'purge-records' },
    clock: { now: () => instant(Date.now()) },
  };
  expect(await refreshInventory(ports, { relistAfterMs: 3_600_000 }, run)).toEqual({
    completed: 1,
    pages: 1,
    interrupted: false,
  });
  const changed = aChange({ account, container, name: 'docs/d.html', eventAt: instant(Date.now() + 1_000) });
  await noteChanges([changed], store, run);

  const due = ['/docs/a.html', '/docs/d.html'].map((path) => ({ site: SITE, path }));
  const evictions = evictionsOf(due, await loadInventory(configuration, [SITE], store));

  expect(evictions(SITE, '/docs/')?.evicts).toBe(2);
  expect(evictions(SITE, '/docs/deep/')?.evicts).toBe(1);
  expect(evictions(SITE, '/new/')?.evicts).toBeUndefined();
});
