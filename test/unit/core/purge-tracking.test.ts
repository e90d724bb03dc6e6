// Following the CDN's task: when it is asked about, and what an answer makes of the record.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { instant, type Instant } from '../../../src/lib/core/instant.ts';
import { isEnded, type EndedPurge, type PurgeRecord } from '../../../src/lib/core/purge-record.ts';
import {
  beginTracking,
  followTask,
  GIVE_UP_AFTER_MS,
  type ItemProgress,
  type Poll,
} from '../../../src/lib/core/purge-tracking.ts';
import { aPurge, CAPABILITIES } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const A = 'http://www.example.cn/a';
const B = 'http://www.example.cn/b 中';
const DIR = 'http://www.example.cn/dir/';
const purge = aPurge({ files: [A, B], directories: [DIR] });

const nothingLearnt: Poll = { kind: 'nothing-learnt', retryAfterMs: undefined };
const answered = (...items: readonly ItemProgress[]): Poll => ({ kind: 'answered', items });
const item = (url: string, status: ItemProgress['status'] = 'succeeded'): ItemProgress => ({ url, status });
const after = (ms: number) => instant(START_AT + ms);
const followAt = (record: PurgeRecord, poll: Poll, now: Instant): PurgeRecord =>
  followTask(record, poll, now, CAPABILITIES.pollPausesMs);
const follow = (poll: Poll, ms = 15_000): PurgeRecord => followAt(purge, poll, after(ms));

describe('a purge that was just accepted', () => {
  const { version: _version, state: _state, polls: _polls, nextPollAt: _next, ...accepted } = purge;

  it('is asked about after the first pause of its CDN', () => {
    expect(beginTracking(accepted, [20_000, 60_000], undefined)).toEqual({
      ...accepted,
      version: 2,
      state: 'accepted',
      polls: 0,
      nextPollAt: START_AT + 20_000,
    });
  });

  it.each<[string, number, number]>([
    ['is not asked about before the CDN wishes', 90_000, 90_000],
    ['is asked about no earlier because the CDN would not mind', 5_000, 20_000],
    ['is given up after a day, whatever the CDN wishes', 2 * GIVE_UP_AFTER_MS, GIVE_UP_AFTER_MS],
  ])('%s', (_what, retryAfterMs, waitMs) => {
    expect(beginTracking(accepted, [20_000], retryAfterMs).nextPollAt).toBe(START_AT + waitMs);
  });
});

