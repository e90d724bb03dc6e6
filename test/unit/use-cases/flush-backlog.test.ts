// What waits between flushes: it stands in the backlog until its purge is on record, whatever happens meanwhile.

import { describe, expect, it } from 'vitest';

import { decodeMessage } from '../../../src/lib/buffer/message.schema.ts';
import { applyChanges, NO_CHANGES } from '../../../src/lib/core/backlog.ts';
import { nextReset } from '../../../src/lib/core/quota-days.ts';
import { EMPTY_LEDGER, reserve, settleReservation } from '../../../src/lib/core/quota-ledger.ts';
import { flushPurges, type FlushPorts } from '../../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../../src/lib/use-cases/holds.ts';
import { StorageTrouble, type HeldLease } from '../../../src/lib/use-cases/ports.ts';
import { createLooks } from '../../../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../../../src/lib/use-cases/recent-purges.ts';
import {
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  aFailure,
  aJoiningTarget,
  anAcceptance,
  anItemRefusal,
  aPath,
  aQuota,
  aRefusal,
  aRename,
  aRule,
  aRuleHost,
  aStay,
  CDN,
  ENDPOINT,
  HOST,
  LIMITS,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';
import type { Script } from '../../support/in-memory-provider.ts';
import { createWorld, VISIBILITY_MS, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const url = (name: string, host = HOST): string => `http://${host}/media/${name}`;

/** Changes of blobs `0` to `count - 1`. */
const changes = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) =>
    aChange({ name: `${from + index}`, eventId: `event-${from + index}` }),
  );

const onTwoEndpoints = () =>
  aConfiguration({
    rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] })],
  });

const onEndpoint = (endpointId: string) =>
  aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ endpointId })] })] });

const twoPerPurge = { limits: { ...LIMITS, urlsPerRequest: 2 } };

const waiting = (world: World) => [...world.backlog.stored().entries.values()];
const waitingUrls = (world: World) =>
  waiting(world).map((entry) => (entry.type === 'target' ? entry.target.url : entry.requestId));

const failing: Script = () => aFailure({ outcomeClass: 'transient' });
const accepting: Script = () => anAcceptance();

const flushBy = (ports: FlushPorts, world: World) =>
  flushPurges(ports, world.services.flushLimits, world.run);

/** The ports of a process that knows nothing but what is stored. */
const restarted = ({ ports }: World): FlushPorts => ({
  ...ports,
  holds: createHolds(),
  recent: createRecentPurges(),
  looks: createLooks(),
});

/** Changes that the CDN did not take, and that are due now. */
async function createWaitingWorld(names: readonly string[], options = {}): Promise<World> {
  const world = createWorld(options);
  world.cdn.answerBy(failing);
  await world.buffered(...names.map((name) => aChange({ name, eventId: `event-${name}` })));
  await world.flush();
  world.cdn.answerBy(accepting);
  world.clock.advance(10_000);
  world.journal.clear();
  return world;
}

/** As another flush would, at the same time. */
async function joinMeanwhile(world: World, path: string, eventId: string): Promise<void> {
  const { backlog, version } = await world.backlog.load();
  const joining = [aJoiningTarget(path, { eventId, ...aStay({ until: world.clock.now() }) })];
  await world.backlog.save(applyChanges(backlog, { ...NO_CHANGES, joining }, world.clock.now()), version);
}

describe('the lease', () => {
  it('of another flush keeps this one from doing anything', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    await world.ports.lease.acquire();
    world.journal.clear();
    await world.flush();
    expect(world.journal.lines()).toEqual(['acquire-lease']);
    expect(world.log.lines).toEqual([]);
  });

  it('is released when the flush is over', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    await world.flush();
    expect(await world.ports.lease.acquire()).toBeDefined();
  });

  it('that is lost in mid-flush begins nothing more: what is left waits, due at once', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    let isHeld = true;
    world.cdn.answerBy(() => {
      isHeld = false;
      return anAcceptance();
    });
    await world.buffered(...changes(6));
    const held: HeldLease = { isHeld: () => isHeld, release: async () => undefined };
    await flushBy({ ...world.ports, lease: { acquire: async () => held } }, world);
    expect(world.cdn.purgedUrls()).toEqual([url('0'), url('1')]);
    expect(waitingUrls(world)).toEqual(['2', '3', '4', '5'].map((name) => url(name)));
    expect(waiting(world)).toMatchObject(
      Array.from({ length: 4 }, () => ({
        reason: 'out-of-time',
        until: world.clock.now(),
        failedAttempts: 0,
      })),
    );
    expect(world.buffer.stored()).toEqual([]);
  });

  it('that cannot be reached keeps nothing from being purged: two flushes at once do no harm', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    world.journal.failBy(storageOutFor(['acquire-lease']));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
    expect(world.log.at('warn').map(({ details }) => details)).toEqual([
      { error: 'no storage for acquire-lease' },
    ]);
  });
});

