// What becomes of a buffered message after an attempt to purge what it needs.

import type { PurgeOutcome } from './purge-outcome.ts';

export type Settlement =
  | { readonly kind: 'complete' }
  | { readonly kind: 'retry'; readonly attempts: number; readonly afterMs: number };

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 5 * 60_000;

/**
 * Takes an outcome and how many attempts had failed before it, gives what to do with the message.
 * Anything but an acceptance keeps it: waits double from 10 seconds to 5 minutes, and a longer
 * `Retry-After` of the CDN is honoured.
 */
export function settle(outcome: PurgeOutcome, failedAttempts: number): Settlement {
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'complete' };
    case 'refused':
    case 'failed': {
      const backOffMs = Math.min(FIRST_RETRY_MS * 2 ** failedAttempts, LONGEST_RETRY_MS);
      return {
        kind: 'retry',
        attempts: failedAttempts + 1,
        afterMs: Math.max(backOffMs, outcome.retryAfterMs ?? 0),
      };
    }
  }
}
