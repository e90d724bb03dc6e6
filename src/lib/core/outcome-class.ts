// What an outcome that is no acceptance means for what is sent next: one row for each class.

/**
 * - `throttled`: too much at once; the subscription rests
 * - `quota-exhausted`: the day's quota is spent; what is over waits for the reset
 * - `item-refused`: something in the batch; the rest of it may go
 * - `request-refused`: the request as such; the next would meet the same
 * - `credentials-refused`: the key; nothing of the subscription can go
 * - `endpoint-unusable`: this endpoint does not exist or does not take purges now
 * - `transient`: the CDN did not act, and may the next time
 * - `unknown`: no answer that says whether the CDN acted
 */
export type OutcomeClass =
  | 'throttled'
  | 'quota-exhausted'
  | 'item-refused'
  | 'request-refused'
  | 'credentials-refused'
  | 'endpoint-unusable'
  | 'transient'
  | 'unknown';

export type Consequence = {
  /** What must not be sent before the wait is over. `items`: nothing but what was refused. */
  readonly holds: 'items' | 'endpoint' | 'subscription';
  /** The first wait; it doubles with every further one, up to the longest. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Whether somebody has to look. */
  readonly alerts: boolean;
};

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

export const CONSEQUENCES: Readonly<Record<OutcomeClass, Consequence>> = {
  throttled: {
    holds: 'subscription',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 15 * MINUTE_MS,
    alerts: false,
  },
  // Never sent: the ledger says until when it waits.
  'quota-exhausted': { holds: 'items', firstWaitMs: MINUTE_MS, longestWaitMs: 30 * MINUTE_MS, alerts: false },
  'item-refused': {
    holds: 'items',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 5 * MINUTE_MS,
    alerts: false,
  },
  'request-refused': {
    holds: 'endpoint',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 30 * MINUTE_MS,
    alerts: true,
  },
  'credentials-refused': {
    holds: 'subscription',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 30 * MINUTE_MS,
    alerts: true,
  },
  'endpoint-unusable': {
    holds: 'endpoint',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 30 * MINUTE_MS,
    alerts: true,
  },
  transient: {
    holds: 'endpoint',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 5 * MINUTE_MS,
    alerts: false,
  },
  unknown: {
    holds: 'endpoint',
    firstWaitMs: 10 * SECOND_MS,
    longestWaitMs: 5 * MINUTE_MS,
    alerts: false,
  },
};