describe('an answer', () => {
  it.each<[string, Poll, Partial<EndedPurge>]>([
    ['all well', answered(item(A), item(B), item(DIR)), { state: 'succeeded', failedUrls: [] }],
    ['one failed', answered(item(A, 'failed'), item(B), item(DIR)), { state: 'failed', failedUrls: [A] }],
    [
      'all failed',
      answered(item(A, 'failed'), item(B, 'failed'), item(DIR, 'failed')),
      { state: 'failed', failedUrls: [A, B, DIR] },
    ],
    [
      'one URL twice, failed once',
      answered(item(A), item(A, 'failed'), item(B), item(DIR)),
      { failedUrls: [A] },
    ],
    [
      'well, one in another spelling',
      answered(item(A), item(encodeURI(B)), item(DIR)),
      { state: 'succeeded' },
    ],
    [
      'failed in another spelling: it is ours that are not named',
      answered(item(A), item(encodeURI(B), 'failed'), item(DIR)),
      { state: 'failed', failedUrls: [B] },
    ],
    [
      'well, and a failure of what was never sent',
      answered(item(A), item(B), item(DIR), item('http://www.example.cn/x', 'failed')),
      { state: 'succeeded', failedUrls: [] },
    ],
  ])('ends it: %s', (_what, poll, end) => {
    expect(follow(poll)).toMatchObject({ ...end, polls: 1, endedAt: START_AT + 15_000, repurges: [] });
    expect(follow(poll)).not.toHaveProperty('nextPollAt');
  });

  it.each<[string, Poll]>([
    ['one runs', answered(item(A), item(B, 'running'), item(DIR))],
    ['one runs, another has failed', answered(item(A, 'failed'), item(B, 'running'), item(DIR))],
    ['one is not told of', answered(item(A), item(B))],
    ['nothing is told of', answered()],
    ['one of ours is told of twice, another not', answered(item(A), item(A), item(B))],
    ['another spelling is told of twice', answered(item(A), item(encodeURI(B)), item(encodeURI(B)))],
  ])('leaves it running: %s', (_what, poll) => {
    expect(follow(poll)).toMatchObject({ state: 'running', polls: 1, nextPollAt: START_AT + 45_000 });
  });

  it('that does not come leaves its state', () => {
    expect(follow(nothingLearnt)).toMatchObject({ state: 'accepted', polls: 1 });
    const running = follow(answered(item(A, 'running')));
    expect(followAt(running, nothingLearnt, after(45_000))).toMatchObject({ state: 'running', polls: 2 });
  });

  it.each<[string, Poll]>([
    ['no answer', nothingLearnt],
    ['a task that runs', answered(item(A, 'running'))],
  ])('that asks for patience gets it: %s', (_what, poll) => {
    expect(follow({ ...poll, retryAfterMs: 600_000 })).toMatchObject({ nextPollAt: START_AT + 615_000 });
    expect(follow({ ...poll, retryAfterMs: 1_000 })).toMatchObject({ nextPollAt: START_AT + 45_000 });
  });

  it('may say why it failed: its first 500 characters are kept', () => {
    const failed = { ...answered(item(A, 'failed'), item(B), item(DIR)), failure: 'x'.repeat(501) };
    expect(follow(failed)).toMatchObject({ state: 'failed', failure: 'x'.repeat(500) });
    const well = { ...answered(item(A), item(B), item(DIR)), failure: 'nothing of ours' };
    expect(follow(well)).not.toHaveProperty('failure');
  });

  it('that ends it leaves nothing of the address where the CDN told of it', () => {
    const secret = aPurge({ ...purge, operationUrl: 'https://cdn.example/operations/1?s=canary' });
    const poll = answered(item(A), item(B), item(DIR));
    const running = followAt(secret, answered(item(A, 'running')), after(15_000));
    expect(running).toMatchObject({ operationUrl: secret.operationUrl });
    expect(JSON.stringify(followAt(running, poll, after(45_000)))).not.toContain('canary');
    expect(JSON.stringify(followAt(secret, nothingLearnt, after(GIVE_UP_AFTER_MS)))).not.toContain('canary');
  });
});

/** Asks whenever it is due, and gets the same each time. Gives the seconds between questions. */
function pausesOf(poll: Poll): readonly number[] {
  const pauses: number[] = [];
  let record: PurgeRecord = purge;
  let last: number = START_AT;
  while (!isEnded(record)) {
    pauses.push((record.nextPollAt - last) / 1000);
    last = record.nextPollAt;
    record = followAt(record, poll, record.nextPollAt);
  }
  return pauses;
}

describe('the pauses between questions', () => {
  it.each<[string, Poll]>([
    ['a task that runs', answered(item(A, 'running'))],
    ['no answer', nothingLearnt],
  ])('grow to half an hour, and end after a day: %s', (_what, poll) => {
    const pauses = pausesOf(poll);
    expect(pauses.slice(0, 9)).toEqual([15, 30, 60, 120, 300, 600, 1800, 1800, 1800]);
    expect(pauses.reduce((sum, one) => sum + one, 0)).toBe(24 * 3600);
    expect(pauses.length).toBeLessThan(60);
  });
});

it('the last pause of a CDN is repeated', () => {
  const running = answered(item(A, 'running'));
  const second = followTask(purge, running, after(0), [1_000, 2_000]);
  expect(second).toMatchObject({ nextPollAt: START_AT + 2_000 });
  expect(followTask(second, running, after(2_000), [1_000, 2_000])).toMatchObject({
    nextPollAt: START_AT + 4_000,
  });
});

it('a CDN that the configuration no longer has makes the pause half an hour', () => {
  expect(followTask(purge, nothingLearnt, after(0), [])).toMatchObject({ nextPollAt: START_AT + 1_800_000 });
});

