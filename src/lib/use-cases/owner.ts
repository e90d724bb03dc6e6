// Whoever needs targets purged: a buffered message, an entry of the backlog, or a request that is being sent at once.

import type { Instant } from '../core/instant.ts';
import type { Cause } from '../core/purge-record.ts';

/** Compared by identity. */
export type Owner = {
  /** Of a waiting target, those of its newest changes. */
  readonly causes: readonly Cause[];
  /** How many changes it stands for; none for a request. */
  readonly changes: number;
  /** The request whose record is to name what is purged for it. */
  readonly requestId?: string | undefined;
  /** Its revision, if it stands in the backlog. */
  readonly waited?: number | undefined;
  /** The oldest of what it stands for. */
  readonly bufferedAt: Instant;
  readonly failedAttempts: number;
};
