// Whatever is due, however the day stands: nothing is lost, nothing goes twice, and no budget is overspent.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { coalesce } from '../../../src/lib/core/coalesce.ts';
import type { LocatedTarget } from '../../../src/lib/core/purge-plan.ts';
import { spendOf } from '../../../src/lib/core/purge-budget.ts';
import type { Cause } from '../../../src/lib/core/purge-record.ts';
import type { Owner } from '../../../src/lib/use-cases/owner.ts';
import { planDirectories } from '../../../src/lib/use-cases/plan-directories.ts';
import { readSpendingDay } from '../../../src/lib/use-cases/plan-sending.ts';
import { preparePlanning } from '../../../src/lib/use-cases/prepare-planning.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { aQuota, aTarget } from '../../support/builders.ts';
import { createPlanningWorld } from '../../support/planning-world.ts';

const HOUR_MS = 3_600_000;

const directory = fc.constantFrom('a', 'a/b', 'a/b/c', 'd', 'd/e', 'hls/one', 'hls/two', 'Q');
const blob = fc.tuple(directory, fc.nat(9)).map(([at, name]) => `${at}/${name}.txt`);

const asked = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: blob },
    directory.map((at) => `${at}/`),
  ),
  isPersons: fc.boolean(),
  isMarked: fc.boolean(),
  hours: fc.integer({ min: 0, max: 80 }),
});

const worlds = fc.record({
  standing: fc.uniqueArray(blob, { maxLength: 40 }),
  due: fc.array(asked, { maxLength: 40 }),
  files: fc.nat(30),
  directories: fc.nat(4),
  isMixed: fc.boolean(),
  isShallow: fc.boolean(),
  planner: fc.record({
    newBlobs: fc.constantFrom('purge', 'when-there-is-room', 'never'),
    smallestDirectory: fc.integer({ min: 2, max: 4 }),
    mostEvicted: fc.nat(10),
    maxStalenessMinutes: fc.constantFrom(0, 240),
    roots: fc.boolean(),
    groups: fc.constantFrom([], ['www.example.cn/media/hls/*']),
    never: fc.constantFrom([], ['www.example.cn/media/a/**']),
    recountHours: fc.constantFrom(1, 48),
  }),
  site: fc.option(
    fc.record({ files: fc.nat(10), directories: fc.nat(3), max: fc.constantFrom(5, Infinity) }),
  ),
  advancedHours: fc.nat(14),
});

/** Claims by the change that they are for. */
const claimsOf = (targets: readonly LocatedTarget<Owner>[]): readonly string[] =>
  targets
    .flatMap(({ claims }) =>
      claims.map(({ target, owner: { causes } }) =>
        causes.map((cause) => `${target.url} ${cause.type === 'change' ? cause.eventId : cause.requestId}`),
      ),
    )
    .flat()
    .toSorted();

async function planIn(world: typeof worlds extends fc.Arbitrary<infer One> ? One : never) {
  const { files, directories, isMixed, site } = world;
  const share = { limit: files, per: 'day', keptForPeople: 0 } as const;
  const quota = aQuota({
    ...(isMixed
      ? { budgets: [{ ...share, perFile: 1, perDirectory: 2 }] }
      : { limits: { files, directories }, manualReserve: { files: 0, directories: 0 } }),
    sites:
      site === null
        ? new Map()
        : new Map([
            ['www', { priority: 50, reserve: site, max: { files: site.max, directories: 3 } }],
            ['idle', { priority: 50, reserve: site, max: { files: Infinity, directories: Infinity } }],
          ]),
  });
  const made = await createPlanningWorld({ standing: world.standing, planner: world.planner, quota });
  made.clock.advance(world.advancedHours * HOUR_MS);
  const now = made.clock.now();
  const matching = {
    ignoresCase: false,
    ignoresQuery: false,
    ignoresScheme: false,
    reachesBelow: !world.isShallow,
  };
  const claims = world.due.map(({ what, isPersons, isMarked, hours }, index) => {
    const at = instant(now - hours * HOUR_MS);
    const cause: Cause = isPersons
      ? { type: 'request', requestId: `request-${index}`, askedAt: at }
      : { type: 'change', eventId: `event-${index}`, eventAt: at };
    const target = aTarget(`/media/${what}${isMarked && !what.endsWith('/') ? '?v=1' : ''}`, { matching });
    return { target, owner: { causes: [cause], changes: 1, bufferedAt: at, failedAttempts: 0 } };
  });
  const oldestFirst = claims.toSorted((a, b) => a.owner.bufferedAt - b.owner.bufferedAt);
  const targets = coalesce(oldestFirst).map((target) => ({ ...target, endpointId: 'endpoint' }));
  const configuration = await made.ports.configuration.current();
  const planning = await preparePlanning([], targets, configuration, made.ports, made.run);
  const day = await readSpendingDay(targets, made.cdn, made.ports);
  return {
    targets,
    day,
    planned: planning && (await planDirectories(targets, day, planning, now, made.run)),
  };
}

describe('a plan of what is due', () => {
  it('has every due target once: it goes, waits or is dropped', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { targets, planned } = await planIn(world);
        fc.pre(planned !== undefined);
        const { going, waiting, dropped } = planned;
        const ends = [...going, ...waiting.map(({ target }) => target), ...dropped];
        expect(claimsOf(ends)).toEqual(claimsOf(targets));
      }),
      { numRuns: 80 },
    );
  });

  it('plans no more than the day leaves, and keeps what people and directories ask for as it is', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { targets, day, planned } = await planIn(world);
        fc.pre(planned !== undefined);
        const { going, shortages } = planned;
        const own = going.filter((one) => targets.includes(one) && !shortages.has(one));
        const chosen = going.filter((one) => !shortages.has(one) && !own.includes(one));
        const units = {
          files: chosen.filter(({ target }) => target.kind === 'file').length,
          directories: chosen.filter(({ target }) => target.kind === 'directory').length,
        };
        for (const budget of day.budgets) expect(spendOf(budget, units)).toBeLessThanOrEqual(budget.left);
        for (const one of own) {
          expect(
            one.target.kind === 'directory' ||
              one.claims.some(({ owner }) => owner.causes.some(({ type }) => type === 'request')),
          ).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('gives everything that waits a time in the future, within the day', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { day, planned } = await planIn(world);
        fc.pre(planned !== undefined);
        for (const { until, why } of planned.waiting) {
          expect(why).not.toBe('');
          expect(until).toBeLessThanOrEqual(day.reset + 1);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('sends the due members of a group together, or none of them', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { planned } = await planIn({
          ...world,
          planner: { ...world.planner, newBlobs: 'purge', groups: ['www.example.cn/media/hls/*'] },
        });
        fc.pre(planned !== undefined);
        const said = new Set(planned.groups.map(({ group, how }) => (how === 'waits' ? '' : group)));
        const waits = new Set(
          [...planned.waiting.map(({ target }) => target), ...planned.shortages.keys()].map(groupAt),
        );
        for (const one of planned.going) {
          const group = groupAt(one);
          if (one.group === undefined || planned.shortages.has(one) || said.has(group)) continue;
          expect(waits.has(group)).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });
});

/** Of the `hls` directories. */
function groupAt({ target: { cdn, url } }: LocatedTarget<Owner>): string {
  return `${cdn} ${/^.*\/hls\/[a-z]+\//u.exec(url)?.[0] ?? url}`;
}
