// Files that were never there before: an edge can hold nothing of them but that they were missing.

import { describe, expect, it } from 'vitest';

import { nextReset } from '../../../src/lib/core/quota-days.ts';
import { refreshInventory } from '../../../src/lib/use-cases/refresh-inventory.ts';
import {
  ACCOUNT,
  aChange,
  aConfiguration,
  aQuota,
  aRename,
  aRequest,
  aRule,
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
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];
const NOTHING_KEPT = { manualReserve: { files: 0, directories: 0 } };
const QUOTA = aQuota({ limits: { files: 10, directories: 5 }, ...NOTHING_KEPT });
const ONE_FILE = aQuota({ limits: { files: 1, directories: 5 }, ...NOTHING_KEPT });
const HOUR_MS = 3_600_000;

const worldOf = (newBlobs: string, options: PlanningWorldOptions = {}): Promise<PlanningWorld> =>
  createPlanningWorld({
    standing: namesIn('page', 20),
    planner: { newBlobs, never: ['www.example.cn/**'] },
    ...options,
  });

async function changed(world: PlanningWorld, ...names: readonly string[]): Promise<void> {
  await world.buffered(...overwritten(world, names));
  world.clock.advance(1_000);
}

async function relisted({ ports, inventory, accounts, clock, run }: PlanningWorld): Promise<void> {
  const own = { account: ACCOUNT, recordsContainer: 'purge-records' };
  const { configuration } = ports;
  await refreshInventory(
    { configuration, inventory, lister: accounts, own, clock },
    { relistAfterMs: 1 },
    run,
  );
}

