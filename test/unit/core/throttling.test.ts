// Too much at once, or too much for today: what single URLs find out about it.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { nextReset } from '../../../src/lib/core/quota-days.ts';
import {
  beginProbing,
  isReset,
  noteThrottledProbe,
  type Throttling,
} from '../../../src/lib/core/throttling.ts';
import { aQuota, aRefusal } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const later = (ms: number) => instant(START_AT + ms);
const policy = aQuota();
const reset = nextReset(START_AT, policy);
const throttled = aRefusal();

describe('after a throttled request with many URLs', () => {
  it('one URL goes when the rest of the subscription is over', () => {
    expect(beginProbing(undefined, later(10 * SECOND_MS))).toEqual({
      times: 0,
      probeAt: later(10 * SECOND_MS),
    });
  });

  it('what single URLs have found out is not forgotten', () => {
    const known: Throttling = { since: later(-MINUTE_MS), times: 3, probeAt: later(MINUTE_MS) };
    expect(beginProbing(known, later(10 * SECOND_MS))).toBe(known);
  });
});

describe('after a throttled request with one URL', () => {
  const probing = (ms: number, times: number): Throttling => ({
    since: later(-ms),
    times,
    probeAt: START_AT,
  });

  it.each<[string, Throttling | undefined, Throttling]>([
    ['the first of all', undefined, { since: START_AT, times: 1, probeAt: later(10 * SECOND_MS) }],
    [
      'the first after many URLs at once',
      { times: 0, probeAt: START_AT },
      { since: START_AT, times: 1, probeAt: later(10 * SECOND_MS) },
    ],
    [
      'the second in a row',
      probing(10 * SECOND_MS, 1),
      { since: later(-10 * SECOND_MS), times: 2, probeAt: later(20 * SECOND_MS) },
    ],
    [
      'the fifth in a row',
      probing(150 * SECOND_MS, 4),
      { since: later(-150 * SECOND_MS), times: 5, probeAt: later(160 * SECOND_MS) },
    ],
    [
      'one whose wait would go beyond fifteen minutes: the next falls on them',
      probing(14 * MINUTE_MS, 7),
      { since: later(-14 * MINUTE_MS), times: 8, probeAt: later(MINUTE_MS) },
    ],
    [
      'one a millisecond short of fifteen minutes',
      probing(15 * MINUTE_MS - 1, 7),
      { since: later(1 - 15 * MINUTE_MS), times: 8, probeAt: later(1) },
    ],
    [
      'one that could have gone half an hour before: a new row, for nothing had to be sent meanwhile',
      { since: later(-20 * HOUR_MS), times: 3, probeAt: later(-30 * MINUTE_MS) },
      { since: START_AT, times: 1, probeAt: later(10 * SECOND_MS) },
    ],
    [
      'one that could have gone a little later than that: in the row',
      { since: later(-20 * HOUR_MS), times: 3, probeAt: later(1 - 30 * MINUTE_MS) },
      { since: later(-20 * HOUR_MS), times: 4, probeAt: later(30 * MINUTE_MS), spentUntil: reset },
    ],
    [
      'one that could have gone long before, when it is spent already: it still is',
      { since: later(-9 * HOUR_MS), times: 9, probeAt: later(-8 * HOUR_MS), spentUntil: later(HOUR_MS) },
      {
        since: later(-9 * HOUR_MS),
        times: 10,
        probeAt: later(30 * MINUTE_MS),
        spentUntil: later(HOUR_MS),
      },
    ],
    [
      'one after fifteen minutes: spent',
      probing(15 * MINUTE_MS, 7),
      { since: later(-15 * MINUTE_MS), times: 8, probeAt: later(30 * MINUTE_MS), spentUntil: reset },
    ],
    [
      'one when it is spent already: until the same reset',
      { ...probing(2 * HOUR_MS, 9), spentUntil: later(HOUR_MS) },
      {
        since: later(-2 * HOUR_MS),
        times: 10,
        probeAt: later(30 * MINUTE_MS),
        spentUntil: later(HOUR_MS),
      },
    ],
  ])('the next goes after a wait: %s', (_what, before, after) => {
    expect(noteThrottledProbe(before, throttled, START_AT, policy)).toEqual(after);
  });

  it.each([
    ['a wait', probing(0, 1), 5 * MINUTE_MS, 5 * MINUTE_MS],
    ['the pause of a spent quota', { ...probing(HOUR_MS, 9), spentUntil: reset }, HOUR_MS, HOUR_MS],
  ])('a longer Retry-After of the CDN is honoured: over %s', (_what, before, retryAfterMs, wait) => {
    const after = noteThrottledProbe(before, aRefusal({ retryAfterMs }), START_AT, policy);
    expect(after.probeAt).toBe(later(wait));
  });

  it('a shorter Retry-After does not make it sooner', () => {
    const outcome = aRefusal({ retryAfterMs: SECOND_MS });
    const spent = { ...probing(HOUR_MS, 9), spentUntil: reset };
    expect(noteThrottledProbe(spent, outcome, START_AT, policy).probeAt).toBe(later(30 * MINUTE_MS));
    expect(noteThrottledProbe(undefined, outcome, START_AT, policy).probeAt).toBe(later(10 * SECOND_MS));
  });

  it('the settings say after how long it counts as spent, and how often one goes then', () => {
    const own = aQuota({ spentAfterThrottledMs: 2 * MINUTE_MS, probeEveryMs: 7 * MINUTE_MS });
    const after = noteThrottledProbe(probing(2 * MINUTE_MS, 3), throttled, START_AT, own);
    expect(after).toMatchObject({ spentUntil: reset, probeAt: later(7 * MINUTE_MS) });
  });

  it('the quota that counts as spent goes on to, though the setting would have it later by now', () => {
    const own = aQuota({ spentAfterThrottledMs: 24 * HOUR_MS });
    const spent = { ...probing(HOUR_MS, 9), spentUntil: reset };
    expect(noteThrottledProbe(spent, throttled, START_AT, own)).toMatchObject({
      spentUntil: reset,
      probeAt: later(30 * MINUTE_MS),
    });
  });

  it('the quota counts as spent until a reset is over wherever it may be', () => {
    const unknown = aQuota({ resetUtcOffsetHours: undefined });
    const after = noteThrottledProbe(probing(15 * MINUTE_MS, 7), throttled, START_AT, unknown);
    expect(after.spentUntil).toBe(nextReset(START_AT, unknown));
  });
});

describe('the reset', () => {
  it.each([
    ['has not come a millisecond before', later(1), false],
    ['has come at its time', later(0), true],
    ['has come after', later(-1), true],
    ['does not concern what is not spent', undefined, false],
  ])('%s', (_what, spentUntil, isOver) => {
    expect(isReset({ times: 1, probeAt: START_AT, spentUntil }, START_AT)).toBe(isOver);
  });
});
