// Records past their time: found by the time of their last writing, ended purges also by the day in their names.

import type { BlobItem, ContainerClient } from '@azure/storage-blob';
import * as z from 'zod';

import type { Instant } from '../core/instant.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { StorageTrouble, type OldRecordKind, type OldRecords } from '../use-cases/ports.ts';
import { listFolders, listPages } from './blob-pages.ts';
import { isNotThere, readJson } from './json-blob.ts';
import { AnyStoredRequest } from './stored.schema.ts';

/** Takes the container of the records; none, and there are no records. */
export function createOldRecords(container: ContainerClient): OldRecords {
  return {
    find(kind, before) {
      switch (kind) {
        case 'requests':
        case 'idempotency-keys':
          return findIn(container, `${kind}/`, before);
        case 'purges':
          return findPurges(container, before);
      }
    },

    async readRequest(name) {
      const found = await readJson(container.getBlockBlobClient(name), z.unknown());
      return found === undefined ? undefined : AnyStoredRequest.safeParse(found.value).data;
    },

    async findOpenPurgeIds() {
      const ids = new Set<string>();
      for await (const page of listPages(container, { prefix: OPEN })) {
        for (const { name } of page) ids.add(name.slice(OPEN.length).replace(/\.json$/u, ''));
      }
      return ids;
    },

    remove: (name, before) =>
      callStorage('delete an old record', async (abortSignal) => {
        try {
          const conditions = { ifUnmodifiedSince: new Date(before) };
          const blob = container.getBlobClient(name);
          await blob.delete({ conditions, deleteSnapshots: 'include', abortSignal });
          return true;
        } catch (error) {
          if (isNotThere(error) || storageErrorCode(error) === 'ConditionNotMet') return false;
          throw error;
        }
      }),
  };
}

const OPEN = 'open-purges/';

/** A UUID, that with the day of a purge before it, or the hash of an idempotency key. */
const RECORD = /^(?:(?:\d{8}-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64})\.json$/u;

async function* findIn(
  container: ContainerClient,
  prefix: `${OldRecordKind}/${string}`,
  before: Instant,
): AsyncGenerator<readonly string[], void> {
  const isOld = ({ name, properties }: BlobItem): boolean =>
    RECORD.test(name.slice(prefix.length)) && properties.lastModified.getTime() < before;
  for await (const page of listPages(container, { prefix })) {
    yield page.filter(isOld).map(({ name }) => name);
  }
}

/** By folder, so that what is kept costs nothing. */
async function* findPurges(
  container: ContainerClient,
  before: Instant,
): AsyncGenerator<readonly string[], void> {
  const firstKept = new Date(before).toISOString().slice(0, 10);
  const folders = await listFolders(container, 'purges/');
  for (const day of folders.filter((name) => DAY.test(name) && name < firstKept)) {
    yield* findIn(container, `purges/${day}/`, before);
    await removeEmptyFolder(container, `purges/${day}`);
  }
}

const DAY = /^\d{4}-\d{2}-\d{2}$/u;

/**
 * Only with a hierarchical namespace are there folders without blobs, which every run would list again; one that is
 * not empty stays: learn.microsoft.com/azure/storage/blobs/data-lake-storage-known-issues
 */
async function removeEmptyFolder(container: ContainerClient, name: string): Promise<void> {
  try {
    await callStorage('delete an empty folder', (abortSignal) =>
      container.getBlobClient(name).delete({ abortSignal }),
    );
  } catch (error) {
    // Mostly because there is none. Whatever it is, it must not keep other days from being forgotten.
    if (!(error instanceof StorageTrouble)) throw error;
  }
}
