// The inventory as it stands in blob storage, version 1: an index as JSON; listings and changes as JSON lines, of
// which the first says what holds for all.

import * as z from 'zod';

import { createDirectoryTree, type TreeLine } from '../core/inventory/directory-tree.ts';
import type { InventoryChanges, NameChange } from '../core/inventory/inventory-changes.ts';
import type { InventoryIndex } from '../core/inventory/inventory-index.ts';
import type { CompleteListing, Listing, PartialListing } from '../core/inventory/listing.ts';
import { createNameSet } from '../core/inventory/name-set.ts';
import { instant, isRecordable, type Instant } from '../core/instant.ts';
import { FORMATS } from '../storage/format-versions.ts';
import { storedInstant } from './instant-codec.ts';

const version = z.literal(FORMATS.inventory.reads);
const count = z.int().min(0);

const listed = z.object({
  startedAt: storedInstant,
  completedAt: storedInstant,
  objects: count,
  bytes: count,
  directories: count,
});

export const StoredIndex = z.object({
  version,
  /** Null: not listed yet. */
  accounts: z.record(z.string(), z.record(z.string(), listed.nullable())),
});

export function decodeIndex({ accounts }: z.output<typeof StoredIndex>): InventoryIndex {
  return new Map(
    Object.entries(accounts).map(([account, containers]) => [
      account,
      new Map(Object.entries(containers).map(([name, one]) => [name, one ?? undefined])),
    ]),
  );
}

export function encodeIndex(index: InventoryIndex): z.input<typeof StoredIndex> {
  return z.encode(StoredIndex, {
    version: FORMATS.inventory.writes,
    accounts: Object.fromEntries(
      [...index].map(([account, containers]) => [
        account,
        Object.fromEntries([...containers].map(([name, one]) => [name, one ?? null])),
      ]),
    ),
  });
}

/** A directory: depth, segment, objects and bytes directly in it. */
const WireDirectory = z.tuple([count, z.string(), count, count]);

/** Then the names: base64 of their hashes in ascending order, each as the distance from the one before. */
const WireNames = z.base64();

const ListingHead = z.object({
  version,
  startedAt: storedInstant,
  objects: count,
  directories: count,
});
const PartialHead = ListingHead.extend({ after: z.string().optional() });
const CompleteHead = ListingHead.extend({ completedAt: storedInstant });

/** Gives the lines of a listing, each with its end. */
export function* encodeListing(listing: Listing): Generator<string, void> {
  const { startedAt, tree, names } = listing;
  const head = {
    version: FORMATS.inventory.writes,
    startedAt,
    objects: names.size(),
    directories: tree.size(),
  };
  yield toLine(
    listing.isComplete
      ? z.encode(CompleteHead, { ...head, completedAt: listing.completedAt })
      : z.encode(PartialHead, { ...head, after: listing.after }),
  );
  for (const { depth, segment, objects, bytes } of tree.lines()) {
    yield toLine([depth, segment, objects, bytes] satisfies z.input<typeof WireDirectory>);
  }
  for (const names64 of encodeHashes(names.hashes())) yield toLine(names64);
}

/** Takes the lines. Throws for what this version cannot read. */
export function decodePartialListing(lines: Iterable<string>): PartialListing {
  const { head, tree, names } = decodeFound(lines, PartialHead);
  return { startedAt: head.startedAt, tree, names, isComplete: false, after: head.after };
}

/** Takes the lines. Throws for what this version cannot read. */
export function decodeCompleteListing(lines: Iterable<string>): CompleteListing {
  const { head, tree, names } = decodeFound(lines, CompleteHead);
  const { startedAt, completedAt } = head;
  return { startedAt, tree, names, isComplete: true, completedAt };
}

function decodeFound<S extends z.ZodType<z.output<typeof ListingHead>>>(
  lines: Iterable<string>,
  Head: S,
): { head: z.output<S>; tree: CompleteListing['tree']; names: CompleteListing['names'] } {
  const rest = lines[Symbol.iterator]();
  const first = rest.next();
  if (first.done === true) throw new Error('a listing has no line');
  const head = z.decode(Head, JSON.parse(first.value));
  const tree = createDirectoryTree(take(rest, head.directories, readDirectory));
  const names = createNameSet(decodeHashes(rest, head.objects));
  if (tree.size() !== head.directories) throw new Error('a listing names a directory twice');
  return { head, tree, names };
}

