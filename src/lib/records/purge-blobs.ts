// Purge records as blobs: the open ones apart, so that following them costs nothing for those that have ended.
//
// `open-purges/<id>.json` has the time of its next poll in its metadata, so that one listing finds what is due.
// An ended record is written to `purges/<day of acceptance>/<id>.json` before the open one is deleted: a crash
// between the two leaves both, alike, and the next tracker deletes the open one.

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { z } from 'zod';

import type { Instant } from '../core/instant.ts';
import { isEnded, type PurgeRecord } from '../core/purge-record.ts';
import { callStorage } from '../storage/trouble.ts';
import type { PurgeRecords } from '../use-cases/ports.ts';
import { parsePurgeId } from '../use-cases/purge-id.ts';
import { isNotThere, readJson, writeJson } from './json-blob.ts';
import { AnyStoredPurge, StoredPurge } from './stored.schema.ts';

type PurgeBlobs = Pick<
  PurgeRecords,
  'savePurge' | 'findDuePurges' | 'readOpenPurge' | 'updateOpenPurge' | 'closePurge' | 'readPurge'
>;

const OPEN = 'open-purges/';
/** Metadata of an open record: ISO 8601. */
const NEXT_POLL_AT = 'nextpollat';

/** Takes the container (made when missing), gives the purge records in it. */
export function purgeBlobs(container: ContainerClient): PurgeBlobs {
  const blob = (path: string): BlockBlobClient => container.getBlockBlobClient(path);
  const openBlob = (id: string): BlockBlobClient => blob(`${OPEN}${id}.json`);
  const endedBlob = (day: string, name: string): BlockBlobClient => blob(`purges/${day}/${name}.json`);
  const writeOpen = (record: PurgeRecord, condition: { readonly ifMatch?: string }): Promise<boolean> =>
    writeJson(container, openBlob(record.id), z.encode(StoredPurge, record), {
      ...condition,
      metadata: { [NEXT_POLL_AT]: iso(isEnded(record) ? record.endedAt : record.nextPollAt) },
    });
  return {
    async savePurge(record) {
      await writeOpen(record, {});
    },

    async findDuePurges(now, most) {
      const open = await callStorage('list the open purges', () => listOpen(container));
      return open
        .filter(({ dueAt }) => dueAt <= now)
        .toSorted((a, b) => a.dueAt - b.dueAt)
        .slice(0, most)
        .map(({ id }) => id);
    },

    async readOpenPurge(id) {
      const open = await readJson(openBlob(id), AnyStoredPurge);
      return open === undefined ? undefined : { record: open.value, version: open.etag };
    },

    updateOpenPurge: (record, version) => writeOpen(record, { ifMatch: version }),

    async closePurge(record) {
      const content = z.encode(StoredPurge, record);
      await writeJson(container, endedBlob(content.acceptedAt.slice(0, 10), record.id), content);
      return callStorage('delete the record of an open purge', async () => {
        try {
          await openBlob(record.id).delete();
          return true;
        } catch (error) {
          if (isNotThere(error)) return false;
          throw error;
        }
      });
    },

    async readPurge(id) {
      const parsed = parsePurgeId(id);
      if (parsed === undefined) return undefined;
      // In this order, which is that of its life: between the two readings it can only have ended.
      const found =
        (await readJson(openBlob(id), AnyStoredPurge)) ??
        (await readJson(endedBlob(parsed.day, id), AnyStoredPurge)) ??
        // Version 1 named its records by their UUID alone.
        (await readJson(endedBlob(parsed.day, parsed.uuid), AnyStoredPurge));
      return found?.value;
    },
  };
}

async function listOpen(container: ContainerClient): Promise<readonly { id: string; dueAt: number }[]> {
  const open: { id: string; dueAt: number }[] = [];
  try {
    for await (const { name, metadata } of container.listBlobsFlat({ prefix: OPEN, includeMetadata: true })) {
      const id = /^open-purges\/(?<id>[^/]+)\.json$/u.exec(name)?.groups?.['id'];
      if (id === undefined) continue;
      const dueAt = Date.parse(metadata?.[NEXT_POLL_AT] ?? '');
      // Whoever wrote a record without its time: looking at it is how that is mended.
      open.push({ id, dueAt: Number.isNaN(dueAt) ? 0 : dueAt });
    }
  } catch (error) {
    if (!isNotThere(error)) throw error;
  }
  return open;
}

const iso = (at: Instant): string => new Date(at).toISOString();
