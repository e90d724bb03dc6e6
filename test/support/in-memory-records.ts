// Records in memory, kept as the JSON that blob storage would hold.

import * as z from 'zod';

import { isEnded, type PurgeRecord } from '../../src/lib/core/purge-record.ts';
import type { RequestRecord } from '../../src/lib/core/purge-request.ts';
import {
  AnyStoredPurge,
  AnyStoredRequest,
  StoredClaim,
  StoredPurge,
  StoredRequest,
} from '../../src/lib/records/stored.schema.ts';
import type { IdempotencyClaim, PurgeRecords } from '../../src/lib/use-cases/ports.ts';
import type { Journal } from './recording-journal.ts';

const CLAIM_HOLDS_MS = 24 * 60 * 60_000;

export type InMemoryRecords = PurgeRecords & {
  /** Open and ended, in the order saved. */
  readonly purges: () => readonly PurgeRecord[];
  /** Ids of the open ones. */
  readonly openIds: () => readonly string[];
  readonly requests: () => readonly RequestRecord[];
  /** The stored text of everything, to search for what must not be in it. */
  readonly texts: () => readonly string[];
};

export function createInMemoryRecords(journal: Journal): InMemoryRecords {
  const purges = new Map<string, string>();
  const open = new Map<string, string>();
  const versions = new Map<string, number>();
  const requests = new Map<string, string>();
  const claims = new Map<string, string>();

  const writeRequest = (record: RequestRecord): void => {
    requests.set(record.id, JSON.stringify(z.encode(StoredRequest, record)));
  };
  const readRequest = (id: string): RequestRecord | undefined => {
    const text = requests.get(id);
    return text === undefined ? undefined : z.decode(AnyStoredRequest, JSON.parse(text));
  };

  const claimInForce = (keyHash: string, now: number): IdempotencyClaim | undefined => {
    const text = claims.get(keyHash);
    const held = text === undefined ? undefined : z.decode(StoredClaim, JSON.parse(text));
    return held !== undefined && now - held.claimedAt < CLAIM_HOLDS_MS ? held : undefined;
  };

  const writeOpen = (record: PurgeRecord): void => {
    const text = JSON.stringify(z.encode(StoredPurge, record));
    open.set(record.id, text);
    // Its place in the order of `purges`; what stands there counts only once it is closed.
    if (!purges.has(record.id)) purges.set(record.id, text);
    versions.set(record.id, (versions.get(record.id) ?? 0) + 1);
  };
  const versionOf = (id: string): string => `${versions.get(id) ?? 0}`;

  return {
    purges: () => [...purges.keys()].flatMap((id) => readPurge(open, id) ?? readPurge(purges, id) ?? []),
    openIds: () => [...open.keys()],
    requests: () => [...requests.keys()].flatMap((id) => readRequest(id) ?? []),
    texts: () => [...open.values(), ...purges.values(), ...requests.values(), ...claims.values()],

    async savePurge(record) {
      journal.note({ port: 'records', call: 'save-purge', of: record.id });
      writeOpen(record);
    },

    async findDuePurges(now, most) {
      journal.note({ port: 'records', call: 'find-due', of: '' });
      return [...open.keys()]
        .flatMap((id) => readPurge(open, id) ?? [])
        .map((record) => ({ id: record.id, dueAt: isEnded(record) ? record.endedAt : record.nextPollAt }))
        .filter(({ dueAt }) => dueAt <= now)
        .toSorted((a, b) => a.dueAt - b.dueAt)
        .slice(0, most)
        .map(({ id }) => id);
    },

    async findOpenPurges() {
      journal.note({ port: 'records', call: 'find-open', of: '' });
      return [...open.keys()]
        .flatMap((id) => readPurge(open, id) ?? [])
        .flatMap((record) => (isEnded(record) ? [] : [record]));
    },

    async readOpenPurge(id) {
      journal.note({ port: 'records', call: 'read-open', of: id });
      const record = readPurge(open, id);
      return record === undefined ? undefined : { record, version: versionOf(id) };
    },

    async updateOpenPurge(record, version) {
      journal.note({ port: 'records', call: 'update-open', of: record.id });
      if (!open.has(record.id) || version !== versionOf(record.id)) return false;
      writeOpen(record);
      return true;
    },

    async closePurge(record) {
      journal.note({ port: 'records', call: 'close-purge', of: record.id });
      purges.set(record.id, JSON.stringify(z.encode(StoredPurge, record)));
      return open.delete(record.id);
    },

    async findPurgesSince(since, most, isKnown) {
      journal.note({ port: 'records', call: 'find-recent', of: '' });
      return [...purges.keys()]
        .flatMap((id) => readPurge(open, id) ?? readPurge(purges, id) ?? [])
        .filter(({ acceptedAt }) => acceptedAt >= since)
        .toReversed()
        .slice(0, most)
        .filter(({ id }) => !isKnown(id));
    },

    async readPurge(id) {
      journal.note({ port: 'records', call: 'read-purge', of: id });
      return readPurge(open, id) ?? readPurge(purges, id);
    },

    async createRequest(record) {
      journal.note({ port: 'records', call: 'create-request', of: record.id });
      if (requests.has(record.id)) return false;
      writeRequest(record);
      return true;
    },

    async readRequest(id) {
      journal.note({ port: 'records', call: 'read-request', of: id });
      return readRequest(id);
    },

    async updateRequest(id, change) {
      journal.note({ port: 'records', call: 'update-request', of: id });
      const current = readRequest(id);
      if (current === undefined) throw new Error(`the record of request ${id} is gone`);
      writeRequest(change(current));
    },

    async findIdempotencyClaim(keyHash, now) {
      journal.note({ port: 'records', call: 'find-key', of: keyHash });
      return claimInForce(keyHash, now);
    },

    async claimIdempotencyKey(claim) {
      journal.note({ port: 'records', call: 'claim-key', of: claim.keyHash });
      const held = claimInForce(claim.keyHash, claim.claimedAt);
      if (held !== undefined) return held;
      claims.set(claim.keyHash, JSON.stringify(z.encode(StoredClaim, claim)));
      return claim;
    },
  };
}

function readPurge(from: ReadonlyMap<string, string>, id: string): PurgeRecord | undefined {
  const text = from.get(id);
  return text === undefined ? undefined : z.decode(AnyStoredPurge, JSON.parse(text));
}
