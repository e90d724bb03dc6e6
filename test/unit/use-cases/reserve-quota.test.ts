// The flush spends no more than the ledger allows, and what is over waits for the reset.

import { describe, expect, it } from 'vitest';

import { spentInDay } from '../../../src/lib/core/quota-ledger.ts';
import { quotaDays } from '../../../src/lib/core/quota-days.ts';
import { aChange, aFailure, anAcceptance, aQuota, aRefusal } from '../../support/builders.ts';
import { storageOutFor } from '../../support/recording-journal.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';

const QUOTA = aQuota({ limits: { files: 5, directories: 2 }, manualReserve: { files: 1, directories: 1 } });

const quotaWorld = (): World => createWorld({ cdn: { quota: QUOTA } });

const changes = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) =>
    aChange({ name: `${from + index}.txt`, eventId: `event-${from + index}` }),
  );

async function spentToday({ ports, clock, cdn }: World): Promise<{ files: number; reservations: number }> {
  const { ledger } = await ports.ledgers.load(cdn.subscription);
  const [day] = quotaDays(clock.now(), QUOTA);
  const spent = day === undefined ? [] : spentInDay(ledger, day);
  return {
    files: spent.reduce((sum, { files }) => sum + files, 0),
    reservations: ledger.reservations.length,
  };
}

describe('a flush', () => {
  it('purges what the quota allows, the oldest first, and keeps the rest until the reset', async () => {
    const world = quotaWorld();
    for (const change of changes(7)) {
      await world.buffered(change);
      world.clock.advance(1);
    }

    await world.flush();

    expect(world.cdn.purgedUrls()).toHaveLength(4);
    expect(world.cdn.purgedUrls().map((url) => url.slice(-5))).toEqual(['0.txt', '1.txt', '2.txt', '3.txt']);
    expect(world.buffer.stored()).toHaveLength(3);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);

    world.clock.advance(25 * 3_600_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(7);
    expect(world.buffer.stored()).toHaveLength(0);
  });

  it('reserves before it sends, and settles after', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(1));

    await world.flush();

    const calls = world.journal
      .lines('save-ledger', 'submit', 'save-purge')
      .map((line) => line.split(' ')[0]);
    expect(calls).toEqual(['save-ledger', 'submit', 'save-purge', 'save-ledger']);
    expect(await spentToday(world)).toEqual({ files: 1, reservations: 0 });
  });

  it.each([
    ['releases what the CDN refused', aRefusal({ outcomeClass: 'request-refused' }), 0],
    ['releases what never reached the CDN', aFailure({ outcomeClass: 'transient', sent: false }), 0],
    ['counts as spent what the CDN may have done', aFailure({ outcomeClass: 'unknown' }), 2],
  ])('%s', async (_what, outcome, files) => {
    const world = quotaWorld();
    world.cdn.answerBy(() => outcome);
    await world.buffered(...changes(2));

    await world.flush();

    expect(await spentToday(world)).toEqual({ files, reservations: 0 });
  });

  it('counts as spent what the CDN took and no record shows', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(2));
    world.journal.failBy(storageOutFor(['save-purge']));

    await expect(world.flush()).rejects.toThrow('no storage for save-purge');

    expect(await spentToday(world)).toEqual({ files: 2, reservations: 0 });
  });

  it('sends nothing while the ledger cannot be written', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(2));
    world.journal.failBy(storageOutFor(['save-ledger']));

    await expect(world.flush()).rejects.toThrow('no storage for save-ledger');

    expect(world.cdn.purges).toEqual([]);
    expect(world.buffer.stored()).toHaveLength(2);
  });

  it('tells once how much waits', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(6));
    await world.flush();
    expect(world.telemetry.named('quota-spent')).toMatchObject([
      { subscription: world.cdn.subscription, files: 2, directories: 0 },
    ]);
  });
});

describe('a second process on the same ledger', () => {
  it('adds to it, and neither spends what the other has', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(3));
    await Promise.all([world.flush(), world.flush()]);
    await world.buffered(...changes(3, 10));
    world.cdn.answerBy(() => anAcceptance());
    await world.flush();
    expect(await spentToday(world)).toEqual({ files: 4, reservations: 0 });
    expect(world.cdn.purgedUrls()).toHaveLength(4);
  });
});
