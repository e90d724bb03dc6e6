// The flush: everything that waits is purged, and a message goes only when its purge is accepted and on record.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage } from '../../../src/lib/buffer/message.schema.ts';
import type { NotAccepted, PurgeOutcome } from '../../../src/lib/core/purge-outcome.ts';
import { flushPurges } from '../../../src/lib/use-cases/flush-purges.ts';
import { StorageTrouble, type HeldLease, type PurgeBatch } from '../../../src/lib/use-cases/ports.ts';
import {
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  aFailure,
  anAcceptance,
  aPath,
  aQuota,
  aRefusal,
  aRename,
  aRule,
  aRuleHost,
  CDN,
  ENDPOINT,
  HOST,
  LIMITS,
  OTHER_ENDPOINT,
  OTHER_HOST,
  TRACEPARENT,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { createWorld, VISIBILITY_MS, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const url = (name: string, host = HOST): string => `http://${host}/media/${name}`;

/** Changes of blobs `0` to `count - 1`. */
const changes = (count: number) =>
  Array.from({ length: count }, (_, index) => aChange({ name: `${index}`, eventId: `event-${index}` }));

/** What stands in the backlog, in the order in which it joined. */
const waiting = (world: World) => [...world.backlog.stored().entries.values()];
const waits = (world: World) => waiting(world).map(({ until }) => until - world.clock.now());
const attemptsOf = (world: World) => waiting(world).map(({ failedAttempts }) => failedAttempts);

const eventIdOf = (text: string): string | undefined => {
  const decoded = decodeMessage(text);
  return decoded.ok && decoded.value.type === 'change' ? decoded.value.change.eventId : undefined;
};

const onTwoEndpoints = () =>
  aConfiguration({
    rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] })],
  });

const twoPerPurge = { limits: { ...LIMITS, urlsPerRequest: 2 } };

/** As when the lease could not be reached: another flush may run too. */
const HELD: HeldLease = { isHeld: () => true, release: async () => undefined };

const has =
  (name: string) =>
  ({ files, directories }: PurgeBatch): boolean =>
    [...files, ...directories].some((one) => one.includes(`/${name}`));

describe('an idle tick', () => {
  it('costs three calls and the release of its lease, logs nothing and sends no telemetry', async () => {
    const world = createWorld();
    await world.flush();
    expect(world.journal.lines()).toEqual(['acquire-lease', 'load-backlog', 'receive']);
    expect(world.log.lines).toEqual([]);
    expect(world.telemetry.events).toEqual([]);
    expect(world.telemetry.spans).toEqual([]);
    expect(world.telemetry.flushes()).toBe(0);
  });

  it.each([
    ['for a hold', () => aFailure()],
    ['for the quota', undefined],
  ])('costs no more however many wait %s', async (_what, answer) => {
    const none = aQuota({
      limits: { files: 0, directories: 0 },
      manualReserve: { files: 0, directories: 0 },
    });
    const world = createWorld({ cdn: answer === undefined ? { quota: none } : {} });
    world.cdn.answerBy(answer ?? (() => anAcceptance()));
    await world.buffered(...changes(300));
    await world.flush();
    expect(waiting(world)).toHaveLength(300);
    world.journal.clear();
    world.clock.advance(9_999);
    await world.flush();
    expect(world.journal.lines()).toEqual(['acquire-lease', 'load-backlog', 'receive']);
  });
});

