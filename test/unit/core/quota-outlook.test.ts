// How a day's quota stands, and how it will.

import { describe, expect, it } from 'vitest';

import { instant, type Instant } from '../../../src/lib/core/instant.ts';
import type { QuotaLedger } from '../../../src/lib/core/quota-ledger.ts';
import { quotaOutlook } from '../../../src/lib/core/quota-outlook.ts';
import { aQuota } from '../../support/builders.ts';

const DAY = instant(Date.UTC(2026, 10, 22));
const DAY_MS = 86_400_000;
const hours = (count: number): Instant => instant(DAY + count * 3_600_000);

/** What events of one site spent of files, day by day, the oldest first; the last is today. */
const ledgerOf = (...files: readonly number[]): QuotaLedger => ({
  version: 1,
  days: files.map((count, index) => ({
    day: instant(DAY - (files.length - 1 - index) * DAY_MS),
    spent: [{ site: 'www', lane: 'events', files: count, directories: 0 }],
  })),
  reservations: [],
});

const filesAt = (ledger: QuotaLedger, at: Instant, quota = aQuota()) => quotaOutlook(ledger, quota, at)[0];

describe('the outlook on a budget', () => {
  it('tells what is used and left, for people and for events', () => {
    expect(filesAt(ledgerOf(500), hours(6))).toEqual({
      budget: 'files',
      limit: 2_000,
      used: 500,
      left: 1_500,
      leftForEvents: 1_300,
      forecastByClock: 2_000,
      forecastByUsualDay: undefined,
      resetAt: instant(DAY + DAY_MS),
    });
  });

  it('adds to what is used what the rest of a day usually takes', () => {
    expect(filesAt(ledgerOf(800, 1_200, 100), hours(18))).toMatchObject({
      used: 100,
      forecastByClock: 133,
      forecastByUsualDay: 350,
    });
  });

  it('makes no forecast by the pace of less than an hour', () => {
    expect(filesAt(ledgerOf(50), instant(DAY + 1_800_000))).toMatchObject({ forecastByClock: 50 });
  });

  it('is about the day with the least left while the hour of the reset is not known', () => {
    const quota = aQuota({ resetUtcOffsetHours: undefined });
    const chinaDay = instant(DAY - 8 * 3_600_000);
    const spent = [{ site: 'www', lane: 'events', files: 90, directories: 0 }] as const;
    const ledger: QuotaLedger = { version: 1, days: [{ day: chinaDay, spent }], reservations: [] };
    expect(filesAt(ledger, hours(4), quota)).toMatchObject({
      used: 90,
      resetAt: instant(chinaDay + DAY_MS),
    });
    expect(filesAt(ledgerOf(), hours(4), quota)).toMatchObject({ used: 0, resetAt: instant(DAY + DAY_MS) });
  });

  it('names each budget, and leaves out one without a limit', () => {
    const day = { per: 'day', keptForPeople: 0 } as const;
    const quota = {
      ...aQuota(),
      budgets: [
        { perFile: 1, perDirectory: 5, limit: 100, ...day },
        { perFile: 0, perDirectory: 1, limit: 10, ...day },
        { perFile: 1, perDirectory: 0, limit: Infinity, ...day },
      ],
    };
    expect(quotaOutlook(ledgerOf(), quota, hours(6)).map(({ budget }) => budget)).toEqual([
      '1 a file, 5 a directory',
      'directories',
    ]);
  });
});
