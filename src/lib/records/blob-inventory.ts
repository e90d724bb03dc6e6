// The inventory in blob storage: an index, and for each container its listing, the one under way, and the changes
// since. All but the index are compressed; what is read often stays in memory until its ETag changes.

import { buffer as readBytes } from 'node:stream/consumers';

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';

import { NO_CHANGES } from '../core/inventory/inventory-changes.ts';
import { EMPTY_INDEX } from '../core/inventory/inventory-index.ts';
import type { ContainerPlace } from '../core/inventory/listing.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { StorageTrouble, type InventoryStore } from '../use-cases/ports.ts';
import { gunzipLines, gzipLines } from './gzip-lines.ts';
import {
  decodeChanges,
  decodeCompleteListing,
  decodeIndex,
  decodePartialListing,
  encodeChanges,
  encodeIndex,
  encodeListing,
  StoredIndex,
} from './inventory.schema.ts';
import { isNotThere, readJson, writeBlob, writeJson } from './json-blob.ts';

const INDEX = 'inventory/index.json';

/** Takes the container of the records (made when missing), gives the inventory in it. */
export function createBlobInventory(container: ContainerClient): InventoryStore {
  const blobOf = ({ account, container: name }: ContainerPlace, part: Part): BlockBlobClient =>
    container.getBlockBlobClient(`inventory/${account}/${name}/${part}.jsonl.gz`);
  const listings = createCache(decodeCompleteListing);
  const changesOf = createCache(decodeChanges);

  return {
    async loadIndex() {
      const stored = await readJson(container.getBlockBlobClient(INDEX), StoredIndex);
      return stored === undefined
        ? { index: EMPTY_INDEX, version: undefined }
        : { index: decodeIndex(stored.value), version: stored.etag };
    },

    saveIndex: (index, version) =>
      writeJson(container, container.getBlockBlobClient(INDEX), encodeIndex(index), unchanged(version)),

    async loadListing(place) {
      return (await listings.load(blobOf(place, 'listing')))?.value;
    },

    async saveListing(place, listing) {
      const blob = blobOf(place, 'listing');
      await writeBlob(container, blob, await gzipLines(encodeListing(listing)), GZIP);
    },

    async loadProgress(place) {
      const read = await readUnless(blobOf(place, 'progress'), undefined);
      if (read.kind !== 'read') return undefined;
      return { record: await decodeBytes(read.bytes, decodePartialListing), version: read.version };
    },

    async saveProgress(place, listing, version) {
      const bytes = await gzipLines(encodeListing(listing));
      return writeBlob(container, blobOf(place, 'progress'), bytes, { ...GZIP, ...unchanged(version) });
    },

    endProgress: (place, version) =>
      callStorage('end a listing', async (abortSignal) => {
        try {
          await blobOf(place, 'progress').delete({ abortSignal, conditions: { ifMatch: version } });
          return true;
        } catch (error) {
          if (isNotThere(error) || storageErrorCode(error) === 'ConditionNotMet') return false;
          throw error;
        }
      }),

    async loadChanges(place) {
      const loaded = await changesOf.load(blobOf(place, 'changes'));
      return loaded === undefined
        ? { changes: NO_CHANGES, version: undefined }
        : { changes: loaded.value, version: loaded.version };
    },

    async saveChanges(place, changes, version) {
      const blob = blobOf(place, 'changes');
      const bytes = await gzipLines(encodeChanges(changes));
      const etag = await writeBlob(container, blob, bytes, { ...GZIP, ...unchanged(version) });
      if (etag !== undefined) changesOf.put(blob, { value: changes, version: etag });
      return etag !== undefined;
    },

    async forget(place) {
      for (const part of PARTS) {
        await callStorage('forget a container', (abortSignal) =>
          blobOf(place, part).deleteIfExists({ abortSignal }),
        );
      }
      listings.drop(blobOf(place, 'listing'));
      changesOf.drop(blobOf(place, 'changes'));
    },
  };
}

const PARTS = ['listing', 'progress', 'changes'] as const;
type Part = (typeof PARTS)[number];

const GZIP = { contentType: 'application/gzip' };

const unchanged = (version: string | undefined): { ifMatch: string } | { ifNoneMatch: string } =>
  version === undefined ? { ifNoneMatch: '*' } : { ifMatch: version };

type Cached<T> = { readonly value: T; readonly version: string };

type Cache<T> = {
  readonly load: (blob: BlockBlobClient) => Promise<Cached<T> | undefined>;
  readonly put: (blob: BlockBlobClient, cached: Cached<T>) => void;
  readonly drop: (blob: BlockBlobClient) => void;
};

function createCache<T>(decode: (lines: Iterable<string>) => T): Cache<T> {
  const known = new Map<string, Cached<T>>();
  return {
    async load(blob) {
      const kept = known.get(blob.name);
      const read = await readUnless(blob, kept?.version);
      switch (read.kind) {
        case 'same':
          return kept;
        case 'missing':
          known.delete(blob.name);
          return undefined;
        case 'read': {
          // Not both in memory at once.
          known.delete(blob.name);
          const cached = { value: await decodeBytes(read.bytes, decode), version: read.version };
          known.set(blob.name, cached);
          return cached;
        }
      }
    },
    put: ({ name }, cached) => known.set(name, cached),
    drop: ({ name }) => known.delete(name),
  };
}

type Read =
  | { readonly kind: 'missing' | 'same' }
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly version: string };

async function readUnless(blob: BlockBlobClient, version: string | undefined): Promise<Read> {
  return callStorage('read the inventory', async (abortSignal) => {
    try {
      const conditions = version === undefined ? {} : { ifNoneMatch: version };
      const { etag, readableStreamBody } = await blob.download(0, undefined, { abortSignal, conditions });
      if (readableStreamBody === undefined || etag === undefined) {
        throw new Error('a part of the inventory came without content');
      }
      return { kind: 'read', bytes: await readBytes(readableStreamBody), version: etag };
    } catch (error) {
      if (isNotThere(error)) return { kind: 'missing' };
      const code = storageErrorCode(error);
      if (code === 'ConditionNotMet' || code === '304') return { kind: 'same' };
      throw error;
    }
  });
}

/** What this version cannot read is trouble: a newer version may have written it. */
async function decodeBytes<T>(bytes: Buffer, decode: (lines: Iterable<string>) => T): Promise<T> {
  try {
    return decode(await gunzipLines(bytes));
  } catch (cause) {
    throw new StorageTrouble('the inventory is invalid to this version of the app', { cause });
  }
}
