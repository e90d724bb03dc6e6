// Purge records, request records and idempotency claims as small JSON blobs in one container.

import { text as readText } from 'node:stream/consumers';

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { z } from 'zod';

import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import { StorageTrouble, type PurgeRecords } from '../use-cases/ports.ts';
import { StoredClaim, StoredPurge, StoredRequest } from './stored.schema.ts';

/** The same key with the same body is the same request for this long. */
const CLAIM_HOLDS_MS = 24 * 60 * 60_000;
/** Writers of one record are few: the flush and the request's own invocation. */
const UPDATE_TRIES = 8;

/** Takes the container (made when missing), gives the records in it. */
export function createBlobRecords(container: ContainerClient): PurgeRecords {
  const blob = (path: string): BlockBlobClient => container.getBlockBlobClient(path);
  const requestBlob = (id: string): BlockBlobClient => blob(`requests/${id}.json`);
  return {
    async savePurge(record) {
      const stored = z.encode(StoredPurge, record);
      const day = stored.acceptedAt.slice(0, 10);
      await write(container, blob(`purges/${day}/${record.id}.json`), stored, {});
    },

    createRequest(record) {
      return write(container, requestBlob(record.id), z.encode(StoredRequest, record), { ifNoneMatch: '*' });
    },

    async readRequest(id) {
      return (await read(requestBlob(id), StoredRequest))?.value;
    },

    async updateRequest(id, change) {
      for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
        const current = await read(requestBlob(id), StoredRequest);
        if (current === undefined) throw new Error(`the record of request ${id} is gone`);
        const changed = z.encode(StoredRequest, change(current.value));
        if (await write(container, requestBlob(id), changed, { ifMatch: current.etag })) return;
      }
      throw new StorageTrouble(
        `the record of request ${id} was changed by others ${UPDATE_TRIES} times in a row`,
      );
    },

    async claimIdempotencyKey(claim) {
      const claims = blob(`idempotency-keys/${claim.keyHash}.json`);
      for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
        const held = await read(claims, StoredClaim);
        if (held !== undefined && claim.claimedAt - held.value.claimedAt < CLAIM_HOLDS_MS) return held.value;
        const condition = held === undefined ? { ifNoneMatch: '*' } : { ifMatch: held.etag };
        if (await write(container, claims, z.encode(StoredClaim, claim), condition)) return claim;
      }
      throw new StorageTrouble('an idempotency key was claimed by others again and again');
    },
  };
}

type Condition = { readonly ifMatch?: string; readonly ifNoneMatch?: string };

const CONDITION_NOT_MET: ReadonlySet<string> = new Set(['ConditionNotMet', 'BlobAlreadyExists']);

/** False when the condition did not hold. Makes the container at its first use. */
async function write(
  container: ContainerClient,
  blob: BlockBlobClient,
  content: object,
  conditions: Condition,
): Promise<boolean> {
  const text = JSON.stringify(content);
  const upload = (): Promise<unknown> =>
    blob.upload(text, Buffer.byteLength(text), {
      conditions,
      blobHTTPHeaders: { blobContentType: 'application/json' },
    });
  return callStorage('write a record', async () => {
    try {
      await upload();
      return true;
    } catch (error) {
      const code = storageErrorCode(error) ?? '';
      if (CONDITION_NOT_MET.has(code)) return false;
      if (code !== 'ContainerNotFound') throw error;
    }
    await container.createIfNotExists();
    // Once more with its condition: others who found no container may have written meanwhile.
    return write(container, blob, content, conditions);
  });
}

const NOT_THERE: ReadonlySet<string> = new Set(['BlobNotFound', 'ContainerNotFound']);

/**
 * Undefined when there is no such record. One that this version cannot read is trouble too, not a bug: a newer
 * version may have written it, and what needs it waits for that version without stopping the rest.
 */
async function read<S extends z.ZodType>(
  blob: BlockBlobClient,
  schema: S,
): Promise<{ value: z.output<S>; etag: string } | undefined> {
  return callStorage('read a record', async () => {
    try {
      const { etag, readableStreamBody } = await blob.download();
      if (readableStreamBody === undefined || etag === undefined)
        throw new Error('a record came without content');
      return { value: parseRecord(schema, await readText(readableStreamBody)), etag };
    } catch (error) {
      if (NOT_THERE.has(storageErrorCode(error) ?? '')) return undefined;
      throw error;
    }
  });
}

function parseRecord<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  try {
    return z.decode(schema, JSON.parse(text));
  } catch (cause) {
    throw new StorageTrouble('a record is invalid to this version of the app', { cause });
  }
}
