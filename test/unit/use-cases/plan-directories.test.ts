// Files that go as one directory, files that wait for a better moment, and what neither may ever cost.

import { describe, expect, it } from 'vitest';

import { EXACT_MATCHING } from '../../../src/lib/core/capabilities.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import type { PurgeOutcome } from '../../../src/lib/core/purge-outcome.ts';
import { StorageTrouble, type PurgeBatch } from '../../../src/lib/use-cases/ports.ts';
import {
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  anAcceptance,
  anItemRefusal,
  aQuota,
  aRefusal,
  aRequest,
  aRule,
  aRuleHost,
  aUrlAsk,
} from '../../support/builders.ts';
import { createInMemoryInventory } from '../../support/in-memory-inventory.ts';
import {
  createPlanningWorld,
  namesIn,
  overwritten,
  type PlanningWorld,
  type PlanningWorldOptions,
} from '../../support/planning-world.ts';

const url = (name: string): string => `http://www.example.cn/media/${name}`;
const MINUTE_MS = 60_000;

/** Ten files and five directories a day. */
const SCARCE = aQuota({
  limits: { files: 10, directories: 5 },
  manualReserve: { files: 0, directories: 0 },
});

const filesOf = ({ cdn }: PlanningWorld) => cdn.purges.flatMap(({ files }) => files);
const directoriesOf = ({ cdn }: PlanningWorld) => cdn.purges.flatMap(({ directories }) => directories);
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];

const refuses =
  (directory: string) =>
  ({ directories }: PurgeBatch): PurgeOutcome =>
    directories.some((one) => one === url(directory)) ? anItemRefusal() : anAcceptance();

/** Twenty of the 25 blobs of `dir` change, when only ten files and five directories may go. */
async function afterTwentyOf25(options: PlanningWorldOptions = {}): Promise<PlanningWorld> {
  const world = await createPlanningWorld({ standing: namesIn('dir', 25), quota: SCARCE, ...options });
  await world.buffered(...overwritten(world, namesIn('dir', 20)));
  await world.flush();
  return world;
}

