// A third CDN needs nothing but a provider of its own: the contract and the use cases are as they are for the others.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { cdnUrl } from '../../src/lib/core/cdn-url.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { spentInDay } from '../../src/lib/core/quota-ledger.ts';
import { quotaDays } from '../../src/lib/core/quota-days.ts';
import { createAgent, createHttpSender } from '../../src/lib/providers/http/send.ts';
import { noTelemetry } from '../../src/lib/telemetry/no-telemetry.ts';
import { flushPurges, type FlushPorts } from '../../src/lib/use-cases/flush-purges.ts';
import type { Clock, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import { requestPurge } from '../../src/lib/use-cases/request-purge.ts';
import { trackPurges } from '../../src/lib/use-cases/track-purges.ts';
import { aCdn, aChange, aConfiguration, aRule, aRuleHost, aUrlAsk, CDN, HOST } from '../support/builders.ts';
import { createWorld, type World } from '../support/in-memory-world.ts';
import { createPlanningWorld } from '../support/planning-world.ts';
import { asKept, CALL_HEADER, createToyCdn, TOY_POINTS_A_DAY, type ToyCdn } from '../toy-provider/toy-cdn.ts';
import { createToyProvider, TOY_MATCHING, TOY_QUOTA } from '../toy-provider/toy-provider.ts';
import {
  describePurgeProvider,
  type PurgeProviderHarness,
  type RefusalClass,
} from './purge-provider.contract.ts';

const refusals: readonly RefusalClass[] = [
  { errorType: 'who-are-you', outcomeClass: 'credentials-refused' },
  { errorType: 'bad-url', outcomeClass: 'item-refused' },
  { errorType: 'bad-wipe', outcomeClass: 'request-refused' },
  { errorType: 'no-such-zone', outcomeClass: 'endpoint-unusable' },
  { errorType: 'slow-down', outcomeClass: 'throttled' },
  { errorType: 'no-points-left', outcomeClass: 'quota-exhausted' },
  { errorType: 'busy', outcomeClass: 'transient' },
];

const systemClock: Clock = { now: () => instant(Date.now()) };

type Opened = { readonly provider: PurgeProvider; readonly close: () => Promise<void> };

function openProvider(apiUrl: string, clock: Clock): Opened {
  const agent = createAgent({ connectMs: 5_000, headersMs: 400, bodyMs: 400 });
  const sender = createHttpSender(agent, CALL_HEADER, noTelemetry);
  return { provider: createToyProvider(apiUrl, sender, clock), close: () => agent.destroy() };
}

async function makeHarness(): Promise<PurgeProviderHarness> {
  const cdn = await createToyCdn([HOST], systemClock.now);
  const opened = openProvider(cdn.apiUrl, systemClock);
  // Port 9 (discard) is closed on the loopback of a test machine.
  const unreachable = openProvider('http://127.0.0.1:9', systemClock);
  return {
    provider: opened.provider,
    unreachable: unreachable.provider,
    endpoint: { host: HOST, endpointId: HOST },
    asTaken: asKept,
    unknownTask: { taskId: 'wipe-0' },
    order: cdn.order,
    taken: () =>
      cdn.wipes().map(({ zone, files, directories, ticket, callId }) => ({
        endpointId: zone,
        files,
        directories,
        taskId: ticket,
        correlationId: callId,
      })),
    correlationIds: cdn.callIds,
    async close() {
      await Promise.all([opened.close(), unreachable.close()]);
      await cdn.close();
    },
  };
}

describePurgeProvider('A CDN that does not exist', refusals, makeHarness);

const url = (name: string): string => cdnUrl('http', HOST, `/media/${name}`);

describe('A CDN that does not exist', () => {
  let world: World;
  let ports: FlushPorts;
  let cdn: ToyCdn;
  let opened: Opened;
  beforeEach(async () => {
    const rule = aRule({ hosts: [aRuleHost({ endpointId: undefined, matching: TOY_MATCHING })] });
    world = createWorld({
      configuration: aConfiguration({ rules: [rule], cdns: [aCdn({ matching: TOY_MATCHING })] }),
    });
    cdn = await createToyCdn([HOST], world.clock.now);
    opened = openProvider(cdn.apiUrl, world.clock);
    ports = { ...world.ports, providersFor: () => new Map([[CDN, opened.provider]]) };
  });
  afterEach(async () => {
    await opened.close();
    await cdn.close();
  });

  const change = (...names: readonly string[]) =>
    world.buffered(...names.map((name) => aChange({ name, eventId: `event-${name}` })));
  const flush = (): Promise<void> => flushPurges(ports, world.services.flushLimits, world.run);
  const track = (): Promise<void> => trackPurges(ports, world.run);
  /** Ticks of the tracker and the flush. */
  const goOn = async (ticks: number, everyMs = 10_000): Promise<void> => {
    for (let tick = 0; tick < ticks; tick += 1) {
      world.clock.advance(everyMs);
      await track();
      await flush();
    }
  };
  const waiting = () => [...world.backlog.stored().entries.values()];
  const wiped = () => cdn.wipes().flatMap(({ files, directories }) => [...files, ...directories]);

  test('is sent what its edge takes for one once, three URLs a call', async () => {
    await change('A.txt', 'a.txt', 'b.txt', 'c.txt', 'd.txt');
    await flush();
    expect(cdn.wipes().map(({ files }) => files)).toEqual([
      ['a.txt', 'b.txt', 'c.txt'].map(url),
      ['d.txt'].map(url),
    ]);
    expect(world.records.purges().flatMap(({ causes }) => causes)).toHaveLength(5);
    expect(world.buffer.stored()).toEqual([]);
  });

  test('has two purges under way at most, and never has to say so', async () => {
    await change(...Array.from({ length: 12 }, (_, at) => `${at}.txt`));
    await flush();
    expect(cdn.wipes()).toHaveLength(2);
    expect(waiting()).toMatchObject(Array.from({ length: 6 }, () => ({ reason: 'in-flight' })));
    await goOn(8);
    expect(new Set(wiped()).size).toBe(12);
    expect(waiting()).toEqual([]);
    expect(cdn.refused()).toEqual([]);
    expect(world.records.purges().map(({ state }) => state)).toEqual(
      world.records.purges().map(() => 'succeeded'),
    );
  });

  test('spends files and directories from one budget, keeps the part of people, and waits for the reset', async () => {
    await change(...Array.from({ length: 16 }, (_, at) => `${at}.txt`));
    await flush();
    await goOn(12);
    expect(cdn.points()).toBe(TOY_POINTS_A_DAY - 5);
    expect(waiting()).toMatchObject([{ reason: 'quota-exhausted' }]);
    const asked = await requestPurge(
      { ask: aUrlAsk({ directories: [url('d/')] }), reason: undefined, idempotency: undefined },
      ports,
      world.run,
    );
    expect(asked).toMatchObject({ kind: 'taken', record: { state: 'accepted' } });
    expect(cdn.points()).toBe(TOY_POINTS_A_DAY - 2);
    const { ledger } = await ports.ledgers.load('toy');
    const [today] = quotaDays(world.clock.now(), TOY_QUOTA);
    expect(today && spentInDay(ledger, today)).toEqual([
      { site: 'www', lane: 'events', files: 15, directories: 0 },
      { site: 'www', lane: 'manual', files: 0, directories: 1 },
    ]);
    await goOn(4, 6 * 3_600_000);
    expect(wiped()).toHaveLength(17);
    expect(waiting()).toEqual([]);
    expect(cdn.refused()).toEqual([]);
  });

  test('is asked again for what it missed, by whatever spelling', async () => {
    cdn.miss(url('A.txt'));
    await change('A.txt', 'b.txt');
    await flush();
    await goOn(2);
    expect(world.records.purges()[0]).toMatchObject({ state: 'failed', failedUrls: [url('A.txt')] });
    cdn.miss(undefined);
    await goOn(4);
    expect(wiped()).toEqual([url('a.txt'), url('b.txt'), url('a.txt')]);
    expect(world.records.requests()).toMatchObject([{ origin: 'tracker', state: 'succeeded' }]);
  });

  test('has a person’s request followed to its end', async () => {
    const answer = await requestPurge(
      {
        ask: aUrlAsk({ files: [url('A.txt')], directories: [url('d/')] }),
        reason: undefined,
        idempotency: undefined,
      },
      ports,
      world.run,
    );
    expect(answer).toMatchObject({ kind: 'taken', record: { state: 'accepted' } });
    await goOn(3);
    expect(world.records.requests()).toMatchObject([{ state: 'succeeded' }]);
  });

  test('has files folded into a directory where that is cheaper by its own prices', async () => {
    const four = ['0', '1', '2', '3'].map((name) => `four/${name}.txt`);
    const two = ['two/0.txt', 'two/1.txt'];
    const planned = await createPlanningWorld({
      standing: [...four, ...two, 'unchanged.txt'],
      planner: { smallestDirectory: 2, mostEvicted: 0 },
      quota: TOY_QUOTA,
    });
    await planned.buffered(...[...four, ...two].map((name) => aChange({ name, eventId: `event-${name}` })));
    await planned.flush();
    expect(planned.cdn.purgedUrls().toSorted()).toEqual([url('four/'), ...two.map(url)]);
  });
});
