// Patterns over blob names and containers.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findBlobNameFault } from '../../../src/lib/core/blob-name.ts';
import {
  excludesEverythingBelow,
  findGlobFault,
  matchesAny,
  matchesContainer,
} from '../../../src/lib/config/globs.ts';

describe('a glob over blob names', () => {
  it.each([
    ['*', 'a.txt', true],
    ['*', 'd/a.txt', false],
    ['**', 'd/e/a.txt', true],
    ['**/*.png', 'a.png', true],
    ['**/*.png', 'd/.hidden/.a.png', true],
    ['d/**', 'd/a', true],
    ['d/**', 'd//a', true],
    ['d/**', 'd', false],
    ['d/**', 'de/a', false],
    ['*.{png,jpg}', 'a.jpg', true],
    ['a?.txt', 'ab.txt', true],
    ['A.txt', 'a.txt', false],
    ['图片/*', '图片/a b.png', true],
    ['*.png', '😀.png', true],
    [String.raw`a \(1\).png`, 'a (1).png', true],
    ['!(a).png', 'b.png', true],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(findGlobFault(pattern)).toBeUndefined();
    expect(matchesAny([pattern])(name)).toBe(expected);
  });

  it('matches when any of a list does', () => {
    const matches = matchesAny(['*.png', 'd/**']);
    expect(['a.png', 'd/a', 'e/a'].map(matches)).toEqual([true, true, false]);
  });

  it.each([
    ['', 'an empty pattern matches nothing'],
    ['!drafts/**', 'a pattern cannot be negated with !: write it in the other list (include, exclude)'],
    ['/drafts/**', 'a blob name has no leading slash: leave it out of the pattern'],
    ['{1..12}', 'ranges in braces are not supported: list them as {1,2,3}'],
    ['a'.repeat(1025), 'a pattern has at most 1024 characters'],
    ['a)', 'is not a valid pattern: Missing opening: "(" - use "\\\\(" to match literal characters'],
    ['[z-a]', 'is not a valid pattern: special characters that stand for themselves need a \\ before them'],
  ])('%j is refused', (pattern, fault) => {
    expect(findGlobFault(pattern)).toBe(fault);
  });
});

describe('a directory whose whole tree is excluded', () => {
  it.each([
    [['**'], 'd', true],
    [['d/**'], 'd', true],
    [['d/**'], 'd/e', true],
    [['d/**'], 'de', false],
    [['d/e/**'], 'd', false],
    [['**/drafts/**'], 'a/drafts/b', true],
    [['*/drafts/**'], 'drafts', false],
    [['{a,b}/**'], 'b/c', true],
    [['d/*'], 'd', false],
    [['d/**/*.png'], 'd', false],
    [['d'], 'd', false],
    [['!(d)/**'], 'e', false],
    [[], 'd', false],
  ])('%j leaves out %s: %s', (patterns, directory, expected) => {
    expect(excludesEverythingBelow(patterns)(directory)).toBe(expected);
  });

  it('is dropped only if no name below it is served', () => {
    const part = fc.constantFrom(
      'a',
      'b',
      '*',
      '**',
      '?',
      '{a,b}',
      '[ab]',
      'a[b]',
      '!(a)',
      '@(a|b)',
      '(a)',
      '"a"',
      'a*',
      '.a',
    );
    const pattern = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => [...parts, '**'].join('/'));
    const segment = fc.constantFrom('a', 'b', 'ab', 'a[b]', '!(a)', '(a)', '"a"', '.a', '', '*');
    const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));
    fc.assert(
      fc.property(pattern, path, path, (exclude, directory, below) => {
        const name = `${directory}/${below}`;
        fc.pre(findGlobFault(exclude) === undefined && findBlobNameFault(name) === undefined);
        fc.pre(directory !== '' && excludesEverythingBelow([exclude])(directory));
        expect(matchesAny([exclude])(name)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a container pattern', () => {
  it.each([
    ['media', 'media', true],
    ['media', 'media2', false],
    ['$web', '$web', true],
    ['*', 'anything', true],
    ['*', '$web', false],
    ['*', '$root', false],
    ['media-*', 'media-', true],
    ['media-*', 'media', false],
    ['*-media', 'x-media', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'axbxc', true],
    ['a*b*c', 'axcxb', false],
    ['a*b*b*c', 'abc', false],
    ['a**c', 'abc', true],
  ])('%s on %s: %s', (pattern, container, expected) => {
    expect(matchesContainer(pattern)(container)).toBe(expected);
  });

  it('agrees with the regular expression of the same meaning', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(letters, name, (pattern, container) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'u');
        expect(matchesContainer(pattern)(container)).toBe(expression.test(container));
      }),
    );
  });
});
