// Keeps the inventory of what stands in the served containers: lists them anew, a part in each run.

import type { Configuration } from '../core/configuration.ts';
import { changesSince } from '../core/inventory/container-inventory.ts';
import {
  dueForListing,
  placesWithout,
  namedContainers,
  servedOf,
  withContainers,
  withListing,
  type InventoryIndex,
} from '../core/inventory/inventory-index.ts';
import {
  beginListing,
  withPage,
  type CompleteListing,
  type ContainerPlace,
  type PartialListing,
} from '../core/inventory/listing.ts';
import { instant } from '../core/instant.ts';
import type { OwnPlaces } from './buffer-blob-changes.ts';
import {
  StorageTrouble,
  type BlobLister,
  type Clock,
  type ConfigurationSource,
  type InventoryStore,
  type LoadedIndex,
  type Run,
  type Versioned,
} from './ports.ts';

export type InventorySettings = {
  /** A container is listed again when its listing began longer ago. */
  readonly relistAfterMs: number;
};

export type InventoryPorts = {
  readonly configuration: ConfigurationSource;
  readonly inventory: InventoryStore;
  readonly lister: BlobLister;
  readonly own: OwnPlaces;
  readonly clock: Clock;
};

export type InventoryRefreshed = {
  /** Containers whose listing came to its end in this run. */
  readonly completed: number;
  readonly pages: number;
  /** True when the time was over, or storage was in trouble, before everything was listed: the rest comes later. */
  readonly interrupted: boolean;
};

/** The host ends an invocation after five minutes. */
const BEGIN_FOR_MS = 120_000;
/** The SDK reads 5,000 in a second, in which nothing else is done: others get their turn between pages. */
const PAGE_BLOBS = 1_000;
/** So much is listed again after a crash. */
const SAVE_EVERY_MS = 20_000;
/** A listing that takes longer says nothing of any moment: it begins anew. */
const OLDEST_PROGRESS_MS = 3 * 24 * 60 * 60_000;
/** Somebody else can write the index only when two runs meet. */
const INDEX_TRIES = 3;

/**
 * One run. A container's new listing takes the place of the old one in one step, when it is complete. Storage trouble
 * is told in the log: what it concerns is tried at the next run. With nothing due it is one storage call, and one
 * more for each account.
 */
export async function refreshInventory(
  ports: InventoryPorts,
  settings: InventorySettings,
  run: Run,
): Promise<InventoryRefreshed> {
  const startedAt = ports.clock.now();
  const tally: Tally = { completed: 0, objects: 0, pages: 0, isCutShort: false, troubles: [] };
  const mayBegin = (): boolean => {
    tally.isCutShort ||= ports.clock.now() - startedAt >= BEGIN_FOR_MS;
    return !tally.isCutShort;
  };
  await noteTrouble(tally, async () => {
    const index = await refreshIndex(await ports.configuration.current(), ports, tally, run);
    for (const place of dueForListing(index, instant(startedAt - settings.relistAfterMs))) {
      if (!mayBegin()) break;
      await noteTrouble(tally, () => listContainer(place, ports, tally, mayBegin));
    }
  });
  report(tally, run);
  const { completed, pages } = tally;
  return { completed, pages, interrupted: tally.isCutShort || tally.troubles.length > 0 };
}

type Tally = {
  completed: number;
  objects: number;
  pages: number;
  isCutShort: boolean;
  readonly troubles: StorageTrouble[];
};

/** Trouble with one account or container must not stop the others. */
async function noteTrouble({ troubles }: Tally, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    troubles.push(error);
  }
}

/** Gives the index with the containers that there are now. */
async function refreshIndex(
  { rules, accounts }: Configuration,
  { inventory, lister, own }: InventoryPorts,
  tally: Tally,
  { log }: Run,
): Promise<InventoryIndex> {
  const found = new Map<string, readonly string[]>();
  for (const account of accounts) {
    if (!lister.accounts.has(account)) {
      log.debug('There is no connection to list an account: its directories are not known.', { account });
      continue;
    }
    await noteTrouble(tally, async () => {
      // Leave to list the containers of a whole account is needed only where a rule has a pattern.
      const containers = namedContainers(account, rules) ?? (await lister.findContainers(account));
      found.set(
        account,
        servedOf(account, containers, rules).filter((container) => !isOwn({ account, container }, own)),
      );
    });
  }
  let before: InventoryIndex = new Map();
  const index = await changeIndex(inventory, (loaded) => {
    before = loaded;
    let index: InventoryIndex = new Map([...loaded].filter(([account]) => accounts.has(account)));
    for (const [account, containers] of found) index = withContainers(index, account, containers);
    return index;
  });
  for (const place of placesWithout(before, index)) {
    await noteTrouble(tally, () => inventory.forget(place));
  }
  return index;
}