describe('what waits', () => {
  it('is purged when its time has come, oldest first, together with what is new', async () => {
    const world = await createWaitingWorld(['old']);
    await world.buffered(aChange({ name: 'new' }));
    await world.flush();
    expect(world.cdn.purges.at(-1)?.files).toEqual([url('old'), url('new')]);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('leaves only after its purge is on record', async () => {
    const world = await createWaitingWorld(['a']);
    await world.flush();
    const order = world.journal.lines('submit', 'save-purge', 'save-backlog');
    expect(order.map((line) => line.split(' ')[0])).toEqual(['submit', 'save-purge', 'save-backlog']);
    expect(world.records.purges()).toMatchObject([
      { causes: [{ eventId: 'event-a' }], waited: [expect.any(Number)] },
    ]);
  });

  it('does not keep the messages of what is purged: they go as soon as that is on record', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    world.cdn.answerBy((_purge, number) => (number === 1 ? anAcceptance() : aFailure()));
    await world.buffered(...changes(4));
    world.journal.clear();
    await world.flush();
    const order = world.journal.lines('save-purge', 'complete', 'save-backlog');
    expect(order.map((line) => line.split(' ')[0])).toEqual([
      'save-purge',
      'complete',
      'complete',
      'save-backlog',
      'complete',
      'complete',
    ]);
  });

  it('is one entry, however often it changes meanwhile', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    for (let round = 0; round < 5; round += 1) {
      await world.buffered(
        ...Array.from({ length: 20 }, (_, index) => aChange({ eventId: `e-${round}-${index}` })),
      );
      await world.flush();
    }
    expect(waiting(world)).toMatchObject([{ target: { url: url('a.txt') }, changes: 100 }]);
    expect(world.cdn.purges).toHaveLength(1);

    world.cdn.answerBy(accepting);
    world.clock.advance(3_600_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
    expect(world.telemetry.named('purge-accepted')).toMatchObject([
      { changes: 100, attempt: 2, queueAgeMs: 3_600_000 },
    ]);
    expect(waiting(world)).toEqual([]);
  });

  it('leaves when a directory above it was purged, though it was not due', async () => {
    const world = createWorld();
    world.cdn.answerBy(failing);
    await world.buffered(aChange({ name: 'd/a' }), aChange({ name: 'd/b' }), aChange({ name: 'c' }));
    await world.flush();
    expect(waiting(world)).toHaveLength(3);
    world.clock.advance(9_999);
    world.cdn.answerBy(accepting);
    const noHolds = { ...world.ports, holds: { ...world.ports.holds, find: () => undefined } };
    await world.buffered(aDirectoryDeletion(aPath('d')));
    await flushBy(noHolds, world);
    expect(world.cdn.purges.at(-1)).toMatchObject({ files: [], directories: [url('d/')] });
    expect(waitingUrls(world)).toEqual([url('c')]);
  });

  it('is named by the record of the directory’s purge that took it along, though it was not due', async () => {
    const world = createWorld({ cdn: { quota: aQuota({ limits: { files: 0, directories: 500 } }) } });
    await world.buffered(aChange({ name: 'd/a', eventId: 'a' }));
    await world.flush();
    const [entry] = waiting(world);
    await world.buffered(aDirectoryDeletion(aPath('d'), { eventId: 'd' }));
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    expect(world.records.purges()).toMatchObject([
      { causes: [{ eventId: 'd' }, { eventId: 'a' }], waited: [entry?.revision] },
    ]);

    // A process that died before the backlog was written is no reason to purge it again.
    world.journal.failBy(undefined);
    await flushBy(restarted(world), world);
    expect(world.cdn.purgedUrls()).toEqual([url('d/')]);
    expect(waiting(world)).toEqual([]);
  });

  it('has one message for each path that makes it, however often it is published by a rename', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    for (const number of [1, 2, 3]) {
      const parts = { eventId: `event-${number}` };
      await world.buffered(aRename(aPath(`temporary-${number}`), aPath('page'), parts));
    }
    await world.flush();
    const page = waiting(world).find((entry) => entry.type === 'target' && entry.target.url === url('page'));
    expect(page).toMatchObject({ changes: 3, messages: [{ path: 'media/page' }] });
    const messages = page?.type === 'target' ? page.messages : [];
    expect(messages.map(({ text }) => decodeMessage(text))).toMatchObject([
      { value: { change: { eventId: 'event-3' } } },
    ]);
  });

  it('leaves without a purge, with a warning, when the configuration no longer serves its host', async () => {
    const world = await createWaitingWorld(['a']);
    world.configure(aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })] }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([]);
    expect(waiting(world)).toEqual([]);
    expect(world.log.at('warn').at(-1)?.details).toEqual({ target: `${CDN} file ${url('a')}` });
  });

  it('is purged at the endpoint that the configuration names by now', async () => {
    const world = await createWaitingWorld(['a']);
    world.configure(
      aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ endpointId: OTHER_ENDPOINT })] })] }),
    );
    await world.flush();
    expect(world.cdn.purges.at(-1)).toMatchObject({ endpointId: OTHER_ENDPOINT, files: [url('a')] });
    expect(waiting(world)).toEqual([]);
  });

  it('goes to poison when the CDN refuses it: the newest message of each changed path', async () => {
    const world = createWorld();
    world.cdn.answerBy(failing);
    await world.buffered(aChange({ name: 'a', eventId: 'old' }), aChange({ name: 'a', eventId: 'new' }));
    await world.flush();
    world.clock.advance(10_000);
    world.cdn.answerBy(() => anItemRefusal({ message: 'not this' }));
    await world.flush();
    expect(world.buffer.poisoned).toMatchObject([
      { url: url('a'), lastError: 'ParameterInvalid: not this', failedAttempts: 1 },
    ]);
    const [poisoned] = world.buffer.poisoned;
    expect(decodeMessage(poisoned?.text ?? '')).toMatchObject({ value: { change: { eventId: 'new' } } });
    expect(waiting(world)).toEqual([]);
  });

  it('stays when it could not be put into poison', async () => {
    const world = await createWaitingWorld(['a']);
    world.cdn.answerBy(() => anItemRefusal());
    world.journal.failBy(storageOutFor(['poison']));
    await world.flush();
    expect(waitingUrls(world)).toEqual([url('a')]);

    world.journal.failBy(undefined);
    await world.flush();
    expect(world.buffer.poisoned).toHaveLength(1);
    expect(waiting(world)).toEqual([]);
  });

  it('is not taken along by a refused directory: it is due at once, on its own', async () => {
    const world = createWorld();
    world.cdn.answerBy(({ directories }) => (directories.length > 0 ? anItemRefusal() : anAcceptance()));
    await world.buffered(aChange({ name: 'd/a' }), aDirectoryDeletion(aPath('d'), { eventId: 'event-d' }));
    await world.flush();
    expect(world.buffer.poisoned).toMatchObject([{ url: url('d/') }]);
    expect(waiting(world)).toMatchObject([
      {
        target: { url: url('d/a') },
        reason: 'item-refused',
        until: world.clock.now(),
        failedAttempts: 0,
      },
    ]);
    expect(world.buffer.stored()).toEqual([]);

    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/a')]);
    expect(waiting(world)).toEqual([]);
  });
});

