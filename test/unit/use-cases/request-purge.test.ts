// A person's purge: stored first, sent at once, and taken over by the flush where that fails.

import { describe, expect, it } from 'vitest';

import { applyChanges, NO_CHANGES } from '../../../src/lib/core/backlog.ts';
import type { PurgeAsk } from '../../../src/lib/core/purge-request.ts';
import type { Units } from '../../../src/lib/core/quota-ledger.ts';
import { flushPurges, type FlushPorts } from '../../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../../src/lib/use-cases/holds.ts';
import { createLooks } from '../../../src/lib/use-cases/looks.ts';
import { StorageTrouble, type PurgeRecords } from '../../../src/lib/use-cases/ports.ts';
import { createRecentPurges } from '../../../src/lib/use-cases/recent-purges.ts';
import { previewPurge, requestPurge, type RequestedPurge } from '../../../src/lib/use-cases/request-purge.ts';
import {
  aBlobAsk,
  aChange,
  aConfiguration,
  aFailure,
  aJoiningTarget,
  anAcceptance,
  aQuota,
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
  TRACEPARENT,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { createScriptedProvider } from '../../support/in-memory-provider.ts';
import { createWorld, VISIBILITY_MS, type World } from '../../support/in-memory-world.ts';
import { loops } from '../../support/loops.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const url = (name: string, host = HOST): string => `http://${host}/media/${name}`;

const ask = (ofAsk: PurgeAsk = aUrlAsk({ files: [url('a')] }), parts: Partial<RequestedPurge> = {}) => ({
  ask: ofAsk,
  reason: undefined,
  idempotency: undefined,
  ...parts,
});

const request = (world: World, requested: RequestedPurge = ask()) =>
  requestPurge(requested, world.ports, world.run);

const waiting = (world: World) => [...world.backlog.stored().entries.values()];

/** The one request's record. */
const recorded = (world: World) => world.records.requests()[0];

const aServedPurge = {
  id: '20240115-00000000-0000-4000-8000-000000000001',
  state: 'accepted',
  acceptedAt: START_AT,
  cdn: CDN,
  endpointId: 'endpoint-1',
  taskId: 'task-1',
} as const;

const THREE_MINUTES_MS = 180_000;
const TEN_MINUTES_MS = 600_000;

const ID = '00000000-0000-4000-8000-000000000001';

const onTwoEndpoints = () =>
  aConfiguration({
    rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] })],
  });

/** Nothing is kept for people. */
const createQuotaWorld = (limits: Units): World =>
  createWorld({ cdn: { quota: aQuota({ limits, manualReserve: { files: 0, directories: 0 } }) } });

/** The ports of a process that knows nothing but what is stored. */
const restarted = ({ ports }: World): FlushPorts => ({
  ...ports,
  holds: createHolds(),
  recent: createRecentPurges(),
  looks: createLooks(),
});

describe('a preview', () => {
  it('gives the targets and touches nothing', async () => {
    const world = createWorld();
    const preview = await previewPurge(aUrlAsk({ files: [url('a')] }), world.ports);
    expect(preview.ok && preview.value.map((target) => target.url)).toEqual([url('a')]);
    expect(world.journal.lines()).toEqual([]);
  });

  it('gives every problem', async () => {
    const preview = await previewPurge(aUrlAsk({ files: ['x', 'y'] }), createWorld().ports);
    expect(preview.ok ? [] : preview.error.map(({ pointer }) => pointer)).toEqual(['/files/0', '/files/1']);
  });
});

