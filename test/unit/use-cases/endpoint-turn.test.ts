// Sending to one endpoint: bad items are found, and what would be refused again is not sent for a while.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { OutcomeClass } from '../../../src/lib/core/outcome-class.ts';
import type { NotAccepted } from '../../../src/lib/core/purge-outcome.ts';
import { createHolds } from '../../../src/lib/use-cases/holds.ts';
import { StorageTrouble, type PurgeBatch, type PurgeBuffer } from '../../../src/lib/use-cases/ports.ts';
import { flushPurges } from '../../../src/lib/use-cases/flush-purges.ts';
import { requestPurge } from '../../../src/lib/use-cases/request-purge.ts';
import {
  aChange,
  aConfiguration,
  aFailure,
  anAcceptance,
  aRefusal,
  aRule,
  aRuleHost,
  aUrlAsk,
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
import { loops } from '../../support/loops.ts';

const url = (name: number | string, host = HOST): string => `http://${host}/media/${name}`;

/** Changes of blobs `0` to `count - 1`. */
const changes = (count: number) =>
  Array.from({ length: count }, (_, index) => aChange({ name: `${index}`, eventId: `event-${index}` }));

const urlsOf = ({ files, directories }: PurgeBatch): readonly string[] => [...files, ...directories];

/** Refuses every purge that names one of these URLs, with words that name the first. */
const refusing =
  (...bad: readonly string[]): Script =>
  (purge) => {
    const found = urlsOf(purge).find((one) => bad.includes(one));
    return found === undefined ? anAcceptance() : itemRefusal(`not this: ${found}`);
  };

const itemRefusal = (message = 'not this') =>
  aRefusal({ outcomeClass: 'item-refused', errorType: 'ParameterInvalid', status: 400, message });

const failing: Script = () => aFailure({ outcomeClass: 'transient' });

const refusingAll: Script = () => itemRefusal();

const atMost = (urlsPerRequest: number) => ({ limits: { ...LIMITS, urlsPerRequest } });

const onTwoEndpoints = () =>
  aConfiguration({
    rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] })],
  });

/** What stands in the backlog, in the order in which it joined: a target of a change on two hosts is two. */
const waiting = (world: World) => [...world.backlog.stored().entries.values()];
const waits = (world: World) => waiting(world).map(({ until }) => until - world.clock.now());
const attempts = (world: World) => waiting(world).map(({ failedAttempts }) => failedAttempts);

/** As when the lease was lost and another flush runs too. */
const flushWithoutLease = ({ ports, services, run }: World): Promise<void> => {
  const held = { isHeld: () => true, release: async () => undefined };
  return flushPurges({ ...ports, lease: { acquire: async () => held } }, services.flushLimits, run);
};

const poisonedUrls = (world: World) => world.buffer.poisoned.map((entry) => entry.url);
const sorted = (texts: readonly (string | undefined)[]) =>
  texts.map(String).toSorted((a, b) => (a < b ? -1 : Number(a > b)));

