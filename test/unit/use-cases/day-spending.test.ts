// What one file took of a day, and a day in which one file changes all the time.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import type { QuotaPolicy } from '../../../src/lib/core/quota-ledger.ts';
import { createDaySpending, pacedReset } from '../../../src/lib/use-cases/day-spending.ts';
import { aQuota, aTarget } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { createPlanningWorld, namesIn, overwritten } from '../../support/planning-world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const url = (name: string): string => `http://www.example.cn/media/${name}`;
const TODAY = instant(START_AT + 12 * HOUR_MS);
const TOMORROW = instant(START_AT + 36 * HOUR_MS);

describe('what a file took of the quota', () => {
  it('is nothing at first, and adds up over the day', () => {
    const spending = createDaySpending();
    expect(spending.spent(aTarget(), TODAY)).toBe(0);
    spending.note(aTarget(), 1, TODAY);
    spending.note(aTarget(), 0.25, TODAY);
    expect(spending.spent(aTarget(), TODAY)).toBe(1.25);
    expect(spending.spent(aTarget('/media/b.txt'), TODAY)).toBe(0);
  });

  it('is nothing again after the reset', () => {
    const spending = createDaySpending();
    spending.note(aTarget(), 5, TODAY);
    expect(spending.spent(aTarget(), TOMORROW)).toBe(0);
    spending.note(aTarget(), 1, TOMORROW);
    expect(spending.spent(aTarget(), TOMORROW)).toBe(1);
    expect(spending.spent(aTarget(), TODAY)).toBe(0);
  });

  it('is known beside that of a subscription whose quota is reset at another hour', () => {
    const spending = createDaySpending();
    const evening = instant(TODAY + 8 * HOUR_MS);
    const other = aTarget('/media/a.txt', { cdn: 'other' });
    for (let time = 0; time < 3; time += 1) {
      spending.note(aTarget(), 1, TODAY);
      spending.note(other, 1, evening);
    }
    expect(spending.spent(aTarget(), TODAY)).toBe(3);
    expect(spending.spent(other, evening)).toBe(3);
  });
});

const at = (hours: number, minutes = 0) => instant(Date.UTC(2024, 0, 15, hours, minutes));

describe('the day by whose clock a site spends', () => {
  const MARGIN_MS = 600_000;

  it.each([
    { what: 'in the middle of a day', offset: 0, now: at(12), reset: at(24, 10) },
    { what: 'just before the reset', offset: 0, now: at(23, 55), reset: at(24, 10) },
    {
      what: 'just after it, while what is spent counts in the day before',
      offset: 0,
      now: at(0, 5),
      reset: at(0, 10),
    },
    { what: 'of China', offset: 8, now: at(15, 55), reset: at(16, 10) },
    { what: 'of UTC, for that ends last', offset: undefined, now: at(12), reset: at(24, 10) },
    { what: 'of China, for that ends last', offset: undefined, now: at(20), reset: at(40, 10) },
    { what: 'of China until that of UTC begins', offset: undefined, now: at(23, 55), reset: at(40, 10) },
  ])('ends ten minutes after its reset: $what', ({ offset, now, reset }) => {
    const calendar = { resetUtcOffsetHours: offset, resetMarginMs: MARGIN_MS };
    expect(pacedReset(now, calendar)).toBe(reset);
  });
});

describe('a purge that many changes asked for', () => {
  it('takes one unit of the file, however many they are', async () => {
    const world = await createPlanningWorld({ standing: ['live/hot.json', ...namesIn('page', 9)] });
    for (let time = 1; time <= 6; time += 1) {
      await world.buffered(...overwritten(world, ['live/hot.json'], time));
    }
    await world.flush();
    const reset = pacedReset(world.clock.now(), aQuota());
    expect(world.ports.planner?.spending.spent(aTarget('/media/live/hot.json'), reset)).toBe(1);
  });

  it('takes a share of a directory for each of its files', async () => {
    const world = await createPlanningWorld({ standing: namesIn('dir', 8) });
    await world.buffered(...overwritten(world, namesIn('dir', 8)));
    await world.buffered(...overwritten(world, namesIn('dir', 4), 2));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('dir/')]);
    const reset = pacedReset(world.clock.now(), aQuota());
    const shares = namesIn('dir', 8).map((name) =>
      world.ports.planner?.spending.spent(aTarget(`/media/${name}`), reset),
    );
    expect(new Set(shares)).toEqual(new Set([4 / 8]));
  });
});