describe('a request', () => {
  it('is stored, then buffered, then sent, then noted, and its message goes last', async () => {
    const world = createWorld();
    await request(world);
    expect(world.journal.lines()).toEqual([
      `create-request ${ID}`,
      `add ${ID}`,
      'load-backlog',
      `submit ${ENDPOINT}`,
      'save-purge 20240115-00000000-0000-4000-8000-000000000002',
      `update-request ${ID}`,
      'complete message-1',
      `read-request ${ID}`,
    ]);
  });

  it('answers with its record: the targets, and the purge with its correlation and task ids', async () => {
    const world = createWorld();
    const answer = await requestPurge(ask(undefined, { reason: 'a wrong price' }), world.ports, {
      ...world.run,
      traceparent: TRACEPARENT,
    });
    expect(answer).toEqual({
      kind: 'taken',
      record: {
        version: 2,
        origin: 'person',
        repurges: 0,
        id: ID,
        state: 'accepted',
        askedAt: START_AT,
        reason: 'a wrong price',
        ask: aUrlAsk({ files: [url('a')] }),
        traceparent: TRACEPARENT,
        targets: [{ kind: 'file', url: url('a'), cdn: CDN, site: 'www' }],
        purges: [
          {
            id: '20240115-00000000-0000-4000-8000-000000000002',
            state: 'accepted',
            acceptedAt: START_AT,
            cdn: CDN,
            endpointId: ENDPOINT,
            correlationId: 'correlation-1',
            taskId: 'task-1',
            urls: [url('a')],
          },
        ],
      },
    });
    expect(world.records.purges()[0]?.causes).toEqual([
      { type: 'request', requestId: ID, askedAt: START_AT, traceparent: TRACEPARENT },
    ]);
    expect(world.telemetry.named('purge-accepted')).toMatchObject([
      { lane: 'manual', requests: 1, changes: 0 },
    ]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('that has faults is refused, and nothing is stored', async () => {
    const world = createWorld();
    expect(await request(world, ask(aUrlAsk({ files: ['a', 'http://evil.example/'] })))).toMatchObject({
      kind: 'refused',
      problems: [{ pointer: '/files/0' }, { pointer: '/files/1' }],
    });
    expect(world.journal.lines()).toEqual([]);
  });

  it('for more than one purge may hold is sent in several, all of them noted', async () => {
    const world = createWorld({ cdn: { limits: { ...LIMITS, urlsPerRequest: 2 } } });
    await request(world, ask(aBlobAsk({ blobs: ['a', 'b', 'c', 'd', 'e'] })));
    expect(recorded(world)).toMatchObject({
      state: 'accepted',
      purges: [{ urls: [url('a'), url('b')] }, { urls: [url('c'), url('d')] }, { urls: [url('e')] }],
    });
  });

  it('is kept from the flush while it is being sent', async () => {
    const world = createWorld();
    world.cdn.answerBy(async () => {
      await world.flush();
      return anAcceptance();
    });
    await request(world);
    expect(world.cdn.purges).toHaveLength(1);
    expect(recorded(world)?.state).toBe('accepted');
  });

  it('is kept from the flush however long it is being sent', async () => {
    const world = createWorld({ cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } } });
    let seen = 0;
    world.cdn.answerBy(async () => {
      world.clock.advance(65_000);
      seen += (await world.buffer.receive()).length;
      return anAcceptance();
    });
    await request(world, ask(aBlobAsk({ blobs: ['a', 'b', 'c', 'd', 'e'] })));
    expect(world.cdn.purges).toHaveLength(5);
    expect(seen).toBe(0);
    expect(recorded(world)?.state).toBe('accepted');
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is kept from the flush also while it is sent to several endpoints at once', async () => {
    const world = createWorld({
      configuration: onTwoEndpoints(),
      cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } },
    });
    world.cdn.answerBy(() => {
      world.clock.advance(30_000);
      return anAcceptance();
    });
    // Takes a turn of the event loop, as storage does: both endpoints come to it with the same receipt.
    const hide: typeof world.buffer.hide = async (receipt, forMs) => {
      await new Promise((resolve) => setImmediate(resolve));
      return world.buffer.hide(receipt, forMs);
    };
    const ports = { ...world.ports, buffer: { ...world.buffer, hide } };
    await requestPurge(ask(aBlobAsk({ blobs: ['a', 'b', 'c', 'd', 'e'] })), ports, world.run);
    expect(recorded(world)?.state).toBe('accepted');
    // A receipt that was no longer in force would have left the message there.
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is put back with the receipt in force when it was not accepted in the end', async () => {
    const world = createWorld({ cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } } });
    world.cdn.answerBy((_purge, number) => {
      world.clock.advance(65_000);
      return number === 1 ? anAcceptance() : aRefusal({ retryAfterMs: 600_000 });
    });
    await request(world, ask(aBlobAsk({ blobs: ['a', 'b'] })));
    expect(world.buffer.messages()).toMatchObject([{ failedAttempts: 1 }]);
    expect(world.buffer.stored()[0]?.visibleAt).toBe(START_AT + 2 * 65_000 + 600_000);
  });

  it('costs no storage call for each of many quick purges', async () => {
    const world = createWorld({ cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } } });
    world.cdn.answerBy(() => {
      world.clock.advance(1_000);
      return anAcceptance();
    });
    await request(world, ask(aBlobAsk({ blobs: Array.from({ length: 50 }, (_, index) => `${index}`) })));
    expect(world.journal.count('hide')).toBe(2);
  });

  it('is not sent on while its message cannot be kept from the flush', async () => {
    const world = createWorld({ cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } } });
    world.cdn.answerBy(() => {
      world.clock.advance(65_000);
      return anAcceptance();
    });
    world.journal.failBy(storageOutFor(['hide']));
    expect(await request(world, ask(aBlobAsk({ blobs: ['a', 'b', 'c'] })))).toMatchObject({
      kind: 'taken',
      record: { state: 'waiting', purges: [{ urls: [url('a')] }] },
    });
    world.journal.failBy(undefined);
    world.clock.advance(THREE_MINUTES_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('b'), url('c')]);
    expect(recorded(world)?.state).toBe('accepted');
  });

  it('whose invocation died is taken over by the flush after three minutes', async () => {
    const world = createWorld();
    const died = new Error('the process was ended');
    world.cdn.answerBy(() => Promise.reject(died));
    await expect(request(world)).rejects.toBe(died);
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(THREE_MINUTES_MS - 1);
    await world.flush();
    expect(recorded(world)?.state).toBe('waiting');
    world.clock.advance(1);
    await world.flush();
    expect(recorded(world)?.state).toBe('accepted');
  });

  it('is sent although storage took its record at a try whose answer was lost', async () => {
    const world = createWorld();
    const createRequest: typeof world.records.createRequest = async (record) => {
      await world.records.createRequest(record);
      return false;
    };
    const ports = { ...world.ports, records: { ...world.records, createRequest } };
    expect(await requestPurge(ask(), ports, world.run)).toMatchObject({
      kind: 'taken',
      record: { state: 'accepted' },
    });
  });
});

