// A day's purges, newest first, page by page.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import { listPurges, pageOf } from '../../../src/lib/use-cases/list-purges.ts';
import type { FoundPurge, PurgeHistory } from '../../../src/lib/use-cases/ports.ts';
import { aPurge } from '../../support/builders.ts';

const found = (id: string, acceptedAtMs: number): FoundPurge => ({
  id,
  acceptedAt: instant(acceptedAtMs),
  name: `purges/2024-01-15/${id}.json`,
});

describe('a page', () => {
  const purges = [found('b', 2), found('d', 3), found('a', 1), found('c', 3)];
  const ids = (top: number, after?: string) => {
    const page = pageOf(purges, { top, after });
    return page === undefined ? undefined : [page.purges.map(({ id }) => id).join(''), page.hasMore];
  };

  it.each([
    ['has the newest first, and those of one moment always in one order', 10, undefined, ['dcba', false]],
    ['ends where it is full', 3, undefined, ['dcb', true]],
    ['that ends with the last purge has no more behind it', 4, undefined, ['dcba', false]],
    ['goes on behind the last purge of the page before', 2, 'c', ['ba', false]],
    ['goes on within one moment', 2, 'd', ['cb', true]],
    ['behind the last purge is empty', 2, 'a', ['', false]],
    ['behind a purge that is not there is none', 2, 'x', undefined],
  ])('%s', (_what, top, after, expected) => {
    expect(ids(top, after)).toEqual(expected);
  });

  it('is the same whatever the order in which storage lists', () => {
    expect(pageOf(purges.toReversed(), { top: 3, after: undefined })).toEqual(
      pageOf(purges, { top: 3, after: undefined }),
    );
  });
});

const history = (reads: string[]): PurgeHistory => ({
  findPurgesOf: async () => ({
    purges: [found('old', 1), found('gone', 2), found('newer', 3), found('new', 4)],
    isComplete: false,
  }),
  async readFound({ id }) {
    reads.push(id);
    if (id === 'newer') return 'unreadable';
    return id === 'gone' ? undefined : aPurge({ id });
  },
});

describe('listing', () => {
  it('reads the purges of the page only, and keeps what it cannot read', async () => {
    const reads: string[] = [];
    const page = await listPurges({ day: '2024-01-15', top: 3, after: undefined }, history(reads));
    expect(reads).toEqual(['new', 'newer', 'gone']);
    expect(page).toEqual({
      purges: [
        { kind: 'readable', id: 'new', record: aPurge({ id: 'new' }) },
        { kind: 'unreadable', id: 'newer' },
      ],
      hasMore: true,
      isComplete: false,
    });
  });

  it('is undefined when there is nothing to go on behind', async () => {
    const reads: string[] = [];
    expect(await listPurges({ day: '2024-01-15', top: 3, after: 'x' }, history(reads))).toBeUndefined();
    expect(reads).toEqual([]);
  });
});
