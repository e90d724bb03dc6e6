// A storage queue as the destination of a subscription: one message an event, base64 of its JSON, written by Event Grid
// itself. There is no validation handshake.
//
// https://learn.microsoft.com/azure/event-grid/handler-storage-queues
import { QueueClient, StorageSharedKeyCredential } from '@azure/storage-queue';
import type { StorageAccount } from './blob-facts.ts';
import { answerLimitMs, type Answer } from './delivery-schedule.ts';
import type { OutgoingEvent } from './event.ts';

export interface StorageQueue {
  /** Makes the queue where it is missing: in Azure it is deployed before the subscription. */
  prepare(): Promise<void>;
  send(events: readonly OutgoingEvent[]): Promise<Answer>;
}

/** Of the subscription's `queueMessageTimeToLiveInSeconds`. */
const neverExpires = -1;

/** @param url of the queue: `http://127.0.0.1:10001/devstoreaccount1/purge-buffer` */
export function createStorageQueue(url: string, account: StorageAccount): StorageQueue {
  const queue = new QueueClient(url, new StorageSharedKeyCredential(account.name, account.key), {
    // Retries are Event Grid's own.
    retryOptions: { maxTries: 1, tryTimeoutInMs: answerLimitMs },
  });
  return {
    async prepare() {
      await queue.createIfNotExists();
    },
    async send(events) {
      try {
        for (const { wire } of events) {
          const text = Buffer.from(JSON.stringify(wire), 'utf8').toString('base64');
          await queue.sendMessage(text, { messageTimeToLive: neverExpires });
        }
        return { kind: 'answered', status: 201 };
      } catch (error) {
        const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
        if (typeof status === 'number') return { kind: 'answered', status };
        return { kind: 'unanswered', reason: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
