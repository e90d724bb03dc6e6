// What a person sees of the planner: why files wait, and what a flush would make of files if they changed now.

import { describe, expect, it } from 'vitest';

import { handleBacklog } from '../../../src/lib/handlers/backlog.ts';
import { handlePurgeRequest } from '../../../src/lib/handlers/purge-request.ts';
import { StorageTrouble, type InventoryStore } from '../../../src/lib/use-cases/ports.ts';
import { aQuota } from '../../support/builders.ts';
import { callHttp, createInvocation } from '../../support/in-memory-invocation.ts';
import { createInMemoryInventory } from '../../support/in-memory-inventory.ts';
import {
  createPlanningWorld,
  namesIn,
  overwritten,
  plannerOf,
  type PlanningWorld,
  type PlanningWorldOptions,
} from '../../support/planning-world.ts';

const url = (name: string): string => `http://www.example.cn/media/${name}`;
const urls = (names: readonly string[]): readonly string[] => names.map(url);
const RESET = '2024-01-16T00:10:00.000Z';

const quotaOf = (files: number, directories = 5) =>
  aQuota({ limits: { files, directories }, manualReserve: { files: 0, directories: 0 } });

const backlogOf = async (world: PlanningWorld) =>
  (
    await callHttp(
      handleBacklog(async () => world.services),
      { method: 'GET', url: 'https://app.example.cn/api/backlog' },
      createInvocation(),
    )
  ).json;

const dryRun = (world: PlanningWorld, body: unknown) =>
  callHttp(
    handlePurgeRequest(async () => world.services),
    {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      query: { dryRun: 'true' },
    },
    createInvocation(),
  );

/** What the dry run tells of the plan. */
const planOf = async (world: PlanningWorld, files: readonly string[]) =>
  (await dryRun(world, { files })).json;

const FILES_ONLY = { never: ['www.example.cn/**'] };
/** So that its files have nothing to wait for. */
const NOT_DIR = { never: ['www.example.cn/media', 'www.example.cn/media/dir'] };

const worldOf = (options: PlanningWorldOptions): Promise<PlanningWorld> =>
  createPlanningWorld({
    standing: [...namesIn('dir', 25), ...namesIn('hls/film', 4), ...namesIn('lone', 2)],
    ...options,
  });

async function afterChanges(
  options: PlanningWorldOptions,
  ...names: readonly string[]
): Promise<PlanningWorld> {
  const world = await worldOf(options);
  await world.buffered(...overwritten(world, names));
  await world.flush();
  return world;
}

describe('the backlog says why a file waits', () => {
  it('that no directory above may be purged', async () => {
    const world = await afterChanges({ quota: quotaOf(3), planner: FILES_ONLY }, ...namesIn('dir', 4));
    expect(await backlogOf(world)).toMatchObject({
      targets: 1,
      entries: [
        {
          reason: 'quota-exhausted',
          until: RESET,
          why: expect.stringContaining('no directory above it may be purged'),
        },
      ],
    });
  });

  it('that the directory which may be purged would serve too few', async () => {
    const world = await afterChanges(
      { quota: quotaOf(3, 0), planner: { maxStalenessMinutes: 0 } },
      ...namesIn('dir', 4),
    );
    expect(await backlogOf(world)).toMatchObject({
      entries: [
        {
          reason: 'quota-exhausted',
          until: RESET,
          why: expect.stringContaining('/media/dir/ would serve only 4 due files'),
        },
      ],
    });
  });

  it('that others of its group wait', async () => {
    const planner = { ...FILES_ONLY, groups: ['www.example.cn/media/hls/*'] };
    const world = await afterChanges({ quota: quotaOf(4), planner }, ...namesIn('dir', 3));
    await world.buffered(...overwritten(world, namesIn('hls/film', 2)));
    await world.flush();
    const why = expect.stringContaining('others of its group');
    expect(await backlogOf(world)).toMatchObject({
      targets: 2,
      entries: [
        { reason: 'quota-exhausted', until: RESET, why },
        { reason: 'quota-exhausted', until: RESET, why },
      ],
    });
  });

  it('that it changes all day long', async () => {
    const world = await worldOf({ quota: quotaOf(40), planner: FILES_ONLY });
    for (let time = 1; time <= 9; time += 1) {
      world.clock.advance(60_000);
      await world.buffered(...overwritten(world, ['lone/0.txt'], time));
      await world.flush();
    }
    const why = 'it took 8 of the day’s files, and gets its next one by the clock';
    expect(await backlogOf(world)).toMatchObject({ entries: [{ reason: 'saves-quota', why }] });
  });

  it.each([0, 240])(
    'that it is new, until the reset, whatever else may wait: %i minutes',
    async (minutes) => {
      const planner = { ...FILES_ONLY, newBlobs: 'when-there-is-room', maxStalenessMinutes: minutes };
      const world = await afterChanges({ quota: quotaOf(3), planner }, ...namesIn('dir', 3), 'new.txt');
      const why = expect.stringContaining('it is new');
      expect(await backlogOf(world)).toMatchObject({
        entries: [{ url: url('new.txt'), reason: 'saves-quota', until: RESET, why }],
      });
    },
  );

  it('that it might go, and what that costs', async () => {
    const world = await afterChanges({ quota: quotaOf(20), planner: NOT_DIR }, ...namesIn('dir', 16));
    await world.buffered(...overwritten(world, namesIn('lone', 1)));
    await world.flush();
    expect(await backlogOf(world)).toMatchObject({
      targets: 1,
      entries: [
        {
          url: url('lone/0.txt'),
          reason: 'saves-quota',
          why: expect.stringMatching(/^waiting has cost .* a file costs /u),
        },
      ],
    });
  });
});

