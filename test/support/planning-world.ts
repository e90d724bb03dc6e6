// A world whose configuration plans directory purges, and whose containers were listed.

import { parseConfiguration } from '../../src/lib/config/configuration.ts';
import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import type { Configuration, PlannerConfiguration } from '../../src/lib/core/configuration.ts';
import type { QuotaPolicy } from '../../src/lib/core/quota-ledger.ts';
import { spentInDay } from '../../src/lib/core/quota-ledger.ts';
import { quotaDays } from '../../src/lib/core/quota-days.ts';
import { createDaySpending } from '../../src/lib/use-cases/day-spending.ts';
import { flushPurges, type FlushPorts } from '../../src/lib/use-cases/flush-purges.ts';
import type { BlobLister, InventoryStore } from '../../src/lib/use-cases/ports.ts';
import { refreshInventory } from '../../src/lib/use-cases/refresh-inventory.ts';
import { ACCOUNT, aChange, aConfiguration, aQuota } from './builders.ts';
import {
  createInMemoryAccounts,
  createInMemoryInventory,
  type InMemoryAccounts,
  type InMemoryInventory,
} from './in-memory-inventory.ts';
import type { ScriptedProviderOptions } from './in-memory-provider.ts';
import { createWorld, VISIBILITY_MS, type World } from './in-memory-world.ts';

export type PlanningWorld = World & {
  readonly inventory: InMemoryInventory;
  /** What stands in storage; `asked` has each page that was listed. */
  readonly accounts: InMemoryAccounts;
  /** Lists what stands in storage anew. */
  readonly relist: () => Promise<void>;
  /** As after a restart: what a process remembers of its day is gone. */
  readonly restart: () => void;
  /** File and directory units that the day's ledger says are spent. */
  readonly spent: () => Promise<{ readonly files: number; readonly directories: number }>;
};

export type PlanningWorldOptions = {
  /** Blobs that stand in `media` when it is listed. */
  readonly standing?: readonly string[];
  /** As `planner` stands in the document. */
  readonly planner?: Readonly<Record<string, unknown>>;
  readonly configuration?: Configuration;
  /** `none`: only the provider's budgets for a call. */
  readonly quota?: QuotaPolicy | 'none';
  readonly cdn?: Omit<ScriptedProviderOptions, 'quota'>;
  readonly changeLister?: (lister: BlobLister) => BlobLister;
  readonly changeInventory?: (inventory: InventoryStore) => InventoryStore;
};

/** What `planner` of a document means. Throws for one that is wrong. */
export function plannerOf(
  planner: Readonly<Record<string, unknown>> | undefined,
): PlannerConfiguration | undefined {
  if (planner === undefined) return undefined;
  const parsed = parseConfiguration({
    cdns: {
      china: {
        provider: 'azure-china-cdn',
        subscription: '11112222-3333-4444-5555-666677778888',
        keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
      },
    },
    sites: {
      www: {
        cdn: 'china',
        containers: [{ account: 'contoso', container: 'media' }],
        hosts: ['www.example.cn'],
      },
    },
    planner,
  });
  if (!parsed.ok) throw new Error(parsed.error.map(({ message }) => message).join('; '));
  return parsed.value.planner;
}

export async function createPlanningWorld({
  standing = [],
  planner = {},
  configuration = aConfiguration(),
  quota = aQuota(),
  cdn = {},
  changeLister = (lister) => lister,
  changeInventory = (inventory) => inventory,
}: PlanningWorldOptions = {}): Promise<PlanningWorld> {
  const planned = { ...configuration, planner: plannerOf(planner) };
  const world = createWorld({ configuration: planned, cdn: quota === 'none' ? cdn : { ...cdn, quota } });
  const inventory = createInMemoryInventory();
  const accounts = createInMemoryAccounts({ [`${ACCOUNT}/media`]: standing }, { pageSize: 1_000 });
  const own = { account: ACCOUNT, recordsContainer: 'purge-records' };
  const { configuration: source } = world.ports;
  const relist = async (): Promise<void> => {
    const inventoryPorts = { configuration: source, inventory, lister: accounts, own, clock: world.clock };
    await refreshInventory(inventoryPorts, { relistAfterMs: 1 }, world.run);
  };
  await relist();
  let spending = createDaySpending();
  const ports: FlushPorts = {
    ...world.ports,
    planner: {
      inventory: changeInventory(inventory),
      lister: changeLister(accounts),
      get spending() {
        return spending;
      },
    },
  };
  return {
    ...world,
    ports,
    services: { ...world.services, flushPorts: ports },
    inventory,
    accounts,
    relist,
    restart() {
      spending = createDaySpending();
    },
    flush: () => flushPurges(ports, { takeForMs: VISIBILITY_MS / 2, sendForMs: 240_000 }, world.run),
    async spent() {
      if (quota === 'none') return { files: 0, directories: 0 };
      const { ledger } = await ports.ledgers.load(world.cdn.subscription);
      const entries = quotaDays(world.clock.now(), quota).flatMap((day) => spentInDay(ledger, day));
      return {
        files: entries.reduce((sum, { files }) => sum + files, 0),
        directories: entries.reduce((sum, { directories }) => sum + directories, 0),
      };
    },
  };
}

/** `dir/0.txt` to `dir/<count - 1>.txt`. */
export function namesIn(directory: string, count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${directory}/${from + index}.txt`);
}

/** One overwrite of each, now; the event's id has the name and, from the second time on, which time it is. */
export function overwritten(world: World, names: readonly string[], time = 1): readonly BlobChange[] {
  return names.map((name) => {
    const eventId = `event-${name}${time === 1 ? '' : `-${time}`}`;
    return aChange({ name, eventId, eventAt: world.clock.now() });
  });
}