describe('a hold of which somebody was told', () => {
  /** An endpoint that is unusable for hours: its change waits for half an hour each time. */
  async function createUnusableWorld(): Promise<World> {
    const world = createWorld({ configuration: onEndpoint(ENDPOINT) });
    world.cdn.answerBy(() => aFailure({ outcomeClass: 'endpoint-unusable', sent: false }));
    await world.buffered(aChange({ name: 'a' }));
    for (let turn = 0; turn < 9; turn += 1) {
      await world.flush();
      world.clock.advance((waiting(world)[0]?.until ?? 0) - world.clock.now());
    }
    await world.flush();
    expect(waiting(world)[0]?.until).toBe(world.clock.now() + 1_800_000);
    world.cdn.answerBy(accepting);
    return world;
  }

  it.each([
    ['that names another endpoint', onEndpoint(OTHER_ENDPOINT)],
    ['that is the same but for its text', onEndpoint(ENDPOINT)],
  ])('ends with a new configuration %s: it may be mended', async (_what, configuration) => {
    const world = await createUnusableWorld();
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([]);
    world.configure(configuration);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(waiting(world)).toEqual([]);
  });

  it('ends when the process is started anew: a setting may be mended', async () => {
    const world = await createUnusableWorld();
    await flushBy(restarted(world), world);
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(waiting(world)).toEqual([]);
  });

  it('is as long as ever when nothing was mended', async () => {
    const world = await createUnusableWorld();
    world.cdn.answerBy(() => aFailure({ outcomeClass: 'endpoint-unusable', sent: false }));
    await flushBy(restarted(world), world);
    expect(waiting(world)[0]?.until).toBe(world.clock.now() + 1_800_000);
  });
});

