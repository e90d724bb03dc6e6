// A CDN whose directory purges leave alone what lies further below.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  defaultOnlineSettings,
  planOnline,
  type OnlineProblem,
} from '../../../../src/lib/core/planner/online.ts';
import { everyDirectoryButTheRoot } from '../../../../src/lib/core/planner/problem.ts';
import { asShallow, fromShallow } from '../../../../src/lib/core/planner/shallow-directories.ts';

const SITE = 'china http://www.example.cn';

type Asked = {
  readonly due: readonly string[];
  readonly standing?: readonly string[];
  readonly files: number;
  readonly directories: number;
  readonly parts?: Partial<OnlineProblem>;
};

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

function problemOf({ due, standing = [], files, directories, parts }: Asked): OnlineProblem {
  const others = standing.filter((path) => !due.includes(path));
  return {
    due: due.map((path, id) => ({ id, site: SITE, path, weight: 1, ageHours: 0, spentToday: 0 })),
    budgets: [
      { perFile: 1, perDirectory: 0, left: files, limit: files, per: 'day' },
      { perFile: 0, perDirectory: 1, left: directories, limit: directories, per: 'day' },
    ],
    dayHours: 24,
    hoursToReset: 0,
    policy: { isAllowed: everyDirectoryButTheRoot, smallestDirectory: 2, mostEvicted: 100 },
    evicts: (_site, directory) => others.filter((path) => directoryOf(path) === directory).length,
    settings: defaultOnlineSettings,
    workLimit: 100_000,
    ...parts,
  };
}

const plan = (asked: Asked) => fromShallow(planOnline(asShallow(problemOf(asked)))).plan;
const named = (directory: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${directory}${index}.txt`);

describe('where directories do not reach below', () => {
  it('a directory covers what lies directly in it, and evicts only from there', () => {
    const due = [...named('/a/', 3), ...named('/a/b/', 3)];
    const standing = [...due, '/a/x.txt', '/a/b/y.txt', '/a/b/z.txt'];
    const { directories, files } = plan({ due, standing, files: 0, directories: 2 });
    expect(files).toEqual([]);
    expect(
      directories.map(({ site, directory, covers, evicts }) => ({ site, directory, covers, evicts })),
    ).toEqual([
      { site: SITE, directory: '/a/', covers: [0, 1, 2], evicts: 1 },
      { site: SITE, directory: '/a/b/', covers: [3, 4, 5], evicts: 2 },
    ]);
  });

  it('many directories below one are as many purges', () => {
    const due = Array.from({ length: 6 }, (_, index) => named(`/a/${index}/`, 3)).flat();
    const { directories, waiting } = plan({ due, files: 4, directories: 2 });
    expect(directories).toHaveLength(2);
    expect(waiting).toHaveLength(18 - 6 - 4);
    expect(new Set(waiting.map(({ why }) => why.kind))).toEqual(new Set(['no-directory-allowed']));
  });

  it('the root is not purged unless it may be, and then takes only its own files', () => {
    const due = [...named('/', 3), ...named('/a/', 2)];
    expect(plan({ due, files: 0, directories: 5 }).directories.map((one) => one.directory)).toEqual(['/a/']);
    const policy = { isAllowed: () => true, smallestDirectory: 2, mostEvicted: 100 };
    const { directories } = plan({ due, files: 0, directories: 5, parts: { policy } });
    expect(directories.map(({ directory, covers }) => [directory, covers])).toEqual([
      ['/', [0, 1, 2]],
      ['/a/', [3, 4]],
    ]);
  });

  it.each(['/a/b%2Fc.txt', '/a/b%2fc.txt', '/a/b\\c.txt', '/a/b%5Cc.txt'])(
    '%s goes as a file: who decodes it sees a directory further below',
    (path) => {
      const { directories, files } = plan({ due: [...named('/a/', 3), path], files: 1, directories: 1 });
      expect(directories.map(({ covers }) => covers)).toEqual([[0, 1, 2]]);
      expect(files).toEqual([3]);
    },
  );

  it('groups and shares mean the same as elsewhere', () => {
    const due = [...named('/a/', 2), ...named('/a/b/', 2)];
    const policy = { isAllowed: () => false, smallestDirectory: 2, mostEvicted: 100, urlsPerRequest: 10 };
    const asked = problemOf({ due, files: 3, directories: 0, parts: { policy } });
    const grouped = { ...asked, due: asked.due.map((file) => ({ ...file, group: 'a' })) };
    const apart = fromShallow(planOnline(asShallow(grouped))).plan;
    expect([apart.files, apart.waiting.length]).toEqual([[], 4]);
    const shares = {
      ownerOf: (site: string) => (site === SITE ? 'www' : 'nobody'),
      byOwner: new Map([['www', { guaranteed: [0, 0], most: [1, 0] }]]),
    };
    expect(fromShallow(planOnline(asShallow({ ...asked, shares }))).plan.files).toHaveLength(1);
  });

  const path = fc
    .tuple(fc.constantFrom('/', '/a/', '/a/b/', '/a/b/c/', '/d/'), fc.nat(6))
    .map(([directory, name]) => `${directory}${name}.txt`);

  it('every due file is in the plan exactly once, in the directory that it lies in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { maxLength: 25 }),
        fc.uniqueArray(path, { maxLength: 25 }),
        fc.nat(12),
        fc.nat(4),
        (due, standing, files, directories) => {
          const found = plan({ due, standing, files, directories });
          const ids = [
            ...found.files,
            ...found.waiting.map(({ id }) => id),
            ...found.directories.flatMap(({ covers }) => covers),
          ];
          expect(ids.toSorted((a, b) => a - b)).toEqual(due.map((_, id) => id));
          expect(found.files.length).toBeLessThanOrEqual(files);
          expect(found.directories.length).toBeLessThanOrEqual(directories);
          for (const { directory, covers, evicts } of found.directories) {
            expect(covers.map((id) => due[id])).toEqual(due.filter((one) => directoryOf(one) === directory));
            const others = standing.filter((one) => directoryOf(one) === directory && !due.includes(one));
            expect(evicts).toBe(others.length);
          }
          // By the definition: the directories with most due files go first, and files take what they can.
          const sizes = [...Map.groupBy(due, directoryOf)]
            .flatMap(([directory, { length }]) => (directory === '/' || length < 2 ? [] : [length]))
            .toSorted((a, b) => b - a);
          const covered = sizes.slice(0, directories).reduce((sum, size) => sum + size, 0);
          expect(found.waiting).toHaveLength(Math.max(due.length - files - covered, 0));
        },
      ),
    );
  });
});
