// The inventory as it stands in blob storage. The fixtures are what version 1 has written: they never change.

import { readFileSync } from 'node:fs';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { containerInventory } from '../../../src/lib/core/inventory/container-inventory.ts';
import { beginListing, withPage } from '../../../src/lib/core/inventory/listing.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import {
  decodeChanges,
  decodeCompleteListing,
  decodeIndex,
  decodePartialListing,
  encodeChanges,
  encodeIndex,
  encodeListing,
  StoredIndex,
} from '../../../src/lib/records/inventory.schema.ts';
import { anyName } from '../../support/names.ts';

const AT = instant(Date.UTC(2026, 10, 22, 12));
const NAMES = ['index.html', 'docs/a.html', 'docs/b c.html', 'docs/deep/图.png', '//x'];

const textOf = (file: string): string =>
  readFileSync(new URL(`../../fixtures/inventory/${file}`, import.meta.url), 'utf8');
const linesOf = (file: string): string[] => textOf(file).trimEnd().split('\n');

describe('version 1', () => {
  it('of a complete listing is read, and written as it was', () => {
    const listing = decodeCompleteListing(linesOf('listing-v1.jsonl'));
    expect(listing).toMatchObject({ startedAt: AT, completedAt: AT + 5_000 });
    expect(listing.tree.below('docs/')).toEqual({ objects: 3, bytes: 900 });
    expect(listing.tree.below('//')).toEqual({ objects: 1, bytes: 500 });
    expect(NAMES.every((name) => listing.names.has(name))).toBe(true);
    expect(listing.names.has('other')).toBe(false);
    expect([...encodeListing(listing)].join('')).toBe(textOf('listing-v1.jsonl'));
  });

  it('of a listing under way is read, and written as it was', () => {
    const listing = decodePartialListing(linesOf('progress-v1.jsonl'));
    expect(listing).toMatchObject({ startedAt: AT, after: '2!76!token' });
    expect(listing.tree.below('')?.objects).toBe(2);
    expect([...encodeListing(listing)].join('')).toBe(textOf('progress-v1.jsonl'));
  });

  it('of changes is read, and written as it was', () => {
    const changes = decodeChanges(linesOf('changes-v1.jsonl'));
    const listing = decodeCompleteListing(linesOf('listing-v1.jsonl'));
    const inventory = containerInventory(listing, changes);
    expect(inventory.objectsBelow('docs/')?.objects).toBe(3);
    expect(inventory.objectsBelow('moved/')).toBeUndefined();
    expect(inventory.isNew('docs/new.html', instant(AT + 60_000))).toBe(false);
    expect([...encodeChanges(changes)].join('')).toBe(textOf('changes-v1.jsonl'));
  });

  it('of the index is read, and written as it was', () => {
    const stored: unknown = JSON.parse(textOf('index-v1.json'));
    const index = decodeIndex(StoredIndex.parse(stored));
    expect(index.get('contoso')?.get('$web')).toMatchObject({ startedAt: AT, objects: 5 });
    expect([...(index.get('contoso')?.keys() ?? [])]).toEqual(['$web', 'media']);
    expect(encodeIndex(index)).toEqual(stored);
  });
});

describe('a listing', () => {
  it('is the same after it was written and read', () => {
    const blob = fc.record({ name: anyName, bytes: fc.nat() });
    fc.assert(
      fc.property(fc.array(blob, { maxLength: 40 }), (blobs) => {
        const listing = withPage(beginListing(AT), { blobs, next: 'token' }, AT);
        const again = decodePartialListing([...encodeListing(listing)].map((line) => line.trimEnd()));
        expect([...again.tree.lines()]).toEqual([...listing.tree.lines()]);
        expect([...again.names.hashes()]).toEqual([...listing.names.hashes()]);
      }),
    );
  });

  it('of more names than a line holds is the same', () => {
    const blobs = Array.from({ length: 40_000 }, (_, index) => ({ name: `d/${index}`, bytes: 1 }));
    const listing = withPage(beginListing(AT), { blobs, next: undefined }, AT);
    const again = decodeCompleteListing([...encodeListing(listing)]);
    expect(again.names.hashes()).toEqual(listing.names.hashes());
  });

  it.each([
    ['nothing', (): string[] => []],
    ['the head of a newer version', (lines: string[]) => ['{"version":2}', ...lines.slice(1)]],
    ['its last line missing', (lines: string[]) => lines.slice(0, -1)],
    ['a directory missing', (lines: string[]) => lines.toSpliced(3, 1)],
    ['a listing that is under way', () => linesOf('progress-v1.jsonl')],
  ])('is not read from %s', (_what, change) => {
    expect(() => decodeCompleteListing(change(linesOf('listing-v1.jsonl')))).toThrow(Error);
  });
});

it.each([
  ['no line', []],
  ['a newer version', ['{"version":2}']],
  ['a change that is none', ['{"version":1}', '{"name":"a"}']],
])('changes are not read from %s', (_what, lines) => {
  expect(() => decodeChanges(lines)).toThrow(Error);
});
