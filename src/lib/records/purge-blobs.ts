// Purge records as blobs: the open ones apart, so that following them costs nothing for those that have ended.
//
// `open-purges/<id>.json` has the time of its next poll in its metadata, so that one listing finds what is due.
// An ended record is written to `purges/<day of acceptance>/<id>.json` before the open one is deleted: a crash
// between the two leaves both, alike, and the next tracker deletes the open one.

import type { BlobItem, BlockBlobClient, ContainerClient } from '@azure/storage-blob';

import { instant, type Instant } from '../core/instant.ts';
import { isEnded, type PurgeRecord } from '../core/purge-record.ts';
import { callStorage } from '../storage/trouble.ts';
import type { FoundOpenPurge, PurgeRecords } from '../use-cases/ports.ts';
import { forEachLimited } from '../use-cases/for-each-limited.ts';
import { parsePurgeId } from '../use-cases/purge-id.ts';
import { isNotThere, readJson, UnreadableRecord, writeJson } from './json-blob.ts';
import { AnyStoredPurge, encodePurge } from './stored.schema.ts';

type PurgeBlobs = Pick<
  PurgeRecords,
  | 'savePurge'
  | 'findDuePurges'
  | 'findOpenPurges'
  | 'readOpenPurge'
  | 'updateOpenPurge'
  | 'closePurge'
  | 'findPurgesSince'
  | 'readPurge'
>;

const OPEN = 'open-purges/';
const PARALLEL_READS = 16;
/** Metadata of an open record: ISO 8601. */
const NEXT_POLL_AT = 'nextpollat';
/** Metadata of an open record: by these purges in flight are counted without being read. */
const STATE = 'state';
/** Percent-encoded: metadata is ASCII. */
const CDN = 'cdn';
/** Metadata of every record, in the same form: a day's purges are put in order without being read. */
export const ACCEPTED_AT = 'acceptedat';

/** Takes the container (made when missing), gives the purge records in it. */
export function purgeBlobs(container: ContainerClient): PurgeBlobs {
  const blob = (path: string): BlockBlobClient => container.getBlockBlobClient(path);
  const openBlob = (id: string): BlockBlobClient => blob(`${OPEN}${id}.json`);
  const endedBlob = (day: string, name: string): BlockBlobClient => blob(`purges/${day}/${name}.json`);
  const writeOpen = (record: PurgeRecord, condition: { readonly ifMatch?: string }): Promise<boolean> =>
    writeJson(container, openBlob(record.id), encodePurge(record), {
      ...condition,
      metadata: {
        [ACCEPTED_AT]: iso(record.acceptedAt),
        [NEXT_POLL_AT]: iso(isEnded(record) ? record.endedAt : record.nextPollAt),
        [STATE]: record.state,
        [CDN]: encodeURIComponent(record.cdn),
      },
    });
  const readPurge = async (id: string): Promise<PurgeRecord | undefined> => {
    const parsed = parsePurgeId(id);
    if (parsed === undefined) return undefined;
    // In this order, which is that of its life: between the two readings it can only have ended.
    const found =
      (await readJson(openBlob(id), AnyStoredPurge)) ??
      (await readJson(endedBlob(parsed.day, id), AnyStoredPurge)) ??
      // Version 1 named its records by their UUID alone.
      (await readJson(endedBlob(parsed.day, parsed.uuid), AnyStoredPurge));
    return found?.value;
  };
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

    async findOpenPurges() {
      const listed = await callStorage('list the open purges', () => listBlobs(container, OPEN));
      const open: FoundOpenPurge[] = [];
      await forEachLimited(listed, PARALLEL_READS, async ({ name, metadata }) => {
        const id = idOf(name);
        if (id === undefined) return;
        const found = describeOpen(id, metadata) ?? (await readFacts(openBlob(id)));
        if (found !== undefined && found !== 'ended') open.push(found);
      });
      return open;
    },

    async readOpenPurge(id) {
      const open = await readJson(openBlob(id), AnyStoredPurge);
      return open === undefined ? undefined : { record: open.value, version: open.etag };
    },

    updateOpenPurge: (record, version) => writeOpen(record, { ifMatch: version }),

    async closePurge(record) {
      const content = encodePurge(record);
      await writeJson(container, endedBlob(content.acceptedAt.slice(0, 10), record.id), content, {
        metadata: { [ACCEPTED_AT]: content.acceptedAt },
      });
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

    async findPurgesSince(since, most, isKnown) {
      const listed = await callStorage('list the recent purges', () => listSince(container, since));
      const unknown = listed.slice(0, most).filter(({ id }) => !isKnown(id));
      const found = new Map<string, PurgeRecord>();
      await forEachLimited(unknown, PARALLEL_READS, async ({ path, id }) => {
        try {
          // Undefined: it has ended meanwhile.
          const purge = (await readJson(blob(path), AnyStoredPurge))?.value ?? (await readPurge(id));
          if (purge !== undefined) found.set(id, purge);
        } catch (error) {
          // One that a newer version wrote hides none of the others.
          if (!(error instanceof UnreadableRecord)) throw error;
        }
      });
      return unknown.flatMap(({ id }) => found.get(id) ?? []);
    },

    readPurge,
  };
}

