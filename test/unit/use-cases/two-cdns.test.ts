// A site that moves from one CDN to another: its hosts are on both, and each has purges, records and a quota of its own.

import { describe, expect, it } from 'vitest';

import { EXACT_MATCHING, type UrlMatching } from '../../../src/lib/core/capabilities.ts';
import { quotaDays } from '../../../src/lib/core/quota-days.ts';
import { EMPTY_LEDGER, spentInDay } from '../../../src/lib/core/quota-ledger.ts';
import { err, ok } from '../../../src/lib/core/result.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import { trackPurges } from '../../../src/lib/use-cases/track-purges.ts';
import {
  aCdn,
  aChange,
  aConfiguration,
  aFailure,
  aFrontDoor,
  anAcceptance,
  anItemRefusal,
  aQuota,
  aRefusal,
  aRule,
  aRuleHost,
  aUrlAsk,
  CDN,
  HOST,
} from '../../support/builders.ts';
import type { ScriptedProvider } from '../../support/in-memory-provider.ts';
import { createWorld, VISIBILITY_MS, type World, type WorldOptions } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const NEW = 'front-door';
const LOOSE: UrlMatching = { ...EXACT_MATCHING, ignoresCase: true, ignoresQuery: true, ignoresScheme: true };
const quota = aQuota();

const onBoth = aConfiguration({
  cdns: [aCdn(), aFrontDoor({ name: NEW })],
  rules: [
    aRule({
      schemes: ['http', 'https'],
      hosts: [aRuleHost(), aRuleHost({ cdn: NEW, endpointId: 'www', matching: LOOSE })],
    }),
  ],
});

function moving(cdn: WorldOptions['cdn'] = {}): World & { readonly next: ScriptedProvider } {
  const world = createWorld({
    configuration: onBoth,
    cdn: { quota, ...cdn },
    otherCdns: {
      [NEW]: { subscription: 'subscription-2', capabilities: { hosts: 'listed', purgesInFlight: 1 } },
    },
  });
  const next = world.cdns.get(NEW);
  if (next === undefined) throw new Error('the world has two CDNs');
  return { ...world, next };
}

const url = (name: string, scheme = 'http'): string => `${scheme}://${HOST}/media/${name}`;
const both = (name: string): readonly string[] => [url(name), url(name, 'https')];

const upload = (world: World, ...names: readonly string[]) =>
  world.buffered(...names.map((name) => aChange({ name, eventId: `event-${name}` })));

const waiting = (world: World) => [...world.backlog.stored().entries.values()];
const records = (world: World) => world.records.purges().map(({ cdn, state }) => ({ cdn, state }));

async function spent(world: World, subscription: string) {
  const { ledger } = await world.ports.ledgers.load(subscription);
  const [today] = quotaDays(world.clock.now(), quota);
  return today === undefined ? [] : spentInDay(ledger, today);
}

const ask = (world: World, ...names: readonly string[]) =>
  requestPurge(
    { ask: aUrlAsk({ files: names.map((name) => url(name)) }), reason: undefined, idempotency: undefined },
    world.ports,
    world.run,
  );

/** The one request's record. */
const requested = (world: World) => world.records.requests()[0];

const NEVER = { outcomeClass: 'credentials-refused', errorType: 'WrongSignature', status: 400 } as const;

