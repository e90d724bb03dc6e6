// What becomes of a message after an attempt.

import { describe, expect, it } from 'vitest';

import { settle } from '../../../src/lib/core/settlement.ts';
import { aFailure, anAcceptance, aRefusal } from '../../support/builders.ts';

describe('settling', () => {
  it.each([0, 1, 7])('completes what was accepted, after %i failed attempts', (failed) => {
    expect(settle(anAcceptance(), failed)).toEqual({ kind: 'complete' });
    expect(settle(anAcceptance({ correlationId: undefined }), failed)).toEqual({ kind: 'complete' });
  });

  it.each([
    [0, 10_000],
    [1, 20_000],
    [2, 40_000],
    [3, 80_000],
    [4, 160_000],
    [5, 300_000],
    [6, 300_000],
    [5_000, 300_000],
  ])('waits longer after each failed attempt, to 5 minutes: after %i, %i ms', (failed, afterMs) => {
    expect(settle(aFailure(), failed)).toEqual({ kind: 'retry', attempts: failed + 1, afterMs });
    expect(settle(aRefusal(), failed)).toEqual({ kind: 'retry', attempts: failed + 1, afterMs });
  });

  it.each([
    ['a refusal of the request', aRefusal({ scope: 'request' })],
    ['a refusal of items', aRefusal({ scope: 'items' })],
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