describe('a request that the CDN does not accept at once', () => {
  it('is answered as taken and waiting, with the reason, and the flush goes on with it', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 60_000 }));
    const answer = await request(world);
    expect(answer).toMatchObject({
      kind: 'taken',
      record: {
        state: 'waiting',
        purges: [],
        lastFailure: {
          kind: 'refused',
          detail: 'RequestThrottled: Too many requests.',
          correlationId: 'correlation-refused',
        },
      },
    });
    expect(world.buffer.messages()).toEqual([{ type: 'request', requestId: ID, failedAttempts: 1 }]);
    expect(world.buffer.stored()[0]?.visibleAt).toBe(START_AT + 60_000);

    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(60_000);
    await world.flush();
    expect(recorded(world)).toMatchObject({
      state: 'accepted',
      purges: [{ correlationId: 'correlation-1' }],
    });
    expect(recorded(world)?.lastFailure).toBeUndefined();
    expect(world.buffer.stored()).toEqual([]);
    expect(world.telemetry.named('purge-accepted')).toMatchObject([{ lane: 'manual', attempt: 2 }]);
  });

  it('does not end while the purge of one of its hosts could not be noted', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    let updates = 0;
    const updateRequest: PurgeRecords['updateRequest'] = async (id, change) => {
      updates += 1;
      if (updates > 1) return world.records.updateRequest(id, change);
      await loops(20);
      throw new StorageTrouble('out, and slow to say so');
    };
    const ports = { ...world.ports, records: { ...world.records, updateRequest } };
    await requestPurge(ask(aBlobAsk({ blobs: ['a'] })), ports, world.run);
    expect(recorded(world)?.state).toBe('waiting');
    expect(world.buffer.stored()).toHaveLength(1);

    world.clock.advance(THREE_MINUTES_MS);
    await world.flush();
    expect(recorded(world)?.state).toBe('accepted');
    expect(
      recorded(world)
        ?.purges.flatMap(({ urls }) => urls)
        .toSorted(),
    ).toEqual([url('a', OTHER_HOST), url('a')]);
  });

  it('is sent again only where it was not accepted', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(({ endpointId }) => (endpointId === ENDPOINT ? anAcceptance() : aFailure()));
    await request(world, ask(aBlobAsk({ blobs: ['a'] })));
    expect(recorded(world)).toMatchObject({ state: 'waiting', purges: [{ urls: [url('a')] }] });

    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(60_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('a', OTHER_HOST)]);
    expect(recorded(world)).toMatchObject({
      state: 'accepted',
      purges: [{ urls: [url('a')] }, { urls: [url('a', OTHER_HOST)] }],
    });
  });
});

