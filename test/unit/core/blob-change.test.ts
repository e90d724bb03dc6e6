// Which paths a change makes stale.

import { describe, expect, it } from 'vitest';

import { affectedPaths } from '../../../src/lib/core/blob-change.ts';
import { aChange, aDirectoryDeletion, aPath, aRename, anAffectedPath } from '../../support/builders.ts';

describe('a change makes stale', () => {
  it.each(['created', 'deleted'] as const)('the blob that was %s', (kind) => {
    expect(affectedPaths(aChange({ kind, name: 'dir/a b#.txt' }))).toEqual([anAffectedPath('dir/a b#.txt')]);
  });

  it('both names of a blob that was renamed, each in its container', () => {
    expect(affectedPaths(aRename(aPath('a', 'one'), aPath('b', 'two')))).toEqual([
      anAffectedPath('a', { container: 'one' }),
      anAffectedPath('b', { container: 'two' }),
    ]);
  });

  it('everything below a directory that was deleted', () => {
    expect(affectedPaths(aDirectoryDeletion(aPath('dir')))).toEqual([
      anAffectedPath('dir', { extent: 'directory' }),
    ]);
  });

  it('everything below both names of a directory that was renamed', () => {
    expect(affectedPaths(aRename(aPath('a'), aPath('b'), { kind: 'directory-renamed' }))).toEqual([
      anAffectedPath('a', { extent: 'directory' }),
      anAffectedPath('b', { extent: 'directory' }),
    ]);
  });

  it('paths in the account of the event only', () => {
    const accounts = affectedPaths(aRename(aPath('a'), aPath('b'), { account: 'other1' })).map(
      (p) => p.account,
    );
    expect(accounts).toEqual(['other1', 'other1']);
  });
});
