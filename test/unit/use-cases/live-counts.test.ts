// What a directory purge would evict is counted in storage where the inventory does not know, or has not looked for long.

import { describe, expect, it } from 'vitest';

import { createDaySpending } from '../../../src/lib/use-cases/day-spending.ts';
import { StorageTrouble, type BlobLister } from '../../../src/lib/use-cases/ports.ts';
import { planCounted } from '../../../src/lib/use-cases/plan-counted.ts';
import { problemOf } from '../../../src/lib/use-cases/planning-problem.ts';
import { preparePlanning } from '../../../src/lib/use-cases/prepare-planning.ts';
import { readSpendingDay } from '../../../src/lib/use-cases/plan-sending.ts';
import { ACCOUNT, aConfiguration, aPath, aQuota, aRename, aRule, aTarget } from '../../support/builders.ts';
import {
  createPlanningWorld,
  namesIn,
  overwritten,
  type PlanningWorld,
  type PlanningWorldOptions,
} from '../../support/planning-world.ts';

const url = (name: string): string => `http://www.example.cn/media/${name}`;
const HOUR_MS = 3_600_000;
const SCARCE = aQuota({
  limits: { files: 10, directories: 8 },
  manualReserve: { files: 0, directories: 0 },
});
const filesOf = ({ cdn }: PlanningWorld) => cdn.purges.flatMap(({ files }) => files);
const directoriesOf = ({ cdn }: PlanningWorld) => cdn.purges.flatMap(({ directories }) => directories);
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];

/** A lister that notes which prefixes were listed. */
function noting(): {
  readonly prefixes: string[];
  readonly changeLister: (lister: BlobLister) => BlobLister;
} {
  const prefixes: string[] = [];
  const changeLister = (lister: BlobLister): BlobLister => ({
    ...lister,
    listPage(place, range) {
      prefixes.push(range.prefix ?? '');
      return lister.listPage(place, range);
    },
  });
  return { prefixes, changeLister };
}

/** `live` came by a rename, so that nobody knows what stands there: twenty that change, and `others`. */
async function afterARename(
  others: number,
  options: PlanningWorldOptions = {},
): Promise<{ readonly world: PlanningWorld; readonly prefixes: readonly string[] }> {
  const { prefixes, changeLister } = noting();
  const world = await createPlanningWorld({
    standing: namesIn('page', 9),
    quota: SCARCE,
    changeLister,
    ...options,
  });
  await world.buffered(
    aRename(aPath('draft'), aPath('live'), { kind: 'directory-renamed', eventAt: world.clock.now() }),
  );
  await world.flush();
  const names = world.accounts.containers.get(`${ACCOUNT}/media`);
  for (const name of namesIn('live', 20 + others)) names?.add(name);
  world.clock.advance(1_000);
  await world.buffered(...overwritten(world, namesIn('live', 20)));
  expect(prefixes).toEqual([]);
  return { world, prefixes };
}

const planned = ({ records }: PlanningWorld) => records.purges().flatMap((purge) => purge.planned ?? []);

describe('a directory that the inventory does not know', () => {
  it('is counted before it is purged, and due files do not count', async () => {
    const { world, prefixes } = await afterARename(5);
    await world.flush();
    expect(prefixes).toEqual(['live/']);
    expect(planned(world)).toMatchObject([{ url: url('live/'), covers: 20, evicts: 5 }]);
    expect(waiting(world)).toEqual([]);
  });

  it('is not purged when more stands there than may be evicted', async () => {
    const { world, prefixes } = await afterARename(5, { planner: { mostEvicted: 4 } });
    await world.flush();
    expect(prefixes).toEqual(['live/']);
    expect(planned(world)).toEqual([]);
    expect(filesOf(world).length + waiting(world).length).toBe(20);
    expect(filesOf(world).length).toBeGreaterThan(0);
  });

  it('keeps those above it from being counted when too much stands there', async () => {
    const { world, prefixes } = await afterARename(20_000, { planner: { mostEvicted: 10 } });
    await world.flush();
    expect(prefixes).toEqual(['live/']);
  });

  it('is listed no further than it takes to know that it is too much', async () => {
    const { world, prefixes } = await afterARename(20_000, { planner: { mostEvicted: 1_500 } });
    await world.flush();
    expect(planned(world)).toEqual([]);
    expect(prefixes).toEqual(['live/', 'live/']);
  });

  it('is not purged when storage is in trouble: its files go as files, with a warning', async () => {
    const { world } = await afterARename(5, {
      changeLister: (lister) => ({
        ...lister,
        async listPage() {
          throw new StorageTrouble('storage could not list: 503');
        },
      }),
    });
    await world.flush();
    expect(planned(world)).toEqual([]);
    expect(filesOf(world).length + waiting(world).length).toBe(20);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.log.at('warn')).toContainEqual(
      expect.objectContaining({
        message: 'What stands in a directory could not be counted: its files go as files for now.',
        details: expect.objectContaining({ error: 'storage could not list: 503' }),
      }),
    );
  });

  it('is not listed while its files go as files anyway', async () => {
    const { world, prefixes } = await afterARename(5, { quota: aQuota() });
    await world.flush();
    expect(filesOf(world)).toHaveLength(20);
    expect(prefixes).toEqual([]);
  });
});