describe('a URL that the CDN refuses inside a batch', () => {
  it('is found, goes to poison with the CDN’s words and its message, and the rest is purged', async () => {
    const world = createWorld();
    world.cdn.answerBy(refusing(url(42)));
    await world.buffered(...changes(100));
    const text = world.buffer.stored()[42]?.text;
    await world.flush();
    expect(world.buffer.poisoned).toEqual([
      {
        text,
        url: url(42),
        lastError: `ParameterInvalid: not this: ${url(42)}`,
        reason: 'refused by the CDN',
        bufferedAt: world.clock.now(),
        failedAttempts: 0,
      },
    ]);
    expect(world.cdn.purgedUrls()).toHaveLength(99);
    expect(new Set(world.cdn.purgedUrls()).size).toBe(99);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.cdn.purges.length - 1).toBeLessThanOrEqual(14);
    expect(world.telemetry.named('sending-stopped')).toEqual([]);
    expect(world.telemetry.named('message-dead-lettered')).toHaveLength(1);
    expect(world.log.at('error').map(({ details }) => details)).toEqual([
      {
        url: url(42),
        lastError: `ParameterInvalid: not this: ${url(42)}`,
        correlationId: 'correlation-refused',
      },
    ]);
  });

  it('is set apart at once where the CDN’s words name it, however many there are', async () => {
    const world = createWorld();
    const bad = Array.from({ length: 20 }, (_, name) => url(name));
    world.cdn.answerBy((purge) => {
      const found = urlsOf(purge).find((one) => bad.includes(one));
      return found === undefined ? anAcceptance() : { ...itemRefusal(), namedUrls: [found] };
    });
    await world.buffered(...changes(40));
    await world.flush();
    expect(sorted(poisonedUrls(world))).toEqual(sorted(bad));
    expect(world.cdn.purgedUrls()).toHaveLength(20);
    expect(world.cdn.purges).toHaveLength(21);
    expect(world.telemetry.named('sending-stopped')).toEqual([]);
  });

  it('is looked for where the words name everything that was sent', async () => {
    const world = createWorld();
    world.cdn.answerBy((purge) =>
      urlsOf(purge).includes(url(2)) ? { ...itemRefusal(), namedUrls: urlsOf(purge) } : anAcceptance(),
    );
    await world.buffered(...changes(4));
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url(2)]);
    expect(world.cdn.purgedUrls()).toHaveLength(3);
  });

  it('goes to poison also when it stands alone', async () => {
    const world = createWorld();
    world.cdn.answerBy(refusingAll);
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url('a')]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('does not hold up the next batch', async () => {
    const world = createWorld({ cdn: atMost(2) });
    world.cdn.answerBy(refusing(url(2)));
    await world.buffered(...changes(6));
    await world.flush();
    expect(sorted(world.cdn.purgedUrls())).toEqual([0, 1, 3, 4, 5].map((name) => url(name)));
    expect(poisonedUrls(world)).toEqual([url(2)]);
  });

  it('leaves what its change still needs at other endpoints: that waits, and the message goes', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy((purge) =>
      purge.endpointId === ENDPOINT ? itemRefusal() : aFailure({ outcomeClass: 'transient' }),
    );
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url('a')]);
    expect(waiting(world)).toMatchObject([{ target: { url: url('a', OTHER_HOST) }, failedAttempts: 1 }]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('comes again when it could not be put into poison', async () => {
    const world = createWorld();
    world.cdn.answerBy(refusing(url(1)));
    await world.buffered(...changes(3));
    world.journal.failBy(storageOutFor(['poison']));
    await world.flush();
    expect(world.buffer.messages()).toMatchObject([{ change: { eventId: 'event-1' } }]);
    expect(world.log.at('warn')).toHaveLength(1);

    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url(1)]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('keeps its message while an entry for one of its hosts is not written', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(refusing(url('a'), url('a', OTHER_HOST)));
    await world.buffered(aChange({ name: 'a' }));
    const poison: PurgeBuffer['poison'] = async (entry) => {
      if (entry.url !== url('a')) return world.buffer.poison(entry);
      await loops(20);
      throw new StorageTrouble('out, and slow to say so');
    };
    const ports = { ...world.ports, buffer: { ...world.buffer, poison } };
    await flushPurges(ports, world.services.flushLimits, world.run);
    expect(world.buffer.stored()).toHaveLength(1);

    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(poisonedUrls(world)).toContain(url('a'));
    expect(world.buffer.stored()).toEqual([]);
  });

  it('keeps its message too when only another host waits: what waits does not take the message along', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(({ endpointId }) =>
      endpointId === ENDPOINT ? itemRefusal() : aFailure({ outcomeClass: 'transient' }),
    );
    await world.buffered(aChange({ name: 'a' }));
    world.journal.failBy(storageOutFor(['poison']));
    await world.flush();
    expect(world.buffer.stored()).toHaveLength(1);

    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url('a')]);
    expect(waiting(world)).toMatchObject([{ target: { url: url('a', OTHER_HOST) } }]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is put into poison once for each change that needs it', async () => {
    const world = createWorld();
    world.cdn.answerBy(refusing(url('a')));
    await world.buffered(
      aChange({ name: 'a', eventId: 'e-1' }),
      aChange({ name: 'a', eventId: 'e-2' }),
      aChange({ name: 'b', eventId: 'e-3' }),
    );
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url('a'), url('a')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('stands on the record of the request that asked for it, and is not sent again', async () => {
    const world = createWorld();
    world.cdn.answerBy(refusing(url('a')));
    const ask = aUrlAsk({ files: [url('a'), url('b')] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    expect(world.records.requests()).toMatchObject([
      {
        state: 'failed',
        refused: [{ cdn: CDN, url: url('a'), detail: `ParameterInvalid: not this: ${url('a')}` }],
        purges: [{ urls: [url('b')] }],
      },
    ]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.buffer.poisoned).toEqual([]);
  });

  it('is still sent to another CDN that takes it, when a request comes again', async () => {
    const configuration = aConfiguration({
      rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ cdn: 'second' })] })],
    });
    const world = createWorld({ configuration, otherCdns: { second: { subscription: 'subscription-2' } } });
    world.cdn.answerBy(refusing(url('a')));
    world.cdns.get('second')?.answerBy(() => aFailure({ outcomeClass: 'transient' }));
    const ask = aUrlAsk({ files: [url('a')] });
    await requestPurge({ ask, reason: undefined, idempotency: undefined }, world.ports, world.run);
    expect(world.records.requests()).toMatchObject([{ state: 'waiting' }]);

    world.cdns.get('second')?.answerBy(() => anAcceptance());
    world.clock.advance(60_000);
    await world.flush();
    expect(world.cdns.get('second')?.purgedUrls()).toEqual([url('a')]);
    expect(world.records.requests()).toMatchObject([
      { state: 'failed', refused: [{ cdn: CDN }], purges: [{ cdn: 'second' }] },
    ]);
    expect(world.buffer.stored()).toEqual([]);
  });
});

