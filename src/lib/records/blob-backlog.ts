// The backlog as one compressed blob, guarded by its ETag and kept in memory between two readings.

import { buffer as readBytes } from 'node:stream/consumers';

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';

import { EMPTY_BACKLOG, type Backlog } from '../core/backlog.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { StorageTrouble, type BacklogStore } from '../use-cases/ports.ts';
import { decodeBacklog, encodeBacklog } from './backlog.schema.ts';
import { gunzipLines, gzipLines } from './gzip-lines.ts';
import { isNotThere, writeBlob } from './json-blob.ts';

const PATH = 'backlog/backlog.jsonl.gz';

/** Takes the container (made when missing), gives the backlog in it. */
export function createBlobBacklog(container: ContainerClient): BacklogStore {
  const blob = container.getBlockBlobClient(PATH);
  let known: { readonly backlog: Backlog; readonly version: string } | undefined;
  return {
    async load() {
      const read = await readUnless(blob, known?.version);
      switch (read.kind) {
        case 'missing':
          return { backlog: EMPTY_BACKLOG, version: undefined };
        case 'same':
          break;
        case 'read':
          known = { backlog: await parse(read.bytes), version: read.version };
          break;
      }
      return known ?? { backlog: EMPTY_BACKLOG, version: undefined };
    },

    async save(backlog, version) {
      const bytes = await gzipLines(encodeBacklog(backlog));
      const conditions = version === undefined ? { ifNoneMatch: '*' } : { ifMatch: version };
      const etag = await writeBlob(container, blob, bytes, {
        ...conditions,
        contentType: 'application/gzip',
      });
      if (etag === undefined) return false;
      known = { backlog, version: etag };
      return true;
    },
  };
}

type Read =
  | { readonly kind: 'missing' | 'same' }
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly version: string };

async function readUnless(blob: BlockBlobClient, version: string | undefined): Promise<Read> {
  return callStorage('read the backlog', async (abortSignal) => {
    try {
      const conditions = version === undefined ? {} : { ifNoneMatch: version };
      const { etag, readableStreamBody } = await blob.download(0, undefined, { abortSignal, conditions });
      if (readableStreamBody === undefined || etag === undefined) {
        throw new Error('the backlog came without content');
      }
      return { kind: 'read', bytes: await readBytes(readableStreamBody), version: etag };
    } catch (error) {
      if (isNotThere(error)) return { kind: 'missing' };
      if (storageErrorCode(error) === 'ConditionNotMet' || storageErrorCode(error) === '304') {
        return { kind: 'same' };
      }
      throw error;
    }
  });
}

/** One that this version cannot read is trouble: a newer version may have written it. */
async function parse(bytes: Buffer): Promise<Backlog> {
  try {
    return decodeBacklog(await gunzipLines(bytes));
  } catch (cause) {
    throw new StorageTrouble('the backlog is invalid to this version of the app', { cause });
  }
}
