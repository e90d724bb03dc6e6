// A CDN that throttles: single URLs find out whether it is too much at once, or too much for today.

import { describe, expect, it } from 'vitest';

import { nextReset } from '../../../src/lib/core/quota-days.ts';
import { flushPurges } from '../../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../../src/lib/use-cases/holds.ts';
import type { PurgeBatch } from '../../../src/lib/use-cases/ports.ts';
import { createRecentPurges } from '../../../src/lib/use-cases/recent-purges.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import {
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  aFailure,
  aMessage,
  anAcceptance,
  aPath,
  aQuota,
  aRefusal,
  aRule,
  aRuleHost,
  aUrlAsk,
  ENDPOINT,
  HOST,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';
import type { Script } from '../../support/in-memory-provider.ts';
import { createWorld, type World, type WorldOptions } from '../../support/in-memory-world.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const FILES = 'files subscription-1';
const DIRECTORIES = 'directories subscription-1';

const url = (name: string, host = HOST): string => `http://${host}/media/${name}`;
const policy = aQuota();

const throttling: Script = () => aRefusal();
const accepting: Script = () => anAcceptance();
const throttlingFiles: Script = ({ files }) => (files.length > 0 ? aRefusal() : anAcceptance());

const waiting = (world: World) => [...world.backlog.stored().entries.values()];
const waits = (world: World) => waiting(world).map(({ until }) => until - world.clock.now());
const sizes = (purges: readonly PurgeBatch[]) =>
  purges.map(({ files, directories }) => [files.length, directories.length]);
const throttlings = (world: World) => world.backlog.stored().throttlings;

/** Files `0` to `files - 1` and directories `d0` to `d(directories - 1)`, throttled in one batch. */
async function createThrottledWorld(
  { files = 0, directories = 0 }: { readonly files?: number; readonly directories?: number },
  options: WorldOptions = {},
): Promise<World> {
  const world = createWorld({ ...options, cdn: { quota: policy, ...options.cdn } });
  world.cdn.answerBy(throttling);
  for (let index = 0; index < files; index += 1) {
    await world.buffered(aChange({ name: `${index}`, eventId: `file-${index}` }));
  }
  for (let index = 0; index < directories; index += 1) {
    await world.buffered(aDirectoryDeletion(aPath(`d${index}`), { eventId: `directory-${index}` }));
  }
  await world.flush();
  return world;
}

/** Flushes every ten seconds for so long. */
async function flushFor(world: World, ms: number, everyMs = 10 * SECOND_MS): Promise<void> {
  for (let passed = 0; passed < ms; passed += everyMs) {
    world.clock.advance(everyMs);
    await world.flush();
  }
}

/** Two files that were throttled alone until the quota of files counts as spent. */
async function createSpentWorld(parts: { readonly directories?: number } = {}): Promise<World> {
  const world = await createThrottledWorld({ files: 2, ...parts });
  world.cdn.answerBy(throttlingFiles);
  await flushFor(world, 22 * MINUTE_MS);
  expect(throttlings(world).get(FILES)?.spentUntil).toBeDefined();
  return world;
}

