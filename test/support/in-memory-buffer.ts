// The purge buffer in memory: messages as their real wire text, visibility times, and receipts that go stale.

import { decodeMessage, encodeMessage } from '../../src/lib/buffer/message.schema.ts';
import { readMessage } from '../../src/lib/buffer/read-message.ts';
import type { BufferMessage } from '../../src/lib/core/buffer-message.ts';
import {
  RECEIVE_MAX,
  type BufferedText,
  type Clock,
  type PoisonEntry,
  type PurgeBuffer,
  type Receipt,
} from '../../src/lib/use-cases/ports.ts';
import type { Journal } from './recording-journal.ts';

export type StoredMessage = {
  readonly messageId: string;
  readonly text: string;
  readonly bufferedAt: BufferedText['bufferedAt'];
  readonly visibleAt: number;
  readonly receives: number;
};

export type InMemoryBuffer = PurgeBuffer & {
  readonly poisoned: readonly PoisonEntry[];
  /** All that stands in the buffer, hidden or not, oldest first. */
  readonly stored: () => readonly StoredMessage[];
  /** The readable ones of them. */
  readonly messages: () => readonly BufferMessage[];
  /** Puts a text there as somebody else may have. Gives the message's id. */
  readonly addText: (text: string) => string;
};

export function createInMemoryBuffer(clock: Clock, visibilityMs: number, journal: Journal): InMemoryBuffer {
  const entries = new Map<string, StoredMessage & { readonly popReceipt: string }>();
  const poisoned: PoisonEntry[] = [];
  let made = 0;
  const nextNumber = (): number => (made += 1);

  const put = (text: string, visibleAfterMs: number): Receipt => {
    const messageId = `message-${nextNumber()}`;
    const popReceipt = `receipt-${nextNumber()}`;
    const bufferedAt = clock.now();
    const visibleAt = bufferedAt + visibleAfterMs;
    entries.set(messageId, { messageId, popReceipt, text, bufferedAt, visibleAt, receives: 0 });
    return { messageId, popReceipt };
  };
  /** As the service: a stale receipt is somebody else's message now, and the adapter lets it be. */
  const held = ({ messageId, popReceipt }: Receipt) => {
    const entry = entries.get(messageId);
    return entry?.popReceipt === popReceipt ? entry : undefined;
  };
  const remove = (receipt: Receipt): void => {
    if (held(receipt) !== undefined) entries.delete(receipt.messageId);
  };

  return {
    poisoned,
    stored: () => [...entries.values()],
    messages: () =>
      [...entries.values()].flatMap(({ text }) => {
        const decoded = decodeMessage(text);
        return decoded.ok ? [decoded.value] : [];
      }),
    addText: (text) => put(text, 0).messageId,

    async add(message, { visibleAfterMs } = { visibleAfterMs: 0 }) {
      const of = message.type === 'change' ? message.change.eventId : message.requestId;
      journal.note({ port: 'buffer', call: 'add', of });
      return put(encodeMessage(message), visibleAfterMs);
    },

    async receive() {
      journal.note({ port: 'buffer', call: 'receive', of: '' });
      const now = clock.now();
      const visible = [...entries.values()].filter(({ visibleAt }) => visibleAt <= now).slice(0, RECEIVE_MAX);
      return visible.map((entry) => {
        const popReceipt = `receipt-${nextNumber()}`;
        entries.set(entry.messageId, {
          ...entry,
          popReceipt,
          visibleAt: now + visibilityMs,
          receives: entry.receives + 1,
        });
        const { messageId, bufferedAt, text, receives } = entry;
        return readMessage({ receipt: { messageId, popReceipt }, bufferedAt, text }, receives > 0);
      });
    },

    async complete(receipt) {
      journal.note({ port: 'buffer', call: 'complete', of: receipt.messageId });
      remove(receipt);
    },

    async hide(receipt, forMs) {
      journal.note({ port: 'buffer', call: 'hide', of: receipt.messageId });
      const entry = held(receipt);
      if (entry === undefined) return receipt;
      const popReceipt = `receipt-${nextNumber()}`;
      entries.set(entry.messageId, { ...entry, popReceipt, visibleAt: clock.now() + forMs });
      return { messageId: entry.messageId, popReceipt };
    },

    async putBack(receipt, message, visibleAfterMs) {
      journal.note({ port: 'buffer', call: 'put-back', of: receipt.messageId });
      const entry = held(receipt);
      if (entry === undefined) return;
      entries.set(entry.messageId, {
        ...entry,
        popReceipt: `receipt-${nextNumber()}`,
        text: encodeMessage(message),
        visibleAt: clock.now() + visibleAfterMs,
      });
    },

    async poison(entry) {
      journal.note({ port: 'buffer', call: 'poison', of: entry.url ?? '' });
      poisoned.push(entry);
    },

    async deadLetter({ receipt, text, bufferedAt }, reason) {
      journal.note({ port: 'buffer', call: 'dead-letter', of: receipt.messageId });
      poisoned.push({ text, reason, bufferedAt, failedAttempts: 0 });
      remove(receipt);
    },
  };
}
