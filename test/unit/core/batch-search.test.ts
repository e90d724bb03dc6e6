// How a refused batch is halved, what a search may cost, and when it says that the request is at fault.

import { describe, expect, it } from 'vitest';

import { halve, isRequestAtFault, searchCost } from '../../../src/lib/core/batch-search.ts';
import { toBatch } from '../../../src/lib/core/purge-plan.ts';
import { aLocated, CDN, ENDPOINT } from '../../support/builders.ts';

const batchOf = (count: number) => {
  const [first, ...others] = Array.from({ length: count }, (_, index) => aLocated(`/${index}`));
  return first === undefined ? expect.fail('a batch has a target') : toBatch([first, ...others]);
};

describe('a half', () => {
  it('is none of a batch of one: there is nothing left to find', () => {
    expect(halve(batchOf(1))).toBeUndefined();
  });

  it.each([
    [2, [1, 1]],
    [3, [2, 1]],
    [8, [4, 4]],
    [99, [50, 49]],
    [100, [50, 50]],
  ])('of a batch of %i has its share of the URLs: %j', (count, sizes) => {
    expect(halve(batchOf(count))?.map(({ targets }) => targets.length)).toEqual(sizes);
  });

  it('keeps the order, the endpoint, and files apart from directories', () => {
    const targets = [aLocated('/a'), aLocated('/b/'), aLocated('/c/'), aLocated('/d')] as const;
    expect(halve(toBatch(targets))).toEqual([
      {
        cdn: CDN,
        endpointId: ENDPOINT,
        files: ['http://www.example.cn/a'],
        directories: ['http://www.example.cn/b/'],
        targets: targets.slice(0, 2),
      },
      {
        cdn: CDN,
        endpointId: ENDPOINT,
        files: ['http://www.example.cn/d'],
        directories: ['http://www.example.cn/c/'],
        targets: targets.slice(2),
      },
    ]);
  });
});

describe('the cost of a search', () => {
  it.each([
    [1, 2],
    [2, 2],
    [3, 4],
    [4, 4],
    [8, 6],
    [9, 8],
    [100, 14],
    [1_000, 20],
  ])('among %i URLs is %i requests beyond the first', (size, cost) => {
    expect(searchCost(size)).toBe(cost);
  });
});

describe('the request is at fault', () => {
  it.each([
    ['when nothing of 8 was accepted within 6 more requests', 8, 6, false, true],
    ['when nothing of 100 was accepted within 14 more requests', 100, 14, false, true],
    ['not before: 5 more for 8', 8, 5, false, false],
    ['not before: 13 more for 100', 100, 13, false, false],
    ['not when anything was accepted', 100, 200, true, false],
    ['not by a batch of 7, which may be bad in every item', 7, 200, false, false],
  ])('%s', (_what, size, extraRequests, anyAccepted, isAtFault) => {
    expect(isRequestAtFault(size, extraRequests, anyAccepted)).toBe(isAtFault);
  });
});
