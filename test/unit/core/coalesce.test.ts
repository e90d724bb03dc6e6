// Many claims to the fewest targets, and nobody forgotten.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EXACT_MATCHING, type UrlMatching } from '../../../src/lib/core/capabilities.ts';
import { coalesce, createCoverage, ownersOf, serves, type Claim } from '../../../src/lib/core/coalesce.ts';
import { targetKey, type PurgeTarget } from '../../../src/lib/core/purge-target.ts';
import { aClaim, aTarget, OTHER_HOST } from '../../support/builders.ts';

/** `kind url: owners` for each target, in order. */
const described = (claims: readonly Claim<string>[]) =>
  coalesce(claims).map(({ target, owners }) => `${target.kind} ${target.url}: ${[...owners].join(' ')}`);

describe('coalescing', () => {
  it('gives nothing for nothing', () => {
    expect(coalesce([])).toEqual([]);
  });

  it('purges an equal target once, for all who claim it', () => {
    const claims = [aClaim(aTarget('/a'), 'x'), aClaim(aTarget('/b'), 'x'), aClaim(aTarget('/a'), 'y')];
    expect(described(claims)).toEqual([
      'file http://www.example.cn/a: x y',
      'file http://www.example.cn/b: x',
    ]);
  });

  it('names an owner once, however often it claims', () => {
    expect(described([aClaim(aTarget('/a'), 'x'), aClaim(aTarget('/a'), 'x')])).toEqual([
      'file http://www.example.cn/a: x',
    ]);
  });

  it.each([
    ['a file below it', '/dir/a'],
    ['a file far below it', '/dir/b/c/d'],
    ['a directory below it', '/dir/b/'],
    ['a file with a query', '/dir/a?x=/y/'],
  ])('drops %s when a directory is purged, and keeps its owner', (_what, path) => {
    const both = [aClaim(aTarget(path), 'x'), aClaim(aTarget('/dir/'), 'y')];
    expect(described(both)).toEqual(['directory http://www.example.cn/dir/: y x']);
    expect(described(both.toReversed())).toEqual(['directory http://www.example.cn/dir/: y x']);
  });

  it('drops the file that has the URL of a directory that is purged', () => {
    const file = aTarget('/dir/', { kind: 'file' });
    expect(described([aClaim(file, 'x'), aClaim(aTarget('/dir/'), 'y')])).toEqual([
      'directory http://www.example.cn/dir/: y x',
    ]);
  });

  it.each([
    ['a file beside it', aTarget('/dir.txt')],
    ['the same name without slash', aTarget('/dir')],
    ['a directory whose name only begins alike', aTarget('/directory/a')],
    ['a file that names it in its query', aTarget('/a?b=/dir/c')],
    ['the same path on another host', aTarget('/dir/a', { host: OTHER_HOST })],
    ['the same path under another scheme', aTarget('/dir/a', { scheme: 'https' })],
    ['the same URL on another CDN', aTarget('/dir/a', { cdn: 'second' })],
    ['another spelling of it', aTarget('/%64ir/a')],
    [
      'a file purge of the same URL, which covers nothing',
      aTarget('/dir/b/', { kind: 'file', cdn: 'second' }),
    ],
  ])('keeps %s', (_what, target) => {
    expect(coalesce([aClaim(target, 'x'), aClaim(aTarget('/dir/'), 'y')])).toHaveLength(2);
  });

  it('purges the topmost of nested directories, for all', () => {
    const claims = ['/a/b/c/', '/a/b/', '/a/b/c/d', '/a/'].map((path) => aClaim(aTarget(path), path));
    expect(described(claims)).toEqual(['directory http://www.example.cn/a/: /a/ /a/b/c/ /a/b/ /a/b/c/d']);
  });

  it('purges everything of a host once', () => {
    const claims = ['/a', '/b/', '/'].map((path) => aClaim(aTarget(path), path));
    expect(described(claims)).toEqual(['directory http://www.example.cn/: / /a /b/']);
  });

  it('lists everyone served, each once', () => {
    const claims = [aClaim(aTarget('/a'), 'x'), aClaim(aTarget('/b'), 'y'), aClaim(aTarget('/b'), 'x')];
    expect(ownersOf(coalesce(claims))).toEqual(['x', 'y']);
  });
});