function* take<T>(
  lines: Iterator<string, unknown>,
  howMany: number,
  read: (line: string) => T,
): Generator<T, void> {
  for (let taken = 0; taken < howMany; taken += 1) {
    const line = lines.next();
    if (line.done === true) throw new Error('a listing was cut short');
    yield read(line.value);
  }
}

function readDirectory(line: string): TreeLine {
  const [depth, segment, objects, bytes] = WireDirectory.parse(JSON.parse(line));
  return { depth, segment, objects, bytes };
}

const HASHES_PER_LINE = 16_384;
/** 32 bits in groups of 7. */
const BYTES_PER_HASH = 5;

function* encodeHashes(hashes: Uint32Array): Generator<string, void> {
  const bytes = Buffer.allocUnsafe(HASHES_PER_LINE * BYTES_PER_HASH);
  let before = 0;
  for (let from = 0; from < hashes.length; from += HASHES_PER_LINE) {
    let length = 0;
    for (const hash of hashes.subarray(from, from + HASHES_PER_LINE)) {
      let distance = hash - before;
      before = hash;
      for (; distance > 127; distance = Math.floor(distance / 128)) {
        bytes[length] = (distance % 128) + 128;
        length += 1;
      }
      bytes[length] = distance;
      length += 1;
    }
    yield bytes.toString('base64', 0, length);
  }
}

function decodeHashes(lines: Iterator<string, unknown>, howMany: number): Uint32Array {
  const hashes = new Uint32Array(howMany);
  let read = 0;
  let before = 0;
  for (let line = lines.next(); line.done !== true; line = lines.next()) {
    let distance = 0;
    let unit = 1;
    for (const byte of Buffer.from(WireNames.parse(JSON.parse(line.value)), 'base64')) {
      distance += (byte % 128) * unit;
      unit *= 128;
      if (byte > 127) continue;
      before += distance;
      hashes[read] = before;
      read += 1;
      distance = 0;
      unit = 1;
    }
  }
  if (read !== howMany) throw new Error('a listing does not have as many names as it says');
  return hashes;
}

const at = z.number().refine(isRecordable, 'not a time that a record can hold');
const ChangesHead = z.object({ version });
/** Times are milliseconds. `first` is the oldest creation that was seen. */
const WireChange = z.union([
  z.object({ name: z.string(), stands: z.boolean(), at, first: at.optional() }),
  z.object({ directory: z.string(), now: z.enum(['cleared', 'unknown']), at }),
]);
type WireChange = z.infer<typeof WireChange>;

/** Gives the lines of a container's changes, each with its end. */
export function* encodeChanges({ names, cleared, unknown }: InventoryChanges): Generator<string, void> {
  yield toLine({ version: FORMATS.inventory.writes });
  for (const [name, { stands, at, firstStoodAt }] of names) {
    yield toLine({ name, stands, at, first: firstStoodAt } satisfies WireChange);
  }
  for (const [directory, at] of cleared) yield toLine({ directory, now: 'cleared', at } satisfies WireChange);
  for (const [directory, at] of unknown) yield toLine({ directory, now: 'unknown', at } satisfies WireChange);
}

/** Takes the lines. Throws for what this version cannot read. */
export function decodeChanges(lines: Iterable<string>): InventoryChanges {
  const names = new Map<string, NameChange>();
  const directories = { cleared: new Map<string, Instant>(), unknown: new Map<string, Instant>() };
  let isHead = true;
  for (const line of lines) {
    const json: unknown = JSON.parse(line);
    if (isHead) {
      ChangesHead.parse(json);
      isHead = false;
      continue;
    }
    const change = WireChange.parse(json);
    if ('directory' in change) {
      directories[change.now].set(change.directory, instant(change.at));
    } else {
      const firstStoodAt = change.first === undefined ? undefined : instant(change.first);
      names.set(change.name, { stands: change.stands, at: instant(change.at), firstStoodAt });
    }
  }
  if (isHead) throw new Error('the changes have no line');
  return { names, ...directories };
}

const toLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
