// The backlog as one compressed blob, guarded by its ETag and kept in memory between two readings.

import { Readable } from 'node:stream';
import { buffer as readBytes } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gunzip } from 'node:zlib';

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';

import { EMPTY_BACKLOG, type Backlog } from '../core/backlog.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { StorageTrouble, type BacklogStore } from '../use-cases/ports.ts';
import { decodeBacklog, encodeBacklog } from './backlog.schema.ts';
import { isNotThere, writeBlob } from './json-blob.ts';

const PATH = 'backlog/backlog.jsonl.gz';

const decompress = promisify(gunzip);

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
      const bytes = await compress(encodeBacklog(backlog));
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
    return decodeBacklog(linesOf(await decompress(bytes)));
  } catch (cause) {
    throw new StorageTrouble('the backlog is invalid to this version of the app', { cause });
  }
}

/** In pieces, so that others get their turn of the event loop while much is written. */
function compress(lines: Iterable<string>): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  return pipeline(Readable.from(inPieces(lines)), gzip, readBytes);
}

const PIECE_LENGTH = 64 * 1024;

function* inPieces(lines: Iterable<string>): Generator<string, void> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* linesOf(bytes: Buffer): Generator<string, void> {
  let from = 0;
  while (from < bytes.length) {
    const found = bytes.indexOf('\n', from);
    const end = found === -1 ? bytes.length : found;
    yield bytes.toString('utf8', from, end);
    from = end + 1;
  }
}
