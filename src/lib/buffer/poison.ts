// What stands in the poison queue: the message as it was, and why it is there.

import { z } from 'zod';

import type { Instant } from '../core/instant.ts';
import type { PoisonEntry } from '../use-cases/ports.ts';

/** A queue message holds 64 KiB of text: learn.microsoft.com/rest/api/storageservices/put-message */
const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * Takes an entry, gives its text for the poison queue: base64 of JSON, or, where that would be too long for a
 * message, the original alone, so that nothing of it is lost.
 */
export function describePoison({ text, bufferedAt, ...why }: PoisonEntry, at: Instant): string {
  const entry = { v: 1, ...why, bufferedAt: iso(bufferedAt), deadLetteredAt: iso(at), message: text };
  const encoded = Buffer.from(JSON.stringify(entry), 'utf8').toString('base64');
  return encoded.length <= MAX_MESSAGE_BYTES ? encoded : text;
}

const iso = (at: Instant): string => new Date(at).toISOString();

const Poisoned = z.object({ v: z.literal(1), message: z.string() });

/** Takes a text of the poison queue, gives the message within; a text that is no entry was too long for one. */
export function readPoison(text: string): string {
  try {
    return Poisoned.parse(JSON.parse(Buffer.from(text, 'base64').toString('utf8'))).message;
  } catch {
    return text;
  }
}
