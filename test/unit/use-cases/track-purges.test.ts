// The tracker: accepted purges followed to their end, and what failed purged again.

import { describe, expect, it } from 'vitest';

import { GIVE_UP_AFTER_MS, type ItemProgress } from '../../../src/lib/core/purge-tracking.ts';
import { err, ok } from '../../../src/lib/core/result.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import { trackPurges } from '../../../src/lib/use-cases/track-purges.ts';
import {
  aChange,
  aConfiguration,
  aFailure,
  aPurge,
  aQuota,
  aRefusal,
  aRule,
  aRuleHost,
  aUrlAsk,
  CDN,
  ENDPOINT,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';
import type { TaskScript } from '../../support/in-memory-provider.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor, type Effect } from '../../support/recording-journal.ts';

const url = (name: string): string => `http://www.example.cn/media/${name}`;

const tick = (world: World): Promise<void> => trackPurges(world.ports, world.run);

/** Comes to the next question of a purge that was just accepted, and asks it. */
async function tickLater(world: World, ms = 15_000): Promise<void> {
  world.clock.advance(ms);
  await tick(world);
}

/** Purges changed blobs, one purge for all. */
async function purged(world: World, ...names: readonly string[]): Promise<void> {
  await world.buffered(...names.map((name) => aChange({ name, eventId: `of ${name}` })));
  await world.flush();
}

const ask = (world: World, ...names: readonly string[]) =>
  requestPurge(
    { ask: aUrlAsk({ files: names.map(url) }), reason: undefined, idempotency: undefined },
    world.ports,
    world.run,
  );

/** Fails the URLs that end with one of the names; all else is well. */
const failing =
  (...names: readonly string[]): TaskScript =>
  (urls) =>
    ok(
      urls.map((one): ItemProgress => ({
        url: one,
        status: names.some((name) => one.endsWith(name)) ? 'failed' : 'succeeded',
      })),
    );
const running: TaskScript = (urls) => ok(urls.map((one) => ({ url: one, status: 'running' })));

const statesOf = (world: World): readonly string[] => world.records.purges().map(({ state }) => state);

describe('a tick with nothing to do', () => {
  it('costs one storage call, and says nothing', async () => {
    const world = createWorld();
    await tick(world);
    expect(world.journal.lines()).toEqual(['find-due']);
    expect(world.log.lines).toEqual([]);
    expect([world.telemetry.events, world.telemetry.spans, world.telemetry.flushes()]).toEqual([[], [], 0]);
  });

  it('costs no more when purges are open, but none is due', async () => {
    const world = createWorld();
    await purged(world, 'a');
    world.clock.advance(14_999);
    world.journal.clear();
    await tick(world);
    expect(world.journal.lines()).toEqual(['find-due']);
  });

  it('costs no more however many purges have ended', async () => {
    const world = createWorld();
    for (const name of ['a', 'b', 'c']) await purged(world, name);
    await tickLater(world);
    expect(statesOf(world)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    world.clock.advance(48 * 3_600_000);
    world.journal.clear();
    await tick(world);
    expect(world.journal.lines()).toEqual(['find-due']);
  });
});

describe('an accepted purge', () => {
  it('is asked about, and ends with the CDN’s task', async () => {
    const world = createWorld();
    await purged(world, 'a', 'b');
    world.journal.clear();
    await tickLater(world);
    const [purge] = world.records.purges();
    expect(purge).toMatchObject({ state: 'succeeded', polls: 1, failedUrls: [] });
    expect(world.journal.lines()).toEqual([
      'find-due',
      `read-open ${purge?.id}`,
      'read-progress task-1',
      `update-open ${purge?.id}`,
      `close-purge ${purge?.id}`,
    ]);
    expect(world.records.openIds()).toEqual([]);
  });

  it('that ended is told to telemetry once, and to the log', async () => {
    const world = createWorld();
    await purged(world, 'a');
    await tickLater(world, 20_000);
    await tickLater(world);
    expect(world.telemetry.named('purge-ended')).toEqual([
      {
        name: 'purge-ended',
        purgeId: '20240115-00000000-0000-4000-8000-000000000001',
        taskId: 'task-1',
        correlationId: 'correlation-1',
        cdn: CDN,
        endpointId: ENDPOINT,
        state: 'succeeded',
        sites: 'www',
        failedUrls: 0,
        failedForGood: 0,
        polls: 1,
        tookMs: 20_000,
      },
    ]);
    expect(world.log.at('info').map(({ message }) => message)).toContain(
      'Accepted purges came to their end.',
    );
    expect(world.log.at('warn', 'error')).toEqual([]);
  });

  it('is asked about again, ever more rarely, while it runs', async () => {
    const world = createWorld();
    world.cdn.followBy(running);
    await purged(world, 'a');
    await tickLater(world);
    await tickLater(world, 29_999);
    expect(world.journal.count('read-progress')).toBe(1);
    await tickLater(world, 1);
    expect(world.journal.count('read-progress')).toBe(2);
    expect(world.records.purges()).toMatchObject([{ state: 'running', polls: 2 }]);
    expect(world.telemetry.named('purge-ended')).toEqual([]);
  });

  it.each([
    ['the CDN does not know its task', { error: aRefusal({ errorType: 'ParameterInvalid', status: 404 }) }],
    ['the CDN throttles', { error: aRefusal() }],
    ['the CDN does not answer', { error: aFailure() }],
  ])('is asked about later when %s', async (_what, { error }) => {
    const world = createWorld();
    world.cdn.followBy(() => ({ ok: false, error }));
    await purged(world, 'a');
    await tickLater(world);
    expect(world.records.purges()).toMatchObject([{ state: 'accepted', polls: 1 }]);
    world.cdn.followBy(failing());
    await tickLater(world, 30_000);
    expect(statesOf(world)).toEqual(['succeeded']);
  });

  it('is given up as unknown after 24 hours, with a warning and no purge of anything', async () => {
    const world = createWorld();
    world.cdn.followBy(running);
    await purged(world, 'a');
    await tickLater(world, GIVE_UP_AFTER_MS);
    expect(statesOf(world)).toEqual(['unknown']);
    expect(world.telemetry.named('purge-ended')).toMatchObject([
      { state: 'unknown', tookMs: GIVE_UP_AFTER_MS },
    ]);
    expect(world.log.at('warn')).toMatchObject([{ details: { correlationId: 'correlation-1' } }]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('of which the CDN refuses to tell is asked about again, with a warning that says why, once a tick', async () => {
    const world = createWorld();
    world.cdn.followBy(() => err(aRefusal({ errorType: 'AuthorizationFailed', status: 403 })));
    await purged(world, 'a');
    await purged(world, 'b');
    await tickLater(world);
    expect(statesOf(world)).toEqual(['accepted', 'accepted']);
    expect(world.log.at('warn')).toMatchObject([
      { details: { cdn: CDN, errorType: 'AuthorizationFailed', status: 403 } },
    ]);
    await tickLater(world, 30_000);
    expect(world.log.at('warn')).toHaveLength(2);
  });

  it('of a CDN that the configuration no longer has is kept, and given up in the end', async () => {
    const world = createWorld();
    await world.ports.records.savePurge(aPurge({ cdn: 'gone' }));
    await tickLater(world);
    expect(world.records.purges()).toMatchObject([{ state: 'accepted', polls: 1 }]);
    await tickLater(world, GIVE_UP_AFTER_MS);
    expect(statesOf(world)).toEqual(['unknown']);
  });
});

/** Opens purges of one URL each. */
const open = async (world: World, count: number, cdn = CDN): Promise<void> => {
  for (let index = 0; index < count; index += 1) {
    const id = `20240115-00000000-0000-4000-8000-${`${index}`.padStart(11, '0')}${cdn === CDN ? 0 : 1}`;
    await world.ports.records.savePurge(aPurge({ id, cdn, taskId: `${cdn} ${index}`, files: [url('a')] }));
  }
};

describe('a tick with much to do', () => {
  it('asks about 200 purges, a few at once, and leaves the others to the next', async () => {
    const world = createWorld();
    let [inFlight, most] = [0, 0];
    world.cdn.followBy(async () => {
      most = Math.max(most, (inFlight += 1));
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return ok([{ url: url('a'), status: 'succeeded' }]);
    });
    await open(world, 250);
    await tickLater(world);
    expect([world.journal.count('read-progress'), world.records.openIds().length]).toEqual([200, 50]);
    expect(most).toBe(4);
    await tick(world);
    expect(world.records.openIds()).toEqual([]);
  });

  it('takes nothing up after a minute', async () => {
    const world = createWorld();
    world.cdn.followBy((urls) => {
      world.clock.advance(30_000);
      return running(urls, '');
    });
    await open(world, 20);
    await tickLater(world);
    expect(world.journal.count('read-progress')).toBeLessThan(10);
  });

  it('asks a CDN that does not answer no more, and the others on', async () => {
    const world = createWorld({ otherCdns: { other: {} } });
    world.cdn.followBy(() => ({ ok: false, error: aFailure({ reason: 'timed-out' }) }));
    world.cdns.get('other')?.followBy(() => ok([{ url: url('a'), status: 'succeeded' }]));
    await open(world, 20);
    await open(world, 20, 'other');
    await tickLater(world);
    const asked = world.journal.lines('read-progress');
    expect(asked.filter((line) => line.includes(`${CDN} `)).length).toBeLessThanOrEqual(4);
    expect(asked.filter((line) => line.includes('other '))).toHaveLength(20);
  });
});

describe('what the CDN failed to purge', () => {
  it('is asked for again: a request of the app’s own, record first, message second', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/b'));
    await purged(world, 'a', 'b');
    world.journal.clear();
    await tickLater(world);
    const [purge] = world.records.purges();
    const [request] = world.records.requests();
    expect(purge).toMatchObject({
      state: 'failed',
      failedUrls: [url('b')],
      repurges: [{ requestId: request?.id, urls: [url('b')], times: 1 }],
    });
    expect(request).toMatchObject({
      origin: 'tracker',
      repurges: 1,
      state: 'waiting',
      reason: expect.stringContaining(purge?.id ?? 'no purge'),
      ask: { files: [url('b')], directories: [] },
      targets: [{ kind: 'file', url: url('b'), cdn: CDN, site: 'www' }],
    });
    expect(world.journal.lines('update-open', 'create-request', 'add', 'close-purge')).toEqual([
      `update-open ${purge?.id}`,
      `create-request ${request?.id}`,
      `add ${request?.id}`,
      `close-purge ${purge?.id}`,
    ]);
    expect(world.log.at('warn')).toMatchObject([{ details: { urls: 1, requestIds: request?.id } }]);
    expect(world.log.at('error')).toEqual([]);
  });

  it('is purged by the next flush, and is well then', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/b'));
    await purged(world, 'a', 'b');
    await tickLater(world);
    world.cdn.followBy(failing());
    await world.flush();
    await tickLater(world);
    expect(world.cdn.purges.map(({ files }) => files)).toEqual([[url('a'), url('b')], [url('b')]]);
    expect(statesOf(world)).toEqual(['failed', 'succeeded']);
    expect(world.records.requests()).toMatchObject([
      { state: 'succeeded', purges: [{ state: 'succeeded' }] },
    ]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('spends nothing of what is kept for people', async () => {
    const quota = aQuota({
      limits: { files: 3, directories: 0 },
      manualReserve: { files: 2, directories: 0 },
    });
    const world = createWorld({ cdn: { quota } });
    world.cdn.followBy(failing('/b'));
    await purged(world, 'b');
    await tickLater(world);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('b')]);
    expect(world.records.requests()).toMatchObject([{ origin: 'tracker', state: 'waiting' }]);
    await ask(world, 'c');
    expect(world.cdn.purgedUrls()).toEqual([url('b'), url('c')]);
  });

  it('is told to telemetry as the app’s own doing', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/b'));
    await ask(world, 'b');
    await tickLater(world);
    await world.flush();
    expect(world.telemetry.named('purge-accepted').map(({ lane, requests }) => [lane, requests])).toEqual([
      ['manual', 1],
      ['events', 1],
    ]);
    expect(world.records.purges().at(-1)?.causes).toMatchObject([{ type: 'request', origin: 'tracker' }]);
  });

  it('three times is reported, and not purged again', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/b'));
    await purged(world, 'a', 'b');
    for (let round = 1; round <= 4; round += 1) {
      await tickLater(world);
      await world.flush();
    }
    expect(world.cdn.purges.map(({ files }) => files)).toEqual([
      [url('a'), url('b')],
      [url('b')],
      [url('b')],
    ]);
    expect(world.records.requests().map(({ repurges }) => repurges)).toEqual([1, 2]);
    expect(statesOf(world)).toEqual(['failed', 'failed', 'failed']);
    expect(world.telemetry.named('purge-ended').map(({ state, failedUrls }) => [state, failedUrls])).toEqual([
      ['failed', 1],
      ['failed', 1],
      ['failed', 1],
    ]);
    expect(world.log.at('error')).toMatchObject([
      { message: expect.stringContaining('by hand'), details: { urls: 1, first: url('b') } },
    ]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is counted URL by URL', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/a'));
    await purged(world, 'a');
    await tickLater(world);
    // The purge of "a" again also has "b", which is there for the first time.
    world.cdn.followBy(failing('/a', '/b'));
    await purged(world, 'b');
    await tickLater(world);
    expect(world.records.purges().at(-1)).toMatchObject({
      repurges: [
        { urls: [url('a')], times: 2 },
        { urls: [url('b')], times: 1 },
      ],
    });
  });

  it('is purged as it was sent: in its spelling, on its CDN', async () => {
    const hosts = [aRuleHost(), aRuleHost({ cdn: 'other', endpointId: OTHER_ENDPOINT })];
    const world = createWorld({
      configuration: aConfiguration({
        rules: [aRule({ hosts, spellings: ['raw'], schemes: ['http', 'https'] })],
      }),
      otherCdns: { other: {} },
    });
    const raw = 'https://www.example.cn/media/首 页.txt';
    world.cdn.followBy((urls) =>
      ok(urls.map((one) => ({ url: one, status: one === raw ? 'failed' : 'succeeded' }))),
    );
    await purged(world, '首 页.txt');
    await tickLater(world);
    await world.flush();
    expect(world.cdn.purges.at(-1)?.files).toEqual([raw]);
    expect(world.cdn.purges).toHaveLength(2);
    expect(world.cdns.get('other')?.purges).toHaveLength(1);
  });

  it('on a host that the configuration no longer has is only reported', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/a'));
    await purged(world, 'a');
    const rules = [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })];
    world.configure(aConfiguration({ rules }));
    await tickLater(world);
    expect(world.records.purges()).toMatchObject([{ state: 'failed', repurges: [] }]);
    expect([world.records.requests(), world.buffer.stored()]).toEqual([[], []]);
    expect(world.log.at('error')).toHaveLength(1);
  });
});