/** As an edge would: by the parts of the URLs. */
const covers = (directory: PurgeTarget, { url, cdn }: PurgeTarget): boolean => {
  if (directory.kind !== 'directory' || directory.cdn !== cdn) return false;
  const { ignoresCase, ignoresScheme, reachesBelow } = directory.matching ?? EXACT_MATCHING;
  const [above, below] = [new URL(directory.url), new URL(url)];
  if (!ignoresScheme && above.protocol !== below.protocol) return false;
  const segmentsOf = ({ pathname }: URL): readonly string[] =>
    (ignoresCase ? pathname.toLowerCase() : pathname).split('/').slice(1);
  const from = segmentsOf(above).slice(0, -1);
  const to = segmentsOf(below);
  const isBelow = from.every((segment, index) => to[index] === segment) && to.length > from.length;
  return isBelow && (reachesBelow || to.length === from.length + 1);
};

describe('a purge', () => {
  const file = aTarget('/d/a');
  const directory = aTarget('/d/');
  const index = aTarget('/d/', { kind: 'file' });

  it.each([
    ['a file', file, file],
    ['a directory', directory, directory],
    ['a directory and a file below it', directory, file],
    ['a directory and the file of its own URL', directory, index],
    ['a directory and a file with a query', directory, aTarget('/d/a?x=/y/')],
  ])('serves what it is, and what is below it: %s', (_what, purged, other) => {
    expect(serves(purged, other, undefined)).toBe(true);
  });

  it.each([
    ['another file', file, aTarget('/d/b')],
    ['a file whose URL goes on', file, aTarget('/d/ab')],
    ['what would be below a file', index, file],
    ['the directory of a file’s own URL', index, directory],
    ['the same on another CDN', directory, aTarget('/d/a', { cdn: 'second' })],
    ['a directory above it', directory, aTarget('/')],
    ['a file that names it in its query', directory, aTarget('/a?b=/d/c')],
  ])('does not serve %s', (_what, purged, other) => {
    expect(serves(purged, other, undefined)).toBe(false);
  });
});

const matching = (parts: Partial<UrlMatching>): UrlMatching => ({ ...EXACT_MATCHING, ...parts });
const IGNORES_CASE = matching({ ignoresCase: true });
const IGNORES_QUERY = matching({ ignoresQuery: true });
const IGNORES_SCHEME = matching({ ignoresScheme: true });
const IGNORES_ALL = matching({ ignoresCase: true, ignoresQuery: true, ignoresScheme: true });
const SHALLOW = matching({ reachesBelow: false });

