// The format of the quota ledger. The fixture is a ledger as version 1 wrote it; it is never changed.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { encodeLedger, StoredLedger } from '../../../src/lib/records/ledger.schema.ts';

const text = readFileSync(new URL('../../fixtures/ledgers/ledger-v1.json', import.meta.url), 'utf8');
const stored = z.record(z.string(), z.unknown()).parse(JSON.parse(text));

describe('a ledger of version 1', () => {
  it('is written as it was read', () => {
    expect(encodeLedger(StoredLedger.parse(stored))).toEqual(stored);
  });

  it('is read: what is spent by day, site and lane, and what is reserved', () => {
    expect(StoredLedger.parse(stored)).toMatchObject({
      days: [
        {
          day: Date.parse('2026-11-21T00:00:00Z'),
          spent: [
            { site: 'www', lane: 'events', files: 1_800, directories: 12 },
            { site: 'docs', lane: 'manual', files: 3, directories: 0 },
          ],
        },
        { day: Date.parse('2026-11-22T00:00:00Z') },
      ],
      reservations: [
        { at: Date.parse('2026-11-22T15:59:59.123Z'), days: { length: 3 }, spent: [{ files: 40 }] },
      ],
    });
  });
});

it.each([
  ['a newer version', { version: 2 }],
  ['no version', { version: undefined }],
  ['no reservations', { reservations: undefined }],
  ['a day that is no time', { days: [{ day: 'today', spent: [] }] }],
])('what is not believed is a ledger with %s', (_what, change) => {
  expect(StoredLedger.safeParse({ ...stored, ...change }).success).toBe(false);
});