describe('the request that a purge served', () => {
  it('has succeeded when its purge has', async () => {
    const world = createWorld();
    await ask(world, 'a');
    await tickLater(world);
    expect(world.records.requests()).toMatchObject([
      { state: 'succeeded', purges: [{ state: 'succeeded' }] },
    ]);
  });

  it('shows what failed, and by which request it is purged again', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/b'));
    await ask(world, 'a', 'b');
    await tickLater(world);
    const [request, again] = world.records.requests();
    expect(request).toMatchObject({
      state: 'accepted',
      purges: [{ state: 'failed', repurgedBy: [again?.id] }],
    });
  });

  it('may be gone', async () => {
    const world = createWorld();
    const cause = { type: 'request', requestId: 'gone', askedAt: world.clock.now() } as const;
    await world.ports.records.savePurge(aPurge({ causes: [cause] }));
    await tickLater(world);
    expect(world.records.openIds()).toEqual(['20240115-00000000-0000-4000-8000-000000000009']);
    world.cdn.followBy(() => ok([{ url: url('a.txt'), status: 'succeeded' }]));
    await tickLater(world, 30_000);
    expect(statesOf(world)).toEqual(['succeeded']);
  });

  it('that is about to name the purge is waited for', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['update-request'], 1));
    await ask(world, 'a');
    expect(world.records.requests()).toMatchObject([{ state: 'waiting', purges: [] }]);
    await tickLater(world);
    expect(world.records.openIds()).toHaveLength(1);
    expect(world.telemetry.named('purge-ended')).toEqual([]);
    await world.ports.records.updateRequest('00000000-0000-4000-8000-000000000001', (record) => {
      const { id, acceptedAt, cdn, endpointId, taskId } = aPurge({ id: world.records.openIds()[0] ?? '' });
      const purge = { id, acceptedAt, cdn, endpointId, taskId, state: 'accepted', urls: [url('a')] } as const;
      return { ...record, state: 'accepted', purges: [purge] };
    });
    await tickLater(world);
    expect(world.records.openIds()).toEqual([]);
    expect(world.records.requests()).toMatchObject([
      { state: 'succeeded', purges: [{ state: 'succeeded' }] },
    ]);
    expect(world.telemetry.named('purge-ended')).toMatchObject([{ polls: 1, tookMs: 15_000 }]);
  });

  it('that never named it is not waited for longer than a flush may run', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['update-request'], 1));
    await ask(world, 'a');
    await tickLater(world);
    await tickLater(world, 600_000);
    expect(world.records.openIds()).toEqual([]);
    expect(world.records.requests()).toMatchObject([{ state: 'waiting', purges: [] }]);
  });
});