describe('receiving', () => {
  it.each([
    [1, 1],
    [31, 1],
    [32, 5],
    [33, 5],
  ])('%i messages takes %i receives: they fan out only after a full one', async (count, receives) => {
    const world = createWorld();
    await world.buffered(...changes(count));
    await world.flush();
    expect(world.journal.count('receive')).toBe(receives);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('takes all that waits in one flush', async () => {
    const world = createWorld();
    await world.buffered(...changes(1_000));
    await world.flush();
    expect(world.cdn.purges.map(({ files }) => files.length)).toEqual(Array.from({ length: 10 }, () => 100));
    expect(new Set(world.cdn.purgedUrls()).size).toBe(1_000);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('goes on with what it has when storage fails in the midst of it', async () => {
    const world = createWorld();
    await world.buffered(...changes(100));
    let receives = 0;
    world.journal.failBy(({ call }) => {
      receives += call === 'receive' ? 1 : 0;
      return call === 'receive' && receives > 1 ? new StorageTrouble('out') : undefined;
    });
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(32);
    expect(world.buffer.stored()).toHaveLength(68);
  });

  it('tells the host when storage is out from the start', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['receive']));
    await expect(world.flush()).rejects.toThrow(StorageTrouble);
  });
});

describe('an accepted purge', () => {
  it('is recorded before any of its messages goes', async () => {
    const world = createWorld();
    await world.buffered(...changes(2));
    world.journal.clear();
    await world.flush();
    const order = world.journal.lines('submit', 'save-purge', 'complete');
    expect(order.slice(0, 2)).toEqual([
      `submit ${ENDPOINT}`,
      'save-purge 20240115-00000000-0000-4000-8000-000000000001',
    ]);
    expect(order.slice(2)).toHaveLength(2);
    expect(order.slice(2).every((line) => line.startsWith('complete '))).toBe(true);
  });

  it('has a record that joins the changes with the task and the correlation id of the CDN', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => anAcceptance({ taskId: 'task-9', correlationId: 'correlation-9' }));
    await world.buffered(
      aChange({ name: 'a', eventId: 'e-1', traceparent: TRACEPARENT }),
      aDirectoryDeletion(aPath('dir'), { eventId: 'e-2' }),
    );
    await world.flush();
    expect(world.records.purges()).toEqual([
      {
        version: 2,
        id: '20240115-00000000-0000-4000-8000-000000000001',
        state: 'accepted',
        polls: 0,
        nextPollAt: START_AT + 15_000,
        acceptedAt: START_AT,
        cdn: CDN,
        endpointId: ENDPOINT,
        files: [url('a')],
        directories: [url('dir/')],
        taskId: 'task-9',
        correlationId: 'correlation-9',
        attempt: 1,
        causes: [
          { type: 'change', eventId: 'e-1', eventAt: START_AT, traceparent: TRACEPARENT },
          { type: 'change', eventId: 'e-2', eventAt: START_AT },
        ],
      },
    ]);
  });

  it('is told to telemetry with its ages and counts, and once to the log', async () => {
    const world = createWorld();
    await world.buffered(aChange({ name: 'a', eventAt: START_AT }));
    world.clock.advance(3_000);
    await world.buffered(aDirectoryDeletion(aPath('dir')));
    world.clock.advance(2_000);
    await world.flush();
    expect(world.telemetry.events).toEqual([
      {
        name: 'purge-accepted',
        lane: 'events',
        cdn: CDN,
        endpointId: ENDPOINT,
        sites: 'www',
        files: 1,
        directories: 1,
        changes: 2,
        requests: 0,
        attempt: 1,
        correlationId: 'correlation-1',
        queueAgeMs: 5_000,
        eventAgeMs: 5_000,
        purgeId: '20240115-00000000-0000-4000-8000-000000000001',
        taskId: 'task-1',
      },
    ]);
    expect(world.log.at('info').map(({ details }) => details)).toEqual([
      {
        messages: 2,
        accepted: 1,
        notAccepted: 0,
        urlsPurged: 2,
        waiting: 0,
        correlationIds: 'correlation-1',
      },
    ]);
    expect(world.telemetry.flushes()).toBe(1);
  });

  it('is within a span that links the traces of its changes', async () => {
    const world = createWorld();
    await world.buffered(aChange({ traceparent: TRACEPARENT }), aChange({ name: 'b' }));
    await world.flush();
    expect(world.telemetry.spans).toMatchObject([
      {
        name: 'flush-purge-buffer',
        kind: 'internal',
        linkedTraceparents: [TRACEPARENT],
        attributes: { messages: 2, accepted: 1, notAccepted: 0, urlsPurged: 2, waiting: 0 },
        failure: undefined,
      },
    ]);
  });
});