describe('a directory that was refused', () => {
  it('is known by its URL', () => {
    const spending = createDaySpending();
    spending.refuse('http://www.example.cn/media/dir/');
    expect(spending.isRefused('http://www.example.cn/media/dir/')).toBe(true);
    expect(spending.isRefused('http://www.example.cn/media/')).toBe(false);
  });
});

describe('what changes all day long', () => {
  type Day = {
    readonly quota: QuotaPolicy;
    /** All of them are rewritten at every tick. */
    readonly hot: readonly string[];
    readonly standing?: readonly string[];
    readonly tickMs: number;
    readonly days?: number;
  };

  /** Days from reset to reset, in which every quarter of an hour two pages change as well. */
  async function liveThrough({ quota, hot, standing = [], tickMs, days = 1 }: Day) {
    const world = await createPlanningWorld({
      standing: [...hot, ...standing, ...namesIn('page', 100)],
      quota,
    });
    const midnight = Math.ceil(START_AT / DAY_MS) * DAY_MS;
    world.clock.advance(midnight + quota.resetMarginMs - START_AT);
    const delayed: string[] = [];
    for (let atMs = 0; atMs < days * DAY_MS; atMs += tickMs) {
      const quarter = atMs / (HOUR_MS / 4);
      const pages = Number.isInteger(quarter) ? namesIn('page', 2, (quarter * 2) % 100) : [];
      const before = world.cdn.purges.length;
      await world.buffered(...overwritten(world, [...hot, ...pages], atMs / tickMs + 1));
      await world.flush();
      const went = new Set<string>(world.cdn.purges.slice(before).flatMap(({ files }) => files));
      delayed.push(...pages.filter((name) => !went.has(url(name))));
      world.clock.advance(tickMs);
    }
    const files = world.cdn.purges.flatMap((purge) => purge.files);
    const directories = world.cdn.purges.flatMap((purge) => purge.directories);
    return { delayed, files, directories, waitingMessages: world.buffer.stored().length };
  }

  it.each([
    { what: 'is known', seconds: 10, days: 1, quota: aQuota() },
    { what: 'is not known', seconds: 60, days: 2, quota: aQuota({ resetUtcOffsetHours: undefined }) },
  ])(
    'a blob every $seconds seconds: spends under 60 % of the files and delays nothing, when the hour of the reset $what',
    { timeout: 120_000 },
    async ({ quota, seconds, days }) => {
      const hot = 'live/hot.json';
      const day = await liveThrough({
        quota,
        hot: [hot],
        standing: namesIn('live', 9),
        tickMs: seconds * 1_000,
        days,
      });
      expect(day.delayed).toEqual([]);
      expect(day.directories).toEqual([]);
      const spent = day.files.filter((one) => one === url(hot)).length;
      expect(spent).toBeGreaterThan(200);
      expect(spent).toBeLessThan(0.6 * 2_000 * days);
      expect(day.waitingMessages).toBe(0);
    },
  );

  it('a directory every minute, and all of it: spends under 60 % of both quotas and delays nothing', async () => {
    const quota = aQuota();
    const day = await liveThrough({ quota, hot: namesIn('live', 8), tickMs: 60_000 });
    expect(day.delayed).toEqual([]);
    expect(new Set(day.directories)).toEqual(new Set([url('live/')]));
    expect(day.directories.length).toBeGreaterThan(50);
    expect(day.directories.length).toBeLessThan(0.6 * 500);
    expect(day.files.length).toBeLessThan(0.6 * 2_000);
  });
});
