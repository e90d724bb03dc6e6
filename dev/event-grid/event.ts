// The event that Azure would send for a change of a blob, in either of Event Grid's schemas. Pure.
//
// Fields: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage. Where captured deliveries
// differ from that page they win: eTag without quotes, 48 hex digits of sequencer, names raw in subject and url.
import type { BlobFacts, BlobPath, CreatingApi } from './blob-write.ts';

export type EventSchema = 'eventgrid' | 'cloudevents';

/** An event ready to be delivered: what goes over the wire, and what people and logs call it. */
export interface OutgoingEvent {
  readonly id: string;
  readonly eventType: string;
  readonly subject: string;
  readonly schema: EventSchema;
  readonly wire: Readonly<Record<string, unknown>>;
}

export type BlobEventCause =
  | { readonly kind: 'created'; readonly api: CreatingApi; readonly eTag: string; readonly facts: BlobFacts }
  | { readonly kind: 'deleted' };

export interface BlobEventInput {
  readonly cause: BlobEventCause;
  readonly blob: BlobPath;
  /** ARM id of the storage account. */
  readonly topic: string;
  /** URL of the account, without a slash at its end. */
  readonly accountUrl: string;
  readonly id: string;
  readonly happenedAt: Date;
  readonly sequencer: string;
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
  readonly diagnosticsBatchId: string;
  /** W3C trace context; only CloudEvents have a place for it. */
  readonly traceparent: string;
}

/** Builds the event. The blob's name goes in as it is, unescaped: `data.url` of a real event is not always a URL. */
export function blobEvent(input: BlobEventInput, schema: EventSchema): OutgoingEvent {
  const { cause, blob, topic, id } = input;
  const eventType =
    cause.kind === 'created' ? 'Microsoft.Storage.BlobCreated' : 'Microsoft.Storage.BlobDeleted';
  const subject = `/blobServices/default/containers/${blob.container}/blobs/${blob.name}`;
  const time = sevenDigitTime(input.happenedAt);
  const data = blobEventData(input);
  const wire =
    schema === 'eventgrid'
      ? { topic, subject, eventType, id, data, dataVersion: '', metadataVersion: '1', eventTime: time }
      : {
          source: topic,
          subject,
          type: eventType,
          id,
          data,
          time,
          specversion: '1.0',
          traceparent: input.traceparent,
        };
  return { id, eventType, subject, schema, wire };
}

function blobEventData(input: BlobEventInput): Readonly<Record<string, unknown>> {
  const { cause, blob } = input;
  return {
    api: cause.kind === 'created' ? cause.api : 'DeleteBlob',
    ...(input.clientRequestId === undefined ? {} : { clientRequestId: input.clientRequestId }),
    requestId: input.requestId,
    ...(cause.kind === 'created'
      ? {
          eTag: cause.eTag.replace(/^(?:W\/)?"(?<tag>.*)"$/u, '$<tag>'),
          contentType: cause.facts.contentType,
          contentLength: cause.facts.contentLength,
          blobType: cause.facts.blobType,
        }
      : // The service still knows them; here the blob is gone. Nobody should build on them.
        { contentType: 'application/octet-stream', blobType: 'BlockBlob' }),
    url: `${input.accountUrl}/${blob.container}/${blob.name}`,
    sequencer: input.sequencer,
    storageDiagnostics: { batchId: input.diagnosticsBatchId },
  };
}

/** Azure writes ticks of 100 ns, so seven digits of a second; a consumer must cope with them. */
function sevenDigitTime(date: Date): string {
  return date.toISOString().replace('Z', '0000Z');
}