describe('what was changed more than once', () => {
  it('is purged once, and all its messages go', async () => {
    const world = createWorld();
    await world.buffered(aChange({ eventId: 'e-1' }), aChange({ eventId: 'e-2', kind: 'deleted' }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
    expect(world.records.purges()[0]?.causes).toHaveLength(2);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is covered by its directory, and all its messages go', async () => {
    const world = createWorld();
    await world.buffered(
      aChange({ name: 'dir/a' }),
      aDirectoryDeletion(aPath('dir')),
      aChange({ name: 'b' }),
    );
    await world.flush();
    expect(world.cdn.purges).toMatchObject([{ files: [url('b')], directories: [url('dir/')] }]);
    expect(world.records.purges()[0]?.causes).toHaveLength(3);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is purged under both names when it was renamed', async () => {
    const world = createWorld();
    await world.buffered(aRename(aPath('a'), aPath('b')));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a'), url('b')]);
  });
});

describe('the configuration of the moment', () => {
  it('gives the URLs, not that of the intake', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    world.configure(aConfiguration({ rules: [aRule({ servedUnder: '/new/' })] }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([`http://${HOST}/new/a.txt`]);
  });

  it('lets go what no rule serves any more, without a purge', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    world.configure(aConfiguration({ rules: [aRule({ strip: 'elsewhere/' })] }));
    await world.flush();
    expect(world.cdn.purges).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.buffer.poisoned).toEqual([]);
  });
});

describe('requests to the CDN', () => {
  it('go to one endpoint one after the other, to others at the same time', async () => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: twoPerPurge });
    await world.buffered(...changes(6));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(6);
    expect(world.cdn.mostInFlight).toEqual(
      new Map([
        [ENDPOINT, 1],
        [OTHER_ENDPOINT, 1],
        ['*', 2],
      ]),
    );
  });

  it('keep one in flight for an endpoint, though two flushes run at once', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    await world.buffered(...changes(40));
    const lease = { acquire: async () => HELD };
    const flush = () => flushPurges({ ...world.ports, lease }, world.services.flushLimits, world.run);
    await Promise.all([flush(), flush()]);
    expect(world.cdn.mostInFlight.get(ENDPOINT)).toBe(1);
    expect(world.cdn.purgedUrls()).toHaveLength(40);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('send the oldest change first', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    await world.buffered(aChange({ name: 'old' }));
    world.cdn.answerBy(() => aFailure());
    await world.flush();
    world.clock.advance(1_000);
    await world.buffered(aChange({ name: 'new-1' }), aChange({ name: 'new-2' }));
    world.clock.advance(60_000);
    world.cdn.answerBy(() => anAcceptance());
    await world.flush();
    expect(world.cdn.purgedUrls()[0]).toBe(url('old'));
  });

  it('find the endpoint of a host that the configuration leaves open, once for all its URLs', async () => {
    const configuration = aConfiguration({
      rules: [aRule({ hosts: [aRuleHost({ endpointId: undefined })] })],
    });
    const world = createWorld({ configuration, cdn: { endpoints: { [HOST]: OTHER_ENDPOINT } } });
    await world.buffered(...changes(3));
    await world.flush();
    expect(world.journal.count('find-endpoint')).toBe(1);
    expect(world.cdn.purges.map(({ endpointId }) => endpointId)).toEqual([OTHER_ENDPOINT]);
  });

  it('go on for other hosts when an endpoint is not found, and its changes wait', async () => {
    const configuration = aConfiguration({
      rules: [
        aRule({ strip: 'x/', hosts: [aRuleHost({ host: OTHER_HOST, endpointId: undefined })] }),
        aRule({ strip: 'y/' }),
      ],
    });
    const world = createWorld({ configuration });
    await world.buffered(aChange({ name: 'x/a' }), aChange({ name: 'y/a' }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a')]);
    expect(attemptsOf(world)).toEqual([1]);
    expect(waits(world)).toEqual([10_000]);
  });

  it('go to every CDN of the configuration', async () => {
    const configuration = aConfiguration({
      rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ cdn: 'second', host: OTHER_HOST })] })],
    });
    const world = createWorld({ configuration, otherCdns: { second: {} } });
    await world.buffered(aChange());
    await world.flush();
    expect(world.cdns.get('second')?.purgedUrls()).toEqual([url('a.txt', OTHER_HOST)]);
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
    expect(world.buffer.stored()).toEqual([]);
  });
});