describe('whichever URLs of a batch are bad', () => {
  const batch = fc.integer({ min: 2, max: 100 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      // With more, the search may rightly take the request for the culprit: see below.
      bad: fc.uniqueArray(fc.nat(size - 1), { minLength: 1, maxLength: size < 8 ? size - 1 : 3 }),
    }),
  );

  it('exactly they end in poison, every other is purged once, at no more than the promised cost', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async ({ size, bad }) => {
        const world = createWorld();
        world.cdn.answerBy(refusing(...bad.map((name) => url(name))));
        await world.buffered(...changes(size));
        await world.flush();
        const good = changes(size).flatMap((_change, index) => (bad.includes(index) ? [] : [url(index)]));
        expect(sorted(world.cdn.purgedUrls())).toEqual(sorted(good));
        expect(sorted(poisonedUrls(world))).toEqual(sorted(bad.map((name) => url(name))));
        expect(world.buffer.stored()).toEqual([]);
        expect(world.cdn.purges.length - 1).toBeLessThanOrEqual(bad.length * 2 * Math.ceil(Math.log2(size)));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['the first half', Array.from({ length: 49 }, (_, index) => index)],
    ['the second half', Array.from({ length: 49 }, (_, index) => 51 + index)],
  ])('a row of them is no fault of the request: most of %s of a batch', async (_what, bad) => {
    const world = createWorld();
    world.cdn.answerBy(refusing(...bad.map((name) => url(name))));
    await world.buffered(...changes(100));
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(51);
    expect(world.buffer.poisoned).toHaveLength(49);
    expect(world.telemetry.named('sending-stopped')).toEqual([]);
  });
});

