// Points in time.

import { describe, expect, it } from 'vitest';

import { instant, isRecordable } from '../../../src/lib/core/instant.ts';

describe('an instant', () => {
  it.each([0, -1, 1_705_306_150_000])('is %i milliseconds since the epoch', (ms) => {
    expect(instant(ms)).toBe(ms);
  });

  it.each([NaN, Infinity, -Infinity])('is never %d', (ms) => {
    expect(() => instant(ms)).toThrow(RangeError);
  });

  it.each([
    ['1970-01-01T00:00:00.000Z', true],
    ['2024-01-15T08:09:10.000Z', true],
    ['9999-12-31T23:59:59.999Z', true],
    ['+010000-01-01T00:00:00.000Z', false],
    ['1969-12-31T23:59:59.999Z', false],
    ['no time', false],
  ])('%s can be recorded: %s', (text, recordable) => {
    expect(isRecordable(Date.parse(text))).toBe(recordable);
  });
});
