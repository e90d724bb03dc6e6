// Whoever needs targets purged: a buffered message, or a request that is being sent at once.

import type { Instant } from '../core/instant.ts';
import type { Cause } from '../core/purge-record.ts';

/** Compared by identity. */
export type Owner = {
  readonly cause: Cause;
  readonly bufferedAt: Instant;
  readonly failedAttempts: number;
};