describe('a change of what is on both CDNs', () => {
  it('makes a purge on each, by what each takes for one, with a record of its own', async () => {
    const world = moving();
    await upload(world, 'a.txt', 'A.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([...both('a.txt'), ...both('A.txt')]);
    expect(world.next.purgedUrls()).toEqual([url('a.txt')]);
    const purges = world.records.purges().toSorted((a, b) => a.cdn.localeCompare(b.cdn));
    expect(purges).toMatchObject(
      [CDN, NEW].map((cdn) => ({ cdn, causes: [{ eventId: 'event-a.txt' }, { eventId: 'event-A.txt' }] })),
    );
    expect(world.buffer.stored()).toEqual([]);
  });

  it('spends the quota of the one that has one, and keeps no ledger for the other', async () => {
    const world = moving();
    await upload(world, 'a.txt');
    await world.flush();
    expect(await spent(world, world.cdn.subscription)).toMatchObject([{ files: 2, directories: 0 }]);
    expect(await world.ports.ledgers.load(world.next.subscription)).toMatchObject({ ledger: EMPTY_LEDGER });
  });

  it('goes to the other all the same once the quota of the one is spent', async () => {
    const world = moving({
      quota: aQuota({
        limits: { files: 2, directories: 0 },
        manualReserve: { files: 0, directories: 0 },
      }),
    });
    await upload(world, 'a.txt', 'b.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual(both('a.txt'));
    expect(world.next.purgedUrls()).toEqual([url('a.txt'), url('b.txt')]);
    expect(waiting(world)).toMatchObject(
      both('b.txt').map((one) => ({ target: { cdn: CDN, url: one }, reason: 'quota-exhausted' })),
    );
  });

  it('is not done for the one while the other has it under way', async () => {
    const world = moving();
    await upload(world, 'a.txt');
    await world.flush();
    await upload(world, 'b.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([...both('a.txt'), ...both('b.txt')]);
    expect(waiting(world)).toMatchObject([{ target: { cdn: NEW, url: url('b.txt') }, reason: 'in-flight' }]);
  });
});

describe.each([
  { down: CDN, up: NEW },
  { down: NEW, up: CDN },
])('while $down is down', ({ down, up }) => {
  const cdnsOf = (world: World) => ({ bad: world.cdns.get(down), good: world.cdns.get(up) });

  it.each([
    { how: 'does not answer', answer: aFailure() },
    {
      how: 'cannot be reached',
      answer: aFailure({ reason: 'could-not-connect', outcomeClass: 'transient' }),
    },
    { how: 'refuses who the app is', answer: aRefusal(NEVER) },
  ])('and $how, only its own part waits, and goes when it is up', async ({ answer }) => {
    const world = moving();
    const { bad, good } = cdnsOf(world);
    bad?.answerBy(() => answer);
    await upload(world, 'a.txt');
    await world.flush();
    expect(good?.purgedUrls()).toContain(url('a.txt'));
    expect(records(world)).toMatchObject([{ cdn: up }]);
    expect(waiting(world).map((one) => one.type === 'target' && one.target.cdn)).toEqual(
      bad?.purges.flatMap(({ files }) => files).map(() => down),
    );
    expect(world.buffer.stored()).toEqual([]);

    bad?.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    expect(bad?.purgedUrls()).toContain(url('a.txt'));
    expect(good?.purges).toHaveLength(1);
    expect(waiting(world)).toEqual([]);
  });

  it('the other does not wait for its answer', async () => {
    const world = moving();
    const { bad, good } = cdnsOf(world);
    const answered = Promise.withResolvers<void>();
    bad?.answerBy(async () => {
      await answered.promise;
      return aFailure();
    });
    good?.answerBy(() => {
      answered.resolve();
      return anAcceptance();
    });
    await upload(world, 'a.txt');
    await world.flush();
    expect(good?.purgedUrls()).toContain(url('a.txt'));
  });

  it('the message stays until what is left stands in the backlog', async () => {
    const world = moving();
    const { bad, good } = cdnsOf(world);
    bad?.answerBy(() => aFailure());
    await upload(world, 'a.txt');
    world.journal.failBy(storageOutFor(['save-backlog']));
    await world.flush();
    expect(good?.purgedUrls()).toContain(url('a.txt'));
    expect(world.buffer.stored()).toHaveLength(1);

    world.journal.failBy(undefined);
    bad?.answerBy(() => anAcceptance());
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(bad?.purgedUrls()).toContain(url('a.txt'));
    expect(good?.purges).toHaveLength(1);
    expect(world.buffer.stored()).toEqual([]);
  });
});

describe('once the old CDN is taken out of the configuration', () => {
  const onlyNew = aConfiguration({
    cdns: [aFrontDoor({ name: NEW })],
    rules: [aRule({ hosts: [aRuleHost({ cdn: NEW, endpointId: 'www', matching: LOOSE })] })],
  });

  it('nothing waits for it any more, and what waits for the other goes on', async () => {
    const world = moving();
    for (const cdn of world.cdns.values()) cdn.answerBy(() => aFailure());
    await upload(world, 'a.txt');
    await world.flush();
    expect(waiting(world)).toHaveLength(3);
    world.configure(onlyNew);
    world.next.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    expect(waiting(world)).toEqual([]);
    expect(world.next.purgedUrls()).toEqual([url('a.txt')]);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('a request that waited for it alone ends with what was purged', async () => {
    const world = moving();
    world.cdn.answerBy(() => aFailure());
    await ask(world, 'a.txt');
    expect(requested(world)).toMatchObject({ state: 'waiting' });
    world.configure(onlyNew);
    world.clock.advance(600_000);
    await world.flush();
    expect(requested(world)).toMatchObject({ state: 'accepted', purges: [{ cdn: NEW }] });
  });
});

describe('a person’s request for what is on both CDNs', () => {
  it('has succeeded when both have', async () => {
    const world = moving();
    world.next.followBy(() => err(aFailure()));
    expect(await ask(world, 'a.txt')).toMatchObject({ record: { state: 'accepted' } });
    expect(new Set(requested(world)?.purges.map(({ cdn }) => cdn))).toEqual(new Set([CDN, NEW]));
    world.clock.advance(600_000);
    await trackPurges(world.ports, world.run);
    expect(requested(world)).toMatchObject({ state: 'accepted' });
    world.next.followBy((urls) => ok(urls.map((one) => ({ url: one, status: 'succeeded' }))));
    world.clock.advance(600_000);
    await trackPurges(world.ports, world.run);
    expect(requested(world)).toMatchObject({ state: 'succeeded' });
  });

  it.each([
    { worst: CDN, other: NEW },
    { worst: NEW, other: CDN },
  ])('waits while $worst does, and then goes on with that alone', async ({ worst, other }) => {
    const world = moving();
    world.cdns.get(worst)?.answerBy(() => aFailure());
    expect(await ask(world, 'a.txt')).toMatchObject({
      record: { state: 'waiting', purges: [{ cdn: other }], lastFailure: { kind: 'failed' } },
    });
    world.cdns.get(worst)?.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    expect(requested(world)).toMatchObject({ state: 'accepted', purges: [{ cdn: other }, { cdn: worst }] });
    expect(world.cdns.get(other)?.purges).toHaveLength(1);
  });

  it.each([CDN, NEW])(
    'has failed when %s refuses it for good, and names the purge of the other',
    async (worst) => {
      const world = moving();
      world.cdns
        .get(worst)
        ?.answerBy(({ files }) =>
          files.some((file) => file.endsWith('bad.txt')) ? anItemRefusal() : anAcceptance(),
        );
      await ask(world, 'bad.txt', 'good.txt');
      world.clock.advance(600_000);
      await world.flush();
      await trackPurges(world.ports, world.run);
      const record = requested(world);
      expect(record).toMatchObject({ state: 'failed' });
      expect(new Set(record?.refused?.map(({ cdn }) => cdn))).toEqual(new Set([worst]));
      const purgedOn = (cdn: string) =>
        new Set(record?.purges.filter((one) => one.cdn === cdn).flatMap(({ urls }) => urls));
      expect(purgedOn(worst)).not.toContain(url('bad.txt'));
      expect(purgedOn(worst === CDN ? NEW : CDN)).toContain(url('bad.txt'));
      expect(world.buffer.stored()).toEqual([]);
    },
  );
});