/** The effects of a tick that ends a purge with something to purge again. */
const EFFECTS: readonly Effect['call'][] = [
  'read-open',
  'update-open',
  'read-request',
  'create-request',
  'add',
  'update-request',
  'close-purge',
];

describe('storage trouble', () => {
  it.each(EFFECTS)('at %s ends nothing early, and the next tick brings the same', async (call) => {
    const world = createWorld();
    world.cdn.followBy(failing('/b'));
    await ask(world, 'a', 'b');
    world.journal.failBy(storageOutFor([call], 1));
    await tickLater(world);
    expect(world.records.openIds()).toHaveLength(1);
    expect(world.telemetry.named('purge-ended')).toEqual([]);
    expect(world.log.at('warn')).toHaveLength(1);
    await tickLater(world);

    const [purge] = world.records.purges();
    const [request, again] = world.records.requests();
    expect(world.records.openIds()).toEqual([]);
    expect(purge).toMatchObject({ state: 'failed', repurges: [{ requestId: again?.id, times: 1 }] });
    expect(world.records.requests()).toHaveLength(2);
    expect(request).toMatchObject({ purges: [{ state: 'failed', repurgedBy: [again?.id] }] });
    expect(world.telemetry.named('purge-ended')).toHaveLength(1);
    expect(world.buffer.messages()).toContainEqual(expect.objectContaining({ requestId: again?.id }));
    world.cdn.followBy(failing());
    await world.flush();
    expect(world.cdn.purges.map(({ files }) => files)).toEqual([[url('a'), url('b')], [url('b')]]);
  });

  it('with one purge does not stop the others', async () => {
    const world = createWorld();
    await purged(world, 'a');
    await purged(world, 'b');
    world.journal.failBy(storageOutFor(['update-open'], 1));
    await tickLater(world);
    expect(statesOf(world).toSorted()).toEqual(['accepted', 'succeeded']);
    await tick(world);
    expect(statesOf(world)).toEqual(['succeeded', 'succeeded']);
  });

  it('at the listing fails the tick, so that the host shows it', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['find-due']));
    await expect(tick(world)).rejects.toThrow('find-due');
  });
});

