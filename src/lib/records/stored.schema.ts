// The records as they stand in blob storage, version 1: JSON, with times in ISO 8601 for the people who read them.

import { z } from 'zod';

import { instant, type Instant } from '../core/instant.ts';

const at = z.codec(z.iso.datetime(), z.custom<Instant>(Number.isFinite), {
  decode: (text) => instant(Date.parse(text)),
  encode: (time) => new Date(time).toISOString(),
});
const texts = z.array(z.string()).readonly();
const text = z.string().optional();

const cause = z.discriminatedUnion('type', [
  z.object({ type: z.literal('change'), eventId: z.string(), eventAt: at, traceparent: text }),
  z.object({ type: z.literal('request'), requestId: z.string(), askedAt: at, traceparent: text }),
]);

export const StoredPurge = z.object({
  version: z.literal(1),
  id: z.string(),
  state: z.literal('accepted'),
  acceptedAt: at,
  cdn: z.string(),
  endpointId: z.string(),
  files: texts,
  directories: texts,
  taskId: z.string(),
  correlationId: text,
  attempt: z.number(),
  causes: z.array(cause).readonly(),
});

const ask = z.discriminatedUnion('by', [
  z.object({ by: z.literal('url'), files: texts, directories: texts, everything: z.boolean() }),
  z.object({
    by: z.literal('blob'),
    account: z.string(),
    container: z.string(),
    blobs: texts,
    prefixes: texts,
    everything: z.boolean(),
  }),
]);

const target = z.object({
  kind: z.enum(['file', 'directory']),
  url: z.string(),
  cdn: z.string(),
  site: z.string(),
});

const purge = z.object({
  id: z.string(),
  acceptedAt: at,
  cdn: z.string(),
  endpointId: z.string(),
  correlationId: text,
  taskId: z.string(),
  urls: texts,
});

export const StoredRequest = z.object({
  version: z.literal(1),
  id: z.string(),
  state: z.enum(['waiting', 'accepted', 'failed']),
  askedAt: at,
  reason: text,
  ask,
  traceparent: text,
  targets: z.array(target).readonly(),
  purges: z.array(purge).readonly(),
  lastFailure: z
    .object({
      at,
      kind: z.enum(['refused', 'failed', 'not-configured']),
      detail: z.string(),
      correlationId: text,
    })
    .optional(),
});

export const StoredClaim = z.object({
  keyHash: z.string(),
  bodyHash: z.string(),
  requestId: z.string(),
  claimedAt: at,
});