describe('storage trouble', () => {
  it.each([
    ['while the key is looked up', 'find-key'],
    ['while the key is claimed', 'claim-key'],
    ['while the request is stored', 'create-request'],
    ['while its message is buffered', 'add'],
  ] as const)('%s is told to the caller, and nothing is sent', async (_what, call) => {
    const world = createWorld();
    world.journal.failBy(storageOutFor([call]));
    const idempotency = { keyHash: 'k', bodyHash: 'b' };
    await expect(request(world, ask(undefined, { idempotency }))).rejects.toThrow(StorageTrouble);
    expect(world.cdn.purges).toEqual([]);
  });

  it('while its message is buffered leaves a request that the same key takes up again', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['add'], 1));
    const again = ask(undefined, { idempotency: { keyHash: 'k', bodyHash: 'b' } });
    await expect(request(world, again)).rejects.toThrow(StorageTrouble);
    expect(await request(world, again)).toMatchObject({ kind: 'known', record: { state: 'waiting' } });
    world.clock.advance(TEN_MINUTES_MS);
    await world.flush();
    expect(recorded(world)).toMatchObject({ state: 'accepted' });
    expect(world.cdn.purges).toHaveLength(1);
  });

  it.each([
    ['while the purge is recorded', 'save-purge'],
    ['while the purge is noted', 'update-request'],
    ['while the message is completed', 'complete'],
    ['while the record is read back', 'read-request'],
  ] as const)('%s is not the caller’s any more: the timer takes over', async (_what, call) => {
    const world = createWorld();
    world.journal.failBy(storageOutFor([call], 1));
    expect(await request(world)).toMatchObject({ kind: 'taken', record: { id: ID } });
    world.journal.failBy(undefined);
    world.clock.advance(THREE_MINUTES_MS);
    await world.flush();
    expect(recorded(world)?.state).toBe('accepted');
    expect(world.buffer.stored()).toEqual([]);
  });

  it('while the message is put back is not the caller’s either', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    world.journal.failBy(storageOutFor(['put-back']));
    expect(await request(world)).toMatchObject({ kind: 'taken', record: { state: 'waiting' } });
    expect(world.buffer.messages()).toHaveLength(1);
  });

  it('with the record of a request in the flush lets go of the changes beside it, and sends the request again', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    await request(world);
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(60_000);
    await world.buffered(aChange({ name: 'b' }));
    world.journal.failBy(storageOutFor(['update-request']));
    await world.flush();
    expect(world.buffer.messages()).toMatchObject([{ type: 'request' }]);

    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(recorded(world)).toMatchObject({ state: 'accepted', purges: [{ urls: [url('a')] }] });
    expect(world.buffer.stored()).toEqual([]);
  });

  it('with one note among two does not end the request with a purge missing from its record', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(() => aFailure());
    await request(world, ask(aBlobAsk({ blobs: ['a'] })));
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(60_000);
    world.journal.failBy(storageOutFor(['update-request'], 1));
    await world.flush();
    expect(recorded(world)).toMatchObject({ state: 'waiting' });

    world.journal.failBy(undefined);
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    const urls = recorded(world)?.purges.flatMap((purge) => purge.urls);
    expect(new Set(urls)).toEqual(new Set([url('a'), url('a', OTHER_HOST)]));
    expect(recorded(world)?.state).toBe('accepted');
  });
});

const keyed = (bodyHash = 'body-1') => ask(undefined, { idempotency: { keyHash: 'key-1', bodyHash } });

describe('an idempotency key', () => {
  it('with the same body is the same request: it is not sent again', async () => {
    const world = createWorld();
    const first = await request(world, keyed());
    const second = await request(world, keyed());
    expect(first.kind).toBe('taken');
    expect(second).toEqual({ kind: 'known', record: recorded(world) });
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('with another body is a conflict, and nothing is stored', async () => {
    const world = createWorld();
    await request(world, keyed());
    expect(await request(world, keyed('body-2'))).toEqual({ kind: 'conflict' });
    expect(world.records.requests()).toHaveLength(1);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it.each([
    [24 * 60 * 60_000 - 1, 1],
    [24 * 60 * 60_000, 2],
  ])('holds for 24 hours: %i ms later there are %i requests', async (laterMs, requests) => {
    const world = createWorld();
    await request(world, keyed());
    world.clock.advance(laterMs);
    await request(world, keyed());
    expect(world.records.requests()).toHaveLength(requests);
  });

  it('gives the same request also when the configuration no longer serves it', async () => {
    const world = createWorld();
    const first = await request(world, keyed());
    world.configure(aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })] }));
    expect(await request(world, keyed())).toEqual({ ...first, kind: 'known' });
    expect(await request(world, keyed('body-2'))).toEqual({ kind: 'conflict' });
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('that was claimed by a call that died before it stored the request is gone on with', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['create-request'], 1));
    await expect(request(world, keyed())).rejects.toThrow(StorageTrouble);
    expect(await request(world, keyed())).toMatchObject({ kind: 'taken', record: { id: ID } });
    expect(recorded(world)?.state).toBe('accepted');
  });

  it.each([0, 60_000, TEN_MINUTES_MS, 6 * TEN_MINUTES_MS])(
    'of a request that waits writes no further message, here %i ms later: the first is there until it no longer waits',
    async (laterMs) => {
      const world = createWorld();
      world.cdn.answerBy(() => aRefusal());
      await request(world, keyed());
      world.clock.advance(laterMs);
      for (let time = 0; time < 3; time += 1) {
        expect(await request(world, keyed())).toMatchObject({ kind: 'known', record: { state: 'waiting' } });
      }
      expect(world.buffer.stored()).toHaveLength(1);
    },
  );

  it('of a request of which nothing was heard for ten minutes writes its message again, at once', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['add'], 1));
    await expect(request(world, keyed())).rejects.toThrow(StorageTrouble);
    world.clock.advance(TEN_MINUTES_MS + 1);
    await request(world, keyed());
    await world.flush();
    expect(recorded(world)?.state).toBe('accepted');
  });

  it('that comes again while the request is being sent never has it sent twice', async () => {
    const world = createWorld({ cdn: { limits: { ...LIMITS, urlsPerRequest: 1 } } });
    const asked = { ...keyed(), ask: aBlobAsk({ blobs: ['a', 'b', 'c', 'd', 'e'] }) };
    let seen = 0;
    world.cdn.answerBy(async () => {
      await request(world, asked);
      world.clock.advance(65_000);
      seen += (await world.buffer.receive()).length;
      return anAcceptance();
    });
    await request(world, asked);
    expect([seen, world.cdn.purges.length]).toEqual([0, 5]);
    // Of the repeats, the one before anything was on record has left a message.
    world.clock.advance(TEN_MINUTES_MS);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(5);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('of a request that is refused is not used up', async () => {
    const world = createWorld();
    const idempotency = { keyHash: 'key-1', bodyHash: 'body-1' };
    expect(await request(world, ask(aUrlAsk({ files: ['x'] }), { idempotency }))).toMatchObject({
      kind: 'refused',
    });
    expect(await request(world, keyed('body-2'))).toMatchObject({ kind: 'taken' });
  });
});

