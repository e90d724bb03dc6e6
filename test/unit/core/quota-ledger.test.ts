// The daily quota is never overspent, and what is kept for people and sites stays theirs.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { instant, type Instant } from '../../../src/lib/core/instant.ts';
import { quotaDays } from '../../../src/lib/core/quota-days.ts';
import {
  EMPTY_LEDGER,
  forgetOldDays,
  reserve,
  settleReservation,
  spentInDay,
  type Lane,
  type QuotaLedger,
  type QuotaPolicy,
  type QuotaUnit,
  type SiteShare,
} from '../../../src/lib/core/quota-ledger.ts';
import { openPurse } from '../../../src/lib/core/quota-purse.ts';
import { aQuota } from '../../support/builders.ts';

const NOON = instant(Date.parse('2026-11-22T12:00:00Z'));
const DAWN = instant(Date.parse('2026-11-22T00:30:00Z'));

const small = (parts: Partial<QuotaPolicy> = {}): QuotaPolicy =>
  aQuota({ limits: { files: 10, directories: 4 }, manualReserve: { files: 2, directories: 1 }, ...parts });

const share = (parts: Partial<SiteShare> = {}): SiteShare => ({
  reserve: { files: 0, directories: 0 },
  max: { files: Infinity, directories: Infinity },
  priority: 50,
  ...parts,
});

function sites(www: Partial<SiteShare>, shop: Partial<SiteShare> = {}): QuotaPolicy {
  return small({
    sites: new Map([
      ['www', share(www)],
      ['shop', share(shop)],
    ]),
  });
}

/** Takes as many as there are, gives how many that was. */
function takeAll(
  ledger: QuotaLedger,
  policy: QuotaPolicy,
  {
    lane = 'events',
    site = 'www',
    unit = 'files',
    at = NOON,
  }: { lane?: Lane; site?: string; unit?: QuotaUnit; at?: Instant } = {},
): number {
  const purse = openPurse(ledger, policy, at);
  let taken = 0;
  while (taken < 10_000 && purse.take({ site, lane }, unit)) taken += 1;
  return taken;
}

function spend(
  ledger: QuotaLedger,
  policy: QuotaPolicy,
  amount: number,
  {
    lane = 'events',
    site = 'www',
    unit = 'files',
    at = NOON,
  }: { lane?: Lane; site?: string; unit?: QuotaUnit; at?: Instant } = {},
): QuotaLedger {
  const spent = [
    { site, lane, files: unit === 'files' ? amount : 0, directories: unit === 'directories' ? amount : 0 },
  ];
  return settleReservation(reserve(ledger, { id: 'r', spent }, policy, at), 'r', spent, policy, at);
}

describe('events may spend', () => {
  it('the limit less what is kept for people', () => {
    expect(takeAll(EMPTY_LEDGER, small())).toBe(8);
    expect(takeAll(EMPTY_LEDGER, small(), { unit: 'directories' })).toBe(3);
  });

  it('what is left of it, files and directories apart', () => {
    const ledger = spend(EMPTY_LEDGER, small(), 5);
    expect(takeAll(ledger, small())).toBe(3);
    expect(takeAll(ledger, small(), { unit: 'directories' })).toBe(3);
  });

  it('no part of what people have not used yet, and no more than the limit when people used more', () => {
    expect(takeAll(spend(EMPTY_LEDGER, small(), 1, { lane: 'manual' }), small())).toBe(8);
    expect(takeAll(spend(EMPTY_LEDGER, small(), 2, { lane: 'manual' }), small())).toBe(8);
    expect(takeAll(spend(EMPTY_LEDGER, small(), 5, { lane: 'manual' }), small())).toBe(5);
  });

  it('again all of it after the reset', () => {
    const ledger = spend(EMPTY_LEDGER, small(), 8);
    expect(takeAll(ledger, small())).toBe(0);
    expect(takeAll(ledger, small(), { at: instant(NOON + 86_400_000) })).toBe(8);
  });
});

describe('people may spend', () => {
  it('all of the limit', () => {
    expect(takeAll(EMPTY_LEDGER, small(), { lane: 'manual' })).toBe(10);
    expect(takeAll(spend(EMPTY_LEDGER, small(), 8), small(), { lane: 'manual' })).toBe(2);
  });
});

describe('a site', () => {
  it('that floods leaves another what it is guaranteed', () => {
    const policy = sites({}, { reserve: { files: 4, directories: 0 } });
    expect(takeAll(EMPTY_LEDGER, policy, { site: 'www', at: DAWN })).toBe(4);
    expect(takeAll(spend(EMPTY_LEDGER, policy, 4, { at: DAWN }), policy, { site: 'shop', at: DAWN })).toBe(4);
  });

  it('is lent what another does not use, in step with the day', () => {
    const policy = sites({}, { reserve: { files: 4, directories: 0 } });
    expect(takeAll(EMPTY_LEDGER, policy, { site: 'www', at: NOON })).toBe(6);
  });

  it('spends no more than its maximum', () => {
    const policy = sites({ max: { files: 3, directories: Infinity } });
    expect(takeAll(EMPTY_LEDGER, policy, { site: 'www' })).toBe(3);
    expect(takeAll(EMPTY_LEDGER, policy, { site: 'shop' })).toBe(8);
  });

  it('has no maximum for what people ask', () => {
    const policy = sites({ max: { files: 3, directories: 0 } });
    expect(takeAll(EMPTY_LEDGER, policy, { site: 'www', lane: 'manual' })).toBe(10);
  });
});

