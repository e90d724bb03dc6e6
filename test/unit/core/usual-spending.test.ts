// What a day usually takes, from the days that the ledger still knows.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { EMPTY_LEDGER, type Lane, type QuotaLedger } from '../../../src/lib/core/quota-ledger.ts';
import { usualSpending } from '../../../src/lib/core/usual-spending.ts';
import { aQuota } from '../../support/builders.ts';

const DAY_MS = 24 * 3_600_000;
const NOON = instant(Date.parse('2026-11-22T12:00:00Z'));
const TODAY = Date.parse('2026-11-22T00:00:00Z');
const QUOTA = aQuota();

type Spent = { readonly files: number; readonly directories?: number; readonly lane?: Lane };

/** By how many days ago. */
function ledgerOf(spent: Readonly<Record<number, Spent>>): QuotaLedger {
  return {
    ...EMPTY_LEDGER,
    days: Object.entries(spent).map(([ago, { files, directories = 0, lane = 'events' }]) => ({
      day: instant(TODAY - Number(ago) * DAY_MS),
      spent: [{ site: 'www', lane, files, directories }],
    })),
  };
}

describe('what a day usually takes', () => {
  it.each<[string, Readonly<Record<number, Spent>>]>([
    ['there is nothing on the ledger', {}],
    ['only today is', { 0: { files: 500 } }],
  ])('is not known when %s', (_what, spent) => {
    expect(usualSpending(ledgerOf(spent), QUOTA, NOON)).toBeUndefined();
  });

  it.each<[string, Readonly<Record<number, Spent>>, { files: number; directories: number }]>([
    ['is what the one day took', { 1: { files: 300, directories: 9 } }, { files: 300, directories: 9 }],
    ['leaves today out', { 0: { files: 900 }, 1: { files: 300 } }, { files: 300, directories: 0 }],
    ['is the mean of the days', { 1: { files: 100 }, 2: { files: 300 } }, { files: 200, directories: 0 }],
    ['counts a day without spending', { 4: { files: 400 } }, { files: 100, directories: 0 }],
    ['looks back seven days', { 1: { files: 70 }, 8: { files: 7_000 } }, { files: 10, directories: 0 }],
    [
      'leaves out what people asked for, but not its day',
      { 1: { files: 90, lane: 'manual' }, 2: { files: 10 } },
      { files: 5, directories: 0 },
    ],
  ])('%s', (_what, spent, expected) => {
    expect(usualSpending(ledgerOf(spent), QUOTA, NOON)).toEqual(expected);
  });

  it('counts what was reserved and never settled: it may be spent', () => {
    const yesterday = instant(TODAY - DAY_MS);
    const spent = [{ site: 'www', lane: 'events', files: 40, directories: 0 }] as const;
    const reservations = [{ id: 'lost', at: yesterday, days: [yesterday], spent }];
    const ledger = { ...ledgerOf({ 1: { files: 10 } }), reservations };
    expect(usualSpending(ledger, QUOTA, NOON)).toEqual({ files: 50, directories: 0 });
  });

  it.each([
    ['in the middle of a day', NOON],
    ['just before a reset', instant(TODAY - 60_000)],
    ['just after a reset', instant(TODAY + 60_000)],
  ])('counts no day twice while the hour of the reset is not known, %s', (_what, at) => {
    const policy = aQuota({ resetUtcOffsetHours: undefined });
    // Whatever is spent is on the ledger of both days that it may count in.
    const days = [0, 1, 2, 3, 4].flatMap((ago) =>
      [0, 8 * 3_600_000].map((shiftMs) => ({
        day: instant(TODAY - ago * DAY_MS - shiftMs),
        spent: [{ site: 'www', lane: 'events', files: 100, directories: 10 } as const],
      })),
    );
    expect(usualSpending({ ...EMPTY_LEDGER, days }, policy, at)).toEqual({ files: 100, directories: 10 });
  });
});
