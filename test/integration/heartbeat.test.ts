// What the heartbeat looks at, on real storage.

import { describe, expect, test } from 'vitest';

import { deadLetterBlobs } from '../../src/lib/buffer/dead-letter-blobs.ts';
import { createQueueWatch } from '../../src/lib/buffer/queue-watch.ts';
import { EMPTY_ACTIVITY, withChanges } from '../../src/lib/core/container-activity.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { createBlobActivity } from '../../src/lib/records/blob-activity.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';
import { deadLetterName } from '../support/dead-letters.ts';

const places = azuritePlaces();

describe('a queue', () => {
  test('that is not there yet is empty', async () => {
    const [buffer, poison] = [places.freshQueue(), places.freshQueue()];
    const watch = createQueueWatch({ buffer, poison });
    expect(await watch.buffer()).toEqual({ messages: 0, oldestAt: undefined });
    expect(await watch.poison()).toEqual({ messages: 0, oldestAt: undefined });
  });

  test('is measured without receiving: its oldest visible message stays where it is', async () => {
    const [buffer, poison] = [places.freshQueue(), places.freshQueue()];
    await buffer.create();
    const { insertedOn } = await buffer.sendMessage('first');
    await buffer.sendMessage('second');
    await buffer.sendMessage('hidden', { visibilityTimeout: 60 });
    const watch = createQueueWatch({ buffer, poison });
    for (const look of [watch.buffer, watch.buffer]) {
      expect(await look()).toEqual({ messages: 3, oldestAt: instant(insertedOn.getTime()) });
    }
  });

  test('that cannot be reached is storage trouble', async () => {
    const { queues } = createStorageClients(deadStorage);
    const queue = queues.getQueueClient('gone');
    const watch = createQueueWatch({ buffer: queue, poison: queue });
    await expect(watch.buffer()).rejects.toThrow(StorageTrouble);
  });
});

test('dead letters are counted, read or not; what somebody else put there is not', async () => {
  const container = places.freshContainer();
  const store = deadLetterBlobs(container);
  expect(await store.count()).toEqual({ unread: 0, kept: 0 });
  for (const name of [deadLetterName('1'), deadLetterName('2'), deadLetterName('3'), 'notes.txt']) {
    await container.getBlockBlobClient(name).upload('[]', 2);
  }
  await store.keep(deadLetterName('3'), { reasons: 'no-rule=1', at: instant(Date.UTC(2026, 10, 22)) });
  expect(await store.count()).toEqual({ unread: 2, kept: 1 });
});

test('when containers changed is kept, and nobody writes over what he has not read', async () => {
  const container = places.freshContainer();
  const [store, other] = [createBlobActivity(container), createBlobActivity(container)];
  expect(await store.load()).toEqual({ activity: EMPTY_ACTIVITY, version: undefined });
  const changes = new Map([['contoso/$web', instant(Date.UTC(2026, 10, 22))]]);
  const activity = withChanges(EMPTY_ACTIVITY, changes);
  expect(await store.save(activity, undefined)).toBe(true);
  expect(await other.save(EMPTY_ACTIVITY, undefined)).toBe(false);
  const read = await other.load();
  expect(read.activity).toEqual(activity);
  expect(await other.save(EMPTY_ACTIVITY, read.version)).toBe(true);
  expect(await store.save(activity, read.version)).toBe(false);
});