describe('two trackers at once', () => {
  it('end a purge once: one end, one request for what failed, one event', async () => {
    const world = createWorld();
    let number = 0;
    // They even hear different things.
    world.cdn.followBy((urls) => failing((number += 1) % 2 === 0 ? '/a' : '/b')(urls, ''));
    await ask(world, 'a', 'b');
    world.clock.advance(15_000);
    await Promise.all([tick(world), tick(world), tick(world)]);
    await tick(world);

    expect(world.records.purges()).toHaveLength(1);
    const [purge] = world.records.purges();
    const [request, ...again] = world.records.requests();
    expect(again).toHaveLength(1);
    expect(purge).toMatchObject({ state: 'failed', repurges: [{ requestId: again[0]?.id }] });
    expect(request).toMatchObject({ purges: [{ state: 'failed', repurgedBy: [again[0]?.id] }] });
    expect(world.telemetry.named('purge-ended')).toHaveLength(1);
  });

  it('that both find an end which a third could not close tell of it once', async () => {
    const world = createWorld();
    await purged(world, 'a');
    world.journal.failBy(storageOutFor(['close-purge'], 1));
    await tickLater(world);
    expect(world.records.purges()).toMatchObject([{ state: 'succeeded' }]);
    expect(world.telemetry.named('purge-ended')).toEqual([]);
    await Promise.all([tick(world), tick(world)]);
    expect(world.journal.count('close-purge')).toBe(3);
    expect(world.telemetry.named('purge-ended')).toHaveLength(1);
  });

  it('may bring the message of a request twice: it is purged once', async () => {
    const world = createWorld();
    world.cdn.followBy(failing('/a'));
    await purged(world, 'a');
    world.journal.failBy(storageOutFor(['close-purge'], 1));
    await tickLater(world);
    await tick(world);
    expect(world.buffer.stored()).toHaveLength(2);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(2);
    expect(world.buffer.stored()).toEqual([]);
  });
});
