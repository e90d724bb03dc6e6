// The records of the histories: purges, requests and idempotency claims, with the versions that guard their writes.

import { isEnded, type PurgeRecord } from '../../src/lib/core/purge-record.ts';
import type { RequestRecord } from '../../src/lib/core/purge-request.ts';
import type { Clock, IdempotencyClaim, PurgeRecords } from '../../src/lib/use-cases/ports.ts';
import { frozen } from './frozen.ts';

const CLAIM_HOLDS_MS = 24 * 60 * 60_000;

export type MemoryRecords = PurgeRecords & {
  /** How many purges are open. */
  readonly openCount: () => number;
  /** When the next open purge is due; infinite when none is open. */
  readonly nextDueAt: () => number;
  readonly requests: ReadonlyMap<string, RequestRecord>;
};

export function createMemoryRecords(clock: Clock): MemoryRecords {
  const open = new Map<string, { readonly record: PurgeRecord; readonly version: string }>();
  const ended = new Map<string, PurgeRecord>();
  const requests = new Map<string, RequestRecord>();
  const claims = new Map<string, IdempotencyClaim>();
  /** Of purges, open or ended; the last written stands last. */
  const writtenAt = new Map<string, number>();
  let writes = 0;

  const noteWriting = (id: string): void => {
    writtenAt.delete(id);
    writtenAt.set(id, clock.now());
  };
  const writeOpen = (record: PurgeRecord): void => {
    noteWriting(record.id);
    open.set(record.id, { record: frozen(record), version: `version-${(writes += 1)}` });
  };
  const readPurge = (id: string): PurgeRecord | undefined => open.get(id)?.record ?? ended.get(id);
  const claimInForce = (keyHash: string, now: number): IdempotencyClaim | undefined => {
    const held = claims.get(keyHash);
    return held !== undefined && now - held.claimedAt < CLAIM_HOLDS_MS ? held : undefined;
  };

  return {
    requests,
    openCount: () => open.size,
    nextDueAt: () => Math.min(...[...open.values()].map(({ record }) => dueAt(record))),

    async savePurge(record) {
      writeOpen(record);
    },
    async findDuePurges(now, most) {
      return [...open.values()]
        .map(({ record }) => ({ id: record.id, at: dueAt(record) }))
        .filter(({ at }) => at <= now)
        .toSorted((a, b) => a.at - b.at)
        .slice(0, most)
        .map(({ id }) => id);
    },
    async findOpenPurges() {
      return [...open.values()].flatMap(({ record }) => (isEnded(record) ? [] : [record]));
    },
    async readOpenPurge(id) {
      return open.get(id);
    },
    async updateOpenPurge(record, version) {
      if (open.get(record.id)?.version !== version) return false;
      writeOpen(record);
      return true;
    },
    async closePurge(record) {
      noteWriting(record.id);
      ended.set(record.id, frozen(record));
      return open.delete(record.id);
    },
    async findPurgesSince(since, most, isKnown) {
      const ids = [...writtenAt].filter(([, at]) => at >= since).map(([id]) => id);
      const newest = ids.toReversed().slice(0, most);
      return newest.filter((id) => !isKnown(id)).flatMap((id) => readPurge(id) ?? []);
    },
    async readPurge(id) {
      return readPurge(id);
    },

    async createRequest(record) {
      if (requests.has(record.id)) return false;
      requests.set(record.id, frozen(record));
      return true;
    },
    async readRequest(id) {
      return requests.get(id);
    },
    async updateRequest(id, change) {
      const current = requests.get(id);
      if (current === undefined) throw new Error(`the record of request ${id} is gone`);
      requests.set(id, frozen(change(current)));
    },

    async findIdempotencyClaim(keyHash, now) {
      return claimInForce(keyHash, now);
    },
    async claimIdempotencyKey(claim) {
      const held = claimInForce(claim.keyHash, claim.claimedAt);
      if (held !== undefined) return held;
      claims.set(claim.keyHash, frozen(claim));
      return claim;
    },
  };
}

const dueAt = (record: PurgeRecord): number => (isEnded(record) ? record.endedAt : record.nextPollAt);
