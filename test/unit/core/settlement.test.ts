// What becomes of a message after an attempt.

import { describe, expect, it } from 'vitest';

import type { OutcomeClass } from '../../../src/lib/core/outcome-class.ts';
import { settle, waitMs } from '../../../src/lib/core/settlement.ts';
import { aFailure, anAcceptance, aRefusal } from '../../support/builders.ts';

describe('settling', () => {
  it.each([0, 1, 7])('completes what was accepted, after %i failed attempts', (failed) => {
    expect(settle(anAcceptance(), failed)).toEqual({ kind: 'complete' });
    expect(settle(anAcceptance({ correlationId: undefined }), failed)).toEqual({ kind: 'complete' });
  });

  it.each<readonly [OutcomeClass, readonly number[]]>([
    ['throttled', [10, 20, 40, 80, 160, 320, 640, 900, 900]],
    ['quota-exhausted', [60, 120, 240, 480, 960, 1_800, 1_800]],
    ['item-refused', [10, 20, 40, 80, 160, 300, 300]],
    ['request-refused', [10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800]],
    ['credentials-refused', [10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800]],
    ['endpoint-unusable', [10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800]],
    ['transient', [10, 20, 40, 80, 160, 300, 300]],
    ['unknown', [10, 20, 40, 80, 160, 300, 300]],
  ])(
    'waits longer after each failed attempt, to the longest wait of its class: %s',
    (outcomeClass, seconds) => {
      const waits = seconds.map((second) => second * 1_000);
      expect(seconds.map((_wait, before) => waitMs(aRefusal({ outcomeClass }), before))).toEqual(waits);
      expect(seconds.map((_wait, before) => waitMs(aFailure({ outcomeClass }), before))).toEqual(waits);
      expect(waitMs(aFailure({ outcomeClass }), 5_000)).toBe(waits.at(-1));
    },
  );

  it.each([0, 1, 7])('counts a failed attempt more after %i', (failed) => {
    const afterMs = waitMs(aFailure(), failed);
    expect(settle(aFailure(), failed)).toEqual({ kind: 'retry', attempts: failed + 1, afterMs });
  });

  it.each([
    ['a refusal of the request', aRefusal({ outcomeClass: 'request-refused' })],
    ['a refusal of items', aRefusal({ outcomeClass: 'item-refused' })],
    ['a failure that may have reached the CDN', aFailure({ sent: true })],
    ['a failure that did not', aFailure({ sent: false })],
    ['no endpoint', aFailure({ reason: 'endpoint-not-found' })],
  ])('keeps the message after %s', (_what, outcome) => {
    expect(settle(outcome, 0)).toEqual({ kind: 'retry', attempts: 1, afterMs: 10_000 });
  });

  it.each([
    ['a longer Retry-After is honoured', 90_000, 90_000],
    ['a shorter one does not hurry', 1_000, 10_000],
    ['none at all does not hurry', 0, 10_000],
  ])('%s', (_what, retryAfterMs, afterMs) => {
    expect(settle(aRefusal({ retryAfterMs }), 0)).toEqual({ kind: 'retry', attempts: 1, afterMs });
  });
});
