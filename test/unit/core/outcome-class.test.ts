// What each class of outcome means for what is sent next.

import { describe, expect, it } from 'vitest';

import { CONSEQUENCES, type OutcomeClass } from '../../../src/lib/core/outcome-class.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

describe('an outcome that is', () => {
  it.each<readonly [OutcomeClass, (typeof CONSEQUENCES)[OutcomeClass]]>([
    [
      'throttled',
      { holds: 'subscription', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 15 * MINUTE_MS, alerts: false },
    ],
    [
      'quota-exhausted',
      { holds: 'items', firstWaitMs: MINUTE_MS, longestWaitMs: 30 * MINUTE_MS, alerts: false },
    ],
    [
      'item-refused',
      { holds: 'items', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 5 * MINUTE_MS, alerts: false },
    ],
    [
      'request-refused',
      { holds: 'endpoint', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 30 * MINUTE_MS, alerts: true },
    ],
    [
      'credentials-refused',
      { holds: 'subscription', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 30 * MINUTE_MS, alerts: true },
    ],
    [
      'endpoint-unusable',
      { holds: 'endpoint', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 30 * MINUTE_MS, alerts: true },
    ],
    [
      'transient',
      { holds: 'endpoint', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 5 * MINUTE_MS, alerts: false },
    ],
    [
      'unknown',
      { holds: 'endpoint', firstWaitMs: 10 * SECOND_MS, longestWaitMs: 5 * MINUTE_MS, alerts: false },
    ],
  ])('%s', (outcomeClass, consequence) => {
    expect(CONSEQUENCES[outcomeClass]).toEqual(consequence);
  });
});