describe('a request that is at fault, not its items', () => {
  it.each([
    [8, 6],
    [9, 8],
    [100, 14],
  ])(
    'is known when no part of a batch of %i is accepted within %i more: everything stays, nothing more is sent',
    async (size, extra) => {
      const world = createWorld();
      world.cdn.answerBy(refusingAll);
      await world.buffered(...changes(size));
      await world.flush();
      expect(world.cdn.purges).toHaveLength(1 + extra);
      expect(world.buffer.poisoned).toEqual([]);
      expect(waits(world)).toEqual(Array.from({ length: size }, () => 10_000));
      expect(attempts(world)).toEqual(Array.from({ length: size }, () => 1));
      expect(world.telemetry.named('sending-stopped')).toEqual([
        {
          name: 'sending-stopped',
          outcomeClass: 'request-refused',
          scope: 'endpoint',
          cdn: CDN,
          endpointId: ENDPOINT,
          host: undefined,
          sites: 'www',
          cause: 'ParameterInvalid',
          correlationId: 'correlation-refused',
          waitMs: 10_000,
          times: 1,
        },
      ]);
      expect(world.log.at('error')).toHaveLength(1);

      world.cdn.answerBy(() => anAcceptance());
      world.clock.advance(10_000);
      await world.flush();
      expect(new Set(world.cdn.purgedUrls()).size).toBe(size);
      expect(waiting(world)).toEqual([]);
      expect(world.buffer.stored()).toEqual([]);
    },
  );

  it('is known by three batches in a row, however small, also over several flushes', async () => {
    const world = createWorld({ cdn: atMost(1) });
    world.cdn.answerBy(refusingAll);
    await world.buffered(...changes(2));
    await world.flush();
    expect(world.buffer.poisoned).toHaveLength(2);
    expect(world.telemetry.named('sending-stopped')).toEqual([]);

    await world.buffered(...changes(3));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(3);
    expect(world.buffer.poisoned).toHaveLength(2);
    expect(attempts(world)).toEqual([1, 0, 0]);
    expect(waits(world)).toEqual([10_000, 10_000, 10_000]);
    expect(world.telemetry.named('sending-stopped')).toMatchObject([{ outcomeClass: 'request-refused' }]);
  });

  it('is not known by three batches with an accepted one between them', async () => {
    const world = createWorld({ cdn: atMost(1) });
    world.cdn.answerBy(refusing(url(0), url(1), url(3), url(4)));
    await world.buffered(...changes(5));
    await world.flush();
    expect(world.buffer.poisoned).toHaveLength(4);
    expect(world.telemetry.named('sending-stopped')).toEqual([]);
  });

  it('does not stop another endpoint', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy((purge) => (purge.endpointId === ENDPOINT ? itemRefusal() : anAcceptance()));
    await world.buffered(...changes(20));
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(20);
    expect(waiting(world)).toHaveLength(20);
    expect(world.buffer.poisoned).toEqual([]);
  });
});

