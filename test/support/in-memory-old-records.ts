// Records past their time in memory: names with the time of their last writing, and the faults that a test wants.

import type { Instant } from '../../src/lib/core/instant.ts';
import type { RequestRecord } from '../../src/lib/core/purge-request.ts';
import { StorageTrouble, type OldRecordKind, type OldRecords } from '../../src/lib/use-cases/ports.ts';

export type InMemoryOldRecords = OldRecords & {
  readonly put: (kind: OldRecordKind, name: string, writtenAt: Instant) => void;
  /** `undefined`: of a newer version. */
  readonly putRequest: (record: RequestRecord | undefined, name: string, writtenAt: Instant) => void;
  readonly openPurge: (id: string) => void;
  readonly names: () => readonly string[];
  /** `call name`, in order. */
  readonly calls: readonly string[];
  /** Runs before each call; what it throws is what the call throws. */
  readonly before: (hook: (call: string) => void) => void;
  /** From now on these calls are storage trouble. */
  readonly fail: (...calls: readonly string[]) => void;
};

const PAGE = 3;

export function createInMemoryOldRecords(): InMemoryOldRecords {
  const records = new Map<string, { readonly kind: OldRecordKind; readonly writtenAt: Instant }>();
  const requests = new Map<string, RequestRecord>();
  const open = new Set<string>();
  const calls: string[] = [];
  let hook: ((call: string) => void) | undefined;
  const note = (call: string): void => {
    calls.push(call);
    hook?.(call);
  };
  const put = (kind: OldRecordKind, name: string, writtenAt: Instant): void => {
    records.set(name, { kind, writtenAt });
  };
  return {
    put,
    putRequest(record, name, writtenAt) {
      put('requests', name, writtenAt);
      if (record !== undefined) requests.set(name, record);
    },
    openPurge(id) {
      open.add(id);
    },
    names: () => [...records.keys()],
    calls,
    before(next) {
      hook = next;
    },
    fail(...failing) {
      hook = (call) => {
        if (failing.includes(call)) throw new StorageTrouble(`no storage for ${call}`);
      };
    },

    async *find(kind, before) {
      const found = [...records].filter(([, record]) => record.kind === kind && record.writtenAt < before);
      for (let from = 0; from === 0 || from < found.length; from += PAGE) {
        note(`find ${kind}`);
        yield found.slice(from, from + PAGE).map(([name]) => name);
      }
    },

    async readRequest(name) {
      note(`read ${name}`);
      return requests.get(name);
    },

    async findOpenPurgeIds() {
      note('find-open');
      return open;
    },

    async remove(name, before) {
      note(`remove ${name}`);
      const record = records.get(name);
      return record !== undefined && record.writtenAt < before && records.delete(name);
    },
  };
}