async function listOpen(container: ContainerClient): Promise<readonly { id: string; dueAt: number }[]> {
  const open: { id: string; dueAt: number }[] = [];
  for (const { name, metadata } of await listBlobs(container, OPEN)) {
    const id = idOf(name);
    if (id === undefined) continue;
    const dueAt = Date.parse(metadata?.[NEXT_POLL_AT] ?? '');
    // Whoever wrote a record without its time: looking at it is how that is mended.
    open.push({ id, dueAt: Number.isNaN(dueAt) ? 0 : dueAt });
  }
  return open;
}

const idOf = (name: string): string | undefined =>
  /^open-purges\/(?<id>[^/]+)\.json$/u.exec(name)?.groups?.['id'];

/** Undefined when the metadata does not say it all, as older versions write it. */
function describeOpen(id: string, metadata: BlobItem['metadata']): FoundOpenPurge | 'ended' | undefined {
  const { [STATE]: state, [CDN]: cdn } = metadata ?? {};
  if (state === undefined || cdn === undefined) return undefined;
  if (state !== 'accepted' && state !== 'running') return 'ended';
  const acceptedAt = Date.parse(metadata?.[ACCEPTED_AT] ?? '');
  const nextPollAt = Date.parse(metadata?.[NEXT_POLL_AT] ?? '');
  if (Number.isNaN(acceptedAt) || Number.isNaN(nextPollAt)) return undefined;
  return {
    id,
    cdn: decodeURIComponent(cdn),
    acceptedAt: instant(acceptedAt),
    nextPollAt: instant(nextPollAt),
  };
}

/** Undefined too when a newer version wrote it: no limit of this one is for what only that one knows. */
async function readFacts(blob: BlockBlobClient): Promise<FoundOpenPurge | 'ended' | undefined> {
  try {
    const record = (await readJson(blob, AnyStoredPurge))?.value;
    if (record === undefined || isEnded(record)) return 'ended';
    const { id, cdn, acceptedAt, nextPollAt } = record;
    return { id, cdn, acceptedAt, nextPollAt };
  } catch (error) {
    if (error instanceof UnreadableRecord) return undefined;
    throw error;
  }
}

/** None where there is no container. */
async function listBlobs(container: ContainerClient, prefix: string): Promise<readonly BlobItem[]> {
  try {
    const blobs: BlobItem[] = [];
    for await (const blob of container.listBlobsFlat({ prefix, includeMetadata: true })) blobs.push(blob);
    return blobs;
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
}

/** By the time of their last writing, the latest first. */
async function listSince(
  container: ContainerClient,
  since: Instant,
): Promise<readonly { readonly path: string; readonly id: string }[]> {
  const found = new Map<string, { path: string; id: string; writtenAt: number }>();
  for (const prefix of [OPEN, ...daysSince(since).map((day) => `purges/${day}/`)]) {
    for (const { name, properties } of await listBlobs(container, prefix)) {
      const id = /(?<id>[^/]+)\.json$/u.exec(name)?.groups?.['id'];
      const writtenAt = properties.lastModified.getTime();
      if (id !== undefined && writtenAt >= since) found.set(id, { path: name, id, writtenAt });
    }
  }
  return [...found.values()].toSorted((a, b) => b.writtenAt - a.writtenAt);
}

/** The days in UTC from a time to a day after it: the only ones of ended purges that were accepted since. */
function daysSince(since: Instant): readonly string[] {
  const dayMs = 24 * 3_600_000;
  return [since, instant(since + dayMs)].map((at) => iso(at).slice(0, 10));
}

const iso = (at: Instant): string => new Date(at).toISOString();