describe('a reservation', () => {
  const six = { site: 'www', lane: 'events', files: 6, directories: 0 } as const;
  const spent = [six];

  it('counts from the moment it is made', () => {
    expect(takeAll(reserve(EMPTY_LEDGER, { id: 'a', spent }, small(), NOON), small())).toBe(2);
  });

  it('is replaced by what was really spent', () => {
    const reserved = reserve(EMPTY_LEDGER, { id: 'a', spent }, small(), NOON);
    const settled = settleReservation(reserved, 'a', [{ ...six, files: 1 }], small(), NOON);
    expect(takeAll(settled, small())).toBe(7);
  });

  it('stays spent when nobody settles it, and settles once', () => {
    const reserved = reserve(EMPTY_LEDGER, { id: 'a', spent }, small(), NOON);
    expect(settleReservation(reserved, 'b', [], small(), NOON)).toBe(reserved);
    const settled = settleReservation(reserved, 'a', [], small(), NOON);
    expect(settleReservation(settled, 'a', spent, small(), NOON)).toBe(settled);
  });

  it('that was settled after a reset counts in both days', () => {
    const before = instant(Date.parse('2026-11-22T23:00:00Z'));
    const after = instant(Date.parse('2026-11-23T01:00:00Z'));
    const reserved = reserve(EMPTY_LEDGER, { id: 'a', spent }, small(), before);
    const settled = settleReservation(reserved, 'a', spent, small(), after);
    expect(takeAll(settled, small(), { at: before })).toBe(2);
    expect(takeAll(settled, small(), { at: after })).toBe(2);
  });

  it('is forgotten with its days', () => {
    const reserved = reserve(EMPTY_LEDGER, { id: 'a', spent }, small(), NOON);
    expect(forgetOldDays(reserved, instant(NOON + 7 * 86_400_000))).toEqual(reserved);
    expect(forgetOldDays(reserved, instant(NOON + 9 * 86_400_000))).toEqual(EMPTY_LEDGER);
  });
});

describe('whatever is spent, and whenever', () => {
  const move = fc.record({
    lane: fc.constantFrom<Lane>('events', 'manual'),
    site: fc.constantFrom('www', 'shop', 'docs'),
    unit: fc.constantFrom<QuotaUnit>('files', 'directories'),
    want: fc.integer({ min: 1, max: 12 }),
    afterMs: fc.integer({ min: 0, max: 3 * 3_600_000 }),
    end: fc.constantFrom('confirmed', 'released', 'half', 'crashed'),
  });

  it('no day is over its limit, and people always find what is kept for them', () => {
    fc.assert(
      fc.property(
        fc.array(move, { maxLength: 40 }),
        fc.constantFrom(undefined, 0, 8, -5),
        (moves, resetUtcOffsetHours) => {
          const sites = new Map([
            ['shop', share({ reserve: { files: 3, directories: 1 } })],
            ['docs', share({ max: { files: 2, directories: 1 } })],
          ]);
          const policy = small({ resetUtcOffsetHours, sites });
          let ledger = EMPTY_LEDGER;
          let at = NOON;
          for (const [index, { lane, site, unit, want, afterMs, end }] of moves.entries()) {
            at = instant(at + afterMs);
            const purse = openPurse(ledger, policy, at);
            for (let taken = 0; taken < want && purse.take({ site, lane }, unit);) taken += 1;
            const spent = purse.taken();
            ledger = reserve(ledger, { id: `${index}`, spent }, policy, at);
            const half = spent.map((one) => ({ ...one, [unit]: Math.floor(one[unit] / 2) }));
            const settled = { confirmed: spent, released: [], half };
            if (end !== 'crashed') ledger = settleReservation(ledger, `${index}`, settled[end], policy, at);
            for (const day of quotaDays(at, policy)) {
              const inDay = spentInDay(ledger, day);
              const sum = (of: QuotaUnit, ofLane?: Lane): number =>
                inDay
                  .filter((one) => ofLane === undefined || one.lane === ofLane)
                  .reduce((all, one) => all + one[of], 0);
              expect(sum('files')).toBeLessThanOrEqual(10);
              expect(sum('directories')).toBeLessThanOrEqual(4);
              expect(sum('files', 'events')).toBeLessThanOrEqual(8);
              expect(sum('directories', 'events')).toBeLessThanOrEqual(3);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
