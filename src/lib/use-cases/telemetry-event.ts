// The closed list of what the app tells telemetry. Names and properties are a contract with queries and alerts.

import type { ContainerSilence, Heartbeat, QuotaState } from '../core/heartbeat.ts';
import type { OutcomeClass } from '../core/outcome-class.ts';
import type { QuotaUnit } from '../core/quota-ledger.ts';

export type TelemetryEvent =
  | PurgeEvent
  | PurgeEndedEvent
  | IntakeEvent
  | DeadLetterEvent
  | DeadLettersReadEvent
  | ConfigurationEvent
  | PurgeRequestedEvent
  | HeartbeatEvent
  | QuotaStateEvent
  | ContainerSilentEvent
  | SendingStoppedEvent
  | QuotaSpentEvent
  | KeySlotEvent
  | ClockOffsetEvent;

/** One attempt to purge a batch. */
export type Attempt = {
  readonly lane: 'events' | 'manual';
  readonly cdn: string;
  readonly endpointId: string | undefined;
  /** Whose URLs it has, with spaces between. */
  readonly sites: string;
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

/** The CDN's task on an accepted purge came to its end, or was given up. Told once a purge. */
export type PurgeEndedEvent = {
  readonly name: 'purge-ended';
  readonly purgeId: string;
  readonly taskId: string;
  /** The CDN's `X-Correlation-Id` of the acceptance. */
  readonly correlationId: string | undefined;
  readonly cdn: string;
  readonly endpointId: string;
  readonly state: 'succeeded' | 'failed' | 'unknown';
  /** Whose URLs it has, with spaces between. */
  readonly sites: string;
  /** How many. */
  readonly failedUrls: number;
  /** Those that are not purged again. */
  readonly failedForGood: number;
  /** The CDN's words on them, if it had any. */
  readonly failure: string | undefined;
  readonly polls: number;
  /** Since the acceptance, as far as this app has noticed. */
  readonly tookMs: number;
};

/** A person asked for a purge, and it was taken over. */
export type PurgeRequestedEvent = {
  readonly name: 'purge-requested';
  readonly requestId: string;
  readonly sites: string;
  /** Targets, of each kind. */
  readonly files: number;
  readonly directories: number;
  readonly reason: string | undefined;
};

/** Once a minute, whatever happens: where it is missing the app stands still, or its telemetry does. */
export type HeartbeatEvent = { readonly name: 'heartbeat' } & Heartbeat;

/** With each heartbeat, for each budget of each subscription's daily quota. */
export type QuotaStateEvent = { readonly name: 'quota-state' } & QuotaState;

/** With each heartbeat, for each container that usually changes and is silent for longer than it usually is. */
export type ContainerSilentEvent = { readonly name: 'container-silent' } & ContainerSilence;

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

/** Somebody has to look: nothing goes to the endpoint, or to the whole subscription, before the wait is over. */
export type SendingStoppedEvent = {
  readonly name: 'sending-stopped';
  readonly outcomeClass: OutcomeClass;
  readonly scope: 'endpoint' | 'host' | 'subscription';
  readonly cdn: string;
  /** Undefined when it was not found out yet. */
  readonly endpointId: string | undefined;
  /** Whose endpoint was not found out. */
  readonly host: string | undefined;
  /** Whose purge met it, with spaces between; others may share the endpoint. */
  readonly sites: string;
  /** The CDN's error type, or why there was no answer. */
  readonly cause: string;
  readonly correlationId: string | undefined;
  readonly waitMs: number;
  /** In a row. */
  readonly times: number;
};

/** Targets that the day's quota leaves nothing for. */
export type QuotaSpentEvent = {
  readonly name: 'quota-spent';
  readonly subscription: string;
  /** `ledger`: by our own count; `cdn`: it throttles even single URLs, somebody else may spend it too. */
  readonly by: 'ledger' | 'cdn';
  /** Of which kind, where it is known by the CDN. */
  readonly unit: QuotaUnit | undefined;
  /** Whose targets wait for it, with spaces between. */
  readonly sites: string;
  /** That wait for it. */
  readonly files: number;
  readonly directories: number;
  /** Milliseconds since 1970: they are planned again then at the latest. */
  readonly until: number;
};

/** The first key was refused and the second works, or the other way round: time to put a new one in its place. */
export type KeySlotEvent = {
  readonly name: 'key-slot-changed';
  readonly cdn: string;
  readonly slot: 'first' | 'second';
};

/** Our clock and the CDN's differ so much that it refused a signature. */
export type ClockOffsetEvent = {
  readonly name: 'clock-offset';
  readonly cdn: string;
  readonly offsetMs: number;
  /** Over five minutes: somebody has to look. */
  readonly alerts: boolean;
};

export type DeadLetterEvent = {
  readonly name: 'message-dead-lettered';
  readonly reason: string;
  /** Undefined where the message cannot be read. */
  readonly site?: string | undefined;
};

/** Event Grid could not deliver: somebody has to look. Told only when its dead-letter container held something new. */
export type DeadLettersReadEvent = {
  readonly name: 'dead-letters-read';
  readonly blobs: number;
  readonly events: number;
  /** Those of the events that were not read before: deliveries that failed. */
  readonly undelivered: number;
  /** Changes that were taken over after all. */
  readonly buffered: number;
  /** Events that cannot be taken: they stay in the container with the reason. */
  readonly kept: number;
  /** How the last deliveries ended, in Event Grid's words, each with its count: `Unauthorized=3`. */
  readonly outcomes: string;
  /** Why events stay, in the same form. */
  readonly keptReasons: string;
};

export type ConfigurationEvent =
  | { readonly name: 'configuration-taken'; readonly etag: string }
  | { readonly name: 'configuration-refused'; readonly etag: string; readonly problems: string }
  | { readonly name: 'configuration-unreadable'; readonly reason: string };
