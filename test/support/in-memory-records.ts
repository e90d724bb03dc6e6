// Records in memory, kept as the JSON that blob storage would hold.

import { z } from 'zod';

import type { PurgeRecord } from '../../src/lib/core/purge-record.ts';
import type { RequestRecord } from '../../src/lib/core/purge-request.ts';
import { StoredClaim, StoredPurge, StoredRequest } from '../../src/lib/records/stored.schema.ts';
import type { PurgeRecords } from '../../src/lib/use-cases/ports.ts';
import type { Journal } from './recording-journal.ts';

const CLAIM_HOLDS_MS = 24 * 60 * 60_000;

export type InMemoryRecords = PurgeRecords & {
  /** In the order saved. */
  readonly purges: () => readonly PurgeRecord[];
  readonly requests: () => readonly RequestRecord[];
  /** The stored text of everything, to search for what must not be in it. */
  readonly texts: () => readonly string[];
};

export function createInMemoryRecords(journal: Journal): InMemoryRecords {
  const purges: string[] = [];
  const requests = new Map<string, string>();
  const claims = new Map<string, string>();

  const writeRequest = (record: RequestRecord): void => {
    requests.set(record.id, JSON.stringify(z.encode(StoredRequest, record)));
  };
  const readRequest = (id: string): RequestRecord | undefined => {
    const text = requests.get(id);
    return text === undefined ? undefined : z.decode(StoredRequest, JSON.parse(text));
  };

  return {
    purges: () => purges.map((text) => z.decode(StoredPurge, JSON.parse(text))),
    requests: () => [...requests.keys()].flatMap((id) => readRequest(id) ?? []),
    texts: () => [...purges, ...requests.values(), ...claims.values()],

    async savePurge(record) {
      journal.note({ port: 'records', call: 'save-purge', of: record.id });
      purges.push(JSON.stringify(z.encode(StoredPurge, record)));
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

    async claimIdempotencyKey(claim) {
      journal.note({ port: 'records', call: 'claim-key', of: claim.keyHash });
      const text = claims.get(claim.keyHash);
      const held = text === undefined ? undefined : z.decode(StoredClaim, JSON.parse(text));
      if (held !== undefined && claim.claimedAt - held.claimedAt < CLAIM_HOLDS_MS) return held;
      claims.set(claim.keyHash, JSON.stringify(z.encode(StoredClaim, claim)));
      return claim;
    },
  };
}
