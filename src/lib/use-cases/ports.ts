// Everything that the use cases touch outside the core, on one screen. Adapters implement these.

import type { BufferMessage } from '../core/buffer-message.ts';
import type { CdnUrl } from '../core/cdn-url.ts';
import type { Configuration, RequestLimits } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';
import type { NotAccepted, PurgeOutcome } from '../core/purge-outcome.ts';
import type { AcceptedPurge, EndedPurge, OpenPurge, PurgeRecord } from '../core/purge-record.ts';
import type { RequestRecord } from '../core/purge-request.ts';
import type { ItemProgress } from '../core/purge-tracking.ts';
import type { QuotaLedger, QuotaPolicy } from '../core/quota-ledger.ts';
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
  /**
   * Hides the message from receivers for so long from now on. Gives the receipt that counts from now on; one of a
   * message that somebody else has received meanwhile comes back as it is.
   */
  readonly hide: (receipt: Receipt, forMs: number) => Promise<Receipt>;
  /** Shows the message again after a wait, carrying what is given. */
  readonly putBack: (receipt: Receipt, message: BufferMessage, visibleAfterMs: number) => Promise<void>;
  /** Adds to the poison queue what can never be purged; the message itself stays. */
  readonly poison: (entry: PoisonEntry) => Promise<void>;
  /** Moves a message to the poison queue, verbatim, with the reason. */
  readonly deadLetter: (message: BufferedText, reason: string) => Promise<void>;
};

/** Where poisoned messages stand until somebody replays them. Methods throw StorageTrouble. */
export type PoisonQueue = {
  /** At most 32 entries, hidden from others for a while. */
  readonly receive: () => Promise<readonly PoisonedMessage[]>;
  /** Adds a text to the buffer as it is. */
  readonly restore: (text: string) => Promise<void>;
  readonly remove: (receipt: Receipt) => Promise<void>;
};

/** `text` is the message as it stood in the buffer. */
export type PoisonedMessage = {
  readonly receipt: Receipt;
  readonly text: string;
  readonly poisonedAt: Instant;
};

export type PoisonEntry = {
  /** The message's text as it stood in the buffer, verbatim. */
  readonly text: string;
  readonly reason: string;
  readonly bufferedAt: Instant;
  readonly failedAttempts: number;
  /** The URL that the CDN refuses, and its words. */
  readonly url?: string;
  readonly lastError?: string;
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
  /** Whose keys and quota it uses: two CDNs of the configuration may share one. */
  readonly subscription: string;
  readonly limits: RequestLimits;
  /** Undefined: the CDN has no daily quota. */
  readonly quota?: QuotaPolicy | undefined;
  /** Finds the endpoint that serves a host, where the configuration leaves its id out. */
  readonly findEndpoint: (host: string) => Promise<Result<string, NotAccepted>>;
  /** Sends one purge and waits for the answer. Never throws for what the network or the CDN does. */
  readonly submit: (purge: PurgeBatch) => Promise<PurgeOutcome>;
  /** Asks how far the CDN's task on an accepted purge is, URL by URL. Never throws, like `submit`. */
  readonly readProgress: (
    purge: Pick<AcceptedPurge, 'endpointId' | 'taskId'>,
  ) => Promise<Result<readonly ItemProgress[], NotAccepted>>;
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
  /** Puts a purge among the open ones. One storage call. */
  readonly savePurge: (record: OpenPurge) => Promise<void>;
  /**
   * Ids of open purges whose next poll is due, longest due first. One storage call for every 5,000 open purges,
   * none for those that have ended.
   */
  readonly findDuePurges: (now: Instant, most: number) => Promise<readonly string[]>;
  /** Among the open ones; undefined when it is not, or no longer. */
  readonly readOpenPurge: (id: string) => Promise<Versioned<PurgeRecord> | undefined>;
  /** Writes the next state of an open purge, or its end. False when somebody else wrote after it was read. */
  readonly updateOpenPurge: (record: PurgeRecord, version: string) => Promise<boolean>;
  /** Moves an ended purge to the ended ones. False when somebody else took it from the open ones. */
  readonly closePurge: (record: EndedPurge) => Promise<boolean>;
  /** Open or ended. */
  readonly readPurge: (id: string) => Promise<PurgeRecord | undefined>;
  /** False when a request of that id is on record already. */
  readonly createRequest: (record: RequestRecord) => Promise<boolean>;
  readonly readRequest: (id: string) => Promise<RequestRecord | undefined>;
  /** Reads, changes and writes the record, again when somebody else wrote meanwhile. */
  readonly updateRequest: (id: string, change: (record: RequestRecord) => RequestRecord) => Promise<void>;
  /** The claim in force for the key at that instant; changes nothing. */
  readonly findIdempotencyClaim: (keyHash: string, now: Instant) => Promise<IdempotencyClaim | undefined>;
  /** Gives the claim in force for the key: the given one, or an older one of the last 24 hours. */
  readonly claimIdempotencyKey: (claim: IdempotencyClaim) => Promise<IdempotencyClaim>;
};

/** A record with the version by which it may be written again. */
export type Versioned<T> = { readonly record: T; readonly version: string };

/** Quota ledgers by subscription. Methods throw StorageTrouble. */
export type LedgerStore = {
  readonly load: (
    subscription: string,
  ) => Promise<{ readonly ledger: QuotaLedger; readonly etag: string | undefined }>;
  /** False when somebody else wrote meanwhile. No ETag: it must not exist yet. */
  readonly save: (subscription: string, ledger: QuotaLedger, etag: string | undefined) => Promise<boolean>;
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
  /** No further purge is begun after this: the host ends what runs too long. */
  readonly sendUntil?: Instant | undefined;
};
