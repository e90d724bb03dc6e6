// A CDN that takes few purges at once: what is over waits, merges, and goes in one purge when another has ended.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { err, ok } from '../../../src/lib/core/result.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import { trackPurges } from '../../../src/lib/use-cases/track-purges.ts';
import {
  aCdn,
  aChange,
  aConfiguration,
  anAcceptance,
  anItemRefusal,
  aPurge,
  aQuota,
  aRefusal,
  aRule,
  aRuleHost,
  aUrlAsk,
  CAPABILITIES,
  ENDPOINT,
  HOST,
  LIMITS,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';
import type { TaskScript } from '../../support/in-memory-provider.ts';
import { createWorld, type World, type WorldOptions } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const [POLL_MS = 0, SECOND_POLL_MS = 0] = CAPABILITIES.pollPausesMs;
const AFTER_POLL_MS = 10_000;
const TWO_HOURS_MS = 2 * 3_600_000;

const url = (name: string, host = HOST): string => `http://${host}/media/${name}`;
const running: TaskScript = (urls) => ok(urls.map((one) => ({ url: one, status: 'running' })));

const limited = (purgesInFlight: number, cdn: WorldOptions['cdn'] = {}) => ({
  ...cdn,
  capabilities: { purgesInFlight },
});

const worldOf = (purgesInFlight = 1, options: WorldOptions = {}): World =>
  createWorld({ ...options, cdn: limited(purgesInFlight, options.cdn) });

const onTwoEndpoints = (cdn = aRuleHost().cdn) =>
  aConfiguration({
    cdns: [aCdn(), aCdn({ name: cdn })],
    rules: [
      aRule({ hosts: [aRuleHost(), aRuleHost({ cdn, host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] }),
    ],
  });

let events = 0;

const change = (world: World, ...names: readonly string[]) =>
  world.buffered(...names.map((name) => aChange({ name, eventId: `event-${(events += 1)}` })));

async function changed(world: World, ...names: readonly string[]): Promise<void> {
  await change(world, ...names);
  await world.flush();
}

const track = (world: World): Promise<void> => trackPurges(world.ports, world.run);

/** The tracker asks when it is due, and the flush looks when what waits is due. */
async function pollAndFlush(world: World, pollMs = POLL_MS): Promise<void> {
  world.clock.advance(pollMs);
  await track(world);
  world.clock.advance(AFTER_POLL_MS);
  await world.flush();
}

const waiting = (world: World) => [...world.backlog.stored().entries.values()];
const purges = (world: World) =>
  world.cdn.purges.map(({ files }) => files.map((file) => file.replace(/^.*\//u, '')));

describe('a CDN that takes one purge at a time', () => {
  it('gets the first batch; the rest waits for the next question about it, and no attempt has failed', async () => {
    const world = worldOf(1, { cdn: { limits: { ...LIMITS, urlsPerRequest: 2 } } });
    await changed(world, '0', '1', '2', '3', '4');
    expect(purges(world)).toEqual([['0', '1']]);
    expect(waiting(world)).toMatchObject(
      ['2', '3', '4'].map((name) => ({
        target: { url: url(name) },
        reason: 'in-flight',
        until: world.clock.now() + POLL_MS + AFTER_POLL_MS,
        failedAttempts: 0,
      })),
    );
    expect(world.buffer.stored()).toEqual([]);
    expect(world.log.lines.map(({ level }) => level)).toEqual(['info']);
    expect(world.telemetry.events.map(({ name }) => name)).toEqual(['purge-accepted']);
  });

  it('gets in one purge what came while the other was under way, each target once', async () => {
    const world = worldOf();
    world.cdn.followBy(running);
    await changed(world, 'a');
    await changed(world, 'b', 'a');
    world.clock.advance(5_000);
    await changed(world, 'c', 'b');
    await pollAndFlush(world, POLL_MS - 5_000);
    expect(purges(world)).toEqual([['a']]);
    expect(waiting(world)).toMatchObject(
      ['b', 'a', 'c'].map((name) => ({ target: { url: url(name) }, reason: 'in-flight' })),
    );

    world.cdn.followBy((urls) => ok(urls.map((one) => ({ url: one, status: 'succeeded' }))));
    await pollAndFlush(world, SECOND_POLL_MS);
    expect(purges(world)).toEqual([['a'], ['b', 'a', 'c']]);
    expect(waiting(world)).toEqual([]);
  });

  it('gets what waits together with what is new, once the other has ended', async () => {
    const world = worldOf();
    await changed(world, 'a');
    await changed(world, 'b');
    world.clock.advance(POLL_MS);
    await track(world);
    // Not due yet.
    await changed(world, 'c');
    expect(purges(world)).toEqual([['a'], ['b', 'c']]);
  });

  it('gets nothing from another endpoint meanwhile', async () => {
    const world = worldOf(1, { configuration: onTwoEndpoints() });
    await changed(world, 'a');
    expect(world.cdn.purges.map(({ endpointId }) => endpointId)).toEqual([ENDPOINT]);
    await pollAndFlush(world);
    expect(world.cdn.purges.map(({ endpointId }) => endpointId)).toEqual([ENDPOINT, OTHER_ENDPOINT]);
    expect(waiting(world)).toEqual([]);
  });

  it('gets nothing by another CDN of its subscription meanwhile', async () => {
    const world = worldOf(1, {
      configuration: onTwoEndpoints('second'),
      otherCdns: { second: limited(1) },
    });
    await changed(world, 'a');
    expect(world.records.openIds()).toHaveLength(1);
    await pollAndFlush(world);
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.cdns.get('second')?.purges).toHaveLength(1);
  });

  it('is nothing to a CDN of another subscription', async () => {
    const world = worldOf(1, {
      configuration: onTwoEndpoints('second'),
      otherCdns: { second: limited(1, { subscription: 'subscription-2' }) },
    });
    await changed(world, 'a');
    expect(world.records.openIds()).toHaveLength(2);
  });

  it('gets one of the purges of a flush and a person who send at the same moment', async () => {
    const world = worldOf();
    await change(world, 'a');
    await Promise.all([
      world.flush(),
      ...['b', 'c'].map((name) =>
        requestPurge(
          { ask: aUrlAsk({ files: [url(name)] }), reason: undefined, idempotency: undefined },
          world.ports,
          world.run,
        ),
      ),
    ]);
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.records.openIds()).toHaveLength(1);
  });

  it('lets a person wait who is told why, and whose request then goes by itself', async () => {
    const world = worldOf();
    await changed(world, 'a');
    const asked = await requestPurge(
      { ask: aUrlAsk({ files: [url('b')] }), reason: undefined, idempotency: undefined },
      world.ports,
      world.run,
    );
    expect(asked).toMatchObject({
      record: { state: 'waiting', lastFailure: { detail: expect.stringContaining('purge-in-flight') } },
    });
    await world.flush();
    expect(waiting(world)).toMatchObject([{ type: 'request', reason: 'in-flight', failedAttempts: 0 }]);
    await pollAndFlush(world);
    expect(purges(world)).toEqual([['a'], ['b']]);
    expect(world.records.requests()).toMatchObject([{ state: 'accepted' }]);
  });

  it('gets what a person asks for before all that waits', async () => {
    const world = worldOf(1, { cdn: { limits: { ...LIMITS, urlsPerRequest: 2 } } });
    await changed(world, '0', '1', '2', '3', '4');
    world.clock.advance(1_000);
    await requestPurge(
      { ask: aUrlAsk({ files: [url('urgent')] }), reason: undefined, idempotency: undefined },
      world.ports,
      world.run,
    );
    await world.flush();
    await pollAndFlush(world);
    await pollAndFlush(world);
    expect(purges(world)).toEqual([
      ['0', '1'],
      ['urgent', '2'],
      ['3', '4'],
    ]);
  });

  it('is kept waiting for two hours at most by a purge whose end cannot be learnt', async () => {
    const world = worldOf();
    world.cdn.followBy(() => err(aRefusal({ status: 403, errorType: 'AuthorizationFailed' })));
    await changed(world, 'a');
    const acceptedAt = world.clock.now();
    await changed(world, 'b');
    while (world.clock.now() < acceptedAt + TWO_HOURS_MS) {
      expect(purges(world)).toEqual([['a']]);
      await pollAndFlush(world, 5 * 60_000);
    }
    expect(purges(world)).toEqual([['a'], ['b']]);
  });

  it('has what waits looked at once two hours are over, though the next question comes later', async () => {
    const world = worldOf();
    const acceptedAt = instant(world.clock.now() - TWO_HOURS_MS + 1_000);
    await world.records.savePurge(aPurge({ acceptedAt, nextPollAt: instant(acceptedAt + 2 * TWO_HOURS_MS) }));
    await changed(world, 'a');
    expect(waiting(world)).toMatchObject([{ until: world.clock.now() + 1_000 + AFTER_POLL_MS }]);
  });

  it('is not kept waiting by a purge that has ended, and whose record is not closed yet', async () => {
    const world = worldOf();
    await changed(world, 'a');
    world.journal.failBy(storageOutFor(['close-purge']));
    await pollAndFlush(world);
    await changed(world, 'b');
    expect(purges(world)).toEqual([['a'], ['b']]);
  });

  it('lets what waits look again soon when the tracker is late', async () => {
    const world = worldOf();
    await changed(world, 'a');
    world.clock.advance(POLL_MS * 10);
    await changed(world, 'b');
    expect(waiting(world)).toMatchObject([{ until: world.clock.now() + AFTER_POLL_MS }]);
  });

  it('gets nothing while the open purges cannot be counted', async () => {
    const world = worldOf();
    world.journal.failBy(storageOutFor(['find-open']));
    await changed(world, 'a');
    expect(world.cdn.purges).toEqual([]);
    expect(waiting(world)).toMatchObject([
      { reason: 'in-flight', until: world.clock.now() + 10_000, failedAttempts: 0 },
    ]);
    expect(world.log.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));

    world.journal.failBy(() => undefined);
    world.clock.advance(10_000);
    await world.flush();
    expect(purges(world)).toEqual([['a']]);
  });

  it('has a bad URL looked for among the rest of a batch once the part that it took has ended', async () => {
    const world = worldOf();
    world.cdn.answerBy(({ files }, number) =>
      files.some((file) => file.endsWith('bad'))
        ? anItemRefusal()
        : anAcceptance({ taskId: `task-${number}` }),
    );
    await changed(world, 'a', 'b', 'c', 'bad');
    expect(world.records.purges().map(({ files }) => files)).toEqual([[url('a'), url('b')]]);
    for (let ended = 0; ended < 2; ended += 1) await pollAndFlush(world);
    expect(world.records.purges().map(({ files }) => files)).toEqual([[url('a'), url('b')], [url('c')]]);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.poisoned).toHaveLength(1);
  });

  it('gets what stands beside a bad URL before what is new: no stream of changes keeps it waiting', async () => {
    const world = worldOf(1, { cdn: { limits: { ...LIMITS, urlsPerRequest: 4 } } });
    world.cdn.answerBy(({ files }, number) =>
      files.some((file) => file.endsWith('bad'))
        ? anItemRefusal()
        : anAcceptance({ taskId: `task-${number}` }),
    );
    await changed(world, 'a', 'bad', 'b', 'c');
    for (const round of ['1', '2', '3']) {
      world.clock.advance(1_000);
      await change(world, `new-${round}`, `newer-${round}`);
      await pollAndFlush(world);
    }
    expect(
      world.records.purges().map(({ files }) => files.map((file) => file.slice(url('').length))),
    ).toEqual([['a'], ['b'], ['c', 'new-1', 'newer-1', 'new-2'], ['newer-2', 'new-3', 'newer-3']]);
    expect(world.buffer.poisoned).toHaveLength(1);
  });

  it('gets all but the bad URL in one purge where its words name that', async () => {
    const world = worldOf();
    world.cdn.answerBy(({ files }, number) =>
      files.some((file) => file === url('bad'))
        ? anItemRefusal({ namedUrls: [url('bad')] })
        : anAcceptance({ taskId: `task-${number}` }),
    );
    await changed(world, 'a', 'b', 'bad', 'c');
    expect(purges(world)).toEqual([
      ['a', 'b', 'bad', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(world.buffer.poisoned).toMatchObject([{ url: url('bad') }]);
    expect(waiting(world)).toEqual([]);
  });

  it('has nothing reserved of its quota for what waits', async () => {
    const world = worldOf(1, { cdn: { quota: aQuota(), limits: { ...LIMITS, urlsPerRequest: 2 } } });
    await changed(world, '0', '1', '2', '3');
    expect(purges(world)).toEqual([['0', '1']]);
    expect(waiting(world)).toMatchObject([{ reason: 'in-flight' }, { reason: 'in-flight' }]);
    await pollAndFlush(world);
    expect(purges(world)).toEqual([
      ['0', '1'],
      ['2', '3'],
    ]);
  });
});

describe('a CDN that takes three purges at a time', () => {
  it('gets as many as are free, from all endpoints alike', async () => {
    const world = worldOf(3, {
      configuration: onTwoEndpoints(),
      cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } },
    });
    await changed(world, '0', '1', '2');
    expect(world.cdn.purges.map(({ endpointId }) => endpointId)).toEqual([
      ENDPOINT,
      OTHER_ENDPOINT,
      ENDPOINT,
    ]);
    expect(waiting(world)).toHaveLength(3);
    expect(world.cdn.mostInFlight.get('*')).toBe(1);
  });
});

describe('a CDN without a limit', () => {
  it('costs no look at the open purges', async () => {
    const world = createWorld();
    await changed(world, 'a');
    expect(world.journal.lines()).not.toContainEqual(expect.stringContaining('find-open'));
  });
});
