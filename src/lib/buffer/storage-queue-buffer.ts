// The purge buffer on an Azure Storage queue. Messages never expire.

import type { QueueClient, ReceivedMessageItem } from '@azure/storage-queue';

import { instant } from '../core/instant.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import {
  RECEIVE_MAX,
  type BufferedText,
  type Clock,
  type PurgeBuffer,
  type Receipt,
  type ReceivedMessage,
} from '../use-cases/ports.ts';
import { decodeMessage, encodeMessage } from './message.schema.ts';
import { describePoison } from './poison.ts';

/** Default is 7 days, after which a change would be lost: learn.microsoft.com/rest/api/storageservices/put-message */
const NEVER_EXPIRES = -1;

/** Somebody else received the message after our visibility time ended: it is theirs now. */
const NO_LONGER_OURS: ReadonlySet<string> = new Set(['MessageNotFound', 'PopReceiptMismatch']);

export type BufferQueues = { readonly buffer: QueueClient; readonly poison: QueueClient };

/** Takes the queues (made when missing), how long a received message stays hidden, and a clock. */
export function createStorageQueueBuffer(
  queues: BufferQueues,
  visibilityMs: number,
  clock: Clock,
): PurgeBuffer {
  return {
    async add(message, { visibleAfterMs } = { visibleAfterMs: 0 }) {
      const sent = await send(queues.buffer, encodeMessage(message), visibleAfterMs);
      return { messageId: sent.messageId, popReceipt: sent.popReceipt };
    },

    async receive() {
      const { receivedMessageItems } = await onQueue(queues.buffer, 'receive messages', () =>
        queues.buffer.receiveMessages({
          numberOfMessages: RECEIVE_MAX,
          visibilityTimeout: visibilityMs / 1000,
        }),
      );
      return receivedMessageItems.map(readItem);
    },

    async complete({ messageId, popReceipt }) {
      await unlessTaken('delete a message', () => queues.buffer.deleteMessage(messageId, popReceipt));
    },

    async putBack({ messageId, popReceipt }, message, visibleAfterMs) {
      const text = encodeMessage(message);
      await unlessTaken('put a message back', () =>
        queues.buffer.updateMessage(messageId, popReceipt, text, Math.ceil(visibleAfterMs / 1000)),
      );
    },

    async deadLetter({ receipt, bufferedAt, text }: BufferedText, reason) {
      await send(queues.poison, describePoison({ text, reason, bufferedAt, at: clock.now() }), 0);
      await this.complete(receipt);
    },
  };
}

function readItem(item: ReceivedMessageItem): ReceivedMessage {
  const receipt: Receipt = { messageId: item.messageId, popReceipt: item.popReceipt };
  const text: BufferedText = {
    receipt,
    bufferedAt: instant(item.insertedOn.getTime()),
    text: item.messageText,
  };
  const decoded = decodeMessage(item.messageText);
  if (decoded.ok) return { kind: 'readable', ...text, message: decoded.value };
  switch (decoded.error.kind) {
    case 'unreadable':
      return { kind: 'unreadable', ...text, reason: decoded.error.reason };
    case 'newer':
      return { kind: 'newer', receipt, version: decoded.error.version };
  }
}

function send(queue: QueueClient, text: string, visibleAfterMs: number) {
  return onQueue(queue, 'add a message', () =>
    queue.sendMessage(text, {
      messageTimeToLive: NEVER_EXPIRES,
      visibilityTimeout: Math.ceil(visibleAfterMs / 1000),
    }),
  );
}

/** Makes the queue at its first use instead of asking at every start whether it is there. */
async function onQueue<T>(queue: QueueClient, doing: string, call: () => Promise<T>): Promise<T> {
  return callStorage(doing, async () => {
    try {
      return await call();
    } catch (error) {
      if (storageErrorCode(error) !== 'QueueNotFound') throw error;
      await queue.createIfNotExists();
      return call();
    }
  });
}

async function unlessTaken(doing: string, call: () => Promise<unknown>): Promise<void> {
  await callStorage(doing, async () => {
    try {
      await call();
    } catch (error) {
      if (!NO_LONGER_OURS.has(storageErrorCode(error) ?? '')) throw error;
    }
  });
}
