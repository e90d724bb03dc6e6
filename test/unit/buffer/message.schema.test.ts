// The wire format of the purge buffer.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage, encodeMessage } from '../../../src/lib/buffer/message.schema.ts';
import type { BlobChange } from '../../../src/lib/core/blob-change.ts';
import type { BufferMessage } from '../../../src/lib/core/buffer-message.ts';
import { findBlobNameFault } from '../../../src/lib/core/blob-name.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import {
  aChange,
  aDirectoryDeletion,
  aMessage,
  aPath,
  aRename,
  TRACEPARENT,
} from '../../support/builders.ts';
import { anyName, ODD_NAMES, usableName } from '../../support/names.ts';

const wire = (value: unknown): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
const unwrapped = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64').toString('utf8'));

const FULL = aChange({
  name: 'dir/首 页#.html',
  kind: 'deleted',
  eTag: '0x8DE2C84B394EF2A',
  sequencer: '00000000000000000000000000024bc3',
  traceparent: TRACEPARENT,
});

/** A version 1 change as it stands in the queue: what replays and older deployments rely on. */
const WIRE_CHANGE = {
  v: 1,
  type: 'change',
  account: 'contoso',
  kind: 'deleted',
  container: 'media',
  name: 'dir/首 页#.html',
  id: 'event-1',
  at: 1_705_306_150_000,
  eTag: '0x8DE2C84B394EF2A',
  sequencer: '00000000000000000000000000024bc3',
  traceparent: TRACEPARENT,
  attempts: 3,
};

describe('a message', () => {
  it('is compact JSON in base64, with its version', () => {
    expect(unwrapped(encodeMessage(aMessage(FULL, 3)))).toEqual(WIRE_CHANGE);
    expect(encodeMessage(aMessage(FULL, 3))).toMatch(/^[A-Za-z0-9+/]+=*$/u);
  });

  it.each<readonly [string, BufferMessage]>([
    ['a blob created', aMessage(aChange())],
    ['a blob deleted, with all that is known of it', aMessage(FULL, 12)],
    ['a blob renamed', aMessage(aRename(aPath('a#', 'one'), aPath('b?', '$web')))],
    ['a directory deleted', aMessage(aDirectoryDeletion(aPath('dir')))],
    ['a directory renamed', aMessage(aRename(aPath('a'), aPath('b'), { kind: 'directory-renamed' }))],
    ['a request', { type: 'request', requestId: 'id-1', traceparent: TRACEPARENT, failedAttempts: 2 }],
    ['a request without trace', { type: 'request', requestId: 'id-1', failedAttempts: 0 }],
  ])('comes back as it was: %s', (_what, message) => {
    expect(decodeMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
  });

  it.each(ODD_NAMES)('keeps a name with %s', (_oddity, name) => {
    const message = aMessage(aChange({ name }));
    expect(decodeMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
  });

  it('comes back as it was, whatever change it is', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const provenance = fc.record(
      {
        account: fc.constantFrom('contoso', 'devstoreaccount1'),
        eventId: text,
        eventAt: fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }).map(instant),
        eTag: text,
        sequencer: text,
        traceparent: text,
      },
      { requiredKeys: ['account', 'eventId', 'eventAt'] },
    );
    const path = fc.record({ container: fc.constantFrom('media', '$web', '$root', 'a-1'), name: usableName });
    const change: fc.Arbitrary<BlobChange> = fc
      .tuple(fc.nat(4), path, path, provenance)
      .map(([kind, one, two, rest]) =>
        kind < 2
          ? { kind: kind === 0 ? 'created' : 'deleted', blob: one, ...rest }
          : kind === 2
            ? { kind: 'directory-deleted', directory: one, ...rest }
            : { kind: kind === 3 ? 'renamed' : 'directory-renamed', from: one, to: two, ...rest },
      );
    fc.assert(
      fc.property(change, fc.nat(), (one, failedAttempts) => {
        const message = aMessage(one, failedAttempts);
        expect(decodeMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
      }),
    );
  });

  it('is far below the size of a queue message for the longest names', () => {
    const longest = '\u{1F389}'.repeat(1024);
    const rename = aRename(aPath(longest), aPath(longest), {
      eTag: '0x8DE2C84B394EF2A',
      sequencer: '0'.repeat(48),
      traceparent: TRACEPARENT,
    });
    expect(encodeMessage(aMessage(rename)).length).toBeLessThan(48 * 1024);
    const escaped = aRename(aPath('"'.repeat(1024)), aPath('\\'.repeat(1024)));
    expect(encodeMessage(aMessage(escaped)).length).toBeLessThan(48 * 1024);
  });
});

