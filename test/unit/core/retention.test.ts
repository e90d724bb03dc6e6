// For how long records are kept.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { keptFrom, mayForget } from '../../../src/lib/core/retention.ts';
import { aRequest, aRequestPurge } from '../../support/builders.ts';

const at = (iso: string) => instant(Date.parse(iso));

describe('the first day that is kept', () => {
  it.each([
    ['2026-11-22T03:17:00.000Z', 30, '2026-10-23'],
    ['2026-11-22T00:00:00.000Z', 1, '2026-11-21'],
    ['2026-11-22T23:59:59.999Z', 1, '2026-11-21'],
    ['2024-03-01T12:00:00.000Z', 1, '2024-02-29'],
    ['2026-11-22T03:17:00.000Z', 3650, '2016-11-24'],
  ])('at %s with %i days is %s', (now, days, day) => {
    expect(keptFrom(at(now), days)).toBe(at(`${day}T00:00:00.000Z`));
  });
});

describe('the record of an old request', () => {
  const purges = [aRequestPurge({ id: 'purge-1' }), aRequestPurge({ id: 'purge-2', state: 'succeeded' })];

  it.each([
    ['goes once everything was purged', 'succeeded', [], true],
    ['goes once everything was accepted, though the end was never noted', 'accepted', [], true],
    ['goes when the configuration no longer served it', 'failed', [], true],
    ['stays while it waits', 'waiting', [], false],
    ['stays while one of its purges is followed', 'accepted', ['purge-1'], false],
    ['goes while purges of others are followed', 'accepted', ['purge-3'], true],
  ] as const)('%s', (_what, state, open, expected) => {
    expect(mayForget(aRequest({ state, purges }), new Set(open))).toBe(expected);
  });
});
