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
      readonly traceparent?: string | undefined;
    };

export type PurgeRecord = {
  readonly version: 1;
  readonly id: string;
  readonly state: 'accepted';
  readonly acceptedAt: Instant;
  readonly cdn: string;
  readonly endpointId: string;
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly taskId: string;
  readonly correlationId?: string | undefined;
  readonly attempt: number;
  readonly causes: readonly Cause[];
};