describe('files of one directory', () => {
  it('go as files where the configuration says nothing of a planner', async () => {
    const world = await createPlanningWorld({ standing: namesIn('dir', 20) });
    world.configure(aConfiguration());
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world)).toHaveLength(20);
    expect(world.records.purges()[0]?.planned).toBeUndefined();
  });

  it('go as one purge when everything in it is due', async () => {
    const world = await createPlanningWorld({ standing: [...namesIn('dir', 20), ...namesIn('other', 5)] });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([url('dir/')]);
    expect(filesOf(world)).toEqual([]);
    expect(await world.spent()).toEqual({ files: 0, directories: 1 });
  });

  it('go as files while there are enough, when the directory would evict others', async () => {
    const world = await createPlanningWorld({ standing: namesIn('dir', 25) });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world)).toHaveLength(20);
  });

  it('go as one purge when the quota of files is nearly spent, so that nothing waits', async () => {
    const world = await afterTwentyOf25();
    expect(directoriesOf(world)).toEqual([url('dir/')]);
    expect(filesOf(world)).toEqual([]);
    expect(waiting(world)).toEqual([]);
  });

  it('leave their messages complete', async () => {
    const world = await afterTwentyOf25();
    expect(world.buffer.stored()).toEqual([]);
    expect(world.buffer.poisoned).toEqual([]);
  });

  const atRoot = aConfiguration({ rules: [aRule({ servedUnder: '/' })] });
  const below = { never: ['www.example.cn/media/**'] };
  it.each<[string, PlanningWorldOptions]>([
    ['it would evict more than it may', { planner: { mostEvicted: 4 } }],
    ['it is listed under `never`', { planner: below }],
    ['too few of it are due', { planner: { smallestDirectory: 21 } }],
    ['it was never listed', { changeInventory: () => createInMemoryInventory() }],
    [
      'it is the root of the host',
      { configuration: atRoot, standing: namesIn('dir', 25), planner: { never: ['www.example.cn/dir'] } },
    ],
  ])('go as files and wait for the rest of the quota when %s', async (_why, options) => {
    const world = await afterTwentyOf25(options);
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world).length).toBeGreaterThan(0);
    expect(filesOf(world).length + waiting(world).length).toBe(20);
  });

  it('go as the whole host when the configuration allows that', async () => {
    const world = await afterTwentyOf25({
      configuration: atRoot,
      planner: { never: ['www.example.cn/dir'], roots: true },
    });
    expect(directoriesOf(world)).toEqual(['http://www.example.cn/']);
    expect(waiting(world)).toEqual([]);
  });

  it.each(['图片', 'a b', 'x#y', 'p%2Fq'])(
    'go as files when `never` names their directory as the blobs do: %s',
    async (directory) => {
      const world = await createPlanningWorld({
        standing: [...namesIn(directory, 6), ...namesIn('other', 3)],
        planner: { never: [`www.example.cn/media/${directory}/**`] },
      });
      await world.buffered(...overwritten(world, namesIn(directory, 6)));
      await world.flush();
      expect(directoriesOf(world)).toEqual([]);
      expect(filesOf(world)).toHaveLength(6);
    },
  );

  it.each([
    { ignoresCase: false, goesWhole: true },
    { ignoresCase: true, goesWhole: false },
  ])(
    'go as files when another directory has its name but for the case, and the CDN ignores that: $ignoresCase',
    async ({ ignoresCase, goesWhole }) => {
      const matching = { ...EXACT_MATCHING, ignoresCase };
      const world = await createPlanningWorld({
        standing: [...namesIn('dir', 10), ...namesIn('Dir', 50)],
        planner: { mostEvicted: 5 },
        configuration: aConfiguration({ rules: [aRule({ hosts: [aRuleHost({ matching })] })] }),
      });
      await world.buffered(...overwritten(world, namesIn('dir', 10)));
      await world.flush();
      expect(directoriesOf(world)).toEqual(goesWhole ? [url('dir/')] : []);
      expect(filesOf(world)).toHaveLength(goesWhole ? 0 : 10);
    },
  );

  it('are planned beside directories that go as such: no more wait than have to', async () => {
    const directories = ['d0', 'd1', 'd2', 'd3', 'd4'];
    const world = await createPlanningWorld({
      standing: directories.flatMap((directory) => namesIn(directory, 20)),
      planner: { never: ['www.example.cn/media'] },
      quota: aQuota({
        limits: { files: 30, directories: 5 },
        manualReserve: { files: 0, directories: 0 },
      }),
    });
    for (const name of ['x', 'y', 'z']) {
      const eventAt = world.clock.now();
      await world.buffered(aDirectoryDeletion({ container: 'media', name }, { eventId: name, eventAt }));
    }
    await world.buffered(
      ...overwritten(
        world,
        directories.flatMap((directory, index) => namesIn(directory, 10 + index)),
      ),
    );
    await world.flush();
    // 60 files are due, and two directories are left for the largest: 13 and 14.
    expect(new Set(directoriesOf(world))).toEqual(new Set(['x/', 'y/', 'z/', 'd3/', 'd4/'].map(url)));
    expect(filesOf(world)).toHaveLength(30);
    expect(waiting(world)).toHaveLength(3);
  });

  it('go as files when no directory purge is left', async () => {
    const limits = { files: 30, directories: 0 };
    const world = await createPlanningWorld({
      standing: namesIn('dir', 20),
      quota: aQuota({ limits, manualReserve: { files: 0, directories: 0 } }),
    });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world)).toHaveLength(20);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('go as files when the ledger grants their directory none', async () => {
    const site = { priority: 50, reserve: { files: 0, directories: 0 }, max: { files: 100, directories: 0 } };
    const world = await createPlanningWorld({
      standing: [...namesIn('dir', 20), ...namesIn('other', 9)],
      quota: aQuota({ sites: new Map([['www', site]]) }),
    });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([]);
    expect(new Set(filesOf(world))).toEqual(new Set(namesIn('dir', 20).map(url)));
    expect(world.buffer.stored()).toEqual([]);
    expect(waiting(world)).toEqual([]);
    expect(world.records.purges().flatMap(({ planned }) => planned ?? [])).toEqual([]);
  });

  it('go as files while the CDN throttles directories', async () => {
    const world = await createPlanningWorld({
      standing: [...namesIn('dir', 20), ...namesIn('other', 9)],
    });
    world.cdn.answerBy(({ directories }) => (directories.length > 0 ? aRefusal() : anAcceptance()));
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    for (let minutes = 0; minutes < 30; minutes += 1) {
      await world.flush();
      world.clock.advance(MINUTE_MS);
    }
    expect(new Set(world.cdn.purgedUrls())).toEqual(new Set(namesIn('dir', 20).map(url)));
    expect(world.buffer.poisoned).toEqual([]);
    expect(waiting(world)).toEqual([]);
  });

  it('go beside what a person asks for, which stays as it was asked', async () => {
    const world = await createPlanningWorld({ standing: namesIn('dir', 20) });
    const asked = namesIn('dir', 20).map(url);
    await world.records.createRequest(aRequest({ id: 'request-1', ask: aUrlAsk({ files: asked }) }));
    await world.buffer.add({ type: 'request', requestId: 'request-1', failedAttempts: 0 });
    await world.flush();
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world)).toEqual(asked);
  });

  it('go without the one that a person asks for too', async () => {
    const world = await createPlanningWorld({ standing: [...namesIn('dir', 20), ...namesIn('other', 9)] });
    const asked = url('dir/7.txt');
    await world.records.createRequest(aRequest({ id: 'request-1', ask: aUrlAsk({ files: [asked] }) }));
    await world.buffer.add({ type: 'request', requestId: 'request-1', failedAttempts: 0 });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(filesOf(world)).toContain(asked);
    // It is due as well: a purge of the directory evicts nothing that is not.
    const planned = world.records.purges().flatMap((purge) => purge.planned ?? []);
    expect(planned).toMatchObject([{ url: url('dir/'), covers: 19, evicts: 0 }]);
    expect(world.buffer.stored()).toEqual([]);
    expect((await world.records.readRequest('request-1'))?.state).not.toBe('waiting');
  });
});