describe('a change on two endpoints', () => {
  it('waits for the one that did not accept it, and is not sent to the other again', async () => {
    const world = createWorld({ configuration: onTwoEndpoints() });
    world.cdn.answerBy(({ endpointId }) => (endpointId === ENDPOINT ? anAcceptance() : aFailure()));
    await world.buffered(aChange());
    await world.flush();
    expect(world.records.purges()).toHaveLength(1);
    expect(waiting(world)).toMatchObject([{ target: { url: url('a.txt', OTHER_HOST) }, failedAttempts: 1 }]);
    expect(world.buffer.stored()).toEqual([]);
    const order = world.journal.lines('save-purge', 'save-backlog', 'complete');
    expect(order.map((line) => line.split(' ')[0])).toEqual(['save-purge', 'save-backlog', 'complete']);

    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(10_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt'), url('a.txt', OTHER_HOST)]);
    expect(waiting(world)).toEqual([]);
  });
});

describe('a purge that is not accepted', () => {
  it.each<readonly [string, NotAccepted]>([
    ['refused as a whole', aRefusal({ outcomeClass: 'request-refused' })],
    ['throttled', aRefusal()],
    ['refused for its key', aRefusal({ outcomeClass: 'credentials-refused', errorType: 'WrongSignature' })],
    ['lost on the way', aFailure()],
    ['never sent', aFailure({ reason: 'could-not-connect', sent: false })],
  ])('leaves its targets in the backlog, with one attempt more: %s', async (_what, outcome) => {
    const world = createWorld();
    world.cdn.answerBy(() => outcome);
    await world.buffered(...changes(3));
    await world.flush();
    expect(world.records.purges()).toEqual([]);
    const { outcomeClass: reason } = outcome;
    expect(waiting(world)).toMatchObject(
      ['0', '1', '2'].map((name) => ({ target: { url: url(name) }, reason, failedAttempts: 1, changes: 1 })),
    );
    expect(waits(world)).toEqual([10_000, 10_000, 10_000]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is in the backlog before its messages go', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    await world.buffered(...changes(2));
    world.journal.clear();
    await world.flush();
    const order = world.journal.lines('submit', 'save-backlog', 'complete', 'put-back');
    expect(order.map((line) => line.split(' ')[0])).toEqual([
      'submit',
      'save-backlog',
      'complete',
      'complete',
    ]);
  });

  it('waits longer each time, and counts real outcomes only', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    await world.buffered(aChange());
    const waited: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      await world.flush();
      const [wait = 0] = waits(world);
      waited.push(wait);
      world.clock.advance(wait);
    }
    expect(waited).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    expect(attemptsOf(world)).toEqual([7]);
    expect(world.telemetry.named('purge-failed').map(({ attempt }) => attempt)).toEqual([
      1, 2, 3, 4, 5, 6, 7,
    ]);
    expect(world.buffer.poisoned).toEqual([]);
  });

  it('honours Retry-After', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal({ retryAfterMs: 900_000 }));
    await world.buffered(aChange());
    await world.flush();
    expect(waits(world)).toEqual([900_000]);
  });

  it('is told to telemetry and to the operator with the correlation id', async () => {
    const world = createWorld();
    world.cdn.answerBy((_purge, number) =>
      number === 1
        ? aRefusal({ errorType: 'WrongSignature', status: 401 })
        : aFailure({ correlationId: 'correlation-failed', status: 502 }),
    );
    await world.buffered(aChange());
    await world.flush();
    world.clock.advance(10_000);
    await world.flush();
    expect(world.telemetry.named('purge-refused')).toMatchObject([
      { errorType: 'WrongSignature', status: 401, correlationId: 'correlation-refused', attempt: 1 },
    ]);
    expect(world.telemetry.named('purge-failed')).toMatchObject([
      { reason: 'connection-lost', status: 502, correlationId: 'correlation-failed', attempt: 2 },
    ]);
    expect(world.log.at('warn').map(({ details }) => details['correlationId'])).toEqual([
      'correlation-refused',
      'correlation-failed',
    ]);
  });

  it.each<readonly [string, PurgeOutcome]>([
    ['the request was refused', aRefusal({ outcomeClass: 'request-refused', retryAfterMs: 30_000 })],
    ['no usable answer came', aFailure({ retryAfterMs: 30_000 })],
  ])('holds the rest of its endpoint back when %s; waiting is no attempt', async (_what, outcome) => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: twoPerPurge });
    world.cdn.answerBy((purge) =>
      purge.endpointId === ENDPOINT && has('2')(purge) ? outcome : anAcceptance(),
    );
    await world.buffered(...changes(6));
    await world.flush();
    expect(world.cdn.purgedUrls().filter((one) => one.includes(HOST))).toEqual([url('0'), url('1')]);
    expect(world.cdn.purgedUrls().filter((one) => one.includes(OTHER_HOST))).toHaveLength(6);
    expect(attemptsOf(world)).toEqual([1, 1, 0, 0]);
    expect(waits(world)).toEqual([30_000, 30_000, 30_000, 30_000]);
  });
});