describe('after 24 hours', () => {
  it('a purge without an end is given up', () => {
    expect(follow(answered(item(A, 'running')), GIVE_UP_AFTER_MS)).toMatchObject({
      state: 'unknown',
      endedAt: START_AT + GIVE_UP_AFTER_MS,
      failedUrls: [],
    });
    expect(follow(nothingLearnt, GIVE_UP_AFTER_MS)).toMatchObject({ state: 'unknown' });
  });

  it('an end that comes late still counts', () => {
    const poll = answered(item(A), item(B), item(DIR, 'failed'));
    expect(follow(poll, 2 * GIVE_UP_AFTER_MS)).toMatchObject({ state: 'failed', failedUrls: [DIR] });
  });

  it('not a moment earlier', () => {
    expect(follow(nothingLearnt, GIVE_UP_AFTER_MS - 1)).toMatchObject({
      state: 'accepted',
      nextPollAt: START_AT + GIVE_UP_AFTER_MS,
    });
  });
});

const anyPoll: fc.Arbitrary<Poll> = fc.oneof(
  fc
    .array(
      fc.record({
        url: fc.constantFrom(A, B, encodeURI(B), DIR, 'http://other.example.cn/'),
        status: fc.constantFrom('running' as const, 'succeeded' as const, 'failed' as const),
      }),
      { maxLength: 5 },
    )
    .map((items): Poll => ({ kind: 'answered', items })),
  fc.option(fc.integer({ min: 0, max: 3_600_000 }), { nil: undefined }).map((retryAfterMs): Poll => ({
    kind: 'nothing-learnt',
    retryAfterMs,
  })),
);
const anyHistory = fc.array(fc.tuple(anyPoll, fc.integer({ min: 0, max: 6 * 3_600_000 })), { maxLength: 30 });

/** The record before the first and after each question, at growing times. */
function recordsOf(history: readonly (readonly [Poll, number])[]): readonly PurgeRecord[] {
  let now: number = START_AT;
  const records: PurgeRecord[] = [purge];
  for (const [poll, waitMs] of history) {
    now += waitMs;
    records.push(followAt(records.at(-1) ?? purge, poll, instant(now)));
  }
  return records;
}

const RANK = { accepted: 0, running: 1, succeeded: 2, failed: 2, unknown: 2 } as const;

describe('whatever the CDN answers, and whenever', () => {
  it('a record that ended never moves again', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const records = recordsOf(history);
        const end = records.find(isEnded);
        if (end === undefined) return;
        for (const later of records.slice(records.indexOf(end))) expect(later).toBe(end);
      }),
    );
  });

  it('the state only moves on, every question is counted, and what was accepted stays', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const records = recordsOf(history);
        for (const [index, later] of records.slice(1).entries()) {
          const before = records[index] ?? purge;
          expect(RANK[later.state]).toBeGreaterThanOrEqual(RANK[before.state]);
          expect(later.polls - before.polls).toBe(isEnded(before) ? 0 : 1);
          expect(later).toMatchObject({ id: purge.id, files: purge.files, acceptedAt: purge.acceptedAt });
        }
      }),
    );
  });

  it('a record is open for a day at most, and then waits for no further question', () => {
    fc.assert(
      fc.property(anyHistory, fc.integer({ min: 0 }), (history, lateMs) => {
        const last = recordsOf(history).at(-1) ?? purge;
        const lastAt = isEnded(last) ? 0 : last.nextPollAt;
        expect(lastAt).toBeLessThanOrEqual(START_AT + GIVE_UP_AFTER_MS);
        const end = followAt(last, nothingLearnt, after(10 * GIVE_UP_AFTER_MS + lateMs));
        expect(isEnded(end)).toBe(true);
      }),
    );
  });

  it('only URLs that were sent are said to have failed, each once', () => {
    fc.assert(
      fc.property(anyPoll, (poll) => {
        const next = followAt(purge, poll, after(15_000));
        if (!isEnded(next)) return;
        expect([A, B, DIR].filter((url) => next.failedUrls.includes(url))).toEqual(next.failedUrls);
        expect(next.state).toBe(next.failedUrls.length > 0 ? 'failed' : 'succeeded');
      }),
    );
  });
});