describe('the record of a planned directory', () => {
  it('says what it covers, what it evicts and what the other way would have cost', async () => {
    const world = await afterTwentyOf25();
    expect(world.records.purges().map(({ planned }) => planned)).toEqual([
      [
        {
          url: url('dir/'),
          covers: 20,
          evicts: 5,
          instead: { files: 20, directories: 0, evicts: 0 },
        },
      ],
    ]);
  });

  it('has every change that it served among its causes', async () => {
    const world = await afterTwentyOf25();
    const causes = world.records.purges().flatMap((purge) => purge.causes);
    expect(causes.map((cause) => (cause.type === 'change' ? cause.eventId : ''))).toEqual(
      namesIn('dir', 20).map((name) => `event-${name}`),
    );
  });
});

describe('a planned directory that the CDN refuses', () => {
  it('poisons nobody, and its files go as files the next time', async () => {
    const world = await createPlanningWorld({ standing: [...namesIn('dir', 20), ...namesIn('other', 9)] });
    world.cdn.answerBy(refuses('dir/'));
    await world.buffered(...overwritten(world, [...namesIn('dir', 20), 'other/0.txt']));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('other/0.txt')]);
    expect(world.log.at('error')).toEqual([]);
    expect(world.log.at('warn').map(({ message }) => message)).toContain(
      'The CDN refuses a directory that was to go in place of its files: they go as files.',
    );
    expect(world.telemetry.events.map(({ name }) => name)).not.toContain('message-dead-lettered');
    await world.flush();
    expect(new Set(world.cdn.purgedUrls().slice(1))).toEqual(new Set(namesIn('dir', 20).map(url)));
    expect(world.buffer.poisoned).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
    expect(waiting(world)).toEqual([]);
  });

  it('is not sent again and again when it was alone in its request', async () => {
    const world = await createPlanningWorld({ standing: [...namesIn('dir', 20), ...namesIn('other', 9)] });
    world.cdn.answerBy(refuses('dir/'));
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    for (let minutes = 0; minutes < 120; minutes += 1) {
      await world.flush();
      world.clock.advance(MINUTE_MS);
    }
    expect(new Set(world.cdn.purgedUrls())).toEqual(new Set(namesIn('dir', 20).map(url)));
    expect(directoriesOf(world)).toEqual([url('dir/')]);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.poisoned).toEqual([]);
  });
});

