// What stands under each directory.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createDirectoryTree } from '../../../../src/lib/core/inventory/directory-tree.ts';
import { anyName } from '../../../support/names.ts';

function treeOf(...names: readonly string[]) {
  const tree = createDirectoryTree();
  for (const name of names) tree.add(name, 1, 10);
  return tree;
}

describe('a directory tree', () => {
  it.each([
    ['', 5, 50],
    ['a/', 3, 30],
    ['a/b/', 2, 20],
    ['a-b/', 1, 10],
  ])('counts what is below "%s", subdirectories included', (directory, objects, bytes) => {
    const tree = treeOf('a/x', 'a-b/x', 'a/b/x', 'a/b/y', 'x');
    expect(tree.below(directory)).toEqual({ objects, bytes });
  });

  it.each([['c/'], ['a/b/c/'], ['a/x/'], ['b/']])(
    'does not know "%s", where nothing was added',
    (directory) => {
      expect(treeOf('a/x', 'a/b/y').below(directory)).toBeUndefined();
    },
  );

  it('knows a directory that is empty by now', () => {
    const tree = treeOf('a/x');
    tree.add('a/x', -1, -10);
    expect(tree.below('a/')).toEqual({ objects: 0, bytes: 0 });
  });

  it('tells empty segments from none', () => {
    const tree = treeOf('a//x', '/y');
    expect(tree.below('a/')).toEqual({ objects: 1, bytes: 10 });
    expect(tree.below('a//')).toEqual({ objects: 1, bytes: 10 });
    expect(tree.below('/')).toEqual({ objects: 1, bytes: 10 });
  });

  it('counts the same in any order of names, and again from its lines', () => {
    const names = fc
      .array(anyName, { maxLength: 30 })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(names, ([given, otherOrder]) => {
        const sorted = treeOf(...given.toSorted());
        const shuffled = treeOf(...otherOrder);
        const again = createDirectoryTree(sorted.lines());
        expect(again.size()).toBe(sorted.size());
        for (const directory of given.flatMap(directoriesOf)) {
          const below = given.filter((name) => name.startsWith(directory)).length;
          const expected = { objects: below, bytes: below * 10 };
          expect(sorted.below(directory)).toEqual(expected);
          expect(shuffled.below(directory)).toEqual(expected);
          expect(again.below(directory)).toEqual(expected);
        }
      }),
    );
  });

  it('refuses lines of which one has no parent', () => {
    const orphan = { depth: 2, segment: 'b', objects: 1, bytes: 1 };
    expect(() => createDirectoryTree([{ ...orphan, depth: 0, segment: '' }, orphan])).toThrow(
      'before the one',
    );
  });
});

function directoriesOf(name: string): string[] {
  const ends = [...name.matchAll(/\//gu)].map(({ index }) => index + 1);
  return ['', ...ends.map((end) => name.slice(0, end))];
}
