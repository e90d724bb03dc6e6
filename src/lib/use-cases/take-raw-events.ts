// Raw events of the buffer, where Event Grid delivers straight into it: to changes, by what the intake believes and serves.

import type { Configuration } from '../core/configuration.ts';
import { servedChanges, type OwnPlaces } from './buffer-blob-changes.ts';
import { forEachLimited } from './for-each-limited.ts';
import {
  StorageTrouble,
  type BufferedText,
  type PurgeBuffer,
  type ReceivedEvent,
  type ReceivedMessage,
  type Run,
} from './ports.ts';

const PARALLEL_COMPLETES = 16;

type RawEventPorts = { readonly buffer: PurgeBuffer; readonly own: OwnPlaces };

/**
 * Gives what was received, each raw event as the message that the function would have written for it. One that stands
 * for no purge is counted as it is there, and leaves the buffer.
 */
export async function takeRawEvents(
  received: readonly (ReceivedMessage | ReceivedEvent)[],
  configuration: Configuration,
  { buffer, own }: RawEventPorts,
  run: Run,
): Promise<readonly ReceivedMessage[]> {
  const parsed = new Map(
    received.flatMap((one) => (one.kind === 'event' ? [[one, one.parse(configuration.accounts)]] : [])),
  );
  if (parsed.size === 0) return received.filter((one) => one.kind !== 'event');
  const served = new Set(servedChanges([...parsed.values()].flat(), configuration, own, run));
  const messages: ReceivedMessage[] = [];
  const notTaken: BufferedText[] = [];
  for (const one of received) {
    if (one.kind !== 'event') {
      messages.push(one);
      continue;
    }
    const { receipt, bufferedAt, text, isRepeated } = one;
    const change = parsed
      .get(one)
      ?.flatMap((event) => (event.kind === 'change' ? [event.change] : []))
      .find((of) => served.has(of));
    if (change === undefined) {
      notTaken.push(one);
    } else {
      const message = { type: 'change', change, failedAttempts: 0 } as const;
      messages.push({ kind: 'readable', receipt, bufferedAt, text, message, isRepeated });
    }
  }
  run.log.debug('Took raw events of the buffer.', { events: parsed.size, served: served.size });
  await completeAll(notTaken, buffer, run);
  return messages;
}

async function completeAll(texts: readonly BufferedText[], buffer: PurgeBuffer, { log }: Run): Promise<void> {
  try {
    await forEachLimited(texts, PARALLEL_COMPLETES, ({ receipt }) => buffer.complete(receipt));
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('Events that stand for no purge could not be deleted from the buffer: they come again.', {
      error: error.message,
    });
  }
}
