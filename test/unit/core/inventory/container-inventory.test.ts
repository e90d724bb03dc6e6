// What stands in one container: its listing, and what events said since.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { BlobChange } from '../../../../src/lib/core/blob-change.ts';
import {
  containerInventory,
  type ContainerInventory,
} from '../../../../src/lib/core/inventory/container-inventory.ts';
import {
  changesFrom,
  inventoryEvents,
  NO_CHANGES,
  withEvents,
} from '../../../../src/lib/core/inventory/inventory-changes.ts';
import { beginListing, withPage, type Listing } from '../../../../src/lib/core/inventory/listing.ts';
import { completed } from '../../../support/in-memory-inventory.ts';
import { instant, type Instant } from '../../../../src/lib/core/instant.ts';

const HOUR_MS = 3_600_000;
const LISTED = instant(Date.UTC(2026, 10, 22, 12));
const after = (minutes: number): Instant => instant(LISTED + minutes * 60_000);

const base = { account: 'contoso', eventId: 'event' } as const;
const at = (name: string) => ({ container: 'web', name });
const created = (name: string, minutes: number): BlobChange => ({
  ...base,
  kind: 'created',
  blob: at(name),
  eventAt: after(minutes),
});
const deleted = (name: string, minutes: number): BlobChange => ({
  ...base,
  kind: 'deleted',
  blob: at(name),
  eventAt: after(minutes),
});
const directoryDeleted = (name: string, minutes: number): BlobChange => ({
  ...base,
  kind: 'directory-deleted',
  directory: at(name),
  eventAt: after(minutes),
});
const directoryRenamed = (from: string, to: string, minutes: number): BlobChange => ({
  ...base,
  kind: 'directory-renamed',
  from: at(from),
  to: at(to),
  eventAt: after(minutes),
});
const renamed = (from: string, to: string, minutes: number): BlobChange => ({
  ...base,
  kind: 'renamed',
  from: at(from),
  to: at(to),
  eventAt: after(minutes),
});

const SITE = ['a/1', 'a/2', 'a/b/3', 'c/4', '5'];

/** Listed in ten minutes. */
function inventoryAfter(...changes: readonly BlobChange[]): ContainerInventory {
  const blobs = SITE.map((name) => ({ name, bytes: 10 }));
  const listing = withPage(beginListing(LISTED), { blobs, next: undefined }, after(10));
  return inventoryOf(listing, changes);
}

function inventoryOf(listing: Listing, changes: readonly BlobChange[]): ContainerInventory {
  return containerInventory(completed(listing), withEvents(NO_CHANGES, changes.flatMap(inventoryEvents)));
}

