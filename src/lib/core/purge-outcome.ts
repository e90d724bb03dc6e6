// What became of one attempt to send a batch.

export type PurgeOutcome = PurgeAccepted | NotAccepted;

export type NotAccepted = PurgeRefused | PurgeFailed;

export type PurgeAccepted = {
  readonly kind: 'accepted';
  /** The CDN's own asynchronous work on the purge. */
  readonly taskId: string;
  readonly correlationId: string | undefined;
};

/** The CDN answered in its own words that it will not. */
export type PurgeRefused = {
  readonly kind: 'refused';
  /** The CDN's name for the error: `WrongSignature`. */
  readonly errorType: string;
  readonly message: string;
  readonly status: number;
  /** `items`: something in this batch; `request`: the next batch would be refused as well. */
  readonly scope: 'items' | 'request';
  readonly retryAfterMs: number | undefined;
  readonly correlationId: string | undefined;
};

/** No usable answer: whether the CDN acted is not known unless `sent` is false. */
export type PurgeFailed = {
  readonly kind: 'failed';
  readonly reason: PurgeFailureReason;
  readonly detail: string;
  readonly sent: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly correlationId: string | undefined;
};

export type PurgeFailureReason =
  | 'could-not-connect'
  | 'timed-out'
  | 'connection-lost'
  | 'unreadable-answer'
  | 'endpoint-not-found';
