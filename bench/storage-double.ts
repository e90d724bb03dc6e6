// Storage and the CDN as the use cases see them, with every operation in constant time: what is measured on them is
// the app's own work. They keep no more than the app still needs, so that what grows is the app.

import { decodeMessage, encodeMessage } from '../src/lib/buffer/message.schema.ts';
import { EMPTY_BACKLOG, type Backlog } from '../src/lib/core/backlog.ts';
import type { Configuration } from '../src/lib/core/configuration.ts';
import type { Instant } from '../src/lib/core/instant.ts';
import { isEnded, type PurgeRecord } from '../src/lib/core/purge-record.ts';
import { EMPTY_LEDGER, type QuotaLedger } from '../src/lib/core/quota-ledger.ts';
import { ok } from '../src/lib/core/result.ts';
import type { FlushPorts } from '../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../src/lib/use-cases/holds.ts';
import { oneAtATime } from '../src/lib/use-cases/one-at-a-time.ts';
import {
  RECEIVE_MAX,
  type BacklogStore,
  type Clock,
  type FlushLease,
  type LedgerStore,
  type PurgeBuffer,
  type PurgeProvider,
  type PurgeRecords,
  type Receipt,
} from '../src/lib/use-cases/ports.ts';
import { createLooks } from '../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../src/lib/use-cases/recent-purges.ts';

export type StorageDouble = {
  readonly ports: FlushPorts;
  /** Messages, hidden or not. */
  readonly buffered: () => number;
  /** Accepted purges that the CDN has not been asked about to their end. */
  readonly open: () => number;
  /** What the backlog holds. */
  readonly waiting: () => number;
};

/** Takes who is told of every purge that the CDN accepts. */
export function createStorageDouble(
  configuration: Configuration,
  clock: Clock,
  onAccepted: (urls: readonly string[], at: Instant) => void,
): StorageDouble {
  const queue = createQueue(clock);
  const { records, open } = createRecords();
  const { backlog, waiting } = createBacklog();
  const providers = createProviders(configuration, clock, onAccepted);
  let ids = 0;
  return {
    buffered: queue.size,
    open,
    waiting,
    ports: {
      configuration: { current: () => Promise.resolve(configuration) },
      buffer: queue.buffer,
      records,
      backlog,
      lease: alwaysFree,
      ledgers: createLedgers(),
      providersFor: () => providers,
      clock,
      endpointTurns: oneAtATime(),
      holds: createHolds(),
      recent: createRecentPurges(),
      looks: createLooks(),
      own: { account: 'bench', recordsContainer: 'purge-records' },
      newId: () => `00000000-0000-4000-8000-${`${(ids += 1)}`.padStart(12, '0')}`,
    },
  };
}

const VISIBILITY_MS = 300_000;
const SECOND_MS = 1_000;

type Entry = {
  readonly text: string;
  readonly bufferedAt: Instant;
  readonly receives: number;
  readonly popReceipt: string;
};

/** First in, first out among those that are visible; hidden ones come back in the second that they are due in. */
function createQueue(clock: Clock): { readonly buffer: PurgeBuffer; readonly size: () => number } {
  const entries = new Map<string, Entry>();
  const visible = createFifo<Receipt>();
  const hiddenBySecond = new Map<number, Receipt[]>();
  let shownUpTo = Math.floor(clock.now() / SECOND_MS);
  let made = 0;
  const nextReceipt = (): string => `receipt-${(made += 1)}`;

  const held = ({ messageId, popReceipt }: Receipt): Entry | undefined => {
    const entry = entries.get(messageId);
    return entry?.popReceipt === popReceipt ? entry : undefined;
  };
  /** Later entries of the same message in `visible` and `hiddenBySecond` have an older receipt, and count no more. */
  const place = (messageId: string, entry: Entry, hiddenForMs: number): Receipt => {
    entries.set(messageId, entry);
    const receipt: Receipt = { messageId, popReceipt: entry.popReceipt };
    if (hiddenForMs <= 0) visible.push(receipt);
    else {
      const second = Math.max(Math.ceil((clock.now() + hiddenForMs) / SECOND_MS), shownUpTo + 1);
      const dueThen = hiddenBySecond.get(second);
      if (dueThen === undefined) hiddenBySecond.set(second, [receipt]);
      else dueThen.push(receipt);
    }
    return receipt;
  };
  const showDue = (): void => {
    const now = Math.floor(clock.now() / SECOND_MS);
    for (; shownUpTo < now; shownUpTo += 1) {
      for (const receipt of hiddenBySecond.get(shownUpTo + 1) ?? []) visible.push(receipt);
      hiddenBySecond.delete(shownUpTo + 1);
    }
  };

  const buffer: PurgeBuffer = {
    async add(message, { visibleAfterMs } = { visibleAfterMs: 0 }) {
      const text = encodeMessage(message);
      const entry = { text, bufferedAt: clock.now(), receives: 0, popReceipt: nextReceipt() };
      return place(`message-${made}`, entry, visibleAfterMs);
    },
    async receive() {
      showDue();
      return visible.take(RECEIVE_MAX, (receipt) => {
        const entry = held(receipt);
        if (entry === undefined) return undefined;
        const { text, bufferedAt, receives } = entry;
        const received = { ...entry, receives: receives + 1, popReceipt: nextReceipt() };
        const decoded = decodeMessage(text);
        if (!decoded.ok) throw new Error('the app wrote a message that it cannot read');
        return {
          kind: 'readable',
          receipt: place(receipt.messageId, received, VISIBILITY_MS),
          bufferedAt,
          text,
          message: decoded.value,
          isRepeated: receives > 0,
        };
      });
    },
    async complete(receipt) {
      if (held(receipt) !== undefined) entries.delete(receipt.messageId);
    },
    async hide(receipt, forMs) {
      const entry = held(receipt);
      if (entry === undefined) return receipt;
      return place(receipt.messageId, { ...entry, popReceipt: nextReceipt() }, forMs);
    },
    async putBack(receipt, message, visibleAfterMs) {
      const entry = held(receipt);
      if (entry === undefined) return;
      const changed = { ...entry, text: encodeMessage(message), popReceipt: nextReceipt() };
      place(receipt.messageId, changed, visibleAfterMs);
    },
    poison: () => refuse('poison'),
    deadLetter: () => refuse('deadLetter'),
  };
  return { buffer, size: () => entries.size };
}