describe('a hold that ends by itself', () => {
  it('does not end sooner when the process is started anew, or has a new configuration', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    world.cdn.answerBy(accepting);
    await flushBy(restarted(world), world);
    world.configure(aConfiguration());
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([]);
    expect(waiting(world)).toHaveLength(1);
  });
});

describe('a newer change', () => {
  it('that joins what waits while its purge is under way keeps it waiting', async () => {
    const world = await createWaitingWorld(['a', 'b']);
    world.cdn.answerBy(async () => {
      await joinMeanwhile(world, '/media/a', 'newer');
      return anAcceptance();
    });
    await world.flush();
    expect(waiting(world)).toMatchObject([
      { target: { url: url('a') }, causes: [{ eventId: 'event-a' }, { eventId: 'newer' }] },
    ]);

    world.cdn.answerBy(accepting);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('b'), url('a')]);
    expect(waiting(world)).toEqual([]);
  });

  it('that joins something else while this flush saves is not lost', async () => {
    const world = createWorld();
    world.cdn.answerBy(async () => {
      await joinMeanwhile(world, '/media/other', 'newer');
      return aFailure({ outcomeClass: 'transient' });
    });
    await world.buffered(aChange({ name: 'mine' }));
    await world.flush();
    expect(waitingUrls(world)).toEqual([url('other'), url('mine')]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.log.at('warn').map(({ message }) => message)).not.toContain(
      expect.stringContaining('backlog'),
    );
  });
});

describe('a backlog that cannot be read', () => {
  it('waits: what is new is purged, and what cannot go stays in the buffer as it is', async () => {
    const world = await createWaitingWorld(['a']);
    const before = waiting(world);
    world.configure(onTwoEndpoints());
    await world.buffered(aChange({ name: 'good', eventId: 'e-good' }), aChange({ name: 'bad' }));
    const texts = world.buffer.stored().map(({ text }) => text);
    world.journal.failBy(storageOutFor(['load-backlog']));
    world.cdn.answerBy(({ endpointId }) => (endpointId === ENDPOINT ? anAcceptance() : aFailure()));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('good'), url('bad')]);
    expect(world.buffer.stored().map(({ text }) => text)).toEqual(texts);
    expect(world.journal.count('save-backlog')).toBe(0);
    expect(world.log.at('warn')[1]?.details).toEqual({ error: 'no storage for load-backlog' });

    world.journal.failBy(undefined);
    world.cdn.answerBy(accepting);
    expect(waiting(world)).toEqual(before);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([
      url('good'),
      url('bad'),
      url('a'),
      url('good', OTHER_HOST),
      url('bad', OTHER_HOST),
    ]);
    expect(world.buffer.stored()).toEqual([]);
    expect(waiting(world)).toEqual([]);
  });

  it('does not forget the holds: the next backlog that is saved has them', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    await world.buffered(aChange());
    world.journal.failBy(storageOutFor(['load-backlog'], 1));
    await world.flush();
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect([...world.backlog.stored().holds.keys()]).toEqual(['subscription subscription-1']);
    expect(world.cdn.purges).toHaveLength(1);
  });
});

