// The format of when containers changed. The fixture is as version 1 wrote it; it is never changed.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { encodeActivity, StoredActivity } from '../../../src/lib/records/activity.schema.ts';

const text = readFileSync(new URL('../../fixtures/activity/activity-v1.json', import.meta.url), 'utf8');
const stored = z.record(z.string(), z.unknown()).parse(JSON.parse(text));

describe('the activity of version 1', () => {
  it('is written as it was read', () => {
    const { containers } = StoredActivity.parse(stored);
    expect(encodeActivity(new Map(Object.entries(containers)))).toEqual(stored);
  });

  it('is read: by container, its first and last change and its days', () => {
    expect(StoredActivity.parse(stored).containers['contosochina/$web']).toMatchObject({
      lastChangeAt: Date.parse('2026-11-22T15:59:59.123Z'),
      days: [{ longestSilenceMs: 57_600_000 }, { day: Date.parse('2026-11-22T00:00:00Z') }],
    });
  });
});

it.each([
  ['of a newer version', { version: 2 }],
  ['without a version', { version: undefined }],
  ['without containers', { containers: undefined }],
])('what is not believed is activity %s', (_what, change) => {
  expect(StoredActivity.safeParse({ ...stored, ...change }).success).toBe(false);
});