describe('a blob that the inventory has never seen', () => {
  it('is purged like any other by default', async () => {
    const world = await createPlanningWorld({ standing: namesIn('page', 20) });
    await changed(world, 'new.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
  });

  it('is not purged where it never is: its message is gone, and the log tells', async () => {
    const world = await worldOf('never');
    await changed(world, 'new.txt', 'page/0.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('page/0.txt')]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.buffer.poisoned).toEqual([]);
    expect(waiting(world)).toEqual([]);
    expect(world.log.at('info')).toContainEqual(
      expect.objectContaining({ message: 'New files are not purged, as `newBlobs` says.' }),
    );
  });

  it('costs no call and no unit when it is all that changed', async () => {
    const world = await worldOf('never');
    await changed(world, 'new.txt');
    await world.flush();
    expect(world.cdn.purges).toEqual([]);
    expect(await world.spent()).toEqual({ files: 0, directories: 0 });
    expect(world.buffer.stored()).toEqual([]);
  });

  it.each(['never', 'when-there-is-room'])('is purged once it is rewritten (%s)', async (newBlobs) => {
    const world = await worldOf(newBlobs);
    await changed(world, 'new.txt');
    await world.flush();
    const before = world.cdn.purges.length;
    await world.buffered(...overwritten(world, ['new.txt'], 2));
    await world.flush();
    expect(world.cdn.purges.slice(before).flatMap(({ files }) => files)).toEqual([url('new.txt')]);
  });

  it('is purged when it was made and rewritten before the flush', async () => {
    const world = await worldOf('never');
    await changed(world, 'new.txt');
    await world.buffered(...overwritten(world, ['new.txt'], 2));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
    expect(world.buffer.stored()).toEqual([]);
  });

  it('is purged when it was made, deleted and made again', async () => {
    const world = await worldOf('never');
    await changed(world, 'new.txt');
    await world.flush();
    await world.buffered(
      aChange({ name: 'new.txt', kind: 'deleted', eventId: 'gone', eventAt: world.clock.now() }),
    );
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
    world.clock.advance(1_000);
    await world.buffered(...overwritten(world, ['new.txt'], 2));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt'), url('new.txt')]);
  });

  it.each<[string, PlanningWorldOptions]>([
    ['nobody ever listed its container', { changeInventory: () => createInMemoryInventory() }],
    [
      'its container was not listed to the end yet',
      { changeInventory: (inventory) => ({ ...inventory, loadListing: async () => undefined }) },
    ],
  ])('is purged when %s', async (_why, options) => {
    const world = await worldOf('never', options);
    await changed(world, 'new.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
  });

  it('is not taken for what an index document answers: the URL of its directory goes', async () => {
    const rules = [aRule({ indexDocuments: ['index.html'], indexWithoutSlash: true })];
    const configuration = aConfiguration({ rules });
    const world = await worldOf('never', { standing: ['dir/index.html'], configuration });
    await changed(world, 'dir/index.html');
    await world.flush();
    expect(new Set(world.cdn.purgedUrls())).toEqual(
      new Set([url('dir/index.html'), url('dir/'), url('dir')]),
    );
  });

  it.each([
    ['', false],
    [' and made again', true],
  ])(
    'is not taken for one that was deleted%s, and waited while its container was listed anew',
    async (_what, isMadeAgain) => {
      const world = await worldOf('never', { quota: ONE_FILE });
      await changed(world, 'page/1.txt');
      await world.flush();
      await world.buffered(
        aChange({ name: 'page/0.txt', kind: 'deleted', eventId: 'gone', eventAt: world.clock.now() }),
      );
      await world.flush();
      expect(waiting(world)).toMatchObject([{ target: { url: url('page/0.txt') } }]);
      world.accounts.containers.get(`${ACCOUNT}/media`)?.delete('page/0.txt');
      world.clock.advance(HOUR_MS);
      await relisted(world);
      if (isMadeAgain) await changed(world, 'page/0.txt');
      world.clock.advance(nextReset(world.clock.now(), ONE_FILE) - world.clock.now());
      await world.flush();
      expect(world.cdn.purgedUrls()).toEqual([url('page/1.txt'), url('page/0.txt')]);
      expect(waiting(world)).toEqual([]);
    },
  );

  it('is not taken for one that was moved there with its directory', async () => {
    const world = await worldOf('never');
    await world.buffered(
      aRename(
        { container: 'media', name: 'page' },
        { container: 'media', name: 'moved' },
        { kind: 'directory-renamed', eventId: 'moved', eventAt: world.clock.now() },
      ),
    );
    await world.flush();
    world.clock.advance(1_000);
    await changed(world, 'moved/0.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toContain(url('moved/0.txt'));
  });

  it('is purged when the event of its rewriting came before that of its making', async () => {
    const world = await worldOf('never');
    const madeAt = world.clock.now();
    world.clock.advance(1_000);
    await changed(world, 'new.txt');
    await world.flush();
    await world.buffered(aChange({ name: 'new.txt', eventId: 'late', eventAt: madeAt }));
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
  });

  it('is purged at once when a person asks for it as well', async () => {
    const world = await worldOf('never');
    await changed(world, 'new.txt');
    const ask = aUrlAsk({ files: [url('new.txt')] });
    await world.records.createRequest(aRequest({ id: 'request-1', ask }));
    await world.buffer.add({ type: 'request', requestId: 'request-1', failedAttempts: 0 });
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
  });
});

describe('a new blob where it goes when there is room', () => {
  it('goes at once while nothing else needs the quota', async () => {
    const world = await worldOf('when-there-is-room');
    await changed(world, 'new.txt');
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual([url('new.txt')]);
  });

  it('waits behind those that an edge may hold, and goes by the end of the next day at the latest', async () => {
    const world = await worldOf('when-there-is-room', { quota: QUOTA });
    await changed(world, ...namesIn('new', 4));
    await changed(world, ...namesIn('page', 8));
    await world.flush();
    expect(world.cdn.purgedUrls().filter((one) => one.includes('/page/'))).toHaveLength(8);
    const left = waiting(world);
    expect(left.length).toBeGreaterThan(0);
    for (const entry of left) expect(entry).toMatchObject({ reason: 'saves-quota', failedAttempts: 0 });
    expect(world.buffer.stored()).toEqual([]);
    world.clock.advance(nextReset(world.clock.now(), QUOTA) - world.clock.now());
    for (let quarters = 0; quarters < 96; quarters += 1) {
      await world.flush();
      world.clock.advance(15 * 60_000);
    }
    expect(new Set(world.cdn.purgedUrls())).toEqual(
      new Set([...namesIn('new', 4), ...namesIn('page', 8)].map(url)),
    );
    expect(waiting(world)).toEqual([]);
  });
});