async function waitingRequest(world: World, ofAsk?: PurgeAsk) {
  world.cdn.answerBy(() => aFailure());
  await request(world, ask(ofAsk));
  world.cdn.answerBy(() => anAcceptance());
  world.clock.advance(60_000);
  world.journal.clear();
}

describe('a request in the flush', () => {
  it.each([
    ['accepted, where something of it was purged', [{ ...aServedPurge, urls: [url('a')] }], 'accepted'],
    ['failed, where nothing was', [], 'failed'],
  ])('of which the configuration leaves nothing to send ends: %s', async (_what, purges, state) => {
    const world = createWorld();
    await waitingRequest(world);
    const refused = purges.length > 0 ? [] : [{ cdn: CDN, url: url('a'), detail: 'no' }];
    await world.ports.records.updateRequest(recorded(world)?.id ?? '', (record) => ({
      ...record,
      purges,
      refused,
    }));
    world.clock.advance(THREE_MINUTES_MS);

    await world.flush();

    expect(recorded(world)).toMatchObject({ state });
    expect(world.buffer.stored()).toEqual([]);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('shares its purges with changes', async () => {
    const world = createWorld();
    await waitingRequest(world);
    await world.buffered(aChange({ name: 'a' }), aChange({ name: 'b' }));
    await world.flush();
    expect(world.cdn.purges.at(-1)?.files).toEqual([url('a'), url('b')]);
    expect(world.records.purges()[0]?.causes.map(({ type }) => type)).toEqual([
      'request',
      'change',
      'change',
    ]);
    expect(recorded(world)).toMatchObject({ state: 'accepted', purges: [{ urls: [url('a')] }] });
    expect(world.telemetry.named('purge-accepted')).toMatchObject([
      { changes: 2, requests: 1, lane: 'manual' },
    ]);
  });

  it('is purged before its message goes and after its purge is noted', async () => {
    const world = createWorld();
    await waitingRequest(world);
    await world.flush();
    const order = world.journal.lines('submit', 'save-purge', 'update-request', 'complete');
    expect(order.map((line) => line.split(' ')[0])).toEqual([
      'submit',
      'save-purge',
      'update-request',
      'complete',
    ]);
  });

  it('without a record goes to the poison queue', async () => {
    const world = createWorld();
    await world.buffer.add({ type: 'request', requestId: 'gone', failedAttempts: 0 });
    await world.flush();
    expect(world.buffer.poisoned).toMatchObject([{ reason: 'the request gone has no record' }]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('that was accepted already goes without a purge', async () => {
    const world = createWorld();
    await request(world);
    await world.buffer.add({ type: 'request', requestId: ID, failedAttempts: 0 });
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('that another’s directory has served is not sent again, and knows its own URLs', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(() => aFailure());
    await request(world, ask(aBlobAsk({ blobs: ['d/a', 'd/b'] })));
    await request(world, ask(aUrlAsk({ directories: [url('d/')] })));
    world.clock.advance(60_000);
    world.cdn.answerBy(({ endpointId }) => (endpointId === ENDPOINT ? anAcceptance() : aFailure()));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/')]);
    expect(recorded(world)).toMatchObject({
      state: 'waiting',
      purges: [{ urls: [url('d/a'), url('d/b')] }],
    });
    expect(world.records.requests()[1]).toMatchObject({
      state: 'accepted',
      purges: [{ urls: [url('d/')] }],
    });

    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(600_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('d/'), url('d/a', OTHER_HOST), url('d/b', OTHER_HOST)]);
    expect(recorded(world)?.state).toBe('accepted');
  });

  it('whose message is there twice has each of its purges once', async () => {
    const world = createWorld();
    await waitingRequest(world);
    await world.buffer.add({ type: 'request', requestId: ID, failedAttempts: 0 });
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(recorded(world)).toMatchObject({ state: 'accepted', purges: [{ urls: [url('a')] }] });
  });

  it('that somebody else has brought to its end meanwhile is not made a failed one', async () => {
    const world = createWorld();
    await waitingRequest(world);
    world.configure(aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })] }));
    const readRequest: typeof world.records.readRequest = async (id) => {
      const record = await world.records.readRequest(id);
      await world.records.updateRequest(id, (one) => ({ ...one, state: 'accepted', lastFailure: undefined }));
      return record;
    };
    const ports = { ...world.ports, records: { ...world.records, readRequest } };
    await flushPurges(ports, world.services.flushLimits, world.run);
    expect(recorded(world)?.state).toBe('accepted');
    expect(recorded(world)?.lastFailure).toBeUndefined();
  });

  it('that was accepted while an attempt failed has no failure on its record', async () => {
    const world = createWorld();
    await waitingRequest(world);
    world.cdn.answerBy(async () => {
      await world.records.updateRequest(ID, (one) => ({ ...one, state: 'accepted', lastFailure: undefined }));
      return aRefusal();
    });
    await world.flush();
    expect(recorded(world)).toMatchObject({ state: 'accepted' });
    expect(recorded(world)?.lastFailure).toBeUndefined();
  });

  it('that the configuration no longer serves ends as failed, and says so', async () => {
    const world = createWorld();
    await waitingRequest(world);
    const elsewhere = [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })];
    world.configure(aConfiguration({ rules: elsewhere }));
    await world.flush();
    expect(recorded(world)).toMatchObject({ state: 'failed', lastFailure: { kind: 'not-configured' } });
    expect(world.log.at('error')).toHaveLength(1);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('waits when its record cannot be read, and does not stop the changes', async () => {
    const world = createWorld();
    await waitingRequest(world);
    await world.buffered(aChange({ name: 'b' }));
    world.journal.failBy(storageOutFor(['read-request']));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('b')]);
    expect(world.buffer.messages()).toMatchObject([{ type: 'request', failedAttempts: 1 }]);
  });

  it('notes on its record what stopped it, once more', async () => {
    const world = createWorld();
    await waitingRequest(world);
    world.cdn.answerBy(() => aRefusal({ errorType: 'WrongSignature', message: 'No.' }));
    await world.flush();
    expect(recorded(world)).toMatchObject({
      state: 'waiting',
      lastFailure: { detail: 'WrongSignature: No.' },
    });
    expect(waiting(world)).toMatchObject([{ type: 'request', requestId: ID, failedAttempts: 2 }]);
    expect(world.buffer.messages()).toEqual([]);
  });
});

