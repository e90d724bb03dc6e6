// The inventory as a flush uses it: told what changed, then asked what stands where.

import type { BlobChange } from '../core/blob-change.ts';
import type { Configuration } from '../core/configuration.ts';
import { containerInventory, changesSince } from '../core/inventory/container-inventory.ts';
import type { ContainerInventory } from '../core/inventory/container-inventory.ts';
import { inventoryEvents, withEvents, type InventoryEvent } from '../core/inventory/inventory-changes.ts';
import { EMPTY_INDEX, knownContainers, placesWithout } from '../core/inventory/inventory-index.ts';
import type { Inventory } from '../core/inventory/inventory.ts';
import type { ContainerPlace } from '../core/inventory/listing.ts';
import { servedContainers } from '../core/inventory/served-containers.ts';
import { forEachLimited } from './for-each-limited.ts';
import { StorageTrouble, type InventoryStore, type Run } from './ports.ts';

const PARALLEL_CONTAINERS = 4;
/** Others write changes only when two flushes meet. */
const CHANGES_TRIES = 3;

/**
 * Notes changes, in any order and however often: the newest of a name counts. Storage trouble is told in the log; until
 * the next listing the inventory is off by what could not be noted. A read and a write for each container.
 */
export async function noteChanges(
  changes: readonly BlobChange[],
  inventory: InventoryStore,
  run: Run,
): Promise<void> {
  if (changes.length === 0) return;
  const byPlace = Map.groupBy(changes.flatMap(inventoryEvents), placeKey);
  await leaveOnTrouble(run, async () => {
    const { index } = await inventory.loadIndex();
    await forEachLimited([...byPlace.values()], PARALLEL_CONTAINERS, async (events) => {
      const [place] = events;
      // Nobody lists it, so nobody would ever drop what is noted.
      if (place === undefined || index.get(place.account)?.has(place.container) !== true) return;
      await leaveOnTrouble(run, () => noteEvents(place, events, inventory));
    });
  });
}

/**
 * Of an inventory that nobody keeps: what changes while no change is noted would be missing in it for good. Gives
 * whether there is none any more; storage trouble is told in the log.
 */
export async function forgetInventory(inventory: InventoryStore, run: Run): Promise<boolean> {
  let isForgotten = false;
  await leaveOnTrouble(run, async () => {
    const { index, version } = await inventory.loadIndex();
    const places = placesWithout(index, EMPTY_INDEX);
    isForgotten = index.size === 0 || (await inventory.saveIndex(EMPTY_INDEX, version));
    if (isForgotten) await forEachLimited(places, PARALLEL_CONTAINERS, (place) => inventory.forget(place));
  });
  return isForgotten;
}

const placeKey = ({ account, container }: ContainerPlace): string => `${account}/${container}`;

async function noteEvents(
  { account, container }: ContainerPlace,
  events: readonly InventoryEvent[],
  inventory: InventoryStore,
): Promise<void> {
  const place = { account, container };
  for (let tries = 0; tries < CHANGES_TRIES; tries += 1) {
    const [listing, { changes, version }] = await Promise.all([
      inventory.loadListing(place),
      inventory.loadChanges(place),
    ]);
    const noted = withEvents(changes, events);
    const kept = listing === undefined ? noted : changesSince(listing, noted);
    if (await inventory.saveChanges(place, kept, version)) return;
  }
  throw new StorageTrouble('changes of the inventory are written by others again and again');
}

async function leaveOnTrouble({ log }: Run, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('Storage trouble with the inventory: until the next listing it is off by some changes.', {
      error: error.message,
    });
  }
}

/**
 * Takes the configuration and the sites that something is due on (`siteOf`), gives the inventory of the containers that
 * serve them. Two storage calls for each container, of a few bytes while nobody has written. Throws StorageTrouble.
 */
export async function loadInventory(
  { rules, accounts }: Configuration,
  sites: Iterable<string>,
  inventory: InventoryStore,
): Promise<Inventory> {
  const { index } = await inventory.loadIndex();
  const served = servedContainers(rules, accounts, knownContainers(index));
  const places = new Map(
    [...sites].flatMap((site) => served.containersOf(site)).map((place) => [placeKey(place), place]),
  );
  const loaded = new Map<string, ContainerInventory>();
  await forEachLimited([...places.values()], PARALLEL_CONTAINERS, async (place) => {
    // What the index does not name is left over from before somebody switched the planner off.
    const isListed = index.get(place.account)?.get(place.container) !== undefined;
    const listing = isListed ? await inventory.loadListing(place) : undefined;
    if (listing === undefined) return;
    const { changes } = await inventory.loadChanges(place);
    loaded.set(placeKey(place), containerInventory(listing, changes));
  });
  return { served, of: (place) => loaded.get(placeKey(place)) };
}
