import { describe, expect, it } from 'vitest';

import { planPurges } from '../../../../src/lib/core/planner/plan-purges.ts';
import {
  everyDirectoryButTheRoot,
  LEAST_PRICE,
  type Problem,
} from '../../../../src/lib/core/planner/problem.ts';
import { planWithinShares, type Share } from '../../../../src/lib/core/planner/site-shares.ts';

const NO_CAP = [Infinity, Infinity];

function problem(files: number, dueBySite: Readonly<Record<string, number>>): Problem {
  const sites = Object.entries(dueBySite).flatMap(([site, count]) =>
    Array.from({ length: count }, () => site),
  );
  return {
    due: sites.map((site, id) => ({ id, site, path: `/${id}.html`, weight: 1 })),
    budgets: [
      { perFile: 1, perDirectory: 0, left: files },
      { perFile: 0, perDirectory: 1, left: 5 },
    ],
    prices: { file: LEAST_PRICE, directory: LEAST_PRICE },
    policy: { isAllowed: everyDirectoryButTheRoot, smallestDirectory: 2, mostEvicted: 1000 },
    evicts: () => 0,
    workLimit: 100_000,
  };
}

function filesBySite(asked: Problem, byOwner: Readonly<Record<string, Share>>): Record<string, number> {
  const planned = planWithinShares(asked, {
    ownerOf: (site) => site,
    byOwner: new Map(Object.entries(byOwner)),
  });
  const purged = new Set(planned.files);
  const counts: Record<string, number> = {};
  for (const { id, site } of asked.due) if (purged.has(id)) counts[site] = (counts[site] ?? 0) + 1;
  expect(planned.files.length + planned.waiting.length).toBe(asked.due.length);
  return counts;
}

describe('a plan within shares', () => {
  it('is the plain plan when nobody has a share', () => {
    const asked = problem(10, { a: 6, b: 7 });
    expect(planWithinShares(asked, { ownerOf: (site) => site, byOwner: new Map() })).toEqual(
      planPurges(asked),
    );
  });

  it('is the plain plan when nobody takes too much', () => {
    const asked = problem(10, { a: 3, b: 4 });
    const shares = { a: { guaranteed: [5, 0], most: [6, 5] } };
    expect(filesBySite(asked, shares)).toEqual({ a: 3, b: 4 });
  });

  it('stops a site at its cap and leaves the rest to the others', () => {
    const shares = { a: { guaranteed: [0, 0], most: [4, 0] } };
    expect(filesBySite(problem(10, { a: 50, b: 50 }), shares)).toEqual({ a: 4, b: 6 });
  });

  it.each([
    { what: 'that has much due', due: { a: 50, b: 50, c: 50 }, b: 4 },
    { what: 'that has little due', due: { a: 50, b: 2, c: 50 }, b: 2 },
  ])('keeps the guarantee of a site $what', ({ due, b }) => {
    const shares = { b: { guaranteed: [4, 0], most: NO_CAP } };
    const counts = filesBySite(problem(10, due), shares);
    expect(counts['b']).toBeGreaterThanOrEqual(b);
    expect((counts['a'] ?? 0) + (counts['c'] ?? 0)).toBeLessThanOrEqual(6);
  });

  it('keeps the guarantee of a site that has nothing due', () => {
    const shares = { b: { guaranteed: [4, 0], most: NO_CAP } };
    expect(filesBySite(problem(10, { a: 50 }), shares)).toEqual({ a: 6 });
  });

  it('takes several sites of one owner as one', () => {
    const asked = problem(10, { 'http://a': 50, 'https://a': 50 });
    const planned = planWithinShares(asked, {
      ownerOf: () => 'a',
      byOwner: new Map([['a', { guaranteed: [0, 0], most: [3, 0] }]]),
    });
    expect(planned.files).toHaveLength(3);
  });
});