describe('what waits by choice', () => {
  const HALF_SPENT = aQuota({
    limits: { files: 20, directories: 5 },
    manualReserve: { files: 0, directories: 0 },
  });

  /** Most of the day's files are gone early, and one file of a directory that may go as a whole is due. */
  async function afterHaste(planner: Readonly<Record<string, unknown>> = {}): Promise<PlanningWorld> {
    const world = await createPlanningWorld({
      standing: [...namesIn('spread', 50), ...namesIn('dir', 25)],
      quota: HALF_SPENT,
      planner: { mostEvicted: 30, ...planner },
    });
    await world.buffered(...overwritten(world, namesIn('spread', 16)));
    await world.flush();
    expect(filesOf(world)).toHaveLength(16);
    await world.buffered(...overwritten(world, namesIn('dir', 1)));
    await world.flush();
    return world;
  }

  it('stands in the backlog with its reason and its time, and its message is gone', async () => {
    const world = await afterHaste();
    expect(filesOf(world)).toHaveLength(16);
    expect(waiting(world)).toMatchObject([
      { target: { url: url('dir/0.txt') }, reason: 'saves-quota', failedAttempts: 0 },
    ]);
    const until = waiting(world)[0]?.until;
    expect(until).toBeGreaterThan(world.clock.now());
    expect(until).toBeLessThanOrEqual(world.clock.now() + 240 * MINUTE_MS);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('goes with the others of its directory when they come', async () => {
    const world = await afterHaste();
    world.clock.advance(10_000);
    await world.buffered(...overwritten(world, namesIn('dir', 24, 1)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([url('dir/')]);
    expect(world.records.purges().at(-1)?.planned?.[0]?.covers).toBe(25);
    expect(waiting(world)).toEqual([]);
  });

  it.each([30, 240])('waits no longer than %i minutes while quota is left', async (maxStalenessMinutes) => {
    const world = await afterHaste({ maxStalenessMinutes, staleCost: 0.001 });
    const dueAt = world.clock.now() + maxStalenessMinutes * MINUTE_MS;
    while (world.clock.now() < dueAt) {
      expect(filesOf(world)).toHaveLength(16);
      world.clock.advance(MINUTE_MS);
      await world.flush();
    }
    expect(filesOf(world)).toHaveLength(17);
    expect(waiting(world)).toEqual([]);
  });

  it('ages from its first change, however often it changes again', async () => {
    const world = await afterHaste({ maxStalenessMinutes: 30, staleCost: 0.001 });
    for (let minutes = 1; minutes <= 31; minutes += 1) {
      world.clock.advance(MINUTE_MS);
      await world.buffered(
        aChange({ name: 'dir/0.txt', eventId: `again-${minutes}`, eventAt: instant(world.clock.now()) }),
      );
      await world.flush();
    }
    expect(filesOf(world)).toContain(url('dir/0.txt'));
  });
});

describe('without the inventory', () => {
  it('files go as files, with a warning', async () => {
    const world = await createPlanningWorld({
      standing: namesIn('dir', 20),
      changeInventory: (inventory) => ({ ...inventory, loadListing: troubled }),
    });
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    await world.flush();
    expect(filesOf(world)).toHaveLength(20);
    expect(world.log.at('warn').map(({ message }) => message)).toContain(
      'The inventory cannot be read: files go as files for now.',
    );
    expect(world.buffer.stored()).toEqual([]);
  });
});

async function troubled(): Promise<never> {
  throw new StorageTrouble('storage could not read a record: 503');
}
