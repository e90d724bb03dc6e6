// The purges of a day: one listing of the open ones, whose ids begin with it, and one of the day's ended ones.

import type { BlobItem, ContainerClient } from '@azure/storage-blob';
import * as z from 'zod';

import { instant, type Instant } from '../core/instant.ts';
import type { PurgeRecord } from '../core/purge-record.ts';
import type { FoundPurge, PurgeHistory } from '../use-cases/ports.ts';
import { parsePurgeId } from '../use-cases/purge-id.ts';
import { listPages } from './blob-pages.ts';
import { readJson } from './json-blob.ts';
import { ACCEPTED_AT } from './purge-blobs.ts';
import { AnyStoredPurge } from './stored.schema.ts';

/** Of 5,000 purges each; what these take in memory and time is what one call may cost. */
const PAGES_MAX = 10;

/** Takes the container of the records; none, and there are no purges. */
export function createPurgeHistory(container: ContainerClient): PurgeHistory {
  const read = async (name: string): Promise<PurgeRecord | 'unreadable' | undefined> => {
    const found = await readJson(container.getBlockBlobClient(name), z.unknown());
    if (found === undefined) return undefined;
    return AnyStoredPurge.safeParse(found.value).data ?? 'unreadable';
  };
  return {
    async findPurgesOf(day) {
      const byId = new Map<string, FoundPurge>();
      let pages = 0;
      // In this order: what leaves the open ones meanwhile is among the ended ones already.
      for (const prefix of [`open-purges/${day.replaceAll('-', '')}-`, `purges/${day}/`]) {
        for await (const page of listPages(container, { prefix, includeMetadata: true })) {
          if (pages === PAGES_MAX) return { purges: [...byId.values()], isComplete: false };
          pages += 1;
          for (const blob of page) {
            const id = idOf(blob.name, day);
            if (id !== undefined) byId.set(id, { id, acceptedAt: acceptedAtOf(blob), name: blob.name });
          }
        }
      }
      return { purges: [...byId.values()], isComplete: true };
    },

    async readFound({ id, name }) {
      const day = parsePurgeId(id)?.day;
      // It may have ended since it was found.
      return (await read(name)) ?? (day === undefined ? undefined : read(`purges/${day}/${id}.json`));
    },
  };
}

/** Version 1 named its records by their UUID alone. */
function idOf(name: string, day: string): string | undefined {
  const stem = /(?<stem>[^/]+)\.json$/u.exec(name)?.groups?.['stem'] ?? '';
  return [stem, `${day.replaceAll('-', '')}-${stem}`].find((id) => parsePurgeId(id)?.day === day);
}

/** A record that was written without it ended soon after. */
function acceptedAtOf({ metadata, properties }: BlobItem): Instant {
  const acceptedAtMs = Date.parse(metadata?.[ACCEPTED_AT] ?? '');
  return instant(Number.isNaN(acceptedAtMs) ? properties.lastModified.getTime() : acceptedAtMs);
}