describe('what the CDN takes for the same', () => {
  it.each([
    { what: 'case', matched: IGNORES_CASE, one: '/Dir/A.txt', other: '/dir/a.TXT' },
    { what: 'case of percent-encoding', matched: IGNORES_CASE, one: '/a%2Fb', other: '/a%2fB' },
    { what: 'queries', matched: IGNORES_QUERY, one: '/a?x=/1', other: '/a' },
    { what: 'all of it', matched: IGNORES_ALL, one: '/A?x', other: '/a?Y' },
    { what: 'directories, too', matched: IGNORES_CASE, one: '/Dir/', other: '/dir/' },
  ])('is purged once, as it was claimed first: $what', ({ matched, one, other }) => {
    const claims = [
      aClaim(aTarget(one, { matching: matched }), 'x'),
      aClaim(aTarget(other, { matching: matched }), 'y'),
    ];
    const [first] = claims;
    expect(described(claims)).toEqual([`${first?.target.kind} ${first?.target.url}: x y`]);
  });

  it('is purged once: schemes', () => {
    const claims = (['https', 'http'] as const).map((scheme) =>
      aClaim(aTarget('/a', { scheme, matching: IGNORES_SCHEME }), scheme),
    );
    expect(described(claims)).toEqual(['file https://www.example.cn/a: https http']);
  });

  it.each([
    { what: 'case of a query', matched: IGNORES_CASE, one: '/a?x', other: '/a?X' },
    { what: 'letters beyond ASCII', matched: IGNORES_CASE, one: '/\u00C4', other: '/\u00E4' },
    { what: 'how it is percent-encoded', matched: IGNORES_ALL, one: '/%61', other: '/a' },
    { what: 'case, where only queries are ignored', matched: IGNORES_QUERY, one: '/A', other: '/a' },
    { what: 'a query, where only case is ignored', matched: IGNORES_CASE, one: '/a?x', other: '/a' },
    { what: 'a slash at the end', matched: IGNORES_ALL, one: '/a', other: '/a/' },
  ])('is nothing else: $what', ({ matched, one, other }) => {
    const claims = [one, other].map((path) =>
      aClaim(aTarget(path, { kind: 'file', matching: matched }), path),
    );
    expect(coalesce(claims)).toHaveLength(2);
  });

  it.each([
    { what: 'in another case', matched: IGNORES_CASE, path: '/DIR/a', scheme: 'http' },
    { what: 'of another scheme', matched: IGNORES_SCHEME, path: '/dir/a', scheme: 'https' },
    { what: 'with a query', matched: IGNORES_QUERY, path: '/dir/a?b=/c/', scheme: 'http' },
  ] as const)('lies below a directory: $what', ({ matched, path, scheme }) => {
    const file = aTarget(path, { scheme, matching: matched });
    const directory = aTarget('/dir/', { matching: matched });
    expect(described([aClaim(file, 'x'), aClaim(directory, 'y')])).toEqual([
      'directory http://www.example.cn/dir/: y x',
    ]);
    expect(serves(directory, file, matched)).toBe(true);
  });
});

describe('a directory purge that does not reach below', () => {
  const directory = aTarget('/d/', { matching: SHALLOW });

  it.each([
    ['a file in it', aTarget('/d/a', { matching: SHALLOW })],
    ['a file with a query that has slashes', aTarget('/d/a?b=/c/', { matching: SHALLOW })],
    ['itself', directory],
    ['the file of its own URL', aTarget('/d/', { kind: 'file', matching: SHALLOW })],
  ])('takes %s', (_what, target) => {
    expect(coalesce([aClaim(target, 'x'), aClaim(directory, 'y')])).toHaveLength(1);
    expect(serves(directory, target, SHALLOW)).toBe(true);
  });

  it.each([
    ['a file in a directory below', aTarget('/d/e/a', { matching: SHALLOW })],
    ['a directory below', aTarget('/d/e/', { matching: SHALLOW })],
    ['the file of such a directory’s URL', aTarget('/d/e/', { kind: 'file', matching: SHALLOW })],
    ['what some take for a file further below', aTarget('/d/e%2Fa', { matching: SHALLOW })],
    ['a file beside it', aTarget('/a', { matching: SHALLOW })],
  ])('leaves %s', (_what, target) => {
    expect(coalesce([aClaim(target, 'x'), aClaim(directory, 'y')])).toHaveLength(2);
    expect(serves(directory, target, SHALLOW)).toBe(false);
  });
});

describe('a coverage', () => {
  it('covers nothing while nothing was added', () => {
    expect(createCoverage().covers(aTarget('/a'))).toBe(false);
  });

  it.each([
    ['the same file', '/d/a', '/d/a', true],
    ['a file below an added directory', '/d/', '/d/e/a', true],
    ['an added directory', '/d/', '/d/', true],
    ['a directory below an added one', '/d/', '/d/e/', true],
    ['another file', '/d/a', '/d/b', false],
    ['a directory above an added one', '/d/e/', '/d/', false],
    ['a file beside an added directory', '/d/', '/d.txt', false],
  ])('says of %s (%s, %s): %s', (_what, added, asked, covered) => {
    const coverage = createCoverage();
    coverage.add(aTarget(added));
    expect(coverage.covers(aTarget(asked))).toBe(covered);
  });

  it('covers nothing of another CDN', () => {
    const coverage = createCoverage();
    coverage.add(aTarget('/'));
    expect(coverage.covers(aTarget('/a', { cdn: 'second' }))).toBe(false);
  });
});

const asSets = (all: readonly Claim<string>[]) =>
  new Map(coalesce(all).map(({ target, owners }) => [targetKey(target), owners]));

