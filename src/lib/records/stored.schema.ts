// The records as they stand in blob storage, version 2: JSON, with times in ISO 8601 for the people who read them.
// `Stored…` is what is written; `AnyStored…` also reads what version 1 of the format left behind.

import * as z from 'zod';

import type { PurgeRecord } from '../core/purge-record.ts';
import type { RequestRecord } from '../core/purge-request.ts';
import { FORMATS } from '../storage/format-versions.ts';
import { storedInstant as at } from './instant-codec.ts';

const texts = z.array(z.string()).readonly();
const text = z.string().optional();

const storedCause = z.discriminatedUnion('type', [
  z.object({ type: z.literal('change'), eventId: z.string(), eventAt: at, traceparent: text }),
  z.object({
    type: z.literal('request'),
    requestId: z.string(),
    askedAt: at,
    origin: z.literal('tracker').optional(),
    traceparent: text,
  }),
]);

const accepted = {
  id: z.string(),
  acceptedAt: at,
  cdn: z.string(),
  endpointId: z.string(),
  files: texts,
  directories: texts,
  taskId: z.string(),
  operationUrl: text,
  correlationId: text,
  attempt: z.number(),
  causes: z.array(storedCause).readonly(),
  causesLeftOut: z.int().optional(),
  planned: z
    .array(
      z.object({
        url: z.string(),
        covers: z.int(),
        evicts: z.number(),
        instead: z.object({ files: z.number(), directories: z.number(), evicts: z.number() }),
      }),
    )
    .readonly()
    .optional(),
  waited: z.array(z.int()).readonly().optional(),
};
const polls = z.int().min(0);
const version = z.literal(FORMATS.record.reads);

const storedOpenPurge = z.object({
  version,
  ...accepted,
  state: z.enum(['accepted', 'running']),
  polls,
  nextPollAt: at,
});

const storedEndedPurge = z.object({
  version,
  ...accepted,
  state: z.enum(['succeeded', 'failed', 'unknown']),
  polls,
  endedAt: at,
  failedUrls: texts,
  failure: text,
  repurges: z.array(z.object({ requestId: z.string(), urls: texts, times: z.int().min(1) })).readonly(),
});

export const StoredPurge = z.discriminatedUnion('state', [storedOpenPurge, storedEndedPurge]);

/** Gives what is to be stored. */
export const encodePurge = (record: PurgeRecord): z.input<typeof StoredPurge> => ({
  ...z.encode(StoredPurge, record),
  version: FORMATS.record.writes,
});

/** Nobody follows the task of a version 1 record: it reads as one that is still to be asked about. */
const storedPurge1 = z
  .object({ version: z.literal(1), ...accepted, state: z.literal('accepted') })
  .transform((purge): PurgeRecord => ({ ...purge, version: 2, polls: 0, nextPollAt: purge.acceptedAt }));

export const AnyStoredPurge = z.union([StoredPurge, storedPurge1]);

const ask = z.discriminatedUnion('by', [
  z.object({
    by: z.literal('url'),
    files: texts,
    directories: texts,
    everything: z.boolean(),
    asSent: z.object({ cdn: z.string() }).optional(),
  }),
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

const purge1 = z.object({
  id: z.string(),
  acceptedAt: at,
  cdn: z.string(),
  endpointId: z.string(),
  correlationId: text,
  taskId: z.string(),
  urls: texts,
});
const purge = purge1.extend({
  state: z.enum(['accepted', 'running', 'succeeded', 'failed', 'unknown']),
  repurgedBy: texts.optional(),
  failedUrls: texts.optional(),
});

const asked = {
  id: z.string(),
  askedAt: at,
  reason: text,
  ask,
  traceparent: text,
  targets: z.array(target).readonly(),
  refused: z
    .array(z.object({ cdn: z.string(), url: z.string(), detail: z.string() }))
    .readonly()
    .optional(),
  lastFailure: z
    .object({
      at,
      kind: z.enum(['refused', 'failed', 'not-configured']),
      detail: z.string(),
      correlationId: text,
    })
    .optional(),
};

export const StoredRequest = z.object({
  version,
  ...asked,
  origin: z.enum(['person', 'tracker']),
  repurges: z.int().min(0),
  state: z.enum(['waiting', 'accepted', 'succeeded', 'failed']),
  purges: z.array(purge).readonly(),
});

/** Gives what is to be stored. */
export const encodeRequest = (record: RequestRecord): z.input<typeof StoredRequest> => ({
  ...z.encode(StoredRequest, record),
  version: FORMATS.record.writes,
});

const storedRequest1 = z
  .object({
    version: z.literal(1),
    ...asked,
    state: z.enum(['waiting', 'accepted', 'failed']),
    purges: z.array(purge1).readonly(),
  })
  .transform((request): RequestRecord => ({
    ...request,
    version: 2,
    origin: 'person',
    repurges: 0,
    purges: request.purges.map((one) => ({ ...one, state: 'accepted' })),
  }));

export const AnyStoredRequest = z.union([StoredRequest, storedRequest1]);

export const StoredClaim = z.object({
  keyHash: z.string(),
  bodyHash: z.string(),
  requestId: z.string(),
  claimedAt: at,
});
