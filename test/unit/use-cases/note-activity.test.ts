// When containers changed is noted by the flush, seldom and without getting in its way.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { createActivityNotes } from '../../../src/lib/use-cases/note-activity.ts';
import { StorageTrouble, type ActivityStore } from '../../../src/lib/use-cases/ports.ts';
import { aChange, aPath, aRename } from '../../support/builders.ts';
import { createInMemoryActivity } from '../../support/in-memory-beat.ts';
import { createWorld, VISIBILITY_MS } from '../../support/in-memory-world.ts';

const MINUTE_MS = 60_000;

function openWorld(store: ActivityStore) {
  const world = createWorld();
  const activity = createActivityNotes(store);
  const flush = async (): Promise<void> => {
    const received = await world.buffer.receive();
    const messages = received.filter((one) => one.kind !== 'event');
    await activity.note(messages, world.clock.now(), world.run);
  };
  return { ...world, flush };
}

const changeAt = (eventAt: number, name = 'a') => aChange({ name, eventAt: instant(eventAt) });

describe('the flush', () => {
  it('notes the last change of each container, the other end of a rename too', async () => {
    const store = createInMemoryActivity();
    const world = openWorld(store);
    const now = world.clock.now();
    await world.buffered(
      changeAt(now - 2_000),
      changeAt(now - 1_000),
      aRename(aPath('a', 'old'), aPath('a', 'new')),
    );
    await world.flush();
    const { activity } = await store.load();
    expect([...activity].map(([key, { lastChangeAt }]) => [key, lastChangeAt])).toEqual([
      ['contoso/media', now - 1_000],
      ['contoso/old', now],
      ['contoso/new', now],
    ]);
  });

  it('writes once in five minutes, however much changes', async () => {
    const store = createInMemoryActivity();
    const world = openWorld(store);
    for (let minute = 0; minute < 11; minute += 1) {
      await world.buffered(changeAt(world.clock.now(), `${minute}`));
      await world.flush();
      world.clock.advance(MINUTE_MS);
    }
    expect(store.saves()).toBe(3);
  });

  it('notes nothing of a message that was received before', async () => {
    const store = createInMemoryActivity();
    const world = openWorld(store);
    await world.buffered(aChange());
    await world.buffer.receive();
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(store.saves()).toBe(0);
  });

  it('notes nothing of requests', async () => {
    const store = createInMemoryActivity();
    const world = openWorld(store);
    await world.buffer.add({
      type: 'request',
      requestId: 'request-1',
      traceparent: undefined,
      failedAttempts: 0,
    });
    await world.flush();
    expect(store.saves()).toBe(0);
  });

  it('goes on where storage is out', async () => {
    const store = createInMemoryActivity();
    const world = openWorld({ ...store, load: () => Promise.reject(new StorageTrouble('out')) });
    await world.buffered(aChange());
    await world.flush();
    expect(world.log.at('warn', 'error')).toEqual([]);
  });

  it('leaves what somebody else wrote meanwhile, and notes with the next changes', async () => {
    const store = createInMemoryActivity();
    let isTaken = true;
    const world = openWorld({
      ...store,
      save: (...given) => (isTaken ? Promise.resolve(false) : store.save(...given)),
    });
    await world.buffered(aChange());
    await world.flush();
    isTaken = false;
    await world.buffered(aChange({ name: 'b' }));
    await world.flush();
    expect(store.saves()).toBe(1);
  });
});
