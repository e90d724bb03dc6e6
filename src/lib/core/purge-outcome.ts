// What became of one attempt to send a batch.

import type { OutcomeClass } from './outcome-class.ts';

export type PurgeOutcome = PurgeAccepted | NotAccepted;

export type NotAccepted = PurgeRefused | PurgeFailed;

export type PurgeAccepted = {
  readonly kind: 'accepted';
  /** The CDN's own asynchronous work on the purge. */
  readonly taskId: string;
  readonly correlationId: string | undefined;
  /** Where the CDN tells of the task, if only it knows the address. Whoever has it may read there: never in telemetry. */
  readonly operationUrl?: string | undefined;
  /** Not to be asked about the task before. */
  readonly retryAfterMs?: number | undefined;
};

/** The CDN answered in its own words that it will not. */
export type PurgeRefused = {
  readonly kind: 'refused';
  /** The CDN's name for the error: `WrongSignature`. */
  readonly errorType: string;
  readonly message: string;
  /** Those of the sent URLs that its words name, if it has any on them. */
  readonly namedUrls?: readonly string[] | undefined;
  readonly status: number;
  readonly outcomeClass: OutcomeClass;
  readonly retryAfterMs: number | undefined;
  readonly correlationId: string | undefined;
};

/** No usable answer. */
export type PurgeFailed = {
  readonly kind: 'failed';
  readonly reason: PurgeFailureReason;
  readonly detail: string;
  /** False only when the request cannot have reached the CDN. */
  readonly sent: boolean;
  readonly outcomeClass: OutcomeClass;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly correlationId: string | undefined;
};

export type PurgeFailureReason = CallFailureReason | OwnReason;

/** What may become of a call to a CDN. */
export type CallFailureReason =
  | 'could-not-connect'
  | 'timed-out'
  | 'connection-lost'
  | 'unreadable-answer'
  | 'endpoint-not-found';

/** Why this app itself sent nothing, or takes nothing for accepted. */
type OwnReason =
  | 'quota-spent'
  | 'throttled'
  /** Waiting costs less than a unit of the quota, for now. */
  | 'saves-quota'
  /** As many purges as may be are under way at the CDN. */
  | 'purge-in-flight'
  /** The quota ledger could not be written: nothing may be sent without. */
  | 'no-ledger'
  /** The app could not show who it is. */
  | 'no-token'
  /** The CDN accepted it, but that could not be put on record: it is purged again. */
  | 'not-recorded';

/** One line on what was answered, or why nothing was. */
export function describeOutcome(outcome: NotAccepted): string {
  switch (outcome.kind) {
    case 'refused':
      return `${outcome.errorType}: ${outcome.message}`;
    case 'failed':
      return `${outcome.reason}: ${outcome.detail}`;
  }
}