describe('storage trouble', () => {
  it('with one message does not stop the others', async () => {
    const world = createWorld();
    const [first] = await world.buffered(...changes(40));
    world.journal.failBy(({ call, of }) =>
      call === 'complete' && of === first?.messageId ? new StorageTrouble('out') : undefined,
    );
    await world.flush();
    expect(world.buffer.stored().map(({ messageId }) => messageId)).toEqual([first?.messageId]);
    expect(world.log.at('warn')).toHaveLength(1);
  });

  it('with one message that joined the backlog does not stop the others, nor is it purged twice', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    const [first] = await world.buffered(...changes(40));
    world.journal.failBy(({ call, of }) =>
      call === 'complete' && of === first?.messageId ? new StorageTrouble('out') : undefined,
    );
    await world.flush();
    expect(waiting(world)).toHaveLength(40);
    expect(world.buffer.stored().map(({ messageId }) => messageId)).toEqual([first?.messageId]);

    world.journal.failBy(undefined);
    world.cdn.answerBy(() => anAcceptance());
    world.clock.advance(VISIBILITY_MS);
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(40);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('with a record keeps what it was for, and the endpoint rests: the purge is repeated', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    await world.buffered(...changes(4));
    world.journal.failBy(storageOutFor(['save-purge'], 1));
    await world.flush();
    expect(world.cdn.purges).toHaveLength(1);
    expect(waiting(world)).toMatchObject([
      { reason: 'unknown', failedAttempts: 1 },
      { reason: 'unknown', failedAttempts: 1 },
      { reason: 'unknown', failedAttempts: 0 },
      { reason: 'unknown', failedAttempts: 0 },
    ]);
    expect(waits(world)).toEqual([10_000, 10_000, 10_000, 10_000]);
    expect(world.log.at('warn').map(({ details }) => details['reason'])).toEqual(['not-recorded']);

    world.clock.advance(10_000);
    await world.flush();
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.records.purges().flatMap(({ files }) => files)).toEqual(
      ['0', '1', '2', '3'].map((name) => url(name)),
    );
  });

  it('with the records of one endpoint does not stop the others', async () => {
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: twoPerPurge });
    await world.buffered(...changes(6));
    world.journal.failBy(storageOutFor(['save-purge'], 1));
    await world.flush();
    expect(world.records.purges()).toHaveLength(3);
    expect(waiting(world)).toHaveLength(6);
  });
});

describe('a bug in the midst of a flush', () => {
  it('marks the span of the flush failed, and what was not done waits', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    world.journal.failBy(({ call }) => (call === 'save-purge' ? new TypeError('a bug') : undefined));
    await expect(world.flush()).rejects.toThrow('a bug');
    expect(world.telemetry.spans.map(({ failure }) => failure)).toEqual(['TypeError']);
    expect(world.telemetry.flushes()).toBe(1);
    expect(waiting(world)).toMatchObject([{ reason: 'out-of-time', failedAttempts: 0 }]);
  });

  it('gives the lease back: the next flush is not kept waiting', async () => {
    const world = createWorld();
    await world.buffered(aChange());
    world.journal.failBy(({ call }) => (call === 'submit' ? new TypeError('a bug') : undefined));
    await expect(world.flush()).rejects.toThrow('a bug');
    world.journal.failBy(undefined);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
  });
});

describe('a bug while a message is completed', () => {
  it('is thrown by the flush, and everything else is brought to its end first', async () => {
    const world = createWorld({ cdn: twoPerPurge });
    const [first] = await world.buffered(...changes(6));
    world.journal.failBy(({ call, of }) =>
      call === 'complete' && of === first?.messageId ? new TypeError('a bug') : undefined,
    );
    await expect(world.flush()).rejects.toThrow('a bug');
    expect(world.cdn.purgedUrls()).toHaveLength(6);
    expect(world.buffer.stored()).toHaveLength(1);
  });
});