type Fifo<T> = {
  readonly push: (item: T) => void;
  /** Takes from the front until it has so many that `use` makes something of. */
  readonly take: <U>(most: number, use: (item: T) => U | undefined) => U[];
};

function createFifo<T>(): Fifo<T> {
  let items: T[] = [];
  let head = 0;
  return {
    push(item) {
      items.push(item);
    },
    take(most, use) {
      const taken = [];
      for (let item = items[head]; item !== undefined && taken.length < most; item = items[head]) {
        head += 1;
        const made = use(item);
        if (made !== undefined) taken.push(made);
      }
      // Each item is moved once at most for every other that was taken.
      if (head > items.length / 2) {
        items = items.slice(head);
        head = 0;
      }
      return taken;
    },
  };
}

/** The open ones. An ended record is only written, and nobody here reads it again. */
function createRecords(): { readonly records: PurgeRecords; readonly open: () => number } {
  const open = new Map<string, { readonly record: PurgeRecord; readonly version: string }>();
  let versions = 0;
  const write = (record: PurgeRecord): void => {
    open.set(record.id, { record, version: `${(versions += 1)}` });
  };
  const records: PurgeRecords = {
    async savePurge(record) {
      write(record);
    },
    async findDuePurges(now, most) {
      return [...open.values()]
        .map(({ record }) => ({ id: record.id, dueAt: isEnded(record) ? record.endedAt : record.nextPollAt }))
        .filter(({ dueAt }) => dueAt <= now)
        .toSorted((a, b) => a.dueAt - b.dueAt)
        .slice(0, most)
        .map(({ id }) => id);
    },
    findOpenPurges: async () => [...open.values()].flatMap(({ record }) => (isEnded(record) ? [] : [record])),
    readOpenPurge: async (id) => open.get(id),
    async updateOpenPurge(record, version) {
      if (open.get(record.id)?.version !== version) return false;
      write(record);
      return true;
    },
    closePurge: async ({ id }) => open.delete(id),
    findPurgesSince: async () => [],
    readPurge: async (id) => open.get(id)?.record,
    createRequest: () => refuse('createRequest'),
    readRequest: () => refuse('readRequest'),
    updateRequest: () => refuse('updateRequest'),
    findIdempotencyClaim: () => refuse('findIdempotencyClaim'),
    claimIdempotencyKey: () => refuse('claimIdempotencyKey'),
  };
  return { records, open: () => open.size };
}

function createBacklog(): { readonly backlog: BacklogStore; readonly waiting: () => number } {
  let stored: { readonly backlog: Backlog; readonly version: string | undefined } = {
    backlog: EMPTY_BACKLOG,
    version: undefined,
  };
  let versions = 0;
  return {
    waiting: () => stored.backlog.entries.size,
    backlog: {
      load: async () => stored,
      async save(backlog, version) {
        if (stored.version !== version) return false;
        stored = { backlog, version: `${(versions += 1)}` };
        return true;
      },
    },
  };
}

const alwaysFree: FlushLease = {
  acquire: async () => ({ isHeld: () => true, release: async () => undefined }),
};

function createLedgers(): LedgerStore {
  const stored = new Map<string, { readonly ledger: QuotaLedger; readonly etag: string }>();
  let versions = 0;
  return {
    load: async (subscription) => stored.get(subscription) ?? { ledger: EMPTY_LEDGER, etag: undefined },
    async save(subscription, ledger, etag) {
      if (stored.get(subscription)?.etag !== etag) return false;
      stored.set(subscription, { ledger, etag: `${(versions += 1)}` });
      return true;
    },
  };
}

/** Accepts everything, and has purged it by the first question. */
function createProviders(
  { cdns }: Configuration,
  clock: Clock,
  onAccepted: (urls: readonly string[], at: Instant) => void,
): ReadonlyMap<string, PurgeProvider> {
  return new Map(
    [...cdns].map(([name, { subscriptionId, limits, quota }]) => {
      const tasks = new Map<string, readonly string[]>();
      let purges = 0;
      const provider: PurgeProvider = {
        subscription: subscriptionId,
        limits,
        capabilities: { hosts: 'in-url', purgesInFlight: undefined, pollPausesMs: [15_000] },
        budgets: quota?.budgets ?? [],
        quota,
        findEndpoint: async (host) => ok(`endpoint of ${host}`),
        async submit({ files, directories }) {
          purges += 1;
          const taskId = `task-${purges}`;
          const urls = [...files, ...directories];
          tasks.set(taskId, urls);
          onAccepted(urls, clock.now());
          return { kind: 'accepted', taskId, correlationId: `correlation-${purges}` };
        },
        async readProgress({ taskId }) {
          const urls = tasks.get(taskId) ?? [];
          tasks.delete(taskId);
          return ok({ items: urls.map((url) => ({ url, status: 'succeeded' })) });
        },
      };
      return [name, provider];
    }),
  );
}

function refuse(call: string): never {
  throw new Error(`the load has no use for ${call}`);
}
