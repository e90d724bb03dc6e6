// Which directories compete, and what the planner asks about them.

import { describe, expect, it } from 'vitest';

import { buildDirectoryTree } from '../../../../src/lib/core/planner/directory-tree.ts';
import type { DueFile } from '../../../../src/lib/core/planner/problem.ts';
import { aProblem, dueAt } from './problems.ts';

describe('the tree of directories', () => {
  it('keeps one directory of those that cover the same due files: the deepest', () => {
    expect(directoriesOf(dueAt('/a/b/c/1', '/a/b/c/2'))).toEqual(['/a/b/c/']);
  });

  it('keeps a directory without due files of its own where branches meet', () => {
    expect(directoriesOf(dueAt('/a/b/1', '/a/c/1'))).toEqual(['/a/', '/a/b/', '/a/c/']);
  });

  it('stands in preorder, whatever sorts between a name and its slash', () => {
    expect(directoriesOf(dueAt('/a/b/1', '/a!/1', '/a/1', '/a-b/c/1'))).toEqual([
      '/',
      '/a!/',
      '/a-b/c/',
      '/a/',
      '/a/b/',
    ]);
  });

  it('asks about no directory twice, nor about one with too few due files', () => {
    const asked: string[] = [];
    buildDirectoryTree(
      dueAt('/a/b/1', '/a/b/2', '/a/c/1', '/d/1'),
      { ...aProblem({}).policy, smallestDirectory: 2 },
      (_site, directory) => {
        asked.push(directory);
        return 0;
      },
    );
    expect(asked.toSorted()).toEqual(['/a/', '/a/b/']);
  });

  it('asks about what is above only while a count is not known', () => {
    const counts = new Map([['/a/b/', 5]]);
    const tree = buildDirectoryTree(dueAt('/a/b/c/1'), aProblem({}).policy, (_site, directory) =>
      counts.get(directory),
    );
    expect(tree.directories).toEqual(['/a/b/']);
    expect([...tree.evicts]).toEqual([5]);
  });
});

function directoriesOf(due: readonly DueFile[]): readonly string[] {
  return buildDirectoryTree(due, aProblem({}).policy, () => 0).directories;
}
