// The format of the records: what this version writes, and what it reads of the version before. The fixtures are
// records as each version wrote them; none of them is ever changed.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import {
  AnyStoredPurge,
  AnyStoredRequest,
  StoredPurge,
  StoredRequest,
} from '../../../src/lib/records/stored.schema.ts';

function fixture(name: string): Readonly<Record<string, unknown>> {
  const text = readFileSync(new URL(`../../fixtures/records/${name}.json`, import.meta.url), 'utf8');
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}

const at = (iso: string): number => Date.parse(iso);

describe('a record of this version', () => {
  it.each(['purge-v2-open', 'purge-v2-ended'])('is written as it was read: %s', (name) => {
    const stored = fixture(name);
    expect(z.encode(StoredPurge, AnyStoredPurge.parse(stored))).toEqual(stored);
  });

  it('keeps where the CDN tells of an open purge, and its words on one that failed', () => {
    const open = { ...fixture('purge-v2-open'), operationUrl: 'https://cdn.example/operations/1?s=secret' };
    expect(z.encode(StoredPurge, AnyStoredPurge.parse(open))).toEqual(open);
    const ended = { ...fixture('purge-v2-ended'), failure: 'No.' };
    expect(z.encode(StoredPurge, AnyStoredPurge.parse(ended))).toEqual(ended);
  });

  it('is written as it was read: request-v2', () => {
    const stored = fixture('request-v2');
    expect(z.encode(StoredRequest, AnyStoredRequest.parse(stored))).toEqual(stored);
  });
});

describe('a record of version 1', () => {
  it('of a purge reads as one that is still to be asked about', () => {
    const {
      version: _version,
      state: _state,
      acceptedAt: _at,
      causes: _causes,
      ...facts
    } = fixture('purge-v1');
    expect(AnyStoredPurge.parse(fixture('purge-v1'))).toMatchObject({
      ...facts,
      version: 2,
      state: 'accepted',
      polls: 0,
      acceptedAt: at('2026-03-04T23:59:59.999Z'),
      nextPollAt: at('2026-03-04T23:59:59.999Z'),
      causes: [
        { type: 'change', eventId: 'event-1', eventAt: at('2026-03-04T23:59:50.000Z') },
        { type: 'request', requestId: '43713ade-0ecf-4d1a-abf1-460febdf0bff' },
      ],
    });
  });

  it('of a request reads as a person’s, its purges as accepted, and is written as this version', () => {
    const { version: _version, purges: _purges, askedAt: _at, ...facts } = fixture('request-v1');
    const record = AnyStoredRequest.parse(fixture('request-v1'));
    expect(record).toMatchObject({
      ...facts,
      version: 2,
      origin: 'person',
      repurges: 0,
      purges: [{ id: '9f8b6c1e-3d2a-4b5c-8d7e-6f5a4b3c2d1e', state: 'accepted' }],
    });
    expect(AnyStoredRequest.parse(z.encode(StoredRequest, record))).toEqual(record);
  });
});

describe('what is not believed', () => {
  it.each([
    ['a newer version', { version: 3 }],
    ['no version', { version: undefined }],
    ['an end without its time', { state: 'succeeded' }],
    ['a state that is none', { state: 'lost' }],
    ['a time that is none', { nextPollAt: 'soon' }],
  ])('is a purge with %s', (_what, change) => {
    expect(AnyStoredPurge.safeParse({ ...fixture('purge-v2-open'), ...change }).success).toBe(false);
  });

  it('is a request of a newer version', () => {
    expect(AnyStoredRequest.safeParse({ ...fixture('request-v2'), version: 3 }).success).toBe(false);
  });
});
