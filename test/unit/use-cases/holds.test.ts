// What rests, until when, and what ends it.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { createHolds } from '../../../src/lib/use-cases/holds.ts';
import { aFailure, aRefusal } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const later = (ms: number) => instant(START_AT + ms);
const transient = aFailure({ outcomeClass: 'transient' });

describe('a hold', () => {
  it('lasts until its end, and not a millisecond longer', () => {
    const holds = createHolds();
    const hold = holds.put('a', transient, START_AT);
    expect(hold).toEqual({ until: later(10_000), times: 1, outcome: transient });
    expect(holds.find(['a'], later(9_999))).toEqual(hold);
    expect(holds.find(['a'], later(10_000))).toBeUndefined();
  });

  it('is on its own key', () => {
    const holds = createHolds();
    holds.put('a', transient, START_AT);
    expect(holds.find(['b'], START_AT)).toBeUndefined();
    expect(holds.find([], START_AT)).toBeUndefined();
    expect(holds.find(['b', 'a'], START_AT)).toMatchObject({ until: later(10_000) });
  });

  it('that lasts longest counts among those of several keys', () => {
    const holds = createHolds();
    holds.put('endpoint', transient, START_AT);
    holds.put('subscription', aRefusal({ retryAfterMs: 60_000 }), START_AT);
    expect(holds.find(['endpoint', 'subscription'], START_AT)).toMatchObject({ until: later(60_000) });
  });

  it('is longer each time in a row, to the longest of its class', () => {
    const holds = createHolds();
    let now = START_AT;
    const waits = Array.from({ length: 8 }, () => {
      const { until } = holds.put('a', transient, now);
      const waitMs = until - now;
      now = until;
      return waitMs;
    });
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
  });

  it('honours Retry-After beyond the longest of its class', () => {
    const holds = createHolds();
    expect(holds.put('a', aRefusal({ retryAfterMs: 3_600_000 }), START_AT).until).toBe(later(3_600_000));
  });

  it('is not longer for answers to what left before it began', () => {
    const holds = createHolds();
    holds.put('a', transient, START_AT);
    expect(holds.put('a', transient, later(1))).toMatchObject({ until: later(10_001), times: 1 });
  });

  it('is not shorter for a later answer that asks for less', () => {
    const holds = createHolds();
    holds.put('a', aRefusal({ retryAfterMs: 60_000 }), START_AT);
    expect(holds.put('a', transient, later(1)).until).toBe(later(60_000));
  });
});

describe('an acceptance', () => {
  it('makes the next hold a first one again', () => {
    const holds = createHolds();
    holds.put('a', transient, START_AT);
    holds.put('a', transient, later(10_000));
    holds.lift(['a'], later(30_000));
    expect(holds.put('a', transient, later(30_000))).toMatchObject({ until: later(40_000), times: 1 });
  });

  it('does not end a hold that lasts: it left before the hold began', () => {
    const holds = createHolds();
    const hold = holds.put('a', transient, START_AT);
    holds.lift(['a'], later(1));
    expect(holds.find(['a'], later(1))).toEqual(hold);
  });
});

describe('batches of which nothing was accepted', () => {
  it('are counted by key, in a row', () => {
    const holds = createHolds();
    expect([holds.countFruitless('a'), holds.countFruitless('a'), holds.countFruitless('b')]).toEqual([
      1, 2, 1,
    ]);
    holds.lift(['a'], START_AT);
    expect([holds.countFruitless('a'), holds.countFruitless('b')]).toEqual([1, 2]);
  });
});
