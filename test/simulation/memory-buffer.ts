// The buffer of the histories: messages by their real wire text, read once each; visibility times, stale receipts.

import { decodeMessage, encodeMessage } from '../../src/lib/buffer/message.schema.ts';
import {
  RECEIVE_MAX,
  type Clock,
  type PoisonEntry,
  type PurgeBuffer,
  type Receipt,
  type ReceivedMessage,
} from '../../src/lib/use-cases/ports.ts';
import { frozen } from './frozen.ts';

type Entry = {
  readonly messageId: string;
  readonly popReceipt: string;
  readonly text: string;
  readonly bufferedAt: ReturnType<Clock['now']>;
  readonly visibleAt: number;
  readonly receives: number;
};

export type MemoryBuffer = PurgeBuffer & {
  readonly poisoned: readonly PoisonEntry[];
  readonly count: () => number;
  /** Texts of all that stands in it, hidden or not. */
  readonly texts: () => readonly string[];
  /** The text of a message that is there, hidden or not. */
  readonly find: (messageId: string) => string | undefined;
  /** When the next message shows itself; infinite when there is none. */
  readonly nextVisibleAt: () => number;
  /** What a text says, as the app reads it. */
  readonly read: (text: string) => ReturnType<typeof decodeMessage>;
};

export function createMemoryBuffer(clock: Clock, visibilityMs: number): MemoryBuffer {
  const entries = new Map<string, Entry>();
  const poisoned: PoisonEntry[] = [];
  const readings = new Map<string, ReturnType<typeof decodeMessage>>();
  let made = 0;
  const newReceipt = (): string => `receipt-${(made += 1)}`;

  const read = (text: string): ReturnType<typeof decodeMessage> => {
    const known = readings.get(text);
    if (known !== undefined) return known;
    const reading = frozen(decodeMessage(text));
    readings.set(text, reading);
    return reading;
  };
  /** As the service: a stale receipt is somebody else's message now, and the adapter lets it be. */
  const held = ({ messageId, popReceipt }: Receipt): Entry | undefined => {
    const entry = entries.get(messageId);
    return entry?.popReceipt === popReceipt ? entry : undefined;
  };
  const keep = (entry: Entry): Receipt => {
    entries.set(entry.messageId, entry);
    return { messageId: entry.messageId, popReceipt: entry.popReceipt };
  };
  const received = ({ text, bufferedAt, receives }: Entry, receipt: Receipt): ReceivedMessage => {
    const reading = read(text);
    const buffered = { receipt, bufferedAt, text };
    if (reading.ok) {
      return { kind: 'readable', ...buffered, message: reading.value, isRepeated: receives > 0 };
    }
    switch (reading.error.kind) {
      case 'unreadable':
        return { kind: 'unreadable', ...buffered, reason: reading.error.reason };
      case 'newer':
        return { kind: 'newer', receipt, version: reading.error.version };
    }
  };

  return {
    poisoned,
    read,
    count: () => entries.size,
    texts: () => [...entries.values()].map(({ text }) => text),
    find: (messageId) => entries.get(messageId)?.text,
    nextVisibleAt: () => Math.min(...[...entries.values()].map(({ visibleAt }) => visibleAt)),

    async add(message, { visibleAfterMs } = { visibleAfterMs: 0 }) {
      const bufferedAt = clock.now();
      return keep({
        messageId: `message-${(made += 1)}`,
        popReceipt: newReceipt(),
        text: encodeMessage(message),
        bufferedAt,
        visibleAt: bufferedAt + visibleAfterMs,
        receives: 0,
      });
    },

    async receive() {
      const now = clock.now();
      const visible = [...entries.values()].filter(({ visibleAt }) => visibleAt <= now).slice(0, RECEIVE_MAX);
      return visible.map((entry) => {
        const receives = entry.receives + 1;
        return received(
          entry,
          keep({ ...entry, popReceipt: newReceipt(), visibleAt: now + visibilityMs, receives }),
        );
      });
    },

    async complete(receipt) {
      if (held(receipt) !== undefined) entries.delete(receipt.messageId);
    },

    async hide(receipt, forMs) {
      const entry = held(receipt);
      if (entry === undefined) return receipt;
      return keep({ ...entry, popReceipt: newReceipt(), visibleAt: clock.now() + forMs });
    },

    async putBack(receipt, message, visibleAfterMs) {
      const entry = held(receipt);
      if (entry === undefined) return;
      const visibleAt = clock.now() + visibleAfterMs;
      keep({ ...entry, popReceipt: newReceipt(), text: encodeMessage(message), visibleAt });
    },

    async poison(entry) {
      poisoned.push(entry);
    },

    async deadLetter({ receipt, text, bufferedAt }, reason) {
      poisoned.push({ text, reason, bufferedAt, failedAttempts: 0 });
      if (held(receipt) !== undefined) entries.delete(receipt.messageId);
    },
  };
}