/** One that the CDN did not take, neither at once nor in a flush. */
async function requestInBacklog(world: World, ofAsk?: PurgeAsk) {
  await waitingRequest(world, ofAsk);
  world.cdn.answerBy(() => aFailure());
  await world.flush();
  world.cdn.answerBy(() => anAcceptance());
  world.clock.advance(60_000);
  world.journal.clear();
}

describe('a request in the backlog', () => {
  it('stands there by its id only, and is purged when its time comes', async () => {
    const world = createWorld();
    await requestInBacklog(world);
    expect(waiting(world)).toEqual([
      {
        type: 'request',
        requestId: ID,
        traceparent: undefined,
        since: START_AT,
        revision: expect.any(Number),
        reason: 'unknown',
        until: START_AT + 60_000 + 20_000,
        failedAttempts: 2,
      },
    ]);
    expect(world.backlog.text()).not.toContain(url('a'));

    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(recorded(world)).toMatchObject({ state: 'accepted' });
    expect(waiting(world)).toEqual([]);
    const order = world.journal.lines('submit', 'save-purge', 'update-request', 'save-backlog');
    expect(order.map((line) => line.split(' ')[0])).toEqual([
      'submit',
      'save-purge',
      'update-request',
      'save-backlog',
    ]);
  });

  it('is not sent before its time', async () => {
    const world = createWorld();
    await waitingRequest(world);
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 600_000 }));
    await world.flush();
    world.clock.advance(599_999);
    await world.flush();
    expect(world.cdn.purges).toHaveLength(2);
  });

  it('waits as what is held back for longer does, without an attempt', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 600_000 }));
    await world.buffered(aChange({ name: 'first' }));
    await world.flush();
    await request(world);
    world.clock.advance(60_000);
    await world.flush();
    expect(waiting(world).at(-1)).toMatchObject({
      type: 'request',
      reason: 'throttled',
      until: START_AT + 600_000,
      failedAttempts: 0,
    });
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('leaves without a purge when its record is gone, and an operator is told', async () => {
    const world = createWorld();
    await requestInBacklog(world);
    const records: PurgeRecords = { ...world.records, readRequest: async () => undefined };
    await flushPurges({ ...world.ports, records }, world.services.flushLimits, world.run);
    expect(waiting(world)).toEqual([]);
    expect(world.cdn.purges).toHaveLength(2);
    expect(world.log.at('error').map(({ details }) => details)).toEqual([{ requestId: ID }]);
    expect(world.buffer.poisoned).toEqual([]);
  });

  it('leaves without a purge when it is at its end by now', async () => {
    const world = createWorld();
    await requestInBacklog(world);
    await world.records.updateRequest(ID, (record) => ({ ...record, state: 'accepted' }));
    await world.flush();
    expect(waiting(world)).toEqual([]);
    expect(world.cdn.purges).toHaveLength(2);
  });

  it('leaves as failed when the configuration no longer serves it', async () => {
    const world = createWorld();
    await requestInBacklog(world);
    world.configure(aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] })] }));
    await world.flush();
    expect(waiting(world)).toEqual([]);
    expect(recorded(world)).toMatchObject({ state: 'failed', lastFailure: { kind: 'not-configured' } });
  });

  it('stays as it stands when its record cannot be read, and does not stop the changes', async () => {
    const world = createWorld();
    await requestInBacklog(world);
    const before = waiting(world);
    await world.buffered(aChange({ name: 'b' }));
    world.journal.failBy(storageOutFor(['read-request']));
    await world.flush();
    expect(waiting(world)).toEqual(before);
    expect(world.cdn.purgedUrls()).toEqual([url('b')]);
  });

  it('stays when its purge could not be noted, and is purged again', async () => {
    const world = createWorld();
    await requestInBacklog(world);
    world.journal.failBy(storageOutFor(['update-request']));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(waiting(world)).toMatchObject([{ requestId: ID }]);

    world.journal.failBy(undefined);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('a')]);
    expect(recorded(world)?.state).toBe('accepted');
    expect(waiting(world)).toEqual([]);
  });

  it('of which a part is purged stays for the rest', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    await requestInBacklog(world, aBlobAsk({ blobs: ['a'] }));
    world.cdn.answerBy(({ endpointId }) => (endpointId === ENDPOINT ? anAcceptance() : aFailure()));
    await world.flush();
    expect(recorded(world)).toMatchObject({ state: 'waiting', purges: [{ urls: [url('a')] }] });
    expect(waiting(world)).toMatchObject([{ requestId: ID, failedAttempts: 3 }]);

    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(300_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('a', OTHER_HOST)]);
    expect(waiting(world)).toEqual([]);
  });
});

