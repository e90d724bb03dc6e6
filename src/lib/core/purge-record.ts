// The durable record of a purge: the join between the changes and requests that it served and the CDN's task.

import type { Instant } from './instant.ts';

/** Why something is purged. The trace id leads to the delivery or call that asked for it. */
export type Cause =
  | {
      readonly type: 'change';
      readonly eventId: string;
      readonly eventAt: Instant;
      readonly traceparent?: string | undefined;
    }
  | {
      readonly type: 'request';
      readonly requestId: string;
      readonly askedAt: Instant;
      /** Of a request that the app made itself. */
      readonly origin?: 'tracker' | undefined;
      readonly traceparent?: string | undefined;
    };

/** Whether a person asked: only then may the purge spend what is kept for people. */
export function isPersons(cause: Cause): boolean {
  return cause.type === 'request' && cause.origin !== 'tracker';
}

/** Files that went as one directory: how many, what that evicted, and what the best other way would have cost. */
export type PlannedDirectory = {
  readonly url: string;
  readonly covers: number;
  /** Objects below it that had not changed. */
  readonly evicts: number;
  readonly instead: { readonly files: number; readonly directories: number; readonly evicts: number };
};

/** What the CDN accepted; nothing of it changes any more. */
export type AcceptedPurge = {
  /** `YYYYMMDD-<uuid>`, by the day of the acceptance in UTC. */
  readonly id: string;
  readonly acceptedAt: Instant;
  readonly cdn: string;
  readonly endpointId: string;
  readonly files: readonly string[];
  readonly directories: readonly string[];
  /** The CDN's own asynchronous work on the purge. */
  readonly taskId: string;
  /** Where the CDN tells of the task, if only it knows the address: a secret, kept out of telemetry and answers. */
  readonly operationUrl?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly attempt: number;
  readonly causes: readonly Cause[];
  /** How many causes of what had waited are not among `causes`. */
  readonly causesLeftOut?: number | undefined;
  /** Those of its directories that the planner chose. */
  readonly planned?: readonly PlannedDirectory[] | undefined;
  /** Revisions of the backlog's entries that it served. */
  readonly waited?: readonly number[] | undefined;
};

export type PurgeRecord = OpenPurge | EndedPurge;

export type PurgeState = PurgeRecord['state'];

/** The end of the CDN's task is not known yet. */
export type OpenPurge = AcceptedPurge & {
  readonly version: 2;
  /** `running`: the CDN has told of its task at least once. */
  readonly state: 'accepted' | 'running';
  /** How often the CDN was asked about its task. */
  readonly polls: number;
  readonly nextPollAt: Instant;
};

export type EndedPurge = AcceptedPurge & {
  readonly version: 2;
  /** `failed`: some URLs of it; `unknown`: the CDN never said. */
  readonly state: 'succeeded' | 'failed' | 'unknown';
  readonly polls: number;
  readonly endedAt: Instant;
  /** Those of its URLs that the CDN did not purge. */
  readonly failedUrls: readonly string[];
  /** The CDN's words on them, if it had any. */
  readonly failure?: string | undefined;
  /** The requests by which failed URLs are purged again. */
  readonly repurges: readonly Repurge[];
};

export type Repurge = {
  readonly requestId: string;
  readonly urls: readonly string[];
  /** How often these URLs are purged again with this one: 1 or 2. */
  readonly times: number;
};

export function isEnded(purge: PurgeRecord): purge is EndedPurge {
  switch (purge.state) {
    case 'accepted':
    case 'running':
      return false;
    case 'succeeded':
    case 'failed':
    case 'unknown':
      return true;
  }
}