describe('after a throttled batch', () => {
  it('the whole subscription rests', async () => {
    const world = await createThrottledWorld({ files: 3, directories: 2 });
    expect(sizes(world.cdn.purges)).toEqual([[3, 2]]);
    expect(waits(world)).toEqual(Array.from({ length: 5 }, () => 10 * SECOND_MS));
    world.clock.advance(10 * SECOND_MS - 1);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('a single URL goes first; when it is accepted, the rest goes in the same flush', async () => {
    const world = await createThrottledWorld({ files: 5 });
    world.cdn.answerBy(accepting);
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    expect(sizes(world.cdn.purges)).toEqual([
      [5, 0],
      [1, 0],
      [4, 0],
    ]);
    expect(world.cdn.purges[1]?.files).toEqual([url('0')]);
    expect(waiting(world)).toEqual([]);
    expect(throttlings(world)).toEqual(new Map());
  });

  it('files and directories are found out about apart', async () => {
    const world = await createThrottledWorld({ files: 3, directories: 2 });
    world.cdn.answerBy(throttlingFiles);
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    expect(sizes(world.cdn.purges.slice(1))).toEqual([
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
    expect(waiting(world).map((entry) => entry.type === 'target' && entry.target.kind)).toEqual([
      'file',
      'file',
      'file',
    ]);
    // The one that was sent alone waits for itself too.
    expect(waits(world)).toEqual([20_000, 10_000, 10_000]);
    expect([...throttlings(world).keys()]).toEqual([FILES]);
  });

  it('only the one that was sent alone has an attempt more', async () => {
    const world = await createThrottledWorld({ files: 3 });
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    expect(waiting(world).map(({ failedAttempts }) => failedAttempts)).toEqual([2, 1, 1]);
  });

  it('what was throttled alone goes alone again after longer and longer waits', async () => {
    const world = await createThrottledWorld({ files: 3 });
    const startedAt = world.clock.now();
    const sentAt: number[] = [];
    world.cdn.answerBy(() => {
      sentAt.push((world.clock.now() - startedAt) / SECOND_MS);
      return aRefusal();
    });
    await flushFor(world, 330 * SECOND_MS);
    expect(sentAt).toEqual([10, 20, 40, 80, 160, 320]);
    expect(new Set(sizes(world.cdn.purges.slice(1)).map(String))).toEqual(new Set(['1,0']));
  });

  it('the oldest of its kind goes alone, and a newer one of the other kind does not wait for it', async () => {
    const world = await createThrottledWorld({ files: 2 });
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    world.cdn.answerBy(throttlingFiles);
    await world.buffered(aDirectoryDeletion(aPath('d')), aChange({ name: 'new' }));
    world.clock.advance(SECOND_MS);
    await world.flush();
    expect(world.cdn.purges.at(-1)).toMatchObject({ files: [], directories: [url('d/')] });
    expect(world.cdn.purges).toHaveLength(3);
    expect(waits(world)).toEqual([19_000, 9_000, 9_000]);
  });

  it('the one that goes alone goes to an endpoint that does not rest, though an older one is for one that does', async () => {
    const rules = [
      aRule({ strip: 'x/' }),
      aRule({ strip: 'y/', hosts: [aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] }),
    ];
    const world = createWorld({ configuration: aConfiguration({ rules }), cdn: { quota: policy } });
    world.cdn.answerBy(({ endpointId }) =>
      endpointId === ENDPOINT
        ? aFailure({ outcomeClass: 'transient', retryAfterMs: 10 * MINUTE_MS })
        : aRefusal(),
    );
    const oldest = aMessage(aChange({ name: 'x/oldest', eventId: 'oldest' }));
    await world.buffer.add(oldest, { visibleAfterMs: 10 * SECOND_MS });
    await world.buffered(aChange({ name: 'x/a', eventId: 'a' }));
    await world.flush();
    await world.buffered(aChange({ name: 'y/b', eventId: 'b' }), aChange({ name: 'y/c', eventId: 'c' }));
    await world.flush();

    world.cdn.answerBy(accepting);
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('b', OTHER_HOST), url('c', OTHER_HOST)]);
    expect(waits(world)).toEqual([590_000, 590_000]);
  });

  it('a restarted process sends single URLs first too: that stands with the backlog', async () => {
    const world = await createThrottledWorld({ files: 3 });
    world.clock.advance(10 * SECOND_MS);
    const ports = { ...world.ports, holds: createHolds(), recent: createRecentPurges() };
    await flushPurges(ports, world.services.flushLimits, world.run);
    expect(sizes(world.cdn.purges)).toEqual([
      [3, 0],
      [1, 0],
    ]);
  });

  it('a single URL goes when the rest of the subscription is over, however long that is', async () => {
    const world = createWorld({ cdn: { quota: policy } });
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 7 * MINUTE_MS }));
    await world.buffered(aChange({ name: 'a' }), aChange({ name: 'b' }));
    await world.flush();
    expect(throttlings(world).get(FILES)?.probeAt).toBe(world.clock.now() + 7 * MINUTE_MS);
  });

  it('files below a directory that has to wait go without it, the oldest of all files first', async () => {
    const quota = aQuota({
      limits: { files: 2, directories: 5 },
      manualReserve: { files: 0, directories: 0 },
    });
    const world = await createThrottledWorld({ directories: 2 }, { cdn: { quota } });
    world.cdn.answerBy(({ files }) => (files.length > 0 ? anAcceptance() : aRefusal()));
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    for (const change of [
      aChange({ name: 'd/deep/a', eventId: 'a' }),
      aChange({ name: 'd/b', eventId: 'b' }),
      aDirectoryDeletion(aPath('d'), { eventId: 'd' }),
      aChange({ name: 'c', eventId: 'c' }),
    ]) {
      await world.buffered(change);
      world.clock.advance(1);
    }
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/deep/a'), url('d/b')]);
    expect(waiting(world).slice(2)).toMatchObject([
      { target: { url: url('d/') }, reason: 'throttled' },
      { target: { url: url('c') }, reason: 'quota-exhausted' },
    ]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('what goes alone is all that is reserved', async () => {
    const world = await createThrottledWorld({ files: 5 });
    const reserved: number[] = [];
    world.cdn.answerBy(async () => {
      const { ledger } = await world.ports.ledgers.load(world.cdn.subscription);
      reserved.push(...ledger.reservations.flatMap(({ spent }) => spent.map(({ files }) => files)));
      return aRefusal();
    });
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    expect(reserved).toEqual([1]);
  });

  it('one URL goes for all CDNs of a subscription', async () => {
    const hosts = [aRuleHost(), aRuleHost({ host: OTHER_HOST, cdn: 'second', endpointId: OTHER_ENDPOINT })];
    const world = createWorld({
      configuration: aConfiguration({ rules: [aRule({ hosts })] }),
      cdn: { quota: policy },
      otherCdns: { second: { quota: policy } },
    });
    const cdns = [...world.cdns.values()];
    for (const cdn of cdns) cdn.answerBy(throttling);
    await world.buffered(aChange({ name: 'a' }), aChange({ name: 'b', eventId: 'b' }));
    await world.flush();
    const sent = () => cdns.reduce((sum, { purges }) => sum + purges.length, 0);
    const perFlush: number[] = [];
    for (let tick = 0; tick < 100; tick += 1) {
      const before = sent();
      await flushFor(world, 10 * SECOND_MS);
      perFlush.push(sent() - before);
    }
    expect(Math.max(...perFlush)).toBe(1);
    expect(throttlings(world).get(FILES)).toMatchObject({ times: 8, spentUntil: expect.any(Number) });
  });

  it('what the ledger leaves nothing for waits for the reset, not for the next URL that may go alone', async () => {
    const quota = aQuota({
      limits: { files: 3, directories: 1 },
      manualReserve: { files: 1, directories: 1 },
    });
    const world = await createThrottledWorld({ files: 2 }, { cdn: { quota } });
    world.cdn.answerBy(() => aFailure({ outcomeClass: 'unknown', retryAfterMs: MINUTE_MS }));
    await flushFor(world, 2 * MINUTE_MS);
    expect(world.cdn.purges).toHaveLength(3);
    world.journal.clear();
    await flushFor(world, 2 * MINUTE_MS);
    expect(waiting(world)).toMatchObject([{ reason: 'quota-exhausted' }, { reason: 'quota-exhausted' }]);
    expect(world.cdn.purges).toHaveLength(3);
    expect(world.journal.count('load-ledger')).toBeLessThanOrEqual(2);
  });

  it('a CDN without a daily quota is only left to rest: there is nothing to find out', async () => {
    const world = createWorld();
    world.cdn.answerBy(throttling);
    await world.buffered(aChange({ name: 'a' }), aChange({ name: 'b' }));
    await world.flush();
    world.clock.advance(10 * SECOND_MS);
    await world.flush();
    expect(sizes(world.cdn.purges)).toEqual([
      [2, 0],
      [2, 0],
    ]);
    expect(throttlings(world)).toEqual(new Map());
  });
});

describe('a first request with a single URL that is throttled', () => {
  it('stops the subscription, and counts as the first of those that find out', async () => {
    const world = await createThrottledWorld({ files: 1 });
    expect(throttlings(world)).toEqual(
      new Map([
        [
          FILES,
          {
            since: world.clock.now(),
            times: 1,
            probeAt: world.clock.now() + 10 * SECOND_MS,
            spentUntil: undefined,
          },
        ],
      ]),
    );
    await world.buffered(aDirectoryDeletion(aPath('d')));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
    expect(waits(world)).toEqual([10_000, 10_000]);
  });
});

describe('an answer that left before the throttling', () => {
  it.each([
    ['a single URL', 1],
    ['several URLs', 2],
  ])('does not end it: %s', async (_what, count) => {
    const hosts = [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })];
    const world = createWorld({
      configuration: aConfiguration({ rules: [aRule({ hosts })] }),
      cdn: { quota: policy },
    });
    world.cdn.answerBy(async ({ endpointId }) => {
      if (endpointId === ENDPOINT) return aRefusal();
      await new Promise((resolve) => setImmediate(resolve));
      return anAcceptance();
    });
    const names = Array.from({ length: count }, (_, index) => `${index}`);
    await world.buffered(...names.map((name) => aChange({ name, eventId: name })));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual(names.map((name) => url(name, OTHER_HOST)));
    expect([...throttlings(world).keys()]).toEqual([FILES]);
  });
});