describe('a backlog that cannot be written', () => {
  it('keeps the messages of what has to wait in the buffer; those of what was purged go', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    world.cdn.answerBy((_purge, number) =>
      number === 1 ? anAcceptance() : aFailure({ outcomeClass: 'transient' }),
    );
    await world.buffered(...changes(4));
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    expect(world.buffer.messages()).toMatchObject([
      { change: { eventId: 'event-2' }, failedAttempts: 0 },
      { change: { eventId: 'event-3' }, failedAttempts: 0 },
    ]);
    expect(world.log.at('warn').at(-1)?.details).toEqual({ error: 'no storage for save-backlog' });

    world.journal.failBy(undefined);
    world.cdn.answerBy(accepting);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual(['0', '1', '2', '3'].map((name) => url(name)));
    expect(world.buffer.stored()).toEqual([]);
  });

  it('still has what was purged: it leaves by the next flush, and is not purged again', async () => {
    const world = await createWaitingWorld(['a']);
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    expect(waitingUrls(world)).toEqual([url('a')]);

    world.journal.failBy(undefined);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(waiting(world)).toEqual([]);
  });

  it('still has what was purged: a restarted process does not purge it again either', async () => {
    const world = await createWaitingWorld(['a', 'b']);
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    world.journal.failBy(undefined);
    await flushBy(restarted(world), world);
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('b')]);
    expect(waiting(world)).toEqual([]);
  });

  it('does not make a throttling come back that has ended', async () => {
    const world = createWorld({ cdn: { quota: aQuota() } });
    world.cdn.answerBy(() => aRefusal());
    await world.buffered(...changes(3));
    await world.flush();
    world.cdn.answerBy(accepting);
    world.clock.advance(10_000);
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    world.journal.failBy(undefined);
    await world.buffered(...changes(3, 10));
    await world.flush();
    expect(world.cdn.purges.slice(1).map(({ files }) => files.length)).toEqual([1, 2, 3]);
    expect(world.backlog.stored().throttlings).toEqual(new Map());
  });

  it('has the holds on record at the next try', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    await world.buffered(aChange({ name: 'a' }));
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    world.journal.failBy(undefined);
    await world.buffered(aChange({ name: 'b' }));
    await world.flush();
    expect([...world.backlog.stored().holds.keys()]).toEqual(['subscription subscription-1']);
  });
});

describe('a message that is received again', () => {
  it('is completed and not sent when a purge of late names its event', async () => {
    const world = createWorld();
    await world.buffered(...changes(2));
    world.journal.failBy(storageOutFor(['complete']));
    await world.flush();
    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is completed and not sent by another process either: the records tell', async () => {
    const world = createWorld();
    await world.buffered(...changes(2));
    world.journal.failBy(storageOutFor(['complete']));
    await world.flush();
    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.buffered(aChange({ name: 'new', eventId: 'event-new' }));
    await flushBy(restarted(world), world);
    expect(world.cdn.purgedUrls()).toEqual([url('0'), url('1'), url('new')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is completed and not sent when another process has purged it since this one looked', async () => {
    const world = createWorld();
    await world.buffered(aChange({ name: 'first', eventId: 'first' }));
    await world.flush();
    await world.buffered(aChange({ name: 'a', eventId: 'a' }));
    world.journal.failBy(storageOutFor(['complete']));
    await flushBy(restarted(world), world);
    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('first'), url('a')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is sent only where no purge of late has served it', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(({ endpointId }) => (endpointId === ENDPOINT ? anAcceptance() : aFailure()));
    await world.buffered(aChange({ name: 'a' }));
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    world.journal.failBy(undefined);
    world.cdn.answerBy(accepting);
    world.clock.advance(VISIBILITY_MS);
    await flushBy(restarted(world), world);
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('a', OTHER_HOST)]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is sent when the records of late cannot be reached: purging twice does no harm', async () => {
    const world = createWorld();
    await world.buffered(aChange({ name: 'a' }));
    world.journal.failBy(storageOutFor(['complete']));
    await world.flush();
    world.clock.advance(VISIBILITY_MS);
    world.journal.failBy(storageOutFor(['find-recent']));
    await flushBy(restarted(world), world);
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('a')]);
    expect(world.buffer.stored()).toEqual([]);
  });
});

