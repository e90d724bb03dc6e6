// What stands in the poison queue: the message as it was, and why it is there.

import type { Instant } from '../core/instant.ts';

export type PoisonEntry = {
  /** The message's text as it stood in the buffer, verbatim. */
  readonly text: string;
  readonly reason: string;
  readonly bufferedAt: Instant;
  readonly at: Instant;
};

/** A queue message holds 64 KiB of text: learn.microsoft.com/rest/api/storageservices/put-message */
const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * Takes an entry, gives its text for the poison queue: base64 of JSON, or, where that would be too long for a
 * message, the original alone, so that nothing of it is lost.
 */
export function describePoison({ text, reason, bufferedAt, at }: PoisonEntry): string {
  const entry = { v: 1, reason, bufferedAt: iso(bufferedAt), deadLetteredAt: iso(at), message: text };
  const encoded = Buffer.from(JSON.stringify(entry), 'utf8').toString('base64');
  return encoded.length <= MAX_MESSAGE_BYTES ? encoded : text;
}

const iso = (at: Instant): string => new Date(at).toISOString();
