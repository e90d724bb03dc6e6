// Everything that the use cases touch outside the core, in one place. Adapters implement these.

import type { BufferMessage } from '../core/buffer-message.ts';
import type { Capabilities } from '../core/capabilities.ts';
import type { CdnUrl } from '../core/cdn-url.ts';
import type { Backlog } from '../core/backlog.ts';
import type { Configuration, RequestLimits } from '../core/configuration.ts';
import type { ContainerActivity } from '../core/container-activity.ts';
import type { QueueFacts } from '../core/heartbeat.ts';
import type { Instant } from '../core/instant.ts';
import type { InventoryChanges } from '../core/inventory/inventory-changes.ts';
import type { InventoryIndex } from '../core/inventory/inventory-index.ts';
import type { BlobPage, CompleteListing, ContainerPlace, PartialListing } from '../core/inventory/listing.ts';
import type { PurgeBudget } from '../core/purge-budget.ts';
import type { NotAccepted, PurgeOutcome } from '../core/purge-outcome.ts';
import type { AcceptedPurge, EndedPurge, OpenPurge, PurgeRecord } from '../core/purge-record.ts';
import type { RequestRecord } from '../core/purge-request.ts';
import type { TaskProgress } from '../core/purge-tracking.ts';
import type { QuotaLedger, QuotaPolicy } from '../core/quota-ledger.ts';
import type { Result } from '../core/result.ts';
import type { ParsedEvent } from './buffer-blob-changes.ts';
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
  readonly receive: () => Promise<readonly (ReceivedMessage | ReceivedEvent)[]>;
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
  /** Adds the message to the buffer as it stood there. False: nobody has it, or only a newer version can read it. */
  readonly restore: (entry: PoisonedMessage) => Promise<boolean>;
  readonly remove: (entry: PoisonedMessage) => Promise<void>;
};

export type PoisonedMessage = {
  readonly receipt: Receipt;
  readonly original: PoisonOriginal;
  readonly poisonedAt: Instant;
};

/** Where the message is as it stood in the buffer. */
export type PoisonOriginal =
  | { readonly kind: 'text'; readonly text: string }
  /** It was too long for an entry. */
  | { readonly kind: 'blob'; readonly name: string }
  /** Of a form that this version of the app does not know. */
  | { readonly kind: 'unknown' };

/** How full the queues are. Two storage calls each, one of an empty queue. Methods throw StorageTrouble. */
export type QueueWatch = {
  readonly buffer: () => Promise<QueueFacts>;
  readonly poison: () => Promise<QueueFacts>;
};

/** When containers changed. Methods throw StorageTrouble. */
export type ActivityStore = {
  readonly load: () => Promise<{
    readonly activity: ContainerActivity;
    readonly version: string | undefined;
  }>;
  /** False when somebody else wrote meanwhile. No version: it must not exist yet. */
  readonly save: (activity: ContainerActivity, version: string | undefined) => Promise<boolean>;
};

/** Blobs of events that Event Grid could not deliver. Methods throw StorageTrouble. */
export type DeadLetterStore = {
  /** Those that nobody has read, or those of which something stayed; some of them if there are more than `most`. */
  readonly find: (which: 'unread' | 'kept', most: number) => Promise<readonly FoundDeadLetter[]>;
  /** By one storage call: of no more than 5,000 blobs. */
  readonly count: () => Promise<{ readonly unread: number; readonly kept: number }>;
  /** Undefined when it is no longer there. */
  readonly read: (name: string) => Promise<{ readonly text: string; readonly version: string } | undefined>;
  /** False when somebody else has settled it since it was read; so it is for `keep`. */
  readonly remove: (name: string, version: string) => Promise<boolean>;
  /** Leaves the blob, or this text in its place, marked as read: `find` gives it as kept from now on. */
  readonly keep: (name: string, kept: KeptDeadLetter) => Promise<boolean>;
  /** Takes the mark away: it is unread again. */
  readonly release: (name: string) => Promise<void>;
};

export type FoundDeadLetter = { readonly name: string; readonly bytes: number };

