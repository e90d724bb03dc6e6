// What a round plans by, and when it plans nothing.

import { describe, expect, it } from 'vitest';

import { standingBelow } from '../../../src/lib/core/inventory/inventory.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { createDaySpending } from '../../../src/lib/use-cases/day-spending.ts';
import {
  StorageTrouble,
  type InventoryStore,
  type ReceivedMessage,
} from '../../../src/lib/use-cases/ports.ts';
import { preparePlanning } from '../../../src/lib/use-cases/prepare-planning.ts';
import { aChange, aCoalesced, aConfiguration, aMessage, aTarget } from '../../support/builders.ts';
import { createInMemoryAccounts } from '../../support/in-memory-inventory.ts';
import { createPlanningWorld, plannerOf } from '../../support/planning-world.ts';

const configuration = { ...aConfiguration(), planner: plannerOf({}) };
const due = [aCoalesced(aTarget('/media/dir/a.txt'), 'owner')];
const SITE = 'china http://www.example.cn';

async function troubled(): Promise<never> {
  throw new StorageTrouble('storage could not read a record: 503');
}

async function broken(): Promise<never> {
  throw new TypeError('a bug');
}

/** The inventory of a container with two blobs in `dir`, which says what of it was read. */
async function listed() {
  const world = await createPlanningWorld({ standing: ['dir/a.txt', 'dir/b.txt'] });
  const reads: string[] = [];
  const inventory: InventoryStore = {
    ...world.inventory,
    async loadListing(place) {
      reads.push(place.container);
      return world.inventory.loadListing(place);
    },
  };
  const received = (name: string): ReceivedMessage => ({
    kind: 'readable',
    receipt: { messageId: 'message-1', popReceipt: 'receipt-1' },
    text: '',
    bufferedAt: world.clock.now(),
    message: aMessage(aChange({ name, eventAt: instant(world.clock.now() + 1_000) })),
    isRepeated: false,
  });
  return {
    world,
    reads,
    received,
    planner: { inventory, lister: createInMemoryAccounts({}), spending: createDaySpending() },
  };
}

describe('a round plans nothing', () => {
  it.each([
    ['when the configuration has no planner', { configuration: aConfiguration(), targets: due }],
    ['when no file is due', { configuration, targets: [aCoalesced(aTarget('/media/dir/'), 'owner')] }],
    ['when nothing is due', { configuration, targets: [] }],
  ])('%s, and reads no listing for it', async (_when, given) => {
    const { world, reads, planner } = await listed();
    expect(
      await preparePlanning([], given.targets, given.configuration, { planner }, world.run),
    ).toBeUndefined();
    expect(reads).toEqual([]);
  });

  it('when there is no inventory', async () => {
    const { world } = await listed();
    expect(await preparePlanning([], due, configuration, {}, world.run)).toBeUndefined();
  });

  it.each(['loadIndex', 'loadListing', 'loadChanges'] as const)(
    'when storage does not answer `%s`, and says so',
    async (call) => {
      const { world, planner } = await listed();
      const inventory = { ...planner.inventory, [call]: troubled };
      expect(
        await preparePlanning([], due, configuration, { planner: { ...planner, inventory } }, world.run),
      ).toBeUndefined();
      expect(world.log.at('warn')).toMatchObject([
        {
          message: 'The inventory cannot be read: files go as files for now.',
          details: { error: 'storage could not read a record: 503' },
        },
      ]);
    },
  );

  it('when the inventory is at fault in another way: that is a bug, and shows', async () => {
    const { world, planner } = await listed();
    const inventory = { ...planner.inventory, loadListing: broken };
    await expect(
      preparePlanning([], due, configuration, { planner: { ...planner, inventory } }, world.run),
    ).rejects.toThrow('a bug');
  });
});

describe('while the configuration has no planner', () => {
  const plain = aConfiguration();

  it('a change that is not noted ends what was listed: what comes back later is listed anew', async () => {
    const { world, planner, received } = await listed();
    await preparePlanning([received('dir/new.txt')], due, plain, { planner }, world.run);
    expect(world.inventory.stored()).toEqual(['index']);
    const planning = await preparePlanning([], due, configuration, { planner }, world.run);
    expect(planning && standingBelow(SITE, '/media/dir/', planning.inventory)).toBeUndefined();
    await world.relist();
    const again = await preparePlanning([], due, configuration, { planner }, world.run);
    expect(again && standingBelow(SITE, '/media/dir/', again.inventory)?.objects).toBe(2);
  });

  it('nothing is asked twice, nor when nothing changed', async () => {
    const { world, planner, received } = await listed();
    let looks = 0;
    const inventory: InventoryStore = {
      ...planner.inventory,
      async loadIndex() {
        looks += 1;
        return planner.inventory.loadIndex();
      },
    };
    const ports = { planner: { ...planner, inventory } };
    await preparePlanning([], due, plain, ports, world.run);
    expect(looks).toBe(0);
    await preparePlanning([received('dir/a.txt')], due, plain, ports, world.run);
    await preparePlanning([received('dir/a.txt')], due, plain, ports, world.run);
    expect(looks).toBe(1);
  });

  it('what could not be forgotten is forgotten the next time', async () => {
    const { world, planner, received } = await listed();
    const ports = { planner: { ...planner, inventory: { ...planner.inventory, saveIndex: troubled } } };
    await preparePlanning([received('dir/a.txt')], due, plain, ports, world.run);
    expect(world.log.at('warn')).toHaveLength(1);
    await preparePlanning([received('dir/a.txt')], due, plain, { planner }, world.run);
    expect(world.inventory.stored()).toEqual(['index']);
  });
});

describe('a round plans', () => {
  it('by the settings of the configuration in force', async () => {
    const { world, planner } = await listed();
    const planning = await preparePlanning([], due, configuration, { planner }, world.run);
    expect(planning?.settings).toBe(configuration.planner);
    expect(planning?.spending).toBe(planner.spending);
  });

  it('by what stood in the containers, and by what was received since', async () => {
    const { world, planner, received } = await listed();
    const planning = await preparePlanning(
      [received('dir/new.txt')],
      due,
      configuration,
      { planner },
      world.run,
    );
    expect(planning && standingBelow(SITE, '/media/dir/', planning.inventory)?.objects).toBe(3);
  });

  it('by what an earlier round was told, also of what was not due', async () => {
    const { world, planner, received } = await listed();
    await preparePlanning([received('dir/new.txt')], [], configuration, { planner }, world.run);
    const planning = await preparePlanning([], due, configuration, { planner }, world.run);
    expect(planning && standingBelow(SITE, '/media/dir/', planning.inventory)?.objects).toBe(3);
  });
});