describe('requests that wait for the quota', () => {
  const COUNT = 40;

  const createWaitingRequests = async (): Promise<World> => {
    const world = createQuotaWorld({ files: 0, directories: 0 });
    for (let number = 0; number < COUNT; number += 1) {
      await request(world, ask(aUrlAsk({ files: [url(`${number}`)] })));
    }
    await world.flush();
    expect(waiting(world)).toHaveLength(COUNT);
    world.journal.clear();
    return world;
  };

  it('are not read at every look at the quota, but every half hour', async () => {
    const world = await createWaitingRequests();
    for (let minute = 0; minute < 29; minute += 1) {
      world.clock.advance(60_000);
      await world.buffered(aChange({ name: 'new', eventId: `event-${minute}` }));
      await world.flush();
    }
    expect(world.journal.count('read-request')).toBe(0);
    world.clock.advance(60_000);
    await world.flush();
    expect(world.journal.count('read-request')).toBe(COUNT);
  });

  it('are read side by side, a few at a time', async () => {
    const world = await createWaitingRequests();
    let reading = 0;
    let mostReading = 0;
    const readRequest: PurgeRecords['readRequest'] = async (id) => {
      reading += 1;
      mostReading = Math.max(mostReading, reading);
      await new Promise((resolve) => setImmediate(resolve));
      reading -= 1;
      return world.ports.records.readRequest(id);
    };
    world.clock.advance(1_800_000);
    const records = { ...world.ports.records, readRequest };
    await flushPurges({ ...world.ports, records }, world.services.flushLimits, world.run);
    expect(mostReading).toBe(16);
  });

  it('are purged, the oldest first, when the quota gives something before the reset', async () => {
    const world = await createWaitingRequests();
    const more = aQuota({ limits: { files: 3, directories: 0 } });
    const cdn = createScriptedProvider(world.journal, { quota: more });
    world.clock.advance(1_800_000);
    const ports = { ...world.ports, providersFor: () => new Map([[CDN, cdn]]) };
    await flushPurges(ports, world.services.flushLimits, world.run);
    expect(cdn.purgedUrls()).toEqual([url('0'), url('1'), url('2')]);
    expect(waiting(world)).toHaveLength(COUNT - 3);
  });
});