describe('a search that is cut short', () => {
  it('keeps what it has found so far, and the rest waits', async () => {
    const world = createWorld();
    let accepted = 0;
    world.cdn.answerBy((purge) => {
      if (urlsOf(purge).includes(url(0))) return itemRefusal();
      accepted += 1;
      return accepted > 2 ? aRefusal({ retryAfterMs: 30_000 }) : anAcceptance();
    });
    await world.buffered(...changes(4), aChange({ name: 'last', eventId: 'event-last' }));
    await world.flush();
    const gone = world.cdn.purgedUrls().length + world.buffer.poisoned.length;
    expect(world.cdn.purgedUrls().length).toBeGreaterThan(0);
    expect(gone + waiting(world).length).toBe(5);

    world.cdn.answerBy(refusing(url(0)));
    world.clock.advance(30_000);
    await world.flush();
    expect(sorted(world.cdn.purgedUrls())).toEqual(sorted([url(1), url(2), url(3), url('last')]));
    expect(poisonedUrls(world)).toEqual([url(0)]);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('ends with the time of its flush: what it has found stays found, the rest is due at once', async () => {
    const world = createWorld();
    world.cdn.answerBy((purge, number) => {
      world.clock.advance(60_000);
      return refusing(url(0))(purge, number);
    });
    await world.buffered(...changes(64));
    await world.flush();
    const { sendForMs } = world.services.flushLimits;
    expect(world.cdn.purges).toHaveLength(sendForMs / 60_000);
    expect(world.buffer.poisoned).toEqual([]);
    expect(world.cdn.purgedUrls().length + waiting(world).length).toBe(64);
    expect(new Set(waiting(world).map(({ reason }) => reason))).toEqual(new Set(['out-of-time']));
    expect(new Set([...waits(world), ...attempts(world)])).toEqual(new Set([0]));

    world.cdn.answerBy(refusing(url(0)));
    await world.flush();
    expect(new Set(world.cdn.purgedUrls()).size).toBe(63);
    expect(poisonedUrls(world)).toEqual([url(0)]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('ends when the subscription is held meanwhile by another endpoint', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(async (purge) => {
      if (purge.endpointId === OTHER_ENDPOINT) return aRefusal({ retryAfterMs: 30_000 });
      await new Promise((resolve) => setImmediate(resolve));
      return itemRefusal();
    });
    await world.buffered(...changes(4));
    await world.flush();
    expect(world.cdn.purges.filter(({ endpointId }) => endpointId === ENDPOINT)).toHaveLength(1);
    expect(waits(world)).toEqual(Array.from({ length: 8 }, () => 30_000));
  });
});

describe('after an outcome', () => {
  const stopping: readonly (readonly [OutcomeClass, 'endpoint' | 'subscription', boolean])[] = [
    ['throttled', 'subscription', false],
    ['credentials-refused', 'subscription', true],
    ['request-refused', 'endpoint', true],
    ['endpoint-unusable', 'endpoint', true],
    ['transient', 'endpoint', false],
    ['unknown', 'endpoint', false],
  ];

  it.each(stopping)('%s holds the %s, and alerts: %s', async (outcomeClass, scope, alerts) => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: atMost(1) });
    world.cdn.answerBy((purge) =>
      purge.endpointId === ENDPOINT ? aRefusal({ outcomeClass }) : anAcceptance(),
    );
    await world.buffered(...changes(3));
    await world.flush();
    const sentTo = (id: string) => world.cdn.purges.filter(({ endpointId }) => endpointId === id).length;
    expect(sentTo(ENDPOINT)).toBe(1);
    // The other endpoint's first purge was under way at the same time.
    expect(sentTo(OTHER_ENDPOINT)).toBe(scope === 'subscription' ? 1 : 3);
    // On each host the three, but for what the other endpoint took.
    const left = scope === 'subscription' ? 5 : 3;
    expect(waits(world)).toEqual(Array.from({ length: left }, () => 10_000));
    expect(world.telemetry.named('sending-stopped').map((event) => event.scope)).toEqual(
      alerts ? [scope] : [],
    );
    expect(world.log.at('error')).toHaveLength(alerts ? 1 : 0);
  });

  it.each<readonly [string, NotAccepted]>([
    ['throttled', aRefusal()],
    ['refused its credentials', aRefusal({ outcomeClass: 'credentials-refused' })],
  ])('a subscription that is %s rests while another goes on', async (_what, outcome) => {
    const configuration = aConfiguration({
      rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ cdn: 'second', host: OTHER_HOST })] })],
    });
    const world = createWorld({
      configuration,
      cdn: atMost(1),
      otherCdns: { second: { ...atMost(1), subscription: 'subscription-2' } },
    });
    world.cdn.answerBy(() => outcome);
    await world.buffered(...changes(3));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.cdns.get('second')?.purgedUrls()).toHaveLength(3);
  });

  it('two CDNs of one subscription go one after the other, and rest together', async () => {
    const configuration = aConfiguration({
      rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ cdn: 'second', host: OTHER_HOST })] })],
    });
    const world = createWorld({ configuration, otherCdns: { second: {} } });
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 30_000 }));
    world.cdns.get('second')?.answerBy(() => aRefusal({ retryAfterMs: 30_000 }));
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    await world.buffered(aChange({ name: 'b' }));
    await world.flush();
    expect([world.cdn.purges.length, world.cdns.get('second')?.purges.length]).toEqual([1, 0]);
    expect(attempts(world)).toEqual([1, 0, 0, 0]);
  });

  it('what is new waits as long as the hold, without an attempt of its own', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 60_000 }));
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    world.clock.advance(20_000);
    await world.buffered(aChange({ name: 'b' }));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
    expect(attempts(world)).toEqual([1, 0]);
    expect(waits(world)).toEqual([40_000, 40_000]);
  });

  it('the hold grows in a row, and an acceptance starts it anew', async () => {
    const world = createWorld();
    world.cdn.answerBy(failing);
    const heldFor: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      world.clock.advance(VISIBILITY_MS);
      // A new change each time: what grows is the hold, not only the wait of one message.
      await world.buffered(aChange({ name: `${turn}`, eventId: `event-${turn}` }));
      await world.flush();
      heldFor.push(waits(world).at(-1) ?? 0);
    }
    expect(heldFor).toEqual([10_000, 20_000, 40_000]);

    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    world.cdn.answerBy(failing);
    await world.buffered(aChange({ name: 'again' }));
    await world.flush();
    expect(waits(world)).toEqual([10_000]);
  });

  it('two endpoints that are throttled at once make one hold, not a longer one', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(() => aRefusal());
    await world.buffered(aChange());
    await world.flush();
    expect(waits(world)).toEqual([10_000, 10_000]);
  });

  it('an alert is told once for each hold, though two endpoints meet it', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(() => aRefusal({ outcomeClass: 'credentials-refused', errorType: 'WrongSignature' }));
    await world.buffered(aChange());
    await world.flush();
    expect(world.telemetry.named('sending-stopped')).toMatchObject([
      { scope: 'subscription', cause: 'WrongSignature', times: 1 },
    ]);
  });

  it('an acceptance that was under way does not end the hold of its subscription', async () => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: atMost(1) });
    world.cdn.answerBy(async ({ endpointId }) => {
      if (endpointId === ENDPOINT) return aRefusal();
      await new Promise((resolve) => setImmediate(resolve));
      return anAcceptance();
    });
    await world.buffered(...changes(2));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(2);
  });

  it('a flush that waits for its turn finds the hold of the one before', async () => {
    const world = createWorld({ cdn: atMost(1) });
    world.cdn.answerBy(() => aRefusal());
    await world.buffered(...changes(40));
    await Promise.all([flushWithoutLease(world), flushWithoutLease(world)]);
    expect(world.cdn.purges).toHaveLength(1);
    expect(waiting(world)).toHaveLength(40);
  });

  it('a restart does not forget the hold: it stands with the backlog', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    await world.buffered(aChange({ name: 'b' }));
    world.cdn.answerBy(() => anAcceptance());
    const restarted = { ...world.ports, holds: createHolds() };
    await flushPurges(restarted, world.services.flushLimits, world.run);
    expect(world.cdn.purgedUrls()).toEqual([]);
    expect(waits(world)).toEqual([3_600_000, 3_600_000]);

    world.clock.advance(3_600_000);
    await flushPurges(restarted, world.services.flushLimits, world.run);
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('b')]);
  });

  it('what waited for a hold is due when the hold ended while the flush still ran', async () => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: atMost(1) });
    world.cdn.answerBy(({ endpointId }) => {
      if (endpointId === ENDPOINT) return aFailure({ outcomeClass: 'transient' });
      world.clock.advance(20_000);
      return anAcceptance();
    });
    await world.buffered(...changes(2));
    await world.flush();
    expect(attempts(world)).toEqual([1, 0]);
    expect(waits(world)[1]).toBeLessThanOrEqual(0);
    world.cdn.answerBy(() => anAcceptance());
    await world.flush();
    expect(world.cdn.purgedUrls()).toContain(url(1));
  });
});

