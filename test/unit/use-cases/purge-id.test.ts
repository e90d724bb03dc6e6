// Ids of purges carry their day.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { parsePurgeId, purgeIdOf } from '../../../src/lib/use-cases/purge-id.ts';

const UUID = '9f8b6c1e-3d2a-4b5c-8d7e-6f5a4b3c2d1e';

describe('the id of a purge', () => {
  it.each([
    ['2026-03-04T23:59:59.999Z', '20260304', '2026-03-04'],
    ['2026-03-05T00:00:00.000Z', '20260305', '2026-03-05'],
    ['2028-02-29T12:00:00.000Z', '20280229', '2028-02-29'],
  ])('accepted at %s begins with its day in UTC', (acceptedAt, digits, day) => {
    const id = purgeIdOf(instant(Date.parse(acceptedAt)), UUID);
    expect(id).toBe(`${digits}-${UUID}`);
    expect(parsePurgeId(id)).toEqual({ day, uuid: UUID });
  });

  it.each([
    ['the id of a request', UUID],
    ['a path', `20260304-${UUID}/../x`],
    ['more behind it', `20260304-${UUID}\n`],
    ['more before it', `x20260304-${UUID}`],
    ['nothing', ''],
  ])('is not %s', (_what, text) => {
    expect(parsePurgeId(text)).toBeUndefined();
  });
});
