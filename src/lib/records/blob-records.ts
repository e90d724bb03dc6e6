// Purge records, request records and idempotency claims as small JSON blobs in one container.

import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import * as z from 'zod';

import type { Instant } from '../core/instant.ts';
import { StorageTrouble, type IdempotencyClaim, type PurgeRecords } from '../use-cases/ports.ts';
import { readJson, writeJson } from './json-blob.ts';
import { purgeBlobs } from './purge-blobs.ts';
import { AnyStoredRequest, encodeRequest, StoredClaim } from './stored.schema.ts';

/** The same key with the same body is the same request for this long. */
const CLAIM_HOLDS_MS = 24 * 60 * 60_000;
/** Writers of one record are few: the flush and the request's own invocation. */
const UPDATE_TRIES = 8;

/** Takes the container (made when missing), gives the records in it. */
export function createBlobRecords(container: ContainerClient): PurgeRecords {
  const blob = (path: string): BlockBlobClient => container.getBlockBlobClient(path);
  const requestBlob = (id: string): BlockBlobClient => blob(`requests/${id}.json`);
  const claimBlob = (keyHash: string): BlockBlobClient => blob(`idempotency-keys/${keyHash}.json`);
  return {
    ...purgeBlobs(container),

    createRequest(record) {
      return writeJson(container, requestBlob(record.id), encodeRequest(record), {
        ifNoneMatch: '*',
      });
    },

    async readRequest(id) {
      return (await readJson(requestBlob(id), AnyStoredRequest))?.value;
    },

    async updateRequest(id, change) {
      for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
        const current = await readJson(requestBlob(id), AnyStoredRequest);
        if (current === undefined) throw new Error(`the record of request ${id} is gone`);
        const changed = encodeRequest(change(current.value));
        if (await writeJson(container, requestBlob(id), changed, { ifMatch: current.etag })) return;
      }
      throw new StorageTrouble(
        `the record of request ${id} was changed by others ${UPDATE_TRIES} times in a row`,
      );
    },

    async findIdempotencyClaim(keyHash, now) {
      const held = await readJson(claimBlob(keyHash), StoredClaim);
      return held !== undefined && isInForce(held.value, now) ? held.value : undefined;
    },

    async claimIdempotencyKey(claim) {
      const claims = claimBlob(claim.keyHash);
      for (let attempt = 0; attempt < UPDATE_TRIES; attempt += 1) {
        const held = await readJson(claims, StoredClaim);
        if (held !== undefined && isInForce(held.value, claim.claimedAt)) return held.value;
        const condition = held === undefined ? { ifNoneMatch: '*' } : { ifMatch: held.etag };
        if (await writeJson(container, claims, z.encode(StoredClaim, claim), condition)) return claim;
      }
      throw new StorageTrouble('an idempotency key was claimed by others again and again');
    },
  };
}

const isInForce = ({ claimedAt }: IdempotencyClaim, now: Instant): boolean =>
  now - claimedAt < CLAIM_HOLDS_MS;
