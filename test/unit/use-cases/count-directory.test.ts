// Counting below directories in storage itself.

import { expect, it } from 'vitest';

import { countDirectory } from '../../../src/lib/use-cases/count-directory.ts';
import { createInMemoryAccounts } from '../../support/in-memory-inventory.ts';

const below = (container: string, directory: string) => ({ account: 'contoso', container, directory });
const accounts = () =>
  createInMemoryAccounts({
    'contoso/web': ['a/1', 'a/2', 'a/b/3', 'a/b/4', 'a-b/5', 'x'],
    'contoso/media': ['1', '2'],
  });

it.each([
  ['subdirectories included', [below('web', 'a/')], 10, { kind: 'counted', objects: 4 }, 2],
  ['one directory', [below('web', 'a/b/')], 10, { kind: 'counted', objects: 2 }, 1],
  ['a whole container', [below('media', '')], 10, { kind: 'counted', objects: 2 }, 1],
  ['nothing', [below('web', 'new/')], 10, { kind: 'counted', objects: 0 }, 1],
  ['several directories', [below('web', 'a/b/'), below('media', '')], 10, { kind: 'counted', objects: 4 }, 2],
  ['just as many as may be', [below('web', 'a/')], 4, { kind: 'counted', objects: 4 }, 2],
  ['one more than may be', [below('web', 'a/')], 3, { kind: 'more-than', objects: 3 }, 2],
  [
    'many more than may be: it stops',
    [below('web', ''), below('media', '')],
    1,
    { kind: 'more-than', objects: 1 },
    1,
  ],
  [
    'together more than may be',
    [below('web', 'a/b/'), below('media', '')],
    3,
    { kind: 'more-than', objects: 3 },
    2,
  ],
  ['none where none may be', [below('web', 'new/')], 0, { kind: 'counted', objects: 0 }, 1],
  ['a container that there is not', [below('gone', 'a/')], 10, { kind: 'counted', objects: 0 }, 1],
])('counts %s', async (_what, directories, most, expected, calls) => {
  const lister = accounts();
  expect(await countDirectory(directories, () => true, most, lister)).toEqual(expected);
  expect(lister.asked).toHaveLength(calls);
});

it('does not know what stands in an account that cannot be listed', async () => {
  const elsewhere = { ...below('web', 'a/'), account: 'elsewhere' };
  expect(await countDirectory([elsewhere], () => true, 10, accounts())).toEqual({ kind: 'not-known' });
});

it('counts only what it is told to count', async () => {
  const directories = [below('web', 'a/'), below('media', '')];
  const counted = await countDirectory(
    directories,
    ({ container }, name) => container === 'web' && name !== 'a/1',
    10,
    accounts(),
  );
  expect(counted).toEqual({ kind: 'counted', objects: 3 });
});

it('does not list for ever what it does not count', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `a/${index}`);
  const lister = createInMemoryAccounts({ 'contoso/web': names }, { pageSize: 1 });
  expect(await countDirectory([below('web', 'a/')], () => false, 10, lister)).toEqual({ kind: 'not-known' });
  expect(lister.asked).toHaveLength(20);
});