describe('a text that is no message of this version', () => {
  it.each([2, 3, 1_000_000])('waits for its version: %i', (version) => {
    expect(decodeMessage(wire({ v: version, anything: true }))).toEqual({
      ok: false,
      error: { kind: 'newer', version },
    });
  });

  it('keeps fields that a later deployment of the same version adds', () => {
    expect(decodeMessage(wire({ ...WIRE_CHANGE, later: 'field' }))).toMatchObject({ ok: true });
  });

  it.each([
    ['nothing', ''],
    ['words', 'not a message'],
    ['JSON without base64', JSON.stringify(WIRE_CHANGE)],
    ['base64 of words', Buffer.from('hello').toString('base64')],
    ['base64 of bytes that are no text', Buffer.from([0xff, 0xfe, 0x00]).toString('base64')],
    ['null', wire(null)],
    ['an array', wire([WIRE_CHANGE])],
    ['a number', wire(1)],
    ['no version', wire({ ...WIRE_CHANGE, v: undefined })],
    ['version 0', wire({ ...WIRE_CHANGE, v: 0 })],
    ['version one and a half', wire({ ...WIRE_CHANGE, v: 1.5 })],
    ['a version in words', wire({ ...WIRE_CHANGE, v: '1' })],
    ['no type', wire({ ...WIRE_CHANGE, type: undefined })],
    ['a type that nobody knows', wire({ ...WIRE_CHANGE, type: 'other' })],
    ['a kind that nobody knows', wire({ ...WIRE_CHANGE, kind: 'moved' })],
    ['a rename to nowhere', wire({ ...WIRE_CHANGE, kind: 'renamed' })],
    ['no account', wire({ ...WIRE_CHANGE, account: '' })],
    ['no container', wire({ ...WIRE_CHANGE, container: '' })],
    ['a container that climbs', wire({ ...WIRE_CHANGE, container: '..' })],
    ['a time that is none', wire({ ...WIRE_CHANGE, at: null })],
    ['a time that no record could hold', wire({ ...WIRE_CHANGE, at: 1e300 })],
    ['a time after the year 9999', wire({ ...WIRE_CHANGE, at: 253_402_300_800_000 })],
    ['a negative number of attempts', wire({ ...WIRE_CHANGE, attempts: -1 })],
    ['a request without id', wire({ v: 1, type: 'request', request: '', attempts: 0 })],
  ])('is unreadable: %s', (_what, text) => {
    expect(decodeMessage(text)).toMatchObject({ ok: false, error: { kind: 'unreadable' } });
  });

  it.each([
    ['', 'nothing'],
    ['../a', 'a parent segment'],
    ['a\n', 'a control character'],
    ['a\uFFFD', 'a replacement character'],
    ['a'.repeat(1025), 'too long'],
  ])('is unreadable when its name could not be purged: %#', (name) => {
    expect(decodeMessage(wire({ ...WIRE_CHANGE, name }))).toMatchObject({ error: { kind: 'unreadable' } });
    expect(
      decodeMessage(wire({ ...WIRE_CHANGE, kind: 'renamed', to: { container: 'media', name } })),
    ).toMatchObject({
      error: { kind: 'unreadable' },
    });
  });

  it('says why in few words, whatever is in it', () => {
    const result = decodeMessage(
      wire({ ...WIRE_CHANGE, name: 7, to: 'x'.repeat(9_000), attempts: 'y'.repeat(9_000) }),
    );
    expect(
      !result.ok && result.error.kind === 'unreadable' && result.error.reason.length,
    ).toBeLessThanOrEqual(500);
  });

  it('is never thrown at, and only usable names come out', () => {
    const value = fc.oneof(fc.jsonValue(), anyName, fc.constant(WIRE_CHANGE.at));
    const almost = fc.record({
      v: fc.constant(1),
      type: fc.constant('change'),
      account: fc.constant('contoso'),
      kind: fc.constantFrom('created', 'renamed', 'directory-deleted'),
      container: fc.oneof(fc.constant('media'), anyName),
      name: anyName,
      to: fc.option(fc.record({ container: fc.constant('media'), name: anyName }), { nil: undefined }),
      id: fc.constant('event'),
      at: fc.oneof(fc.constant(0), fc.double()),
      attempts: fc.oneof(fc.constant(0), value),
    });
    fc.assert(
      fc.property(fc.oneof(almost.map(wire), value.map(wire), fc.string(), fc.base64String()), (text) => {
        const decoded = decodeMessage(text);
        const change = decoded.ok && decoded.value.type === 'change' ? decoded.value.change : undefined;
        const names =
          change === undefined
            ? []
            : 'blob' in change
              ? [change.blob.name]
              : 'directory' in change
                ? [change.directory.name]
                : [change.from.name, change.to.name];
        expect(names.map(findBlobNameFault).filter((fault) => fault !== undefined)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
