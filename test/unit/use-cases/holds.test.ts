// What rests, until when, and what ends it.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import type { OutcomeClass } from '../../../src/lib/core/outcome-class.ts';
import type { Throttling } from '../../../src/lib/core/throttling.ts';
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

describe('trying again what somebody was told of', () => {
  it.each<[OutcomeClass, boolean]>([
    ['endpoint-unusable', true],
    ['credentials-refused', true],
    ['request-refused', true],
    ['transient', false],
    ['throttled', false],
    ['unknown', false],
  ])('after %s: ends the hold: %s', (outcomeClass, ends) => {
    const holds = createHolds();
    holds.put('a', aFailure({ outcomeClass }), START_AT);
    holds.noteSaved(holds.changes());
    holds.retryAlerted(later(1));
    expect(holds.find(['a'], later(1)) === undefined).toBe(ends);
    expect(holds.changes().holds.has('a')).toBe(ends);
  });

  it('makes the next hold no first one: it may be as bad as ever', () => {
    const holds = createHolds();
    holds.put('a', aFailure({ outcomeClass: 'endpoint-unusable' }), START_AT);
    holds.retryAlerted(later(1));
    const next = holds.put('a', aFailure({ outcomeClass: 'endpoint-unusable' }), later(1));
    expect(next).toMatchObject({ times: 2, until: later(20_001) });
  });

  it('leaves a hold that is over as it is: there is nothing to put on record', () => {
    const holds = createHolds();
    holds.put('a', aFailure({ outcomeClass: 'endpoint-unusable' }), START_AT);
    holds.noteSaved(holds.changes());
    holds.retryAlerted(later(10_000));
    expect(holds.changes().holds).toEqual(new Map());
  });
});

describe('news', () => {
  it('is what was not told until then, each by itself', () => {
    const holds = createHolds();
    expect(holds.isNews('files s', later(1))).toBe(true);
    expect(holds.isNews('files s', later(1))).toBe(false);
    expect(holds.isNews('directories s', later(1))).toBe(true);
    expect(holds.isNews('files s', later(2))).toBe(true);
  });
});

describe('a throttling', () => {
  const throttling: Throttling = { since: START_AT, times: 1, probeAt: later(10_000) };

  it('lasts until it is lifted', () => {
    const holds = createHolds();
    holds.putThrottling('files s', throttling);
    expect(holds.findThrottling('files s', later(10_000_000))).toBe(throttling);
    expect(holds.findThrottling('directories s', START_AT)).toBeUndefined();
    holds.putThrottling('files s', undefined);
    expect(holds.findThrottling('files s', START_AT)).toBeUndefined();
  });

  it('of a spent quota ends with the reset, and that is to be put on record', () => {
    const holds = createHolds();
    const spent = { ...throttling, spentUntil: later(60_000) };
    holds.adopt({ holds: new Map(), throttlings: new Map([['files s', spent]]) });
    expect(holds.findThrottling('files s', later(59_999))).toBe(spent);
    expect(holds.changes().throttlings).toEqual(new Map());
    expect(holds.findThrottling('files s', later(60_000))).toBeUndefined();
    expect(holds.changes().throttlings).toEqual(new Map([['files s', undefined]]));
  });
});

describe('what is on record', () => {
  const hold = { until: later(10_000), times: 3, outcome: transient };
  const none = { holds: new Map(), throttlings: new Map() };

  it('is taken over, and goes on in a row', () => {
    const holds = createHolds();
    holds.adopt({ ...none, holds: new Map([['a', hold]]) });
    expect(holds.find(['a'], START_AT)).toEqual(hold);
    expect(holds.put('a', transient, later(10_000))).toMatchObject({ times: 4, until: later(90_000) });
  });

  it.each([
    ['shorter', 9_999, 10_000],
    ['longer', 10_001, 10_001],
  ])('does not end a longer one of its own: %s by a millisecond', (_what, onRecordMs, lastsMs) => {
    const holds = createHolds();
    holds.put('a', transient, START_AT);
    holds.adopt({ ...none, holds: new Map([['a', { ...hold, until: later(onRecordMs) }]]) });
    expect(holds.find(['a'], START_AT)?.until).toBe(later(lastsMs));
  });

  it('does not bring back what was lifted here and is still to be written', () => {
    const holds = createHolds();
    const onRecord = { ...none, holds: new Map([['a', hold]]) };
    holds.adopt(onRecord);
    holds.lift(['a'], later(10_000));
    holds.adopt(onRecord);
    expect(holds.put('a', transient, later(10_000)).times).toBe(1);
  });

  it('is nothing to be written again', () => {
    const holds = createHolds();
    holds.adopt({ ...none, holds: new Map([['a', hold]]) });
    expect(holds.changes()).toEqual(none);
  });
});

describe('what is to be put on record', () => {
  it('is what was put and lifted, until it is on record', () => {
    const holds = createHolds();
    const hold = holds.put('a', transient, START_AT);
    holds.put('b', transient, START_AT);
    holds.lift(['b'], later(10_000));
    const changes = holds.changes();
    expect(changes.holds).toEqual(
      new Map([
        ['a', hold],
        ['b', undefined],
      ]),
    );
    expect(holds.changes()).toEqual(changes);
    holds.noteSaved(changes);
    expect(holds.changes().holds).toEqual(new Map());
  });

  it('is also what changed while it was being written', () => {
    const holds = createHolds();
    holds.put('a', transient, START_AT);
    const changes = holds.changes();
    const longer = holds.put('a', transient, later(10_000));
    holds.noteSaved(changes);
    expect(holds.changes().holds).toEqual(new Map([['a', longer]]));
  });

  it('is nothing when something was accepted that nothing was known against', () => {
    const holds = createHolds();
    holds.lift(['a'], START_AT);
    holds.putThrottling('files s', undefined);
    expect(holds.changes()).toEqual({ holds: new Map(), throttlings: new Map() });
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