export type KeptDeadLetter = {
  /** Undefined: whatever it is by now. */
  readonly version?: string | undefined;
  /** Undefined: it stays as it is. */
  readonly text?: string | undefined;
  /** Why, in ASCII. */
  readonly reasons: string;
  readonly at: Instant;
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

export type ReadableMessage = BufferedText & {
  readonly kind: 'readable';
  readonly message: BufferMessage;
  /** Whether it was received before: what it needs may have been purged then. */
  readonly isRepeated: boolean;
};

/** A blob event that Event Grid itself put there, as it stands in the queue. */
export type ReceivedEvent = BufferedText & {
  readonly kind: 'event';
  /** Takes the accounts that are believed. Two for a rename of which only one name can be purged, and one else. */
  readonly parse: (accounts: ReadonlySet<string>) => readonly ParsedEvent[];
  readonly isRepeated: boolean;
};

export type UnreadableMessage = BufferedText & { readonly kind: 'unreadable'; readonly reason: string };

/** Written by a newer version of the app: left for that version. */
export type NewerMessage = { readonly kind: 'newer'; readonly receipt: Receipt; readonly version: number };

/** One CDN of the configuration. */
export type PurgeProvider = {
  /** Whose keys and quota it uses: two CDNs of the configuration may share one. */
  readonly subscription: string;
  readonly limits: RequestLimits;
  readonly capabilities: Capabilities;
  /** What it takes at most, in a day and in a call. */
  readonly budgets: readonly PurgeBudget[];
  /** Undefined: the CDN has no daily quota. */
  readonly quota?: QuotaPolicy | undefined;
  /** Finds the endpoint that serves a host, where the configuration leaves its id out. */
  readonly findEndpoint: (host: string) => Promise<Result<string, NotAccepted>>;
  /** Sends one purge and waits for the answer. Never throws for what the network or the CDN does. */
  readonly submit: (purge: PurgeBatch) => Promise<PurgeOutcome>;
  /** Asks how far the CDN's task on an accepted purge is, URL by URL. Never throws, like `submit`. */
  readonly readProgress: (
    purge: Pick<AcceptedPurge, 'endpointId' | 'files' | 'directories' | 'taskId' | 'operationUrl'>,
  ) => Promise<Result<TaskProgress, NotAccepted>>;
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
  /**
   * Those whose end is not known yet. One storage call for every 5,000 open purges, and a reading of each that an
   * older version wrote; one that a newer version wrote without these facts is left out.
   */
  readonly findOpenPurges: () => Promise<readonly FoundOpenPurge[]>;
  /** Among the open ones; undefined when it is not, or no longer. */
  readonly readOpenPurge: (id: string) => Promise<Versioned<PurgeRecord> | undefined>;
  /** Writes the next state of an open purge, or its end. False when somebody else wrote after it was read. */
  readonly updateOpenPurge: (record: PurgeRecord, version: string) => Promise<boolean>;
  /** Moves an ended purge to the ended ones. False when somebody else took it from the open ones. */
  readonly closePurge: (record: EndedPurge) => Promise<boolean>;
  /**
   * Purges that were written after a time, open or ended, newest first. Costs a listing of the open and of a day's or
   * two days' ended purges, and a reading of each but those whose ids are `known`.
   */
  readonly findPurgesSince: (
    since: Instant,
    most: number,
    known: (id: string) => boolean,
  ) => Promise<readonly PurgeRecord[]>;
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

export type FoundOpenPurge = Pick<OpenPurge, 'id' | 'cdn' | 'acceptedAt' | 'nextPollAt'>;

/** What was purged, by day. Methods throw StorageTrouble. */
export type PurgeHistory = {
  /** Open and ended purges that were accepted on a day in UTC (`YYYY-MM-DD`). One storage call for every 5,000. */
  readonly findPurgesOf: (day: string) => Promise<FoundPurges>;
  /** `unreadable`: a newer version wrote it. Undefined: it is no longer kept. */
  readonly readFound: (purge: FoundPurge) => Promise<PurgeRecord | 'unreadable' | undefined>;
};

export type FoundPurges = {
  readonly purges: readonly FoundPurge[];
  /** False: there are more than one call may list. */
  readonly isComplete: boolean;
};

/** `name`: where its record was found. */
export type FoundPurge = { readonly id: string; readonly acceptedAt: Instant; readonly name: string };

/** Records that stand for nothing that is still to be done. Methods throw StorageTrouble. */
export type OldRecords = {
  /**
   * Names of the records of a kind that were last written before the beginning of a day in UTC, page by page; of
   * ended purges only those that were accepted before it. Names that this app does not give are passed over.
   */
  readonly find: (kind: OldRecordKind, before: Instant) => AsyncIterable<readonly string[]>;
  /** Undefined when there is no such request any more, or a newer version wrote it. */
  readonly readRequest: (name: string) => Promise<RequestRecord | undefined>;
  readonly findOpenPurgeIds: () => Promise<ReadonlySet<string>>;
  /** False when it is gone, or was written since. */
  readonly remove: (name: string, before: Instant) => Promise<boolean>;
};

export type OldRecordKind = 'requests' | 'idempotency-keys' | 'purges';

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

/** What waits, for all flushes together. Methods throw StorageTrouble. */
export type BacklogStore = {
  /** One storage call, of a few bytes while nobody has written. */
  readonly load: () => Promise<LoadedBacklog>;
  /** False when somebody else wrote meanwhile. No version: it must not exist yet. */
  readonly save: (backlog: Backlog, version: string | undefined) => Promise<boolean>;
};

export type LoadedBacklog = { readonly backlog: Backlog; readonly version: string | undefined };

/** What stands in the containers that are served. Methods throw StorageTrouble. */
export type InventoryStore = {
  /** Which containers there are, and when each was listed. */
  readonly loadIndex: () => Promise<LoadedIndex>;
  /** False when somebody else wrote meanwhile. No version: it must not exist yet. */
  readonly saveIndex: (index: InventoryIndex, version: string | undefined) => Promise<boolean>;
  /** The last one that came to its end; the same object while nobody has written. Not to be added to. */
  readonly loadListing: (place: ContainerPlace) => Promise<CompleteListing | undefined>;
  /** Takes the place of the one before in one write: readers have either. */
  readonly saveListing: (place: ContainerPlace, listing: CompleteListing) => Promise<void>;
  /** The one that is under way. */
  readonly loadProgress: (place: ContainerPlace) => Promise<Versioned<PartialListing> | undefined>;
  /** Gives the new version; undefined when somebody else wrote meanwhile. No version: it must not exist yet. */
  readonly saveProgress: (
    place: ContainerPlace,
    listing: PartialListing,
    version: string | undefined,
  ) => Promise<string | undefined>;
  /** False when somebody else wrote meanwhile: then the listing is theirs. */
  readonly endProgress: (place: ContainerPlace, version: string) => Promise<boolean>;
  readonly loadChanges: (place: ContainerPlace) => Promise<LoadedChanges>;
  /** False when somebody else wrote meanwhile. No version: they must not exist yet. */
  readonly saveChanges: (
    place: ContainerPlace,
    changes: InventoryChanges,
    version: string | undefined,
  ) => Promise<boolean>;
  /** Everything that is kept of a container. */
  readonly forget: (place: ContainerPlace) => Promise<void>;
};

export type LoadedIndex = { readonly index: InventoryIndex; readonly version: string | undefined };
export type LoadedChanges = { readonly changes: InventoryChanges; readonly version: string | undefined };

/** Lists storage accounts whose blobs are served. Methods throw StorageTrouble. */
export type BlobLister = {
  /** Those that there is a connection to. */
  readonly accounts: ReadonlySet<string>;
  readonly findContainers: (account: string) => Promise<readonly string[]>;
  /**
   * One storage call. `after` is the token of the page before; `unusable-token`: storage does not take it, list from
   * the start.
   */
  readonly listPage: (
    place: ContainerPlace,
    options: {
      readonly prefix?: string | undefined;
      readonly after?: string | undefined;
      /** At most 5,000, which is also the default: learn.microsoft.com/rest/api/storageservices/list-blobs */
      readonly most?: number | undefined;
    },
  ) => Promise<BlobPage | 'no-container' | 'unusable-token'>;
};

/** Keeps flushes from running side by side, which is harmless but spends quota twice. Throws StorageTrouble. */
export type FlushLease = {
  /** Undefined: another flush has it. It is renewed until it is released. */
  readonly acquire: () => Promise<HeldLease | undefined>;
};

export type HeldLease = {
  /** False once somebody else may have it. */
  readonly isHeld: () => boolean;
  /** Never throws: a lease that was not released ends by itself. */
  readonly release: () => Promise<void>;
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
  /** Whether a further purge may be begun: the host ends what runs too long. */
  readonly mayBegin?: (() => boolean) | undefined;
};
