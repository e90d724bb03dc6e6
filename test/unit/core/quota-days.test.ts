// In which days a spend counts.

import { describe, expect, it } from 'vitest';

import { instant, type Instant } from '../../../src/lib/core/instant.ts';
import {
  firstReset,
  nextReset,
  quotaDays,
  shareOfDayLeft,
  type QuotaCalendar,
} from '../../../src/lib/core/quota-days.ts';

const at = (iso: string): Instant => instant(Date.parse(iso));
const isos = (days: readonly Instant[]): string[] =>
  days.map((day) => new Date(day).toISOString()).toSorted();

const known: QuotaCalendar = { resetUtcOffsetHours: 8, resetMarginMs: 600_000 };
const unknown: QuotaCalendar = { resetUtcOffsetHours: undefined, resetMarginMs: 600_000 };

describe('a spend counts', () => {
  it.each([
    ['in the day that holds it', '2026-11-22T12:00:00Z', ['2026-11-21T16:00:00.000Z']],
    ['in the next day from its midnight on', '2026-11-22T16:30:00Z', ['2026-11-22T16:00:00.000Z']],
    [
      'on both sides shortly before a reset',
      '2026-11-22T15:50:01Z',
      ['2026-11-21T16:00:00.000Z', '2026-11-22T16:00:00.000Z'],
    ],
    [
      'on both sides shortly after a reset',
      '2026-11-22T16:09:59Z',
      ['2026-11-21T16:00:00.000Z', '2026-11-22T16:00:00.000Z'],
    ],
    ['on one side when the margin is over', '2026-11-22T16:10:00Z', ['2026-11-22T16:00:00.000Z']],
  ])('%s, where the reset is known', (_what, time, days) => {
    expect(isos(quotaDays(at(time), known))).toEqual(days);
  });

  it('in the UTC day and in the UTC+8 day, while the reset is not known', () => {
    expect(isos(quotaDays(at('2026-11-22T12:00:00Z'), unknown))).toEqual([
      '2026-11-21T16:00:00.000Z',
      '2026-11-22T00:00:00.000Z',
    ]);
  });

  it('in a day that has an offset to the west', () => {
    const west = { resetUtcOffsetHours: -5, resetMarginMs: 0 };
    expect(isos(quotaDays(at('2026-11-22T04:59:59Z'), west))).toEqual(['2026-11-21T05:00:00.000Z']);
  });
});

describe('the next reset', () => {
  it('is when the day is surely over', () => {
    expect(nextReset(at('2026-11-22T12:00:00Z'), known)).toBe(at('2026-11-22T16:10:00Z'));
  });

  it('is when both possible days are over, while the reset is not known', () => {
    expect(nextReset(at('2026-11-22T12:00:00Z'), unknown)).toBe(at('2026-11-23T00:10:00Z'));
    expect(nextReset(at('2026-11-22T17:00:00Z'), unknown)).toBe(at('2026-11-23T16:10:00Z'));
  });

  it.each(['2026-11-22T15:55:00Z', '2026-11-22T16:05:00Z', '2026-11-22T23:59:00Z'])(
    'lies after every day in which a spend at %s counts',
    (time) => {
      const reset = nextReset(at(time), unknown);
      const still = quotaDays(at(time), unknown).filter((day) => quotaDays(reset, unknown).includes(day));
      expect(still).toEqual([]);
    },
  );
});

describe('the first reset', () => {
  it.each([
    ['by day', '2026-11-22T12:00:00Z', known, '2026-11-22T16:10:00Z'],
    ['shortly before it', '2026-11-22T15:55:00Z', known, '2026-11-22T16:10:00Z'],
    ['shortly after it', '2026-11-22T16:05:00Z', known, '2026-11-22T16:10:00Z'],
    ['that of the elder of two possible days', '2026-11-22T17:00:00Z', unknown, '2026-11-23T00:10:00Z'],
  ])('is the end of the first day that counts, and its margin: %s', (_when, time, calendar, reset) => {
    expect(firstReset(at(time), calendar)).toBe(at(reset));
  });
});

describe('what is left of a day', () => {
  it.each([
    ['2026-11-22T00:00:00Z', 1],
    ['2026-11-22T12:00:00Z', 0.5],
    ['2026-11-23T00:00:00Z', 0],
    ['2026-11-24T00:00:00Z', 0],
    ['2026-11-21T00:00:00Z', 1],
  ])('at %s is %d', (time, share) => {
    expect(shareOfDayLeft(at('2026-11-22T00:00:00Z'), at(time))).toBe(share);
  });
});
