// The flush's lease on real blob storage: one at a time, kept by renewal, and lost without a doubt.

import type { ContainerClient } from '@azure/storage-blob';
import { describe, expect, inject, test, vi } from 'vitest';

import { createBlobLease } from '../../src/lib/storage/blob-lease.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { StorageTrouble, type HeldLease } from '../../src/lib/use-cases/ports.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';

const places = azuritePlaces();
/** The least that storage takes. */
const LEASE_SECONDS = 15;

async function held(container: ContainerClient): Promise<HeldLease> {
  const lease = await createBlobLease(container, LEASE_SECONDS).acquire();
  if (lease === undefined) throw new Error('the lease is taken');
  return lease;
}

const takenIn = async (container: ContainerClient): Promise<boolean> =>
  (await createBlobLease(container, LEASE_SECONDS).acquire()) === undefined;

describe.concurrent('the lease of the flush', () => {
  test('is one process’s at a time, and another’s once it is released', async () => {
    const container = places.freshContainer();
    const lease = await held(container);
    expect(lease.isHeld()).toBe(true);
    expect(await takenIn(container)).toBe(true);

    await lease.release();

    expect(lease.isHeld()).toBe(false);
    const next = await held(container);
    expect(next.isHeld()).toBe(true);
    await next.release();
  });

  test.each([
    { what: 'container', make: false },
    { what: 'blob', make: true },
  ])('is made where there is no $what, by whoever comes first', async ({ make }) => {
    const container = places.freshContainer();
    if (make) await container.create();

    const all = await Promise.all(
      Array.from({ length: 5 }, () => createBlobLease(container, LEASE_SECONDS).acquire()),
    );

    const leases = all.filter((lease) => lease !== undefined);
    expect(leases).toHaveLength(1);
    await Promise.all(leases.map((lease) => lease.release()));
  });

  test('costs one storage call to take and one to give back', async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const container = places.freshContainer();
    await (await held(container)).release();
    const { blobs } = createStorageClients(proxy.connectionString);

    const lease = await held(blobs.getContainerClient(container.containerName));
    expect(proxy.calls()).toHaveLength(1);
    await lease.release();
    expect(proxy.calls()).toHaveLength(2);
    await proxy.close();
  });

  test('is kept past its time by renewal, and released all the same', { timeout: 40_000 }, async () => {
    const container = places.freshContainer();
    const lease = await held(container);
    const takenAt = Date.now();

    await vi.waitUntil(() => Date.now() - takenAt > (LEASE_SECONDS + 1) * 1000, {
      timeout: 20_000,
      interval: 250,
    });

    expect(lease.isHeld()).toBe(true);
    expect(await takenIn(container)).toBe(true);
    await lease.release();
    expect(await takenIn(container)).toBe(false);
  });

  test.each<{ how: string; lose: (container: ContainerClient) => Promise<unknown> }>([
    {
      how: 'broke it',
      lose: (container) => container.getBlobClient('flush.lease').getBlobLeaseClient().breakLease(0),
    },
    {
      how: 'broke it and took it',
      async lose(container) {
        const blob = container.getBlobClient('flush.lease');
        await blob.getBlobLeaseClient().breakLease(0);
        await blob.getBlobLeaseClient().acquireLease(-1);
      },
    },
    { how: 'deleted the container', lose: (container) => container.delete() },
  ])('is lost at the next renewal when somebody $how', { timeout: 30_000 }, async ({ lose }) => {
    const container = places.freshContainer();
    const lease = await held(container);
    await lose(container);

    // Well before it would have run out by itself.
    await vi.waitUntil(() => !lease.isHeld(), { timeout: (LEASE_SECONDS - 2) * 1000, interval: 20 });

    await expect(lease.release()).resolves.toBeUndefined();
  });

  test('is given up before another can take it, when storage is out', { timeout: 40_000 }, async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const container = places.freshContainer();
    const { blobs } = createStorageClients(proxy.connectionString);
    const lease = await held(blobs.getContainerClient(container.containerName));
    await proxy.takeAway();

    await vi.waitUntil(async () => !(await takenIn(container)), { timeout: 25_000, interval: 20 });

    expect(lease.isHeld()).toBe(false);
    await expect(lease.release()).resolves.toBeUndefined();
  });

  test('that somebody else broke can be taken at once; one that is breaking counts as taken', async () => {
    const container = places.freshContainer();
    await held(container);
    const somebody = container.getBlobClient('flush.lease').getBlobLeaseClient();
    await somebody.breakLease(10);
    expect(await takenIn(container)).toBe(true);
    await somebody.breakLease(0);
    expect(await takenIn(container)).toBe(false);
  });
});

test('storage that is out is trouble, not a taken lease', async () => {
  const gone = createStorageClients(deadStorage).blobs.getContainerClient('gone');
  await expect(createBlobLease(gone, LEASE_SECONDS).acquire()).rejects.toThrow(StorageTrouble);
});
