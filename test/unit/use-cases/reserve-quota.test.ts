// The flush spends no more than the ledger allows, and what is over waits for the reset.

import { describe, expect, it } from 'vitest';

import type { OutcomeClass } from '../../../src/lib/core/outcome-class.ts';
import type { LocatedTarget } from '../../../src/lib/core/purge-plan.ts';
import { spentInDay } from '../../../src/lib/core/quota-ledger.ts';
import { firstReset, nextReset, quotaDays } from '../../../src/lib/core/quota-days.ts';
import { flushPurges } from '../../../src/lib/use-cases/flush-purges.ts';
import { oneAtATime } from '../../../src/lib/use-cases/one-at-a-time.ts';
import type { Owner } from '../../../src/lib/use-cases/owner.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import { reserveQuota } from '../../../src/lib/use-cases/reserve-quota.ts';
import {
  aBlobAsk,
  aChange,
  aCoalesced,
  aConfiguration,
  aDirectoryDeletion,
  aFailure,
  anAcceptance,
  aPath,
  aQuota,
  aRefusal,
  aRule,
  aRuleHost,
  aTarget,
  ENDPOINT,
  HOST,
  LIMITS,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { storageOutFor } from '../../support/recording-journal.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';

const DAY_MS = 24 * 3_600_000;

const QUOTA = aQuota({ limits: { files: 5, directories: 2 }, manualReserve: { files: 1, directories: 1 } });

const quotaWorld = (): World => createWorld({ cdn: { quota: QUOTA } });

const url = (name: string): string => `http://${HOST}/media/${name}`;

const waiting = (world: World) => [...world.backlog.stored().entries.values()];

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
    expect(waiting(world)).toMatchObject(
      ['4', '5', '6'].map((name) => ({
        target: { url: `http://www.example.cn/media/${name}.txt` },
        reason: 'quota-exhausted',
        until: firstReset(world.clock.now(), QUOTA),
        failedAttempts: 0,
      })),
    );
    expect(world.buffer.stored()).toEqual([]);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);

    world.clock.advance(nextReset(world.clock.now(), QUOTA) - world.clock.now());
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(7);
    expect(waiting(world)).toEqual([]);
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

    await world.flush();

    expect(await spentToday(world)).toEqual({ files: 2, reservations: 0 });
    expect(waiting(world)).toMatchObject([{ reason: 'unknown' }, { reason: 'unknown' }]);
  });

  it('counts as spent what the CDN may have taken when a bug ended the sending', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(2));
    world.journal.failBy(({ call }) => (call === 'save-purge' ? new TypeError('a bug') : undefined));

    await expect(world.flush()).rejects.toThrow('a bug');

    expect(await spentToday(world)).toEqual({ files: 2, reservations: 0 });
  });

  it('sends nothing while the ledger cannot be written', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(2));
    world.journal.failBy(storageOutFor(['save-ledger']));

    await world.flush();

    expect(world.cdn.purges).toEqual([]);
    const heldFor = { reason: 'transient', until: world.clock.now() + 10_000, failedAttempts: 0 };
    expect(waiting(world)).toMatchObject([heldFor, heldFor]);
    expect(world.log.at('warn').map(({ details }) => details['subscription'])).toEqual([
      world.cdn.subscription,
    ]);

    world.journal.failBy(undefined);
    world.clock.advance(10_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(2);
    expect(waiting(world)).toEqual([]);
  });

  it('goes on for other subscriptions while one’s ledger cannot be reached', async () => {
    const hosts = [aRuleHost(), aRuleHost({ cdn: 'second', host: OTHER_HOST })];
    const world = createWorld({
      configuration: aConfiguration({ rules: [aRule({ hosts })] }),
      cdn: { quota: QUOTA },
      otherCdns: { second: { quota: QUOTA, subscription: 'subscription-2' } },
    });
    await world.buffered(...changes(2));
    world.journal.failBy(({ call, of }) =>
      call === 'load-ledger' && of === world.cdn.subscription ? new StorageTrouble('out') : undefined,
    );

    await world.flush();

    expect(world.cdn.purges).toEqual([]);
    expect(world.cdns.get('second')?.purgedUrls()).toHaveLength(2);
    expect(waiting(world).map((entry) => entry.type === 'target' && entry.target.host)).toEqual([HOST, HOST]);
  });

  it('keeps a reservation that it cannot settle: it counts as spent', async () => {
    const world = quotaWorld();
    world.cdn.answerBy(() => aRefusal({ outcomeClass: 'request-refused' }));
    await world.buffered(...changes(2));
    let saves = 0;
    world.journal.failBy(({ call }) => {
      saves += call === 'save-ledger' ? 1 : 0;
      return call === 'save-ledger' && saves > 1 ? new StorageTrouble('out') : undefined;
    });

    await world.flush();

    expect(await spentToday(world)).toEqual({ files: 2, reservations: 1 });
  });

  it('tells once how much waits', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(6));
    await world.flush();
    await world.buffered(...changes(2, 10));
    await world.flush();
    world.clock.advance(5 * 60_000);
    await world.flush();
    expect(world.log.at('warn')).toHaveLength(1);
    expect(world.telemetry.named('quota-spent')).toMatchObject([
      {
        subscription: world.cdn.subscription,
        by: 'ledger',
        unit: undefined,
        files: 2,
        directories: 0,
        until: firstReset(world.clock.now(), QUOTA),
      },
    ]);
  });

  it('tells again of the other kind of URL, and after the reset', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(10));
    await world.flush();
    await world.buffered(
      aDirectoryDeletion(aPath('d'), { eventId: 'd' }),
      aDirectoryDeletion(aPath('e'), { eventId: 'e' }),
    );
    await world.flush();
    world.clock.advance(nextReset(world.clock.now(), QUOTA) - world.clock.now());
    await world.flush();
    expect(
      world.telemetry.named('quota-spent').map(({ files, directories }) => [files, directories]),
    ).toEqual([
      [6, 0],
      [6, 1],
      [2, 0],
    ]);
  });
});