describe('the records of late', () => {
  it('are looked at by the first flush of a process that has something to do, and then no more', async () => {
    const world = createWorld();
    await world.flush();
    expect(world.journal.count('find-recent')).toBe(0);
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    expect(world.journal.count('find-recent')).toBe(1);
    await world.buffered(aChange({ name: 'b' }));
    await world.flush();
    expect(world.journal.count('find-recent')).toBe(1);
  });
});

describe('what waits for the quota', () => {
  const policy = aQuota({
    limits: { files: 2, directories: 0 },
    manualReserve: { files: 0, directories: 0 },
  });

  it('goes day by day, oldest first, and all of it in the end', async () => {
    const world = createWorld({ cdn: { quota: policy } });
    for (const change of changes(7)) {
      await world.buffered(change);
      world.clock.advance(1_000);
    }
    const days: (readonly string[])[] = [];
    for (let day = 0; day < 4; day += 1) {
      const before = world.cdn.purgedUrls().length;
      await world.flush();
      days.push(world.cdn.purgedUrls().slice(before));
      world.clock.advance(nextReset(world.clock.now(), policy) - world.clock.now());
    }
    expect(days).toEqual([[url('0'), url('1')], [url('2'), url('3')], [url('4'), url('5')], [url('6')]]);
    expect(waiting(world)).toEqual([]);
  });

  it('goes before the reset when units come back that were reserved and not spent', async () => {
    const world = createWorld({ cdn: { quota: policy } });
    const { subscription } = world.cdn;
    const spent = [{ site: 'www', lane: 'events', files: 1, directories: 0 }] as const;
    const reserved = reserve(EMPTY_LEDGER, { id: 'other', spent }, policy, world.clock.now());
    await world.ports.ledgers.save(subscription, reserved, undefined);
    await world.buffered(...changes(2));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('0')]);

    const { ledger, etag } = await world.ports.ledgers.load(subscription);
    const released = settleReservation(ledger, 'other', [], policy, world.clock.now());
    await world.ports.ledgers.save(subscription, released, etag);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('0')]);
    world.clock.advance(5 * 60_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('0'), url('1')]);
  });

  it('goes before what is new, which is younger', async () => {
    const world = createWorld({ cdn: { quota: policy } });
    await world.buffered(...changes(3));
    await world.flush();
    world.clock.advance(nextReset(world.clock.now(), policy) - world.clock.now());
    await world.buffered(...changes(2, 10));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('0'), url('1'), url('2'), url('10')]);
    expect(waitingUrls(world)).toEqual([url('11')]);
  });

  it('goes by the first flush after the configuration gives more', async () => {
    const world = createWorld({ cdn: { quota: policy } });
    await world.buffered(...changes(3));
    await world.flush();
    world.journal.clear();
    await world.flush();
    expect(world.journal.count('load-ledger')).toBe(0);
    world.configure(aConfiguration());
    await world.flush();
    expect(world.journal.count('load-ledger')).toBe(1);
  });

  it('is not written anew at each look in vain', async () => {
    const world = createWorld({ cdn: { quota: policy } });
    await world.buffered(...changes(3));
    await world.flush();
    world.journal.clear();
    world.clock.advance(5 * 60_000);
    await world.flush();
    expect(world.journal.count('load-ledger')).toBe(1);
    expect(world.journal.count('save-ledger') + world.journal.count('save-backlog')).toBe(0);
    expect(waiting(world)).toHaveLength(1);
  });
});

describe('trouble with the backlog of one flush', () => {
  it('that begins between two tries of a save leaves the messages where they are', async () => {
    const world = createWorld();
    world.cdn.answerBy(async () => {
      await joinMeanwhile(world, '/media/other', 'newer');
      world.journal.failBy(({ call }) => (call === 'load-backlog' ? new StorageTrouble('out') : undefined));
      return aFailure({ outcomeClass: 'transient' });
    });
    await world.buffered(aChange({ name: 'mine' }));
    await world.flush();
    expect(world.buffer.stored()).toHaveLength(1);
    expect(waitingUrls(world)).toEqual([url('other')]);
  });
});
