// The purge buffer on an Azure Storage queue. Messages never expire.

import type { ContainerClient } from '@azure/storage-blob';
import type { QueueClient, ReceivedMessageItem } from '@azure/storage-queue';

import { instant } from '../core/instant.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import {
  RECEIVE_MAX,
  type BufferedText,
  type Clock,
  type PoisonOriginal,
  type PoisonQueue,
  type PurgeBuffer,
  type Receipt,
  type ReceivedEvent,
  type ReceivedMessage,
} from '../use-cases/ports.ts';
import { encodeMessage } from './message.schema.ts';
import { poisonOriginals } from './poison-originals.ts';
import { describeLongPoison, describePoison, readPoison } from './poison.ts';
import { readMessage } from './read-message.ts';

/** Default is 7 days, after which a change would be lost: learn.microsoft.com/rest/api/storageservices/put-message */
const NEVER_EXPIRES = -1;

/** Somebody else received the message after our visibility time ended: it is theirs now. */
const NO_LONGER_OURS: ReadonlySet<string> = new Set(['MessageNotFound', 'PopReceiptMismatch']);

export type BufferPlaces = {
  readonly buffer: QueueClient;
  readonly poison: QueueClient;
  /** Takes what is too long for the poison queue. */
  readonly records: ContainerClient;
};

/** Takes the queues and the container (made when missing), how long a received message stays hidden, and a clock. */
export function createStorageQueueBuffer(
  queues: BufferPlaces,
  visibilityMs: number,
  clock: Clock,
): PurgeBuffer {
  const originals = poisonOriginals(queues.records);
  return {
    async add(message, { visibleAfterMs } = { visibleAfterMs: 0 }) {
      const sent = await send(queues.buffer, encodeMessage(message), visibleAfterMs);
      return { messageId: sent.messageId, popReceipt: sent.popReceipt };
    },

    async receive() {
      return (await receiveFrom(queues.buffer, visibilityMs)).map(readItem);
    },

    async complete({ messageId, popReceipt }) {
      await unlessTaken('delete a message', (abortSignal) =>
        queues.buffer.deleteMessage(messageId, popReceipt, { abortSignal }),
      );
    },

    async hide(receipt, forMs) {
      const { messageId, popReceipt } = receipt;
      let hidden = receipt;
      await unlessTaken('hide a message', async (abortSignal) => {
        const seconds = Math.ceil(forMs / 1000);
        // Without a text the message keeps the one that it has.
        const updated = await queues.buffer.updateMessage(messageId, popReceipt, undefined, seconds, {
          abortSignal,
        });
        hidden = { messageId, popReceipt: updated.popReceipt ?? popReceipt };
      });
      return hidden;
    },

    async putBack({ messageId, popReceipt }, message, visibleAfterMs) {
      const text = encodeMessage(message);
      await unlessTaken('put a message back', (abortSignal) =>
        queues.buffer.updateMessage(messageId, popReceipt, text, Math.ceil(visibleAfterMs / 1000), {
          abortSignal,
        }),
      );
    },

    async poison(entry) {
      const at = clock.now();
      // The blob first: without its entry it is in nobody's way, and the message still stands in the buffer.
      const text =
        describePoison(entry, at) ?? describeLongPoison(entry, at, await originals.keep(entry.text));
      await send(queues.poison, text, 0);
    },

    async deadLetter({ receipt, bufferedAt, text }: BufferedText, reason) {
      await this.poison({ text, reason, bufferedAt, failedAttempts: 0 });
      await this.complete(receipt);
    },
  };
}

/** Takes the same places and visibility time, gives the poison queue for a replay. */
export function createStoragePoisonQueue(queues: BufferPlaces, visibilityMs: number): PoisonQueue {
  const originals = poisonOriginals(queues.records);
  const textOf = async (original: PoisonOriginal): Promise<string | undefined> => {
    switch (original.kind) {
      case 'text':
        return original.text;
      case 'blob':
        return originals.read(original.name);
      case 'unknown':
        return undefined;
    }
  };
  return {
    async receive() {
      const items = await receiveFrom(queues.poison, visibilityMs);
      return items.map(({ messageId, popReceipt, messageText, insertedOn }) => ({
        receipt: { messageId, popReceipt },
        original: readPoison(messageText),
        poisonedAt: instant(insertedOn.getTime()),
      }));
    },

    async restore({ original }) {
      const text = await textOf(original);
      if (text === undefined) return false;
      await send(queues.buffer, text, 0);
      return true;
    },

    async remove({ receipt: { messageId, popReceipt }, original }) {
      const isRemoved = await unlessTaken('remove a poison entry', (abortSignal) =>
        queues.poison.deleteMessage(messageId, popReceipt, { abortSignal }),
      );
      // Who has the entry now needs its blob.
      if (isRemoved && original.kind === 'blob') await originals.remove(original.name);
    },
  };
}

async function receiveFrom(
  queue: QueueClient,
  visibilityMs: number,
): Promise<readonly ReceivedMessageItem[]> {
  const { receivedMessageItems } = await onQueue(queue, 'receive messages', (abortSignal) =>
    queue.receiveMessages({
      numberOfMessages: RECEIVE_MAX,
      visibilityTimeout: visibilityMs / 1000,
      abortSignal,
    }),
  );
  return receivedMessageItems;
}

function readItem(item: ReceivedMessageItem): ReceivedMessage | ReceivedEvent {
  const receipt: Receipt = { messageId: item.messageId, popReceipt: item.popReceipt };
  const text: BufferedText = {
    receipt,
    bufferedAt: instant(item.insertedOn.getTime()),
    text: item.messageText,
  };
  return readMessage(text, item.dequeueCount > 1);
}

function send(queue: QueueClient, text: string, visibleAfterMs: number) {
  return onQueue(queue, 'add a message', (abortSignal) =>
    queue.sendMessage(text, {
      messageTimeToLive: NEVER_EXPIRES,
      visibilityTimeout: Math.ceil(visibleAfterMs / 1000),
      abortSignal,
    }),
  );
}

/** Makes the queue at its first use instead of asking at every start whether it is there. */
async function onQueue<T>(
  queue: QueueClient,
  doing: string,
  call: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  return callStorage(doing, async (abortSignal) => {
    try {
      return await call(abortSignal);
    } catch (error) {
      if (storageErrorCode(error) !== 'QueueNotFound') throw error;
      await queue.createIfNotExists({ abortSignal });
      return call(abortSignal);
    }
  });
}

/** False when the message is somebody else's by now. */
function unlessTaken(doing: string, call: (abortSignal: AbortSignal) => Promise<unknown>): Promise<boolean> {
  return callStorage(doing, async (abortSignal) => {
    try {
      await call(abortSignal);
      return true;
    } catch (error) {
      if (NO_LONGER_OURS.has(storageErrorCode(error) ?? '')) return false;
      throw error;
    }
  });
}