const isMedia = (container: string): boolean => container === 'media';

/** Two hosts on endpoints of one subscription; `media` on the first, all else on the second. */
const onTwoEndpoints = () => {
  const other = aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT });
  return aConfiguration({
    rules: [
      aRule({ matchesContainer: isMedia }),
      aRule({ matchesContainer: (container) => !isMedia(container), hosts: [other] }),
    ],
  });
};

const QUOTA_CLASSES: readonly OutcomeClass[] = ['endpoint-unusable', 'transient', 'request-refused'];

describe('an endpoint that takes nothing', () => {
  it.each(QUOTA_CLASSES)('leaves the quota to the others, in the same flush: %s', async (outcomeClass) => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: { quota: QUOTA } });
    world.cdn.answerBy(({ endpointId }) =>
      endpointId === ENDPOINT ? aFailure({ outcomeClass, sent: false }) : anAcceptance(),
    );
    await world.buffered(...changes(9));
    world.clock.advance(1);
    await world.buffered(aChange({ container: 'other', name: 'b', eventId: 'b' }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([`http://${OTHER_HOST}/other/b`]);
    expect(await spentToday(world)).toEqual({ files: 1, reservations: 0 });
  });

  it('is not reserved for while it rests, however much waits for it', async () => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: { quota: QUOTA } });
    world.cdn.answerBy(({ endpointId }) =>
      endpointId === ENDPOINT
        ? aFailure({ outcomeClass: 'transient', retryAfterMs: 3_600_000 })
        : anAcceptance(),
    );
    await world.buffered(...changes(9));
    await world.flush();
    const reserved: (readonly unknown[])[] = [];
    world.cdn.answerBy(async () => {
      const { ledger } = await world.ports.ledgers.load(world.cdn.subscription);
      reserved.push(ledger.reservations.flatMap(({ spent }) => spent));
      return anAcceptance();
    });
    await world.buffered(...changes(9, 10), aChange({ container: 'other', name: 'b', eventId: 'b' }));
    await world.flush();
    expect(reserved).toEqual([[{ site: 'www', lane: 'events', files: 1, directories: 0 }]]);

    world.journal.clear();
    await world.buffered(...changes(9, 20));
    await world.flush();
    expect(world.journal.count('load-ledger')).toBe(0);
  });
});