describe.each([
  ['every URL stands for itself', undefined],
  ['case is ignored', IGNORES_CASE],
  ['schemes are ignored', IGNORES_SCHEME],
  ['case, queries and schemes are ignored', IGNORES_ALL],
  ['directory purges do not reach below', SHALLOW],
  ['all of it', { ...IGNORES_ALL, reachesBelow: false }],
])('coalescing whatever claims, where %s', (_what, matched) => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'A'), { maxLength: 4 })
    .chain((segments) => fc.constantFrom(`/${segments.join('/')}`, `/${[...segments, ''].join('/')}`, '/'));
  /** Of files only: most look like more path. */
  const query = fc.constantFrom('', '', '?', '?a/', '?x=/a/b', '?/a/?b/');
  const claim = fc
    .tuple(path, fc.constantFrom<PurgeTarget['kind']>('file', 'directory'), fc.constantFrom('http', 'https'))
    .filter(([text, kind]) => kind === 'file' || text.endsWith('/'))
    .chain(([text, kind, scheme]) =>
      fc.record({
        target: query.map((search) =>
          aTarget(kind === 'file' ? text + search : text, {
            kind,
            scheme: scheme === 'https' ? 'https' : 'http',
            matching: matched,
          }),
        ),
        owner: fc.constantFrom('u', 'v', 'w', 'x', 'y', 'z'),
      }),
    );
  const claims = fc.array(claim, { maxLength: 25 });

  it('serves every claim by its target, or by a directory that holds it', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const purged = coalesce(all);
        for (const { target, owner } of all) {
          const serving = purged.filter(
            (one) => targetKey(one.target) === targetKey(target) || covers(one.target, target),
          );
          expect(serving.map(({ owners }) => owners.has(owner))).toEqual([true]);
        }
      }),
    );
  });

  it('purges nothing that nobody claimed, and nothing for somebody who did not claim', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const claimed = new Set(all.map(({ target }) => targetKey(target)));
        for (const { target, owners } of coalesce(all)) {
          expect(claimed).toContain(targetKey(target));
          for (const owner of owners) {
            expect(
              all.some(
                (one) => one.owner === owner && (covers(target, one.target) || one.target === target),
              ) || all.some((one) => one.owner === owner && targetKey(one.target) === targetKey(target)),
            ).toBe(true);
          }
        }
      }),
    );
  });

  it('leaves nothing that something else covers', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const purged = coalesce(all).map(({ target }) => target);
        for (const one of purged) {
          expect(purged.filter((other) => other !== one && covers(other, one))).toEqual([]);
        }
      }),
    );
  });

  it('keeps every claim, on what it claims, once', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const kept = coalesce(all).flatMap((one) => one.claims);
        expect(kept).toHaveLength(all.length);
        expect(new Set(kept)).toEqual(new Set(all));
      }),
    );
  });

  it('has as owners those of its claims', () => {
    fc.assert(
      fc.property(claims, (all) => {
        for (const { claims: own, owners } of coalesce(all)) {
          expect(owners).toEqual(new Set(own.map(({ owner }) => owner)));
        }
      }),
    );
  });

  it('changes nothing when done again', () => {
    fc.assert(
      fc.property(claims, (all) => {
        const once = coalesce(all);
        const again = coalesce(once.flatMap((one) => one.claims));
        expect(asSets(again.flatMap((one) => one.claims))).toEqual(asSets(all));
        expect(again.map(({ target }) => target)).toEqual(once.map(({ target }) => target));
      }),
    );
  });

  it('covers exactly what one of its targets serves, when all have been added to a coverage', () => {
    fc.assert(
      fc.property(claims, claims, (added, asked) => {
        const coverage = createCoverage();
        for (const { target } of added) coverage.add(target);
        for (const { target } of asked) {
          expect(coverage.covers(target)).toBe(added.some((one) => serves(one.target, target, matched)));
        }
      }),
    );
  });

  it('comes to the same whatever the order', () => {
    fc.assert(
      fc.property(
        claims.chain((all) =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
          ),
        ),
        ([all, shuffled]) => {
          expect(asSets(shuffled)).toEqual(asSets(all));
        },
      ),
    );
  });
});
