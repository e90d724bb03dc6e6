// What stands in the purge buffer, whoever wrote it: the app, or Event Grid that delivers straight into the queue.

import { EventEnvelope } from '../event-grid/event-grid.schema.ts';
import { parseBlobEvents } from '../event-grid/parse-blob-events.ts';
import type { BufferedText, ReceivedEvent, ReceivedMessage } from '../use-cases/ports.ts';
import { decodeMessage } from './message.schema.ts';

/** Takes a message's text and whether it was received before, gives what it is. Never throws. */
export function readMessage(buffered: BufferedText, isRepeated: boolean): ReceivedMessage | ReceivedEvent {
  const decoded = decodeMessage(buffered.text);
  if (decoded.ok) return { kind: 'readable', ...buffered, message: decoded.value, isRepeated };
  switch (decoded.error.kind) {
    case 'newer':
      return { kind: 'newer', receipt: buffered.receipt, version: decoded.error.version };
    case 'unreadable': {
      const event = parseEvent(buffered.text);
      if (event === undefined) return { kind: 'unreadable', ...buffered, reason: decoded.error.reason };
      const parse: ReceivedEvent['parse'] = (accounts) => parseBlobEvents(event, accounts, undefined);
      return { kind: 'event', ...buffered, parse, isRepeated };
    }
  }
}

/** One event a message, base64 of its JSON: learn.microsoft.com/azure/event-grid/handler-storage-queues */
function parseEvent(text: string): unknown {
  // Documents are silent on the encoding, so that JSON as it stands is no loss either.
  const json = parseJson(text.startsWith('{') ? text : Buffer.from(text, 'base64').toString('utf8'));
  return EventEnvelope.safeParse(json).success ? json : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no event either: the caller says so
  }
}
