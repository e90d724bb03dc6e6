// The transport of blob events: Event Grid's own schema and CloudEvents 1.0, one event or many.

import * as z from 'zod';

/** An event without its transport. `data` is not parsed yet. */
export type Envelope = {
  readonly id: string;
  readonly type: string;
  /** ARM id of the storage account. */
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly data: unknown;
  readonly traceparent: string | undefined;
};

/** learn.microsoft.com/azure/event-grid/event-schema */
const EventGridEvent = z
  .object({
    id: z.string(),
    eventType: z.string(),
    topic: z.string(),
    subject: z.string(),
    eventTime: z.string(),
    data: z.unknown(),
  })
  .transform(({ id, eventType: type, topic: source, subject, eventTime: time, data }): Envelope => ({
    id,
    type,
    source,
    subject,
    time,
    data,
    traceparent: undefined,
  }));

/** learn.microsoft.com/azure/event-grid/cloud-event-schema, with the distributed tracing extension */
const CloudEvent = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string(),
    type: z.string(),
    source: z.string(),
    subject: z.string(),
    time: z.string(),
    data: z.unknown(),
    traceparent: z.string().optional(),
  })
  .transform(({ id, type, source, subject, time, data, traceparent }): Envelope => ({
    id,
    type,
    source,
    subject,
    time,
    data,
    traceparent,
  }));

export const EventEnvelope = z.union([EventGridEvent, CloudEvent]);

/** Absent and null are the same: no field here is worth losing a purge. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

/** What a blob event says besides its subject. The sequencer orders the events of one blob. */
export const BlobEventData = z.object({
  api: text,
  eTag: text,
  sequencer: text,
  sourceUrl: text,
  destinationUrl: text,
});
export type BlobEventData = z.infer<typeof BlobEventData>;
