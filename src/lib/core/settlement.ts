// What becomes of a buffered message after an attempt to purge what it needs.

import { CONSEQUENCES } from './outcome-class.ts';
import type { NotAccepted, PurgeOutcome } from './purge-outcome.ts';

export type Settlement =
  | { readonly kind: 'complete' }
  | { readonly kind: 'retry'; readonly attempts: number; readonly afterMs: number };

/**
 * Takes an outcome and how many attempts had failed before it, gives what to do with the message.
 * Anything but an acceptance keeps it.
 */
export function settle(outcome: PurgeOutcome, failedAttempts: number): Settlement {
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'complete' };
    case 'refused':
    case 'failed':
      return { kind: 'retry', attempts: failedAttempts + 1, afterMs: waitMs(outcome, failedAttempts) };
  }
}

/**
 * How long to wait after an outcome that had so many like it before it in a row: it doubles up to the longest wait
 * of its class, and a longer `Retry-After` of the CDN is honoured.
 */
export function waitMs({ outcomeClass, retryAfterMs }: NotAccepted, before: number): number {
  const { firstWaitMs, longestWaitMs } = CONSEQUENCES[outcomeClass];
  return Math.max(Math.min(firstWaitMs * 2 ** before, longestWaitMs), retryAfterMs ?? 0);
}
