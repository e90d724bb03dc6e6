// What a round plans directories by: the inventory of what stands on the sites that something is due on.

import type { CoalescedTarget } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import type { DaySpending } from './day-spending.ts';
import { forgetInventory, loadInventory, noteChanges } from './know-inventory.ts';
import type { Planning } from './plan-directories.ts';
import { placeOf } from './planning-problem.ts';
import {
  StorageTrouble,
  type BlobLister,
  type InventoryStore,
  type ReceivedMessage,
  type Run,
} from './ports.ts';

export type PlanningPorts = {
  readonly inventory: InventoryStore;
  readonly lister: BlobLister;
  readonly spending: DaySpending;
};

/** Inventories that this process has seen empty while nothing is planned: it need not look again. */
const forgotten = new WeakSet<InventoryStore>();

/** Undefined where the configuration plans nothing, or the inventory cannot be read: files go as files then. */
export async function preparePlanning(
  received: readonly ReceivedMessage[],
  targets: readonly CoalescedTarget<unknown>[],
  configuration: Configuration,
  { planner }: { readonly planner?: PlanningPorts | undefined },
  run: Run,
): Promise<Planning | undefined> {
  const { planner: settings } = configuration;
  if (planner === undefined) return undefined;
  const { inventory, lister, spending } = planner;
  const changes = received.flatMap((one) =>
    one.kind === 'readable' && one.message.type === 'change' ? [one.message.change] : [],
  );
  if (settings === undefined) {
    const isUnkept = changes.length > 0 && !forgotten.has(inventory);
    if (isUnkept && (await forgetInventory(inventory, run))) forgotten.add(inventory);
    return undefined;
  }
  forgotten.delete(inventory);
  await noteChanges(changes, inventory, run);
  const files = targets.filter(({ target }) => target.kind === 'file');
  if (files.length === 0) return undefined;
  try {
    const sites = new Set(files.map(({ target }) => placeOf(target).site));
    return {
      settings,
      spending,
      lister,
      inventory: await loadInventory(configuration, sites, inventory),
      priorityOf: (site) => configuration.sites.get(site)?.priority ?? 0,
      matchingOf: (cdn) => configuration.cdns.get(cdn)?.matching,
    };
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('The inventory cannot be read: files go as files for now.', { error: error.message });
    return undefined;
  }
}
