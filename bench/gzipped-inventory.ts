// The inventory's storage with every operation in no time: what is stored is kept compressed, as in a blob.

import { EMPTY_INDEX, type InventoryIndex } from '../src/lib/core/inventory/inventory-index.ts';
import { NO_CHANGES } from '../src/lib/core/inventory/inventory-changes.ts';
import type { CompleteListing, Listing } from '../src/lib/core/inventory/listing.ts';
import { gunzipLines, gzipLines } from '../src/lib/records/gzip-lines.ts';
import {
  decodeCompleteListing,
  decodePartialListing,
  encodeListing,
} from '../src/lib/records/inventory.schema.ts';
import type { InventoryStore } from '../src/lib/use-cases/ports.ts';

export type GzippedInventory = {
  readonly store: InventoryStore;
  readonly storedBytes: () => number;
  /** The next reading of a listing reads what is stored. */
  readonly forgetRead: () => void;
};

/** Of one container. */
export function createGzippedInventory(): GzippedInventory {
  let index: InventoryIndex = EMPTY_INDEX;
  let complete: Buffer | undefined;
  let partial: Buffer | undefined;
  let read: CompleteListing | undefined;
  return {
    storedBytes: () => complete?.length ?? 0,
    forgetRead: () => (read = undefined),
    store: {
      loadIndex: async () => ({ index, version: 'any' }),
      async saveIndex(given) {
        index = given;
        return true;
      },
      async loadListing() {
        if (complete !== undefined) read ??= decodeCompleteListing(await gunzipLines(complete));
        return read;
      },
      async saveListing(_place, listing) {
        complete = await bytesOf(listing);
        read = undefined;
      },
      async loadProgress() {
        if (partial === undefined) return undefined;
        return { record: decodePartialListing(await gunzipLines(partial)), version: 'any' };
      },
      async saveProgress(_place, listing) {
        partial = await bytesOf(listing);
        return 'any';
      },
      async endProgress() {
        partial = undefined;
        return true;
      },
      loadChanges: async () => ({ changes: NO_CHANGES, version: undefined }),
      saveChanges: async () => true,
      forget: async () => undefined,
    },
  };
}

const bytesOf = (listing: Listing): Promise<Buffer> => gzipLines(encodeListing(listing));