describe('a directory that waits for the quota', () => {
  const noDirectories = aQuota({
    limits: { files: 5, directories: 0 },
    manualReserve: { files: 0, directories: 0 },
  });

  it('does not keep the files below it: they go without it, in the same flush', async () => {
    const world = createWorld({ cdn: { quota: noDirectories } });
    await world.buffered(
      aDirectoryDeletion(aPath('d'), { eventId: 'd' }),
      aDirectoryDeletion(aPath('d/deep'), { eventId: 'deep' }),
      aChange({ name: 'd/deep/a', eventId: 'a' }),
      aChange({ name: 'd/b', eventId: 'b' }),
    );
    await world.flush();
    expect(world.cdn.purgedUrls().toSorted()).toEqual([url('d/b'), url('d/deep/a')]);
    expect(waiting(world)).toMatchObject(
      [url('d/'), url('d/deep/')].map((directory) => ({
        target: { url: directory },
        reason: 'quota-exhausted',
        changes: 1,
        failedAttempts: 0,
      })),
    );
    expect(world.buffer.stored()).toEqual([]);
  });

  it('does not make the files wait for the reset when the flush ends before their turn', async () => {
    const world = createWorld({ cdn: { quota: noDirectories } });
    await world.buffered(
      aDirectoryDeletion(aPath('d'), { eventId: 'd' }),
      aChange({ name: 'd/a', eventId: 'a' }),
    );
    let isHeld = true;
    world.journal.failBy(({ call }) => {
      if (call === 'load-ledger') isHeld = false;
      return undefined;
    });
    const lease = { acquire: async () => ({ isHeld: () => isHeld, release: async () => undefined }) };
    await flushPurges({ ...world.ports, lease }, world.services.flushLimits, world.run);
    expect(world.cdn.purgedUrls()).toEqual([]);
    expect(waiting(world)).toMatchObject([
      { target: { url: url('d/') }, reason: 'quota-exhausted' },
      { target: { url: url('d/a') }, reason: 'out-of-time', until: world.clock.now() },
    ]);
  });

  it('does not keep the files that change later', async () => {
    const world = createWorld({ cdn: { quota: noDirectories } });
    await world.buffered(aDirectoryDeletion(aPath('d'), { eventId: 'd' }));
    await world.flush();
    await world.buffered(aChange({ name: 'd/a', eventId: 'a' }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/a')]);
    expect(waiting(world)).toMatchObject([{ target: { url: url('d/') }, causes: [{ eventId: 'd' }] }]);
  });

  it('takes the files along that wait for the quota themselves, when its time has come', async () => {
    const quota = aQuota({
      limits: { files: 0, directories: 1 },
      manualReserve: { files: 0, directories: 0 },
    });
    const world = createWorld({ cdn: { quota } });
    await world.buffered(aDirectoryDeletion(aPath('first'), { eventId: 'first' }));
    await world.flush();
    await world.buffered(
      aDirectoryDeletion(aPath('d'), { eventId: 'd' }),
      aChange({ name: 'd/a', eventId: 'a' }),
    );
    await world.flush();
    expect(waiting(world)).toHaveLength(2);
    world.clock.advance(nextReset(world.clock.now(), quota) - world.clock.now());
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('first/'), url('d/')]);
    expect(waiting(world)).toEqual([]);
  });
});

/** Files `0` to `count - 1`, of changes. */
const located = (count: number): readonly LocatedTarget<Owner>[] => {
  const owner: Owner = { causes: [], changes: 1, bufferedAt: START_AT, failedAttempts: 0 };
  return Array.from({ length: count }, (_, index) => ({
    ...aCoalesced(aTarget(`/${index}`), owner),
    endpointId: ENDPOINT,
  }));
};