async function afterHours(
  hours: number,
  { added = 0, ...options }: PlanningWorldOptions & { readonly added?: number },
): Promise<{ readonly world: PlanningWorld; readonly prefixes: readonly string[] }> {
  const { prefixes, changeLister } = noting();
  const world = await createPlanningWorld({
    standing: namesIn('dir', 25),
    quota: SCARCE,
    changeLister,
    ...options,
  });
  world.clock.advance(hours * HOUR_MS);
  const names = world.accounts.containers.get(`${ACCOUNT}/media`);
  for (const name of namesIn('dir', added, 100)) names?.add(name);
  await world.buffered(...overwritten(world, namesIn('dir', 20)));
  await world.flush();
  return { world, prefixes };
}

describe('a listing that is old', () => {
  it.each([
    ['is trusted while it is younger', 9, []],
    ['is made anew for what is chosen when it is older', 11, ['dir/']],
  ])('%s than `recountHours`', async (_what, hours, expected) => {
    const { world, prefixes } = await afterHours(hours, { planner: { recountHours: 10 } });
    expect(prefixes).toEqual(expected);
    expect(planned(world)).toMatchObject([{ url: url('dir/'), covers: 20, evicts: 5 }]);
  });

  it('gives the record what stands there now', async () => {
    const { world } = await afterHours(11, { planner: { recountHours: 10 }, added: 3 });
    expect(planned(world)).toMatchObject([{ covers: 20, evicts: 8 }]);
  });

  it('does not stand when there is too much now: the plan is made again', async () => {
    const { world } = await afterHours(11, { planner: { recountHours: 10, mostEvicted: 5 }, added: 1 });
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world).length + waiting(world).length).toBe(20);
  });

  it('is not made anew while nothing is chosen', async () => {
    const { world, prefixes } = await afterHours(11, { planner: { recountHours: 10 }, quota: aQuota() });
    expect(directoriesOf(world)).toEqual([]);
    expect(prefixes).toEqual([]);
  });
});

describe('counting', () => {
  it('makes so many calls at most, and chooses nothing that was not counted', async () => {
    const { prefixes, changeLister } = noting();
    const directories = Array.from({ length: 300 }, (_, index) => `all/${index}`);
    const world = await createPlanningWorld({
      changeLister,
      // Only its own directories may go.
      planner: {
        never: ['www.example.cn/media', 'www.example.cn/media/all'],
        smallestDirectory: 2,
        // What every count says, so that no count asks for another plan.
        mostEvicted: 0,
      },
      quota: aQuota({
        limits: { files: 0, directories: 1_000 },
        manualReserve: { files: 0, directories: 0 },
      }),
    });
    await world.buffered(
      aRename(aPath('draft'), aPath('all'), { kind: 'directory-renamed', eventAt: world.clock.now() }),
    );
    await world.flush();
    const names = directories.flatMap((directory) => namesIn(directory, 2));
    for (const name of names) world.accounts.containers.get(`${ACCOUNT}/media`)?.add(name);
    world.clock.advance(1_000);
    await world.buffered(...overwritten(world, names));
    await world.flush();
    expect(prefixes.length).toBeLessThanOrEqual(200);
    expect(new Set(prefixes).size).toBe(prefixes.length);
    expect(planned(world).length).toBeGreaterThan(0);
    expect(planned(world).every(({ url: one }) => prefixes.some((prefix) => one === url(prefix)))).toBe(true);
    expect(planned(world).length * 2 + waiting(world).length).toBe(600);
  });

  it('ends, though every count is another one than the plan before took it for', async () => {
    let asked = 0;
    const world = await createPlanningWorld({
      standing: Array.from({ length: 12 }, (_, index) => `${'deep/'.repeat(index + 1)}${index}.txt`),
      quota: SCARCE,
    });
    const lister: BlobLister = {
      accounts: world.accounts.accounts,
      findContainers: async () => [],
      listPage: async (_place, { prefix }) => {
        asked += 1;
        return { blobs: namesIn(prefix ?? '', asked).map((name) => ({ name, bytes: 1 })), next: undefined };
      },
    };
    const configuration = await world.ports.configuration.current();
    const targets = Array.from({ length: 12 }, (_, index) =>
      aTarget(`/media/${'deep/'.repeat(index + 1)}${index}.txt`),
    ).map((target) => {
      const owner = { causes: [], changes: 1, bufferedAt: world.clock.now(), failedAttempts: 0 };
      return { target, claims: [{ target, owner }], owners: new Set([owner]), endpointId: 'endpoint' };
    });
    const planning = await preparePlanning([], targets, configuration, world.ports, world.run);
    if (planning === undefined) throw new Error('the world plans');
    const day = await readSpendingDay(targets, world.cdn, world.ports);
    const known = { ...planning, spending: createDaySpending() };
    const problem = problemOf(targets, day, known, () => 0, world.clock.now());
    const counting = {
      inventory: planning.inventory,
      lister,
      alsoDue: [],
      recountAfterMs: -1,
      reachesBelow: true,
    };
    const { plan } = await planCounted(problem, counting, world.clock.now(), world.run);
    const covered = plan.directories.reduce((sum, { covers }) => sum + covers.length, 0);
    expect(covered + plan.files.length + plan.waiting.length).toBe(12);
    expect(asked).toBeLessThanOrEqual(200);
  });

  it('does not happen where a container may serve the directory that nobody knows', async () => {
    const { prefixes, changeLister } = noting();
    const world = await createPlanningWorld({
      standing: namesIn('dir', 25),
      quota: SCARCE,
      changeLister,
      configuration: aConfiguration({
        rules: [aRule(), aRule({ account: 'elsewhere', matchesContainer: (name) => name === 'media' })],
        accounts: [ACCOUNT, 'elsewhere'],
      }),
    });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([]);
    expect(prefixes).toEqual([]);
  });
});