describe('messages that cannot be used', () => {
  it('go to the poison queue with the reason, verbatim, and do not stop the others', async () => {
    const world = createWorld();
    world.buffer.addText('junk');
    await world.buffered(aChange());
    await world.flush();
    expect(world.buffer.poisoned).toEqual([
      { text: 'junk', reason: 'not a purge message', bufferedAt: START_AT, failedAttempts: 0 },
    ]);
    expect(world.telemetry.named('message-dead-lettered')).toEqual([
      { name: 'message-dead-lettered', reason: 'not a purge message' },
    ]);
    expect(world.log.at('error')).toHaveLength(1);
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('stay where they are when the poison queue is out, and do not stop the others', async () => {
    const world = createWorld();
    world.buffer.addText('junk');
    await world.buffered(aChange());
    world.journal.failBy(storageOutFor(['dead-letter']));
    await world.flush();
    expect(world.buffer.stored().map(({ text }) => text)).toEqual(['junk']);
    expect(world.cdn.purgedUrls()).toEqual([url('a.txt')]);
  });

  it('are left for a newer version when it wrote them', async () => {
    const world = createWorld();
    const text = Buffer.from('{"v":2,"future":true}').toString('base64');
    world.buffer.addText(text);
    await world.flush();
    expect(world.buffer.stored().map((one) => one.text)).toEqual([text]);
    expect(world.buffer.poisoned).toEqual([]);
    expect(world.journal.lines()).toEqual(['acquire-lease', 'load-backlog', 'receive']);
  });
});

describe('whatever the CDN answers, and whatever storage does', () => {
  const outcomes = fc.constantFrom<PurgeOutcome>(
    anAcceptance(),
    anAcceptance({ correlationId: undefined }),
    aRefusal(),
    aRefusal({ outcomeClass: 'item-refused' }),
    aFailure(),
    aFailure({ sent: false, retryAfterMs: 1_000 }),
  );
  const names = fc.array(fc.constantFrom('a', 'b', 'dir/a', 'dir/b', 'dir/sub/c'), {
    minLength: 1,
    maxLength: 12,
  });

  it('every change ends in a purge that was accepted after it, or in poison, on every endpoint', async () => {
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.boolean(),
        fc.infiniteStream(outcomes),
        fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
        async (changed, withDirectory, answers, dice) => {
          const world = createWorld({ configuration: onTwoEndpoints(), cdn: twoPerPurge });
          await world.buffered(...changed.map((name, index) => aChange({ name, eventId: `e-${index}` })));
          if (withDirectory) await world.buffered(aDirectoryDeletion(aPath('dir'), { eventId: 'e-dir' }));
          world.cdn.answerBy(() => answers.next().value ?? anAcceptance());
          world.journal.failBy(({ call }) =>
            call !== 'submit' && dice.next().value === 0 ? new StorageTrouble(`no ${call}`) : undefined,
          );
          for (let round = 0; round < 3; round += 1) {
            await world.flush().catch(() => undefined);
            world.clock.advance(VISIBILITY_MS);
          }
          world.journal.failBy(undefined);
          world.cdn.answerBy(() => anAcceptance());
          for (let round = 0; round < 3; round += 1) {
            world.clock.advance(VISIBILITY_MS);
            await world.flush();
          }
          expect(world.buffer.stored()).toEqual([]);
          expect(waiting(world)).toEqual([]);
          const recorded = world.records.purges();
          for (const host of [HOST, OTHER_HOST]) {
            for (const [index, name] of changed.entries()) {
              // Of many changes of one path the newest may stand for all.
              const same = new Set(
                changed.flatMap((other, at) => (other === name && at >= index ? [`e-${at}`] : [])),
              );
              const serving = recorded.filter(
                ({ files, directories, causes }) =>
                  [...files, ...directories].some((one) => url(name, host).startsWith(one)) &&
                  causes.some((cause) => cause.type === 'change' && same.has(cause.eventId)),
              );
              const refused = world.buffer.poisoned.filter(
                (entry) => entry.url === url(name, host) && same.has(eventIdOf(entry.text) ?? ''),
              );
              expect([...serving, ...refused]).not.toEqual([]);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a quota that is too small for all', () => {
  it('serves the oldest change on every host, before a newer one on any', async () => {
    const quota = aQuota({
      limits: { files: 3, directories: 0 },
      manualReserve: { files: 0, directories: 0 },
    });
    const world = createWorld({ configuration: onTwoEndpoints(), cdn: { quota } });
    for (const change of changes(3)) {
      await world.buffered(change);
      world.clock.advance(1_000);
    }
    await world.flush();
    expect(world.cdn.purgedUrls().toSorted()).toEqual([url('0', OTHER_HOST), url('0'), url('1')]);
    expect(waiting(world)).toMatchObject([
      { target: { url: url('1', OTHER_HOST) }, reason: 'quota-exhausted', causes: [{ eventId: 'event-1' }] },
      { target: { url: url('2') }, reason: 'quota-exhausted', causes: [{ eventId: 'event-2' }] },
      { target: { url: url('2', OTHER_HOST) }, reason: 'quota-exhausted', causes: [{ eventId: 'event-2' }] },
    ]);
    expect(world.buffer.stored()).toEqual([]);
  });
});
