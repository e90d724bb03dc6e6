// How full the buffer and the poison queue are, without receiving anything.

import type { QueueClient } from '@azure/storage-queue';

import type { QueueFacts } from '../core/heartbeat.ts';
import { instant } from '../core/instant.ts';
import { callStorage, storageErrorCode } from '../storage/trouble.ts';
import type { QueueWatch } from '../use-cases/ports.ts';

/** Takes the queues; one that does not exist yet is empty. */
export function createQueueWatch(queues: {
  readonly buffer: QueueClient;
  readonly poison: QueueClient;
}): QueueWatch {
  return { buffer: () => measure(queues.buffer), poison: () => measure(queues.poison) };
}

/** A peek shows the front of what is visible: what a flush holds at the moment is not stuck. */
function measure(queue: QueueClient): Promise<QueueFacts> {
  return callStorage('measure a queue', async (abortSignal) => {
    try {
      const { approximateMessagesCount: messages = 0 } = await queue.getProperties({ abortSignal });
      if (messages === 0) return EMPTY;
      const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 1, abortSignal });
      const [oldest] = peekedMessageItems;
      return { messages, oldestAt: oldest && instant(oldest.insertedOn.getTime()) };
    } catch (error) {
      if (storageErrorCode(error) === 'QueueNotFound') return EMPTY;
      throw error;
    }
  });
}

const EMPTY: QueueFacts = { messages: 0, oldestAt: undefined };
