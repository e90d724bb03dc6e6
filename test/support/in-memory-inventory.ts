// The inventory in memory, through its real stored form, and storage accounts that are listed page by page.

import { EMPTY_INDEX } from '../../src/lib/core/inventory/inventory-index.ts';
import { NO_CHANGES } from '../../src/lib/core/inventory/inventory-changes.ts';
import {
  beginListing,
  withPage,
  type CompleteListing,
  type ContainerPlace,
  type Listing,
} from '../../src/lib/core/inventory/listing.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import {
  decodeChanges,
  decodeCompleteListing,
  decodeIndex,
  decodePartialListing,
  encodeChanges,
  encodeIndex,
  encodeListing,
  StoredIndex,
} from '../../src/lib/records/inventory.schema.ts';
import type { BlobLister, InventoryStore } from '../../src/lib/use-cases/ports.ts';

export type InMemoryInventory = InventoryStore & {
  /** Names of what is stored. */
  readonly stored: () => readonly string[];
};

export function createInMemoryInventory(): InMemoryInventory {
  const blobs = new Map<string, { readonly lines: readonly string[]; readonly version: string }>();
  let writes = 0;
  const write = (name: string, lines: Iterable<string>, version: string | undefined): string | undefined => {
    if (blobs.get(name)?.version !== version) return undefined;
    writes += 1;
    blobs.set(name, { lines: [...lines], version: `${writes}` });
    return `${writes}`;
  };
  return {
    stored: () => [...blobs.keys()].toSorted(),

    async loadIndex() {
      const stored = blobs.get('index');
      if (stored === undefined) return { index: EMPTY_INDEX, version: undefined };
      const json: unknown = JSON.parse(stored.lines.join(''));
      return { index: decodeIndex(StoredIndex.parse(json)), version: stored.version };
    },
    saveIndex: async (index, version) =>
      write('index', [JSON.stringify(encodeIndex(index))], version) !== undefined,

    async loadListing(place) {
      const stored = blobs.get(nameOf(place, 'listing'));
      return stored && decodeCompleteListing(stored.lines);
    },
    async saveListing(place, listing) {
      const name = nameOf(place, 'listing');
      write(name, encodeListing(listing), blobs.get(name)?.version);
    },

    async loadProgress(place) {
      const stored = blobs.get(nameOf(place, 'progress'));
      return stored && { record: decodePartialListing(stored.lines), version: stored.version };
    },
    saveProgress: async (place, listing, version) =>
      write(nameOf(place, 'progress'), encodeListing(listing), version),
    endProgress: async (place, version) =>
      blobs.get(nameOf(place, 'progress'))?.version === version && blobs.delete(nameOf(place, 'progress')),

    async loadChanges(place) {
      const stored = blobs.get(nameOf(place, 'changes'));
      return {
        changes: stored === undefined ? NO_CHANGES : decodeChanges(stored.lines),
        version: stored?.version,
      };
    },
    saveChanges: async (place, changes, version) =>
      write(nameOf(place, 'changes'), encodeChanges(changes), version) !== undefined,

    async forget(place) {
      for (const part of ['listing', 'progress', 'changes']) blobs.delete(nameOf(place, part));
    },
  };
}

const nameOf = ({ account, container }: ContainerPlace, part: string): string =>
  `${account}/${container}/${part}`;

/** Blobs of ten bytes, listed at one moment. */
export function aCompleteListing(names: readonly string[], at: Instant): CompleteListing {
  const blobs = names.map((name) => ({ name, bytes: 10 }));
  return completed(withPage(beginListing(at), { blobs, next: undefined }, at));
}

/** Throws for a listing that is under way. */
export function completed(listing: Listing): CompleteListing {
  if (!listing.isComplete) throw new Error('the listing is not complete');
  return listing;
}

export type InMemoryAccounts = BlobLister & {
  /** Names by `account/container`, in any order; a test may change them at any time. */
  readonly containers: Map<string, Set<string>>;
  /** How each page was asked for. */
  readonly asked: readonly { readonly container: string; readonly after: string | undefined }[];
};

export type InMemoryAccountsOptions = {
  readonly pageSize?: number;
  readonly bytesPerBlob?: number;
  /** Runs before each page is made. */
  readonly onPage?: () => void;
};

/** A page's token is the last name on it. */
export function createInMemoryAccounts(
  given: Readonly<Record<string, readonly string[]>>,
  { pageSize = 3, bytesPerBlob = 10, onPage = () => undefined }: InMemoryAccountsOptions = {},
): InMemoryAccounts {
  const containers = new Map(Object.entries(given).map(([place, names]) => [place, new Set(names)]));
  const asked: { readonly container: string; readonly after: string | undefined }[] = [];
  return {
    containers,
    asked,
    accounts: new Set([...containers.keys()].map((place) => place.split('/')[0] ?? '')),
    findContainers: async (account) =>
      [...containers.keys()].flatMap((place) =>
        place.startsWith(`${account}/`) ? [place.slice(account.length + 1)] : [],
      ),
    async listPage({ account, container }, { prefix = '', after, most = pageSize }) {
      asked.push({ container, after });
      onPage();
      const names = containers.get(`${account}/${container}`);
      if (names === undefined) return 'no-container';
      const found = [...names]
        .filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
        .toSorted();
      const page = found.slice(0, Math.min(most, pageSize));
      return {
        blobs: page.map((name) => ({ name, bytes: bytesPerBlob })),
        next: found.length > page.length ? page.at(-1) : undefined,
      };
    },
  };
}
