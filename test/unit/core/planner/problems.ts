// Planning problems for tests: by hand, and drawn at random.

import * as fc from 'fast-check';

import {
  everyDirectoryButTheRoot,
  type Budget,
  type DueFile,
  type Problem,
} from '../../../../src/lib/core/planner/problem.ts';
import { directoriesAbove } from './brute-force.ts';

export const SITE = 'china http://www.example.cn';

/** The quota of the China CDN. */
export function chinaBudgets(files: number, directories: number): readonly Budget[] {
  return [
    { perFile: 1, perDirectory: 0, left: files },
    { perFile: 0, perDirectory: 1, left: directories },
  ];
}

/** What is due at these paths of one site, all of weight 1. */
export function dueAt(...paths: readonly string[]): readonly DueFile[] {
  return paths.map((path, id) => ({ id, site: SITE, path, weight: 1 }));
}

/** A problem with room for all, where no directory holds anything that is not due. */
export function aProblem(changes: Partial<Problem>): Problem {
  return {
    due: [],
    budgets: chinaBudgets(2000, 500),
    prices: { file: 0.25, directory: 1 },
    policy: {
      isAllowed: everyDirectoryButTheRoot,
      smallestDirectory: 1,
      mostEvicted: Infinity,
    },
    evicts: () => 0,
    workLimit: 1_000_000,
    ...changes,
  };
}

export type Drawn = {
  /** Numbers of different directory sets stay below 2^11, so that all can be tried. */
  readonly smallTree?: boolean;
  readonly equalWeights?: boolean;
  readonly isShared?: boolean;
  readonly hasGroups?: boolean;
};

/** Problems with everything in them: several sites, unknown counts, forbidden directories, waiting by choice. */
export function anyProblem(drawn: Drawn): fc.Arbitrary<Problem> {
  const names = fc.constantFrom('a', 'b', 'a!', 'c d');
  const path = fc
    .tuple(fc.array(names, { maxLength: 3 }), fc.constantFrom('1', '2', '3', '4', '5', '', '1?q=/x/'))
    .map(([directories, file]) => `/${directories.map((name) => `${name}/`).join('')}${file}`);
  const site = fc.constantFrom(SITE, 'china https://static.example.cn');
  const weight =
    drawn.equalWeights === true ? fc.constant(1) : fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 6 }));
  const group = drawn.hasGroups === true ? fc.constantFrom(undefined, 'x', 'y') : fc.constant(undefined);
  const due = fc
    .uniqueArray(
      fc.tuple(site, path, weight, fc.option(fc.integer({ min: 0, max: 8 }), { freq: 5 }), group),
      {
        selector: ([site, path]) => `${site} ${path}`,
        maxLength: 16,
      },
    )
    .map((files) =>
      files.map(([site, path, weight, eighths, group], id): DueFile => ({
        id,
        site,
        path,
        weight,
        waitCost: eighths === null ? undefined : eighths / 8,
        group,
      })),
    );
  const small = fc.integer({ min: 0, max: 6 });
  const budgets =
    drawn.isShared === true
      ? fc.integer({ min: 0, max: 8 }).map((left): Budget[] => [{ perFile: 1, perDirectory: 1, left }])
      : fc.tuple(small, small).map(([files, directories]) => chinaBudgets(files, directories));
  return fc
    .record({
      due,
      budgets,
      prices: fc.record({
        file: fc.constantFrom(2 ** -20, 0.25, 0.5),
        directory: fc.constantFrom(2 ** -18, 1, 3),
      }),
      others: fc.array(fc.tuple(site, path, fc.nat({ max: 5 })), { maxLength: 20 }),
      unknown: fc.array(fc.tuple(site, fc.constantFrom('/a/', '/b/', '/a/a/', '/a/b/')), { maxLength: 1 }),
      forbidden: fc.array(fc.constantFrom<string[]>('/', '/a/', '/b/', '/a/b/', '/a!/'), { maxLength: 3 }),
      smallestDirectory: fc.constantFrom(1, 1, 2, 3),
      mostEvicted: fc.constantFrom(Infinity, Infinity, 8),
    })
    .map(({ due, budgets, prices, others, unknown, forbidden, smallestDirectory, mostEvicted }) => ({
      due: drawn.smallTree === true ? withFewDirectories(due, 11) : due,
      budgets,
      prices,
      policy: {
        isAllowed: (_site: string, directory: string) => !forbidden.includes(directory),
        smallestDirectory,
        mostEvicted,
      },
      evicts: (site: string, directory: string) =>
        unknown.some(([where, path]) => where === site && path === directory)
          ? undefined
          : others.reduce(
              (sum, [where, path, objects]) =>
                where === site && path.startsWith(directory) ? sum + objects : sum,
              0,
            ),
      workLimit: 1_000_000,
    }));
}

function withFewDirectories(due: readonly DueFile[], most: number): readonly DueFile[] {
  const seen = new Set<string>();
  return due.filter(({ site, path }) => {
    const keys = directoriesAbove(path).map((directory) => `${site} ${directory}`);
    const isRoom = new Set([...seen, ...keys]).size <= most;
    if (isRoom) for (const key of keys) seen.add(key);
    return isRoom;
  });
}