describe('a request while its subscription rests', () => {
  it('is not sent by a process that was started anew either: the hold stands with the backlog', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 3_600_000 }));
    await world.buffered(aChange({ name: 'a' }));
    await world.flush();
    await requestPurge(ask(aUrlAsk({ files: [url('b')] })), restarted(world), world.run);
    expect(world.cdn.purges).toHaveLength(1);
    expect(recorded(world)).toMatchObject({
      state: 'waiting',
      lastFailure: { detail: 'RequestThrottled: Too many requests.' },
    });
  });
});

describe('what waits in the backlog', () => {
  it('leaves it when a person’s purge has served it meanwhile', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    await world.buffered(aChange({ name: 'd/a' }), aChange({ name: 'b', eventId: 'event-2' }));
    await world.flush();
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(10_000);
    await request(world, ask(aUrlAsk({ directories: [url('d/')] })));
    expect(waiting(world)).toMatchObject([{ target: { url: url('b') } }]);
    expect(recorded(world)?.state).toBe('accepted');
  });

  it('stays where somebody’s change joined it while the person’s purge was under way', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    await world.buffered(aChange({ name: 'a', eventId: 'old' }));
    await world.flush();
    world.clock.advance(10_000);
    world.cdn.answerBy(async () => {
      const { backlog, version } = await world.backlog.load();
      const joining = [aJoiningTarget('/media/a', { eventId: 'new' })];
      await world.backlog.save(applyChanges(backlog, { ...NO_CHANGES, joining }, world.clock.now()), version);
      return anAcceptance();
    });
    await request(world);
    expect(recorded(world)?.state).toBe('accepted');
    expect(waiting(world)).toMatchObject([{ changes: 2 }]);
  });

  it('is named by the record of a person’s purge that took it along, and not purged again after a crash', async () => {
    const world = createQuotaWorld({ files: 0, directories: 5 });
    await world.buffered(aChange({ name: 'd/a', eventId: 'event-a' }));
    await world.flush();
    const [entry] = waiting(world);
    world.journal.failBy(storageOutFor(['save-backlog']));
    await request(world, ask(aUrlAsk({ directories: [url('d/')] })));
    expect(world.records.purges()).toMatchObject([
      { causes: [{ type: 'request' }, { eventId: 'event-a' }], waited: [entry?.revision] },
    ]);
    world.journal.failBy(undefined);
    await flushPurges(restarted(world), world.services.flushLimits, world.run);
    expect(world.cdn.purgedUrls()).toEqual([url('d/')]);
    expect(waiting(world)).toEqual([]);
  });

  it('below a directory that a person asks for and that has to wait is nothing of the request', async () => {
    const world = createQuotaWorld({ files: 5, directories: 0 });
    world.cdn.answerBy(() => aFailure({ outcomeClass: 'transient' }));
    await world.buffered(aChange({ name: 'd/a', eventId: 'event-a' }));
    await world.flush();
    world.clock.advance(10_000);
    world.cdn.answerBy(() => anAcceptance());
    await request(world, ask(aUrlAsk({ directories: [url('d/')] })));
    expect(recorded(world)).toMatchObject({ state: 'waiting', purges: [] });
    expect(world.cdn.purgedUrls()).toEqual([url('d/a')]);
    expect(waiting(world)).toEqual([]);
  });

  it('does not keep a person’s purge from being sent when it cannot be read', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['load-backlog']));
    await request(world);
    expect(recorded(world)?.state).toBe('accepted');
    expect(world.log.at('warn')).toHaveLength(1);
  });
});