describe('single URLs that are still throttled after fifteen minutes', () => {
  it('mean that the quota of their kind is spent until the reset, which is told once', async () => {
    const world = await createSpentWorld();
    const until = nextReset(world.clock.now(), policy);
    expect(world.telemetry.named('quota-spent')).toEqual([
      {
        name: 'quota-spent',
        subscription: 'subscription-1',
        by: 'cdn',
        unit: 'files',
        sites: 'www',
        files: 0,
        directories: 0,
        until,
      },
    ]);
    expect(world.log.at('error').map(({ details }) => details)).toEqual([
      { subscription: 'subscription-1', unit: 'files', until: new Date(until).toISOString() },
    ]);
    expect(waiting(world)).toMatchObject([
      { reason: 'quota-exhausted', until },
      { reason: 'quota-exhausted', until },
    ]);
    await flushFor(world, 2 * HOUR_MS, MINUTE_MS);
    expect(world.telemetry.named('quota-spent')).toHaveLength(1);
  });

  it('are not taken for that before; one goes when it is decided', async () => {
    const world = await createThrottledWorld({ files: 2 });
    const startedAt = world.clock.now();
    const sentAt: number[] = [];
    world.cdn.answerBy(() => {
      sentAt.push((world.clock.now() - startedAt) / SECOND_MS);
      return aRefusal();
    });
    await flushFor(world, 15 * MINUTE_MS);
    expect(world.telemetry.named('quota-spent')).toEqual([]);
    expect(throttlings(world).get(FILES)?.spentUntil).toBeUndefined();
    await flushFor(world, 20 * SECOND_MS);
    expect(sentAt).toEqual([10, 20, 40, 80, 160, 320, 640, 10 + 15 * 60]);
    expect(throttlings(world).get(FILES)?.spentUntil).toBeDefined();
  });

  it('do not mean that when nothing had to be sent between them', async () => {
    const world = await createThrottledWorld({ files: 1 });
    world.cdn.answerBy(throttlingFiles);
    // The file goes with the directory that somebody purges, so that no probe is needed.
    world.clock.advance(10 * SECOND_MS);
    const ask = aUrlAsk({ directories: [url('')] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    expect(waiting(world)).toEqual([]);
    world.clock.advance(8 * HOUR_MS);
    await world.buffered(aChange({ name: 'later', eventId: 'later' }));
    await world.flush();
    expect(throttlings(world).get(FILES)).toMatchObject({ times: 1, since: world.clock.now() });
    expect(world.telemetry.named('quota-spent')).toEqual([]);
  });

  it('go one every half hour, when the quota is looked at', async () => {
    const world = await createSpentWorld();
    const sentAt: number[] = [world.clock.now()];
    world.cdn.answerBy(() => {
      sentAt.push(world.clock.now());
      return aRefusal();
    });
    await flushFor(world, 3 * HOUR_MS, MINUTE_MS);
    const pauses = sentAt.slice(1).map((at, index) => (at - (sentAt[index] ?? 0)) / MINUTE_MS);
    expect(pauses.length).toBeGreaterThanOrEqual(5);
    for (const pause of pauses.slice(1)) {
      expect(pause).toBeGreaterThanOrEqual(30);
      expect(pause).toBeLessThanOrEqual(35);
    }
    expect(new Set(sizes(world.cdn.purges.slice(1)).map(String))).toEqual(new Set(['1,0']));
  });

  it('are all sent as soon as one of them is accepted', async () => {
    const world = await createSpentWorld();
    const before = world.cdn.purges.length;
    world.cdn.answerBy(accepting);
    await flushFor(world, 40 * MINUTE_MS, MINUTE_MS);
    expect(sizes(world.cdn.purges.slice(before))).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(waiting(world)).toEqual([]);
    expect(throttlings(world)).toEqual(new Map());
  });

  it('are sent together after the reset: it makes the quota whole again', async () => {
    const world = await createSpentWorld();
    const before = world.cdn.purges.length;
    const spentUntil = throttlings(world).get(FILES)?.spentUntil ?? 0;
    world.clock.advance(spentUntil - world.clock.now());
    world.cdn.answerBy(accepting);
    await world.flush();
    expect(sizes(world.cdn.purges.slice(before))).toEqual([[2, 0]]);
    expect(waiting(world)).toEqual([]);
    expect(throttlings(world)).toEqual(new Map());
  });

  it('say nothing of the other kind: directories go on', async () => {
    const world = await createSpentWorld();
    await world.buffered(
      aDirectoryDeletion(aPath('d'), { eventId: 'd' }),
      aDirectoryDeletion(aPath('e'), { eventId: 'e' }),
    );
    await world.flush();
    expect(world.cdn.purges.at(-1)?.directories).toEqual([url('d/'), url('e/')]);
    expect(throttlings(world).has(DIRECTORIES)).toBe(false);
  });

  it('keep a person’s request for files waiting too: nothing is left to spend', async () => {
    const world = await createSpentWorld();
    const before = world.cdn.purges.length;
    const ask = aUrlAsk({ files: [url('urgent')] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(before);
    expect(world.records.requests()).toMatchObject([
      { state: 'waiting', lastFailure: { detail: expect.stringContaining('quota-spent: ') } },
    ]);
    expect(waiting(world).at(-1)).toMatchObject({
      type: 'request',
      reason: 'quota-exhausted',
      until: world.clock.now() + 30 * MINUTE_MS,
      failedAttempts: 0,
    });
  });

  it('let a person’s request go first when one may be sent', async () => {
    const world = await createSpentWorld();
    const probeAt = throttlings(world).get(FILES)?.probeAt ?? 0;
    world.clock.advance(probeAt - 1 - world.clock.now());
    const ask = aUrlAsk({ files: [url('urgent')] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    world.cdn.answerBy(accepting);
    world.clock.advance(1);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('urgent'), url('0'), url('1')]);
    expect(waiting(world)).toEqual([]);
  });

  it('let a person’s request go at once when one may be sent, and the rest with the next flush', async () => {
    const world = await createSpentWorld();
    const probeAt = throttlings(world).get(FILES)?.probeAt ?? 0;
    world.clock.advance(probeAt - world.clock.now());
    world.cdn.answerBy(accepting);
    const ask = aUrlAsk({ files: [url('urgent')] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    expect(world.cdn.purgedUrls()).toEqual([url('urgent')]);
    world.clock.advance(5 * MINUTE_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('urgent'), url('0'), url('1')]);
  });
});