describe('a reservation', () => {
  it.each([
    ['all of what is little', 500, 10_000, Infinity, 500],
    ['five full requests of what is more', 501, 10_000, Infinity, 500],
    ['a tenth of what is much', 6_001, 10_000, Infinity, 601],
    ['a tenth of what the quota allows, not of what waits', 6_001, 5_500, Infinity, 550],
    ['no more than is left', 501, 7, Infinity, 7],
    ['no more than is asked for', 501, 10_000, 1, 1],
  ])('is for %s', async (_what, wanted, limit, most, expected) => {
    const { ports } = createWorld();
    const policy = aQuota({
      limits: { files: limit, directories: 0 },
      manualReserve: { files: 0, directories: 0 },
    });
    const targets = located(wanted);
    const { granted, others } = await reserveQuota('s', targets, policy, ports, most);
    expect([granted.length, others.length]).toEqual([expected, wanted - expected]);
    const { ledger } = await ports.ledgers.load('s');
    expect(ledger.reservations.flatMap(({ spent }) => spent.map(({ files }) => files))).toEqual([expected]);
    expect(granted).toEqual(targets.slice(0, expected));
  });

  it('follows reservation until all is sent that may go', async () => {
    const quota = aQuota({
      limits: { files: 510, directories: 0 },
      manualReserve: { files: 0, directories: 0 },
    });
    const world = createWorld({ cdn: { quota } });
    await world.buffered(...changes(520));
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(510);
    expect(await spentToday(world)).toEqual({ files: 510, reservations: 0 });
    expect(waiting(world)).toHaveLength(10);
  });
});

describe('a request', () => {
  it('spends only what it sent when storage trouble ends it between two purges', async () => {
    const world = createWorld({ cdn: { quota: QUOTA, limits: { ...LIMITS, urlsPerRequest: 1 } } });
    world.cdn.answerBy(() => {
      // So long that the request’s message has to be hidden anew.
      world.clock.advance(30_000);
      return anAcceptance();
    });
    world.journal.failBy(storageOutFor(['hide']));
    const ask = aBlobAsk({ blobs: ['a', 'b', 'c'] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    expect(world.cdn.purgedUrls()).toHaveLength(1);
    expect(await spentToday(world)).toEqual({ files: 1, reservations: 0 });
  });
});

describe('a flush that began before the reset and sends after it', () => {
  it('leaves what it sends to nobody else: the smallest margin is longer than it may send', async () => {
    const quota = aQuota({
      limits: { files: 10, directories: 1 },
      manualReserve: { files: 1, directories: 1 },
      resetMarginMs: 6 * 60_000,
    });
    const world = createWorld({ cdn: { quota, limits: { ...LIMITS, urlsPerRequest: 3 } } });
    const reset = world.clock.now() - (world.clock.now() % DAY_MS) + DAY_MS;
    world.clock.advance(reset - 1_000 - world.clock.now());
    const ownTurn = { ...world.ports, endpointTurns: oneAtATime() };
    const ask = aBlobAsk({ blobs: Array.from({ length: 10 }, (_, index) => `asked-${index}`) });
    world.cdn.answerBy(async (_purge, number) => {
      if (number > 1) return anAcceptance();
      world.clock.advance(2_000);
      await requestPurge({ ask, reason: undefined, idempotency: undefined }, ownTurn, world.run);
      return anAcceptance();
    });
    await world.buffered(...changes(9));
    await world.flush();
    expect(world.clock.now()).toBeGreaterThan(reset);
    expect(world.cdn.purgedUrls()).toHaveLength(10);
  });
});

describe('a second process on the same ledger', () => {
  it('adds to it, and neither spends what the other has', async () => {
    const world = quotaWorld();
    await world.buffered(...changes(3));
    const lease = { acquire: async () => ({ isHeld: () => true, release: async () => undefined }) };
    const flush = () => flushPurges({ ...world.ports, lease }, world.services.flushLimits, world.run);
    await Promise.all([flush(), flush()]);
    await world.buffered(...changes(3, 10));
    world.cdn.answerBy(() => anAcceptance());
    await world.flush();
    expect(await spentToday(world)).toEqual({ files: 4, reservations: 0 });
    expect(world.cdn.purgedUrls()).toHaveLength(4);
  });
});