describe('the inventory of a container', () => {
  it.each<[string, readonly BlobChange[], Readonly<Record<string, number | undefined>>]>([
    ['nothing has changed', [], { '': 5, 'a/': 3, 'a/b/': 1, 'c/': 1 }],
    ['a blob is new', [created('a/b/new', 20)], { '': 6, 'a/': 4, 'a/b/': 2, 'c/': 1 }],
    ['a blob is new in a new directory', [created('d/e/new', 20)], { '': 6, 'd/': 1, 'd/e/': 1, 'a/': 3 }],
    ['blobs are overwritten', [created('a/1', 20), created('a/1', 21), created('a/2', 20)], { 'a/': 3 }],
    ['a new blob is written again and again', [20, 21, 22].map((at) => created('a/x', at)), { 'a/': 4 }],
    ['a blob is deleted, told twice', [deleted('a/1', 20), deleted('a/1', 20)], { '': 4, 'a/': 2 }],
    ['a blob that was never seen is deleted', [deleted('a/x', 20)], { '': 5, 'a/': 3 }],
    ['a blob is deleted and made again', [deleted('a/1', 20), created('a/1', 21)], { 'a/': 3 }],
    ['the same, told in the wrong order', [created('a/1', 21), deleted('a/1', 20)], { 'a/': 3 }],
    ['both at the same time', [created('a/1', 20), deleted('a/1', 20)], { 'a/': 3 }],
    ['a directory is emptied', [deleted('c/4', 20)], { '': 4, 'c/': 0 }],
    ['a blob is renamed', [renamed('a/1', 'c/1', 20)], { '': 5, 'a/': 2, 'c/': 2 }],
    ['a directory is deleted', [directoryDeleted('a', 20)], { '': 2, 'a/': 0, 'a/b/': 0, 'c/': 1 }],
    [
      'a directory and the one above it are deleted, and one blob is made again',
      [directoryDeleted('a/b', 20), directoryDeleted('a', 21), created('a/b/3', 22), created('a/1', 20)],
      { '': 3, 'a/': 1, 'a/b/': 1 },
    ],
    ['everything is deleted', [directoryDeleted('', 20)], { '': 0, 'a/b/': 0 }],
    [
      'a directory is renamed: what stands at its new name is not known, nor above',
      [directoryRenamed('a', 'c/a', 20)],
      { 'a/': 0, 'c/a/': undefined, 'c/a/b/': undefined, 'c/': undefined, '': undefined },
    ],
    ['nothing was ever seen in a directory', [], { 'x/': undefined, 'a/b/x/': undefined }],
    ['a change is older than the listing', [deleted('a/1', -20), created('a/x', -20)], { 'a/': 3 }],
    [
      'a directory was deleted while it was listed: what the listing has of it may be new',
      [directoryDeleted('a', 5)],
      { 'a/': undefined, 'a/b/': undefined, '': undefined, 'c/': 1 },
    ],
  ])('when %s', (_what, changes, expected) => {
    const inventory = inventoryAfter(...changes);
    const found = Object.keys(expected).map((directory) => [
      directory,
      inventory.objectsBelow(directory)?.objects,
    ]);
    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it('gives bytes as they were listed', () => {
    expect(inventoryAfter(created('a/x', 20), deleted('c/4', 20)).objectsBelow('')).toEqual({
      objects: 5,
      bytes: 50,
    });
  });

  it('knows directories that differ by case alone, from the listing or from events', () => {
    const inventory = inventoryAfter(created('A/x', 20), created('c/D/1', 20));
    const all = ['', 'a/', 'A/', 'a/b/', 'A/b/', 'a/B/', 'c/', 'c/D/', 'c/d/', 'C/new/', 'e/'];
    expect(all.filter((directory) => inventory.hasTwin(directory))).toEqual([
      'a/',
      'A/',
      'a/b/',
      'A/b/',
      'a/B/',
      'c/d/',
      'C/new/',
    ]);
  });

  it('says since when it is surely true', () => {
    expect(inventoryAfter().listedAt).toBe(LISTED);
  });

  it('knows which names stand', () => {
    const inventory = inventoryAfter(deleted('a/1', 20), created('a/x', 20), directoryDeleted('c', 20));
    expect(['a/1', 'a/2', 'a/x', 'a/y', 'c/4'].filter((name) => inventory.stands(name))).toEqual([
      'a/2',
      'a/x',
    ]);
  });

  it.each<[string, readonly BlobChange[], boolean]>([
    ['a listed blob', [], false],
    ['a listed blob that was deleted meanwhile', [deleted('a/1', 15)], false],
  ])('does not take %s for new', (_what, changes, expected) => {
    expect(inventoryAfter(...changes).isNew('a/1', after(20))).toBe(expected);
  });

  it.each<[string, readonly BlobChange[], boolean]>([
    ['nothing was heard of it', [], true],
    ['its own event is all that was heard of it', [created('new', 20)], true],
    ['it was made before', [created('new', 15), created('new', 20)], false],
    ['it was made before and deleted', [created('new', 15), deleted('new', 16)], false],
    ['it was only deleted before', [deleted('new', 16)], false],
    ['something unknown was moved around it', [directoryRenamed('other', '', 15)], false],
    ['it was made again later', [created('new', 20), created('new', 25)], false],
    ['it was deleted later', [created('new', 20), deleted('new', 25)], false],
  ])('takes a name that no listing has for new: %s', (_what, changes, expected) => {
    expect(inventoryAfter(...changes).isNew('new', after(20))).toBe(expected);
  });

  it('is exact whatever happens while and after it is listed, and however its events come', () => {
    const name = fc.constantFrom('a/1', 'a/2', 'a/b/1', 'a/b/2', 'b/1', 'c', 'd/e/f/1');
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('create', 'delete'), name }),
      fc.constant({ kind: 'page', name: '' }),
    );
    const input = fc.record({
      initial: fc.uniqueArray(name),
      steps: fc.array(step, { maxLength: 30 }),
      order: fc.infiniteStream(fc.nat(1_000)),
    });
    fc.assert(
      fc.property(input, ({ initial, steps, order }) => {
        const standing = new Set(initial);
        const told: BlobChange[] = [];
        let listing: Listing = beginListing(LISTED);
        let last = '';
        const listPage = (minutes: number, size: number): void => {
          if (listing.isComplete) return;
          const found = [...standing].filter((one) => one > last).toSorted();
          const page = found.slice(0, size);
          last = page.at(-1) ?? last;
          const next = found.length > page.length ? last : undefined;
          listing = withPage(
            listing,
            { blobs: page.map((one) => ({ name: one, bytes: 1 })), next },
            after(minutes),
          );
        };
        for (const [index, { kind, name: path }] of steps.entries()) {
          const minutes = index + 1;
          if (kind === 'page') listPage(minutes, 2);
          else if (kind === 'create') {
            standing.add(path);
            told.push(created(path, minutes));
          } else if (standing.delete(path)) told.push(deleted(path, minutes));
        }
        listPage(steps.length + 1, 100);

        const twice = [...told, ...told.slice(0, 3)].map(
          (change) => [order.next().value ?? 0, change] as const,
        );
        const mixed = twice.toSorted(([one], [other]) => one - other).map(([, change]) => change);
        const inventory = inventoryOf(listing, mixed);

        for (const directory of ['', 'a/', 'a/b/', 'b/', 'd/', 'd/e/', 'd/e/f/']) {
          const below = [...standing].filter((one) => one.startsWith(directory)).length;
          expect(inventory.objectsBelow(directory)?.objects ?? 0).toBe(below);
        }
      }),
    );
  });
});

describe('changes since a listing', () => {
  it('are dropped when they are older', () => {
    const changes = withEvents(
      NO_CHANGES,
      [created('a', 1), created('b', 3), directoryRenamed('c', 'd', 1), directoryDeleted('e', 3)].flatMap(
        inventoryEvents,
      ),
    );
    const kept = changesFrom(changes, after(2));
    expect([...kept.names.keys(), ...kept.cleared.keys(), ...kept.unknown.keys()]).toEqual(['b', 'e/']);
    expect(changesFrom(changes, instant(LISTED + HOUR_MS))).toEqual(NO_CHANGES);
  });
});