function isOwn({ account, container }: ContainerPlace, own: OwnPlaces): boolean {
  return (
    account === own.account && (container === own.recordsContainer || container === own.deadLetterContainer)
  );
}

/** Goes on with a container's listing, or begins one, until it is complete or no page may be begun. */
async function listContainer(
  place: ContainerPlace,
  ports: InventoryPorts,
  tally: Tally,
  mayBegin: () => boolean,
): Promise<void> {
  const { inventory, clock } = ports;
  const claimed = await claimListing(place, ports);
  if (claimed === undefined) return;
  let { record: listing, version } = claimed;
  let savedAt = clock.now();
  for (;;) {
    const isOver = !mayBegin();
    if (isOver || clock.now() - savedAt >= SAVE_EVERY_MS) {
      const saved = await inventory.saveProgress(place, listing, version);
      // Somebody else lists it.
      if (isOver || saved === undefined) return;
      version = saved;
      savedAt = clock.now();
    }
    const listed = await listNext(place, listing, ports);
    tally.pages += 1;
    if (listed.isComplete) {
      if (await finish(place, listed, version, inventory)) {
        tally.completed += 1;
        tally.objects += listed.names.size();
      }
      return;
    }
    listing = listed;
  }
}

/** Undefined: somebody else has just begun. */
async function claimListing(
  place: ContainerPlace,
  { inventory, clock }: InventoryPorts,
): Promise<Versioned<PartialListing> | undefined> {
  const known = await inventory.loadProgress(place);
  if (known !== undefined && clock.now() - known.record.startedAt < OLDEST_PROGRESS_MS) return known;
  const record = beginListing(clock.now());
  const version = await inventory.saveProgress(place, record, known?.version);
  return version === undefined ? undefined : { record, version };
}

async function listNext(
  place: ContainerPlace,
  listing: PartialListing,
  { lister, clock }: InventoryPorts,
): Promise<PartialListing | CompleteListing> {
  const page = await lister.listPage(place, { after: listing.after, most: PAGE_BLOBS });
  switch (page) {
    case 'no-container':
      // Deleted since the index was made.
      return withPage(beginListing(listing.startedAt), { blobs: [], next: undefined }, clock.now());
    case 'unusable-token':
      return beginListing(clock.now());
    default:
      return withPage(listing, page, clock.now());
  }
}

/** False when somebody else went on with the listing meanwhile: only one of both may finish it. */
async function finish(
  place: ContainerPlace,
  listing: CompleteListing,
  version: string,
  inventory: InventoryStore,
): Promise<boolean> {
  if (!(await inventory.endProgress(place, version))) return false;
  await inventory.saveListing(place, listing);
  await changeIndex(inventory, (index) => withListing(index, place, listing));
  const { changes, version: read } = await inventory.loadChanges(place);
  // What the listing shows need not be kept. If somebody else writes, they are dropped the next time.
  if (read !== undefined) await inventory.saveChanges(place, changesSince(listing, changes), read);
  return true;
}

async function changeIndex(
  inventory: InventoryStore,
  change: (index: InventoryIndex) => InventoryIndex,
): Promise<InventoryIndex> {
  for (let tries = 0; tries < INDEX_TRIES; tries += 1) {
    const loaded: LoadedIndex = await inventory.loadIndex();
    const index = change(loaded.index);
    if (isSame(index, loaded.index) || (await inventory.saveIndex(index, loaded.version))) return index;
  }
  throw new StorageTrouble('the index of the inventory is written by others again and again');
}

function isSame(one: InventoryIndex, other: InventoryIndex): boolean {
  return (
    one.size === other.size &&
    [...one].every(([account, containers]) => {
      const others = other.get(account);
      return (
        others?.size === containers.size &&
        [...containers].every(([name, listed]) => others.has(name) && others.get(name) === listed)
      );
    })
  );
}

function report({ completed, objects, pages, isCutShort, troubles }: Tally, { log }: Run): void {
  if (pages > 0) log.info('Listed what stands in the containers.', { completed, objects, pages, isCutShort });
  const [trouble] = troubles;
  if (trouble === undefined) return;
  log.warn('Storage trouble while containers were listed: what is missing is listed by a later run.', {
    times: troubles.length,
    error: trouble.message,
  });
}
