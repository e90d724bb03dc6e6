// Budgets as a list: whatever files and directories take of each, none is ever overspent.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { spendOf, type DayBudget } from '../../../src/lib/core/purge-budget.ts';
import { EMPTY_LEDGER, reserve, type SpentEntry } from '../../../src/lib/core/quota-ledger.ts';
import { openPurse } from '../../../src/lib/core/quota-purse.ts';
import { aQuota } from '../../support/builders.ts';

const NOON = instant(Date.parse('2026-11-22T12:00:00Z'));

const budget = (parts: Partial<DayBudget>): DayBudget => ({
  perFile: 1,
  perDirectory: 1,
  limit: 100,
  per: 'day',
  keptForPeople: 0,
  ...parts,
});

const FREE = { files: 0, directories: 0 };
const NO_MAX = { files: Infinity, directories: Infinity };
const site = (held: typeof FREE) => ({ priority: 50, reserve: held, max: NO_MAX });

const budgets = fc.array(
  fc
    .record({ perFile: fc.nat(2), perDirectory: fc.nat(5), limit: fc.nat(30), keptForPeople: fc.nat(5) })
    .map(budget),
  { minLength: 1, maxLength: 3 },
);
const step = fc.record({
  site: fc.constantFrom('www', 'shop', 'other'),
  lane: fc.constantFrom('events', 'manual'),
  unit: fc.constantFrom('files', 'directories'),
  isPutBack: fc.boolean(),
});
const shares = fc.record({
  www: fc.record({ files: fc.nat(8), directories: fc.nat(3) }),
  shop: fc.record({ files: fc.nat(8), directories: fc.nat(3) }),
});

const sum = (entries: readonly SpentEntry[]) => ({
  files: entries.reduce((total, { files }) => total + files, 0),
  directories: entries.reduce((total, { directories }) => total + directories, 0),
});

describe('budgets that files and directories share', () => {
  it('are spent by both', () => {
    const policy = aQuota({ budgets: [budget({ limit: 10, perDirectory: 3 })] });
    const purse = openPurse(EMPTY_LEDGER, policy, NOON);
    const events = { site: 'www', lane: 'events' } as const;
    expect([1, 2, 3, 4].map(() => purse.take(events, 'directories'))).toEqual([true, true, true, false]);
    expect([1, 2].map(() => purse.take(events, 'files'))).toEqual([true, false]);
  });

  it('each have to allow it', () => {
    const policy = aQuota({ budgets: [budget({ limit: 10 }), budget({ limit: 2, perDirectory: 0 })] });
    const purse = openPurse(EMPTY_LEDGER, policy, NOON);
    const events = { site: 'www', lane: 'events' } as const;
    expect([1, 2, 3].map(() => purse.take(events, 'files'))).toEqual([true, true, false]);
    expect(purse.leftForEvents()).toEqual([8, 0]);
    expect(purse.take(events, 'directories')).toBe(true);
  });

  it('are never overspent, and what is kept for people is spent by nobody else', () => {
    fc.assert(
      fc.property(budgets, shares, fc.array(step, { maxLength: 60 }), (limits, reserves, steps) => {
        const policy = aQuota({
          budgets: limits,
          sites: new Map([
            ['www', site(reserves.www)],
            ['shop', site(reserves.shop)],
          ]),
        });
        const purse = openPurse(EMPTY_LEDGER, policy, NOON);
        for (const { site: name, lane, unit, isPutBack } of steps) {
          if (purse.take({ site: name, lane }, unit) && isPutBack) purse.putBack({ site: name, lane }, unit);
        }
        const taken = purse.taken();
        const events = sum(taken.filter(({ lane }) => lane === 'events'));
        for (const one of limits) {
          const used = spendOf(one, sum(taken));
          expect(used === 0 || used <= one.limit).toBe(true);
          const byEvents = spendOf(one, events);
          expect(byEvents === 0 || byEvents <= one.limit - one.keptForPeople).toBe(true);
        }
      }),
    );
  });

  it('give back what is put back: as if it had never been taken', () => {
    fc.assert(
      fc.property(budgets, fc.array(step, { maxLength: 30 }), step, (limits, steps, last) => {
        const purse = openPurse(EMPTY_LEDGER, aQuota({ budgets: limits }), NOON);
        for (const { site, lane, unit } of steps) purse.take({ site, lane }, unit);
        const before = { taken: purse.taken(), left: purse.leftForEvents() };
        fc.pre(purse.take(last, last.unit));
        purse.putBack(last, last.unit);
        expect(purse.leftForEvents()).toEqual(before.left);
        expect(new Set(purse.taken())).toEqual(new Set(before.taken));
        expect(purse.take(last, last.unit)).toBe(true);
      }),
    );
  });

  it('leave events what they say: one site without a share can take so much, and no more', () => {
    fc.assert(
      fc.property(budgets, fc.array(step, { maxLength: 30 }), (limits, steps) => {
        const purse = openPurse(EMPTY_LEDGER, aQuota({ budgets: limits }), NOON);
        for (const { site, lane, unit } of steps) purse.take({ site, lane }, unit);
        const left = purse.leftForEvents();
        const files = limits.flatMap(({ perFile }, at) =>
          perFile > 0 ? [Math.floor((left[at] ?? 0) / perFile)] : [],
        );
        fc.pre(files.length > 0);
        let taken = 0;
        while (purse.take({ site: 'any', lane: 'events' }, 'files')) taken += 1;
        expect(taken).toBe(Math.min(...files));
      }),
    );
  });

  it('keep what a site is guaranteed of each, in step with the day', () => {
    const held = { priority: 50, reserve: { files: 20, directories: 4 }, max: NO_MAX };
    const policy = aQuota({
      budgets: [budget({ limit: 100, perDirectory: 5 }), budget({ limit: 10, perFile: 0 })],
      sites: new Map([['shop', held]]),
    });
    const purse = openPurse(EMPTY_LEDGER, policy, NOON);
    // Half of 20 files and 4 directories at 5 each, and half of 4 directories.
    expect(purse.sharesForEvents().get('shop')).toEqual({ guaranteed: [20, 2], most: [Infinity, Infinity] });
    let files = 0;
    while (purse.take({ site: 'www', lane: 'events' }, 'files')) files += 1;
    expect(files).toBe(80);
    expect(purse.take({ site: 'shop', lane: 'events' }, 'directories')).toBe(true);
    expect(purse.sharesForEvents().get('shop')?.guaranteed).toEqual([15, 1]);
  });

  it('name no site that has neither a guarantee nor a maximum', () => {
    const plain = { priority: 50, reserve: FREE, max: NO_MAX };
    const capped = { priority: 50, reserve: FREE, max: { files: 4, directories: 2 } };
    const policy = aQuota({
      sites: new Map([
        ['www', plain],
        ['shop', capped],
      ]),
    });
    const spent = [{ site: 'shop', lane: 'events', files: 3, directories: 0 }] as const;
    const ledger = reserve(EMPTY_LEDGER, { id: 'a', spent }, policy, NOON);
    expect([...openPurse(ledger, policy, NOON).sharesForEvents()]).toEqual([
      ['shop', { guaranteed: [0, 0], most: [1, 2] }],
    ]);
  });
});
