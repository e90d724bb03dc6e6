// When a container has been silent for longer than it usually is.

import { describe, expect, it } from 'vitest';

import {
  EMPTY_ACTIVITY,
  findSilences,
  forgetSilent,
  withChanges,
  type ContainerActivity,
} from '../../../src/lib/core/container-activity.ts';
import { instant, type Instant } from '../../../src/lib/core/instant.ts';

const HOUR_MS = 3_600_000;
const at = (day: number, hour: number): Instant => instant(Date.UTC(2026, 10, day, hour));

/** Changes of `contoso/web` at these times, one after the other. */
const changed = (...times: readonly Instant[]): ContainerActivity =>
  times.reduce((activity, time) => withChanges(activity, new Map([['contoso/web', time]])), EMPTY_ACTIVITY);

/** Monday the 2nd to Friday the 13th, at 9 and 17 o'clock: nights of 16 hours, one weekend of 64. */
const workdays = [2, 3, 4, 5, 6, 9, 10, 11, 12, 13].flatMap((day) => [at(day, 9), at(day, 17)]);

const silentAt = (activity: ContainerActivity, now: Instant): boolean =>
  findSilences(activity, now).length > 0;

describe('a container that changes on workdays', () => {
  it('may be silent for a weekend', () => {
    expect(silentAt(changed(...workdays), at(16, 9))).toBe(false);
  });

  it('is told of once it is silent for half as long again as ever', () => {
    const activity = changed(...workdays);
    const last = at(13, 17);
    expect(silentAt(activity, instant(last + 96 * HOUR_MS))).toBe(false);
    expect(findSilences(activity, instant(last + 97 * HOUR_MS))).toEqual([
      {
        account: 'contoso',
        container: 'web',
        silentForMs: 97 * HOUR_MS,
        usualMs: 64 * HOUR_MS,
      },
    ]);
  });

  it('is no longer told of once it changes', () => {
    expect(silentAt(changed(...workdays, at(20, 9)), at(20, 10))).toBe(false);
  });
});

describe('a container without a habit is never told of', () => {
  it.each([
    ['known for less than a week', [2, 3, 4, 5, 6].map((day) => at(day, 9))],
    ['that changed on three days', [at(1, 9), at(8, 9), at(13, 9)]],
    ['that never changed', []],
  ])('%s', (_what, times) => {
    expect(silentAt(changed(...times), at(30, 9))).toBe(false);
  });
});

describe('what is kept', () => {
  it('is two weeks of days with changes, whatever happened before', () => {
    const days = Array.from({ length: 28 }, (_, index) => at(1 + index, 12));
    const [habit] = [...changed(...days).values()];
    expect(habit?.days).toHaveLength(14);
    expect(habit?.firstChangeAt).toBe(at(1, 12));
  });

  it('stays as it is when older changes come late', () => {
    const activity = changed(at(2, 9), at(3, 9));
    expect(withChanges(activity, new Map([['contoso/web', at(2, 12)]]))).toBe(activity);
  });

  it('goes when a container has been silent for two months', () => {
    const activity = changed(at(2, 9));
    expect(forgetSilent(activity, instant(at(2, 9) + 59 * 24 * HOUR_MS))).toBe(activity);
    expect(forgetSilent(activity, instant(at(2, 9) + 61 * 24 * HOUR_MS)).size).toBe(0);
  });
});
