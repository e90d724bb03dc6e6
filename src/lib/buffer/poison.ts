// What stands in the poison queue: why a message is there, and the message as it was or the blob that holds it.

import * as z from 'zod';

import type { Instant } from '../core/instant.ts';
import type { PoisonEntry, PoisonOriginal } from '../use-cases/ports.ts';

/** A queue message holds 64 KiB of text: learn.microsoft.com/rest/api/storageservices/put-message */
const MAX_MESSAGE_BYTES = 64 * 1024;
/** So that an entry without its message always fits. */
const MAX_REASON_CHARACTERS = 2_000;

/** Takes an entry, gives its text for the poison queue: base64 of JSON; undefined where that is too long for a message. */
export function describePoison(entry: PoisonEntry, at: Instant): string | undefined {
  const encoded = encode(entry, at, { message: entry.text });
  return encoded.length <= MAX_MESSAGE_BYTES ? encoded : undefined;
}

/** The same for an entry whose message stands in a blob: it always fits. */
export function describeLongPoison(entry: PoisonEntry, at: Instant, messageBlob: string): string {
  return encode(entry, at, { messageBlob });
}

function encode(
  { reason, failedAttempts, url, lastError, bufferedAt }: PoisonEntry,
  at: Instant,
  original: object,
): string {
  const entry = {
    v: 1,
    reason: clip(reason),
    failedAttempts,
    url,
    lastError: lastError === undefined ? undefined : clip(lastError),
    bufferedAt: iso(bufferedAt),
    deadLetteredAt: iso(at),
    ...original,
  };
  return Buffer.from(JSON.stringify(entry), 'utf8').toString('base64');
}

const clip = (text: string): string => text.slice(0, MAX_REASON_CHARACTERS);
const iso = (at: Instant): string => new Date(at).toISOString();

/** Where originals stand, in the records container. */
export const ORIGINALS = 'poison-originals/';

const AnyEntry = z.object({ v: z.number(), deadLetteredAt: z.string() });
const Entry = z.union([
  z.object({ v: z.literal(1), message: z.string() }),
  // Only of its own kind: an entry must not make the replay read or delete other blobs.
  z.object({ v: z.literal(1), messageBlob: z.string().regex(/^poison-originals\/[\w-]+\.txt$/u) }),
]);

/** Takes a text of the poison queue, gives where the message is. */
export function readPoison(text: string): PoisonOriginal {
  const json = parseBase64Json(text);
  // Before version 1 had `messageBlob`, what was too long for an entry stood there alone.
  if (!AnyEntry.safeParse(json).success) return { kind: 'text', text };
  const entry = Entry.safeParse(json);
  if (!entry.success) return { kind: 'unknown' };
  if ('messageBlob' in entry.data) return { kind: 'blob', name: entry.data.messageBlob };
  // An older version puts an entry that it does not know back as if it were a message, and it comes wrapped in another.
  return readPoison(entry.data.message);
}

function parseBase64Json(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    return undefined; // no entry of ours: the caller says what it is then
  }
}
