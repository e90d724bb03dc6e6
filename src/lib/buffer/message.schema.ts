// The wire format of the purge buffer, version 1: base64 of compact JSON.
//
// Base64 because a queue message is XML text, which cannot hold every character that a blob's name can.

import * as z from 'zod';

import type { BlobChange } from '../core/blob-change.ts';
import { findBlobNameFault, isContainerName } from '../core/blob-name.ts';
import type { BufferMessage } from '../core/buffer-message.ts';
import { instant, isRecordable } from '../core/instant.ts';
import { err, ok, type Result } from '../core/result.ts';
import { FORMATS } from '../storage/format-versions.ts';

export type MessageFault =
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'newer'; readonly version: number };

/** Takes a message, gives its text for the queue. At most about 6 KiB for the longest blob names. */
export function encodeMessage(message: BufferMessage): string {
  const wire: WireMessage =
    message.type === 'change' ? toWireChange(message.change, message.failedAttempts) : toWireRequest(message);
  return Buffer.from(JSON.stringify(wire), 'utf8').toString('base64');
}

/** Takes a queue message's text, gives the message, or why it cannot be read. Never throws. */
export function decodeMessage(text: string): Result<BufferMessage, MessageFault> {
  const json = parseBase64Json(text);
  const version = AnyVersion.safeParse(json);
  if (!version.success) return err({ kind: 'unreadable', reason: 'not a purge message' });
  if (version.data.v > NEWEST) return err({ kind: 'newer', version: version.data.v });
  const wire = WireMessage.safeParse(json);
  if (!wire.success) return err({ kind: 'unreadable', reason: describeIssues(wire.error) });
  return ok(fromWire(wire.data));
}

const NEWEST = Math.max(...FORMATS.message.reads);

const AnyVersion = z.object({ v: z.number().int().min(1) });

const blobName = z.string().refine((name) => findBlobNameFault(name) === undefined, 'not a usable blob name');
const container = z.string().refine(isContainerName, 'not the name of a container');
const place = { container, name: blobName };
const trace = { traceparent: z.string().optional() };
const changeFields = {
  v: z.literal(FORMATS.message.reads),
  type: z.literal('change'),
  account: z.string().min(1),
  ...place,
  id: z.string(),
  at: z.number().refine(isRecordable, 'not a time that a record can hold'),
  eTag: z.string().optional(),
  sequencer: z.string().optional(),
  ...trace,
  attempts: z.number().int().min(0),
};

const WireMessage = z.union([
  z.object({ ...changeFields, kind: z.enum(['created', 'deleted', 'directory-deleted']) }),
  z.object({ ...changeFields, kind: z.enum(['renamed', 'directory-renamed']), to: z.object(place) }),
  z.object({
    v: z.literal(FORMATS.message.reads),
    type: z.literal('request'),
    request: z.string().min(1),
    ...trace,
    attempts: z.number().int().min(0),
  }),
]);
type WireMessage = z.infer<typeof WireMessage>;
type WireChange = Extract<WireMessage, { type: 'change' }>;

function toWireChange(change: BlobChange, attempts: number): WireChange {
  const { account, eventId: id, eventAt: at, eTag, sequencer, traceparent } = change;
  const envelope = { v: FORMATS.message.writes, type: 'change', account } as const;
  const rest = { id, at, eTag, sequencer, traceparent, attempts };
  switch (change.kind) {
    case 'created':
    case 'deleted':
      return { ...envelope, kind: change.kind, ...change.blob, ...rest };
    case 'directory-deleted':
      return { ...envelope, kind: change.kind, ...change.directory, ...rest };
    case 'renamed':
    case 'directory-renamed':
      return { ...envelope, kind: change.kind, ...change.from, to: change.to, ...rest };
  }
}

function toWireRequest({
  requestId,
  traceparent,
  failedAttempts,
}: Extract<BufferMessage, { type: 'request' }>): WireMessage {
  return {
    v: FORMATS.message.writes,
    type: 'request',
    request: requestId,
    traceparent,
    attempts: failedAttempts,
  };
}

function fromWire(wire: WireMessage): BufferMessage {
  if (wire.type === 'request') {
    const { request: requestId, traceparent, attempts: failedAttempts } = wire;
    return { type: 'request', requestId, traceparent, failedAttempts };
  }
  const {
    account,
    container,
    name,
    id: eventId,
    at,
    eTag,
    sequencer,
    traceparent,
    attempts: failedAttempts,
  } = wire;
  const common = { account, eventId, eventAt: instant(at), eTag, sequencer, traceparent };
  const path = { container, name };
  const changeOf = (): BlobChange => {
    switch (wire.kind) {
      case 'created':
      case 'deleted':
        return { kind: wire.kind, blob: path, ...common };
      case 'directory-deleted':
        return { kind: wire.kind, directory: path, ...common };
      case 'renamed':
      case 'directory-renamed':
        return { kind: wire.kind, from: path, to: wire.to, ...common };
    }
  };
  return { type: 'change', change: changeOf(), failedAttempts };
}

function parseBase64Json(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    return undefined; // whoever wrote it, it is no message of ours: the caller says so
  }
}

function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ')
    .slice(0, 500);
}