describe('a dry run', () => {
  it('says nothing of a plan where the configuration has no planner', async () => {
    const world = await worldOf({});
    const { planner: _without, ...plain } = await world.ports.configuration.current();
    world.configure(plain);
    expect(await planOf(world, urls(namesIn('dir', 4)))).not.toHaveProperty('ifBlobsChanged');
  });

  it('tells the directory that the files would go as, and what else there was', async () => {
    const world = await worldOf({ quota: quotaOf(10) });
    expect(await planOf(world, urls(namesIn('dir', 20)))).toMatchObject({
      dryRun: true,
      ifBlobsChanged: [
        {
          cdns: ['china'],
          budgets: [
            { perFile: 1, perDirectory: 0, limit: 10, left: 10, per: 'day' },
            { perFile: 0, perDirectory: 1, limit: 5, left: 5, per: 'day' },
          ],
          files: [],
          directories: [
            {
              url: url('dir/'),
              covers: 20,
              evicts: 5,
              instead: { files: 20, directories: 0, evicts: 0 },
            },
          ],
          waiting: [],
          notNeeded: [],
          isExact: true,
          gap: 0,
        },
      ],
    });
  });

  it('tells what would wait and why, and until when it waits by choice', async () => {
    const world = await afterChanges({ quota: quotaOf(20), planner: NOT_DIR }, ...namesIn('dir', 16));
    expect(await planOf(world, [url('lone/0.txt')])).toMatchObject({
      ifBlobsChanged: [
        {
          files: [],
          waiting: [
            {
              url: url('lone/0.txt'),
              why: expect.stringContaining('a file costs'),
              until: expect.stringMatching(/^2024-01-15T.*Z$/u),
            },
          ],
        },
      ],
    });
  });

  it('tells what the quota is too small for', async () => {
    const world = await worldOf({ quota: quotaOf(3), planner: FILES_ONLY });
    expect(await planOf(world, urls(namesIn('dir', 5)))).toMatchObject({
      ifBlobsChanged: [
        {
          files: urls(namesIn('dir', 3)),
          waiting: urls(namesIn('dir', 2, 3)).map((one) => ({
            url: one,
            why: expect.stringContaining('no directory above it'),
          })),
        },
      ],
    });
  });

  it('counts in what waits already', async () => {
    const world = await afterChanges({ quota: quotaOf(3), planner: FILES_ONLY }, ...namesIn('dir', 8));
    world.configure({
      ...(await world.ports.configuration.current()),
      planner: plannerOf({ maxStalenessMinutes: 0 }),
    });
    expect(await planOf(world, urls(namesIn('dir', 10, 8)))).toMatchObject({
      ifBlobsChanged: [{ directories: [{ url: url('dir/'), covers: 15, evicts: 10 }], waiting: [] }],
    });
  });

  it('names new files that would not be purged', async () => {
    const world = await worldOf({ planner: { newBlobs: 'never' } });
    expect(await planOf(world, [url('new.txt'), url('dir/1.txt')])).toMatchObject({
      ifBlobsChanged: [{ files: [url('dir/1.txt')], notNeeded: [url('new.txt')] }],
    });
  });

  it('says what becomes of groups', async () => {
    const planner = { ...FILES_ONLY, groups: ['www.example.cn/media/hls/*'] };
    const world = await worldOf({ quota: quotaOf(3), planner });
    expect(await planOf(world, urls([...namesIn('hls/film', 3), ...namesIn('dir', 1)]))).toMatchObject({
      ifBlobsChanged: [{ waiting: [{ why: expect.any(String) }] }],
    });
  });

  it('says nothing of a plan when the inventory cannot be read', async () => {
    const world = await worldOf({
      changeInventory: (inventory) => ({
        ...inventory,
        async loadListing() {
          throw new StorageTrouble('storage could not read a record: 503');
        },
      }),
    });
    const answer = await dryRun(world, { files: [url('dir/1.txt')] });
    expect(answer.status).toBe(200);
    expect(answer.json).not.toHaveProperty('ifBlobsChanged');
  });

  it('works where nothing was ever listed', async () => {
    const world = await worldOf({ changeInventory: () => createInMemoryInventory() });
    expect(await planOf(world, [url('dir/1.txt')])).toMatchObject({
      ifBlobsChanged: [{ files: [url('dir/1.txt')], directories: [], waiting: [] }],
    });
  });

  it('of directories alone has no plan: they go as they were asked for', async () => {
    const world = await worldOf({});
    expect((await dryRun(world, { directories: [url('dir/')] })).json).not.toHaveProperty('ifBlobsChanged');
  });

  it('writes nothing and sends nothing', async () => {
    let saves = 0;
    const countingSaves = (inventory: InventoryStore): InventoryStore => ({
      ...inventory,
      saveChanges(...change) {
        saves += 1;
        return inventory.saveChanges(...change);
      },
      saveIndex(...index) {
        saves += 1;
        return inventory.saveIndex(...index);
      },
    });
    const world = await afterChanges(
      { quota: quotaOf(3), planner: { ...FILES_ONLY, newBlobs: 'never' }, changeInventory: countingSaves },
      ...namesIn('dir', 5),
    );
    world.journal.clear();
    const savesBefore = saves;
    const before = world.backlog.text();
    await planOf(world, urls([...namesIn('dir', 20), 'new.txt']));
    expect(new Set(world.journal.effects.map(({ call }) => call))).toEqual(
      new Set(['load-backlog', 'load-ledger']),
    );
    expect(saves).toBe(savesBefore);
    expect(world.backlog.text()).toBe(before);
    expect(world.buffer.stored()).toEqual([]);
  });
});
