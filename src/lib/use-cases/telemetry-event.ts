// The closed list of what the app tells telemetry. Names and properties are a contract with queries and alerts.

export type TelemetryEvent = PurgeEvent | IntakeEvent | DeadLetterEvent | ConfigurationEvent;

/** One attempt to purge a batch. */
export type Attempt = {
  readonly lane: 'events' | 'manual';
  readonly cdn: string;
  readonly endpointId: string | undefined;
  readonly files: number;
  readonly directories: number;
  readonly changes: number;
  readonly requests: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** Since the oldest message was buffered. */
  readonly queueAgeMs: number;
  /** Since the oldest change happened, or the oldest request was made. */
  readonly eventAgeMs: number;
};

/** The CDN's `X-Correlation-Id`, undefined where there was no answer. */
type Answered = { readonly correlationId: string | undefined };

export type PurgeEvent =
  | (Attempt &
      Answered & { readonly name: 'purge-accepted'; readonly purgeId: string; readonly taskId: string })
  | (Attempt &
      Answered & {
        readonly name: 'purge-refused';
        readonly errorType: string;
        readonly status: number;
        readonly message: string;
      })
  | (Attempt &
      Answered & {
        readonly name: 'purge-failed';
        readonly reason: string;
        readonly status: number | undefined;
        readonly detail: string;
      });

/** Told only when a delivery held something that was not taken over. */
export type IntakeEvent = {
  readonly name: 'changes-not-taken';
  /** Event types that mean nothing to a cache. */
  readonly ignored: number;
  readonly refused: number;
  /** Why, each reason with its count: `dot-segment=2`. */
  readonly reasons: string;
  /** Changes of blobs that no rule serves. */
  readonly unserved: number;
};

export type DeadLetterEvent = { readonly name: 'message-dead-lettered'; readonly reason: string };

export type ConfigurationEvent =
  | { readonly name: 'configuration-taken'; readonly etag: string }
  | { readonly name: 'configuration-refused'; readonly etag: string; readonly problems: string }
  | { readonly name: 'configuration-unreadable'; readonly reason: string };
