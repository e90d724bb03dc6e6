// Everything that the use cases touch outside the core, on one screen. Adapters implement these.

import type { BufferMessage } from '../core/buffer-message.ts';
import type { CdnUrl } from '../core/cdn-url.ts';
import type { Configuration, RequestLimits } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';
import type { NotAccepted, PurgeOutcome } from '../core/purge-outcome.ts';
import type { PurgeRecord } from '../core/purge-record.ts';
import type { RequestRecord } from '../core/purge-request.ts';
import type { Result } from '../core/result.ts';
import type { TelemetryEvent } from './telemetry-event.ts';

export type Clock = { readonly now: () => Instant };

/** The configuration in force at this moment; the same object while nothing changed. */
export type ConfigurationSource = { readonly current: () => Promise<Configuration> };

/** Storage did not answer, or answered that it cannot now. The cause is the client's error. */
export class StorageTrouble extends Error {
  override readonly name = 'StorageTrouble';
}

/** Where changes and requests wait. Methods throw StorageTrouble. */
export type PurgeBuffer = {
  /** Gives the receipt by which the sender may complete the message itself. */
  readonly add: (message: BufferMessage, options?: { readonly visibleAfterMs: number }) => Promise<Receipt>;
  /** At most 32 messages, each hidden from other receivers for a while. Fewer than 32: nothing more waits. */
  readonly receive: () => Promise<readonly ReceivedMessage[]>;
  readonly complete: (receipt: Receipt) => Promise<void>;
  /** Shows the message again after a wait, carrying what is given. */
  readonly putBack: (receipt: Receipt, message: BufferMessage, visibleAfterMs: number) => Promise<void>;
  /** Moves a message to the poison queue, verbatim, with the reason. */
  readonly deadLetter: (message: BufferedText, reason: string) => Promise<void>;
};

/** How many messages one receive gives at most. */
export const RECEIVE_MAX = 32;

export type Receipt = { readonly messageId: string; readonly popReceipt: string };

export type ReceivedMessage = ReadableMessage | UnreadableMessage | NewerMessage;

/** A message as it stands in the queue. */
export type BufferedText = { readonly receipt: Receipt; readonly bufferedAt: Instant; readonly text: string };

export type ReadableMessage = BufferedText & { readonly kind: 'readable'; readonly message: BufferMessage };

export type UnreadableMessage = BufferedText & { readonly kind: 'unreadable'; readonly reason: string };

/** Written by a newer version of the app: left for that version. */
export type NewerMessage = { readonly kind: 'newer'; readonly receipt: Receipt; readonly version: number };

/** One CDN of the configuration. */
export type PurgeProvider = {
  readonly limits: RequestLimits;
  /** Finds the endpoint that serves a host, where the configuration leaves its id out. */
  readonly findEndpoint: (host: string) => Promise<Result<string, NotAccepted>>;
  /** Sends one purge and waits for the answer. Never throws for what the network or the CDN does. */
  readonly submit: (purge: PurgeBatch) => Promise<PurgeOutcome>;
};

export type PurgeBatch = {
  readonly endpointId: string;
  readonly files: readonly CdnUrl[];
  readonly directories: readonly CdnUrl[];
  /** Of the changes and requests that it serves, for telemetry. */
  readonly linkedTraceparents?: readonly string[] | undefined;
};

/** Durable records. Methods throw StorageTrouble. */
export type PurgeRecords = {
  readonly savePurge: (record: PurgeRecord) => Promise<void>;
  /** False when a request of that id is on record already. */
  readonly createRequest: (record: RequestRecord) => Promise<boolean>;
  readonly readRequest: (id: string) => Promise<RequestRecord | undefined>;
  /** Reads, changes and writes the record, again when somebody else wrote meanwhile. */
  readonly updateRequest: (id: string, change: (record: RequestRecord) => RequestRecord) => Promise<void>;
  /** Gives the claim in force for the key: the given one, or an older one of the last 24 hours. */
  readonly claimIdempotencyKey: (claim: IdempotencyClaim) => Promise<IdempotencyClaim>;
};

export type IdempotencyClaim = {
  readonly keyHash: string;
  readonly bodyHash: string;
  readonly requestId: string;
  readonly claimedAt: Instant;
};

/** A line for the operator. Details hold no secret. */
export type Log = {
  readonly debug: (message: string, details?: LogDetails) => void;
  readonly info: (message: string, details?: LogDetails) => void;
  readonly warn: (message: string, details?: LogDetails) => void;
  readonly error: (message: string, details?: LogDetails) => void;
};

export type LogDetails = Readonly<Record<string, string | number | boolean | undefined>>;

export type Telemetry = {
  readonly track: (event: TelemetryEvent) => void;
  /** Runs work inside a span that starts at `startedAt`; what the work throws marks the span failed. */
  readonly span: <T>(description: SpanDescription, work: (span: Span) => Promise<T>) => Promise<T>;
  /** Sends what is waiting. Never throws: telemetry must not fail a purge. */
  readonly flush: () => Promise<void>;
};

export type SpanDescription = {
  readonly name: string;
  readonly kind: 'internal' | 'client';
  readonly startedAt?: Instant;
  /** The span's parent where no other span is open. */
  readonly traceparent?: string | undefined;
  /** W3C trace contexts of what the work carries. At most 32 become links; the total becomes a property. */
  readonly linkedTraceparents?: readonly string[] | undefined;
};

export type Span = {
  readonly set: (attributes: LogDetails) => void;
  readonly fail: (reason: string) => void;
};

/** One run of a trigger: its log and telemetry, and the trace that it belongs to. */
export type Run = {
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly traceparent: string | undefined;
};