describe('a subscription that refuses to list its endpoints', () => {
  const configuration = aConfiguration({
    rules: [aRule({ hosts: [aRuleHost({ endpointId: undefined })] })],
  });

  it('for its credentials is not asked again before the wait is over, and somebody is told', async () => {
    const world = createWorld({ configuration });
    const refusal = aRefusal({ outcomeClass: 'credentials-refused', errorType: 'ApiKeyNotFound' });
    world.cdn.findBy(() => refusal);
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    expect(world.telemetry.named('sending-stopped')).toMatchObject([
      { scope: 'subscription', endpointId: undefined, cause: 'ApiKeyNotFound', waitMs: 10_000 },
    ]);
    await world.buffered(aChange({ name: 'b' }));
    await world.flush();
    expect(world.journal.count('find-endpoint')).toBe(1);
    expect(attempts(world)).toEqual([1, 0]);
    expect(waits(world)).toEqual([10_000, 10_000]);
  });

  it('because nothing serves the host is not asked for that host before the wait is over', async () => {
    const world = createWorld({ configuration });
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    expect(world.telemetry.named('sending-stopped')).toEqual([
      {
        name: 'sending-stopped',
        outcomeClass: 'endpoint-unusable',
        scope: 'host',
        cdn: CDN,
        endpointId: undefined,
        host: HOST,
        sites: 'www',
        cause: 'endpoint-not-found',
        correlationId: undefined,
        waitMs: 10_000,
        times: 1,
      },
    ]);
    await world.buffered(aChange({ name: 'b' }));
    world.clock.advance(9_999);
    await world.flush();
    expect(world.journal.count('find-endpoint')).toBe(1);
    expect(attempts(world)).toEqual([1, 0]);
    expect(waits(world)).toEqual([1, 1]);

    world.clock.advance(1);
    world.cdn.findBy(() => OTHER_ENDPOINT);
    await world.flush();
    expect(world.journal.count('find-endpoint')).toBe(2);
    expect(sorted(world.cdn.purgedUrls())).toEqual([url('a'), url('b')]);
    expect(waiting(world)).toEqual([]);
  });

  it('because nothing serves the host waits longer each time in a row', async () => {
    const world = createWorld({ configuration });
    await world.buffered(aChange({ name: 'a' }));
    const held: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      await world.flush();
      const [wait = 0] = waits(world);
      held.push(wait);
      world.clock.advance(wait);
    }
    expect(held).toEqual([10_000, 20_000, 40_000]);
  });

  it('because nothing serves the host waits a first time again once something has', async () => {
    const world = createWorld({ configuration });
    await world.buffered(aChange({ name: 'a' }));
    for (let turn = 0; turn < 3; turn += 1) {
      await world.flush();
      world.clock.advance(waits(world)[0] ?? 0);
    }
    world.cdn.findBy(() => OTHER_ENDPOINT);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(world.backlog.stored().holds).toEqual(new Map());

    world.cdn.findBy(() => aFailure({ outcomeClass: 'endpoint-unusable', sent: false }));
    await world.buffered(aChange({ name: 'b', eventId: 'b' }));
    await world.flush();
    expect(waits(world)).toEqual([10_000]);
  });

  it('because nothing serves the host does not hold the subscription: its other hosts are purged', async () => {
    const elsewhere = aRule({ strip: 'other/', hosts: [aRuleHost({ host: OTHER_HOST })] });
    const both = aConfiguration({ rules: [...configuration.rules, elsewhere] });
    const world = createWorld({ configuration: both });
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    await world.buffered(aChange({ name: 'other/b' }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('b', OTHER_HOST)]);
    expect(world.journal.count('find-endpoint')).toBe(1);
  });
});

describe('storage trouble in a search', () => {
  it('loses nothing: what was not recorded is purged again after a pause', async () => {
    const world = createWorld();
    world.cdn.answerBy(refusing(url(0)));
    await world.buffered(...changes(8));
    world.journal.failBy(storageOutFor(['save-purge'], 1));
    await world.flush();
    expect(world.records.purges()).toEqual([]);
    expect(waiting(world)).toHaveLength(8);
    expect(new Set(waits(world))).toEqual(new Set([10_000]));

    world.clock.advance(10_000);
    await world.flush();
    expect(poisonedUrls(world)).toEqual([url(0)]);
    expect(new Set(world.records.purges().flatMap(({ files }) => files)).size).toBe(7);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
  });
});
