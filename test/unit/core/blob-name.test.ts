// Which names may become part of a purge URL.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { findBlobNameFault, isContainerName } from '../../../src/lib/core/blob-name.ts';
import { anyName, ODD_NAMES, usableName } from '../../support/names.ts';

describe('a blob name', () => {
  it.each(ODD_NAMES)('may have %s', (_oddity, name) => {
    expect(findBlobNameFault(name)).toBeUndefined();
  });

  it.each([
    ['nothing in it', '', 'empty'],
    ['1,025 characters', 'a'.repeat(1025), 'too-long'],
    ['1,025 emoji', '🎉'.repeat(1025), 'too-long'],
    ['only a dot', '.', 'dot-segment'],
    ['only two dots', '..', 'dot-segment'],
    ['a dot segment at its start', './a', 'dot-segment'],
    ['a parent segment at its start', '../a', 'dot-segment'],
    ['a dot segment inside', 'a/./b', 'dot-segment'],
    ['a parent segment inside', 'a/../b', 'dot-segment'],
    ['a dot segment at its end', 'a/.', 'dot-segment'],
    ['a parent segment at its end', 'a/..', 'dot-segment'],
    ['a parent segment after two slashes', 'a//../b', 'dot-segment'],
    ['a parent segment between backslashes', 'a\\..\\b', 'dot-segment'],
    ['a parent segment between unlike slashes', 'a/..\\b', 'dot-segment'],
    ['a NUL', 'a\0b', 'control-character'],
    ['a line feed', 'a\nb', 'control-character'],
    ['a line feed at its end', 'a\n', 'control-character'],
    ['a tab', 'a\tb', 'control-character'],
    ['a DEL', 'a\u007Fb', 'control-character'],
    ['a C1 control character', 'a\u0085b', 'control-character'],
    ['the first half of a surrogate pair', 'a\uD83C', 'lone-surrogate'],
    ['the second half of a surrogate pair', '\uDF89a', 'lone-surrogate'],
    ['the halves the wrong way round', '\uDF89\uD83C', 'lone-surrogate'],
    ['a replacement character', 'party-\uFFFD\uFFFD.txt', 'replacement-character'],
  ])('with %s is refused', (_what, name, fault) => {
    expect(findBlobNameFault(name)).toBe(fault);
  });

  it('may have 1,024 characters, of whatever number of UTF-16 units', () => {
    expect(findBlobNameFault('🎉'.repeat(1024))).toBeUndefined();
  });

  it('is never refused without one of the faults', () => {
    fc.assert(
      fc.property(usableName, (name) => {
        expect(findBlobNameFault(name)).toBeUndefined();
      }),
    );
  });

  it('never gets a dot segment, a control character or broken Unicode through', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        fc.pre(findBlobNameFault(name) === undefined);
        expect(name.split(/[/\\]/u).filter((segment) => segment === '.' || segment === '..')).toEqual([]);
        expect(name).not.toMatch(/\p{Cc}/u);
        expect(name.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('a container name', () => {
  it.each(['media', '$web', '$root', 'a-b-c', '2024-logs', 'a'.repeat(63)])('may be %s', (name) => {
    expect(isContainerName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    'a/b',
    '../media',
    'Media',
    'a--b',
    '-a',
    'a-',
    'a b',
    'media?',
    'media#',
    'media\n',
    '$other',
    '*',
    'médias',
    'a'.repeat(64),
  ])('cannot be %j', (name) => {
    expect(isContainerName(name)).toBe(false);
  });
});
