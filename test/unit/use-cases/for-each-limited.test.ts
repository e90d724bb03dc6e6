// Bounded parallel work.

import { describe, expect, it } from 'vitest';

import { forEachLimited } from '../../../src/lib/use-cases/for-each-limited.ts';

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('work on each item', () => {
  it.each([
    [0, 4, 0],
    [1, 4, 1],
    [3, 4, 3],
    [50, 4, 4],
    [50, 1, 1],
  ])('of %i items, at most %i at once, has %i at once', async (count, limit, most) => {
    let running = 0;
    let seenAtOnce = 0;
    const done: number[] = [];
    await forEachLimited(numbers(count), limit, async (item) => {
      running += 1;
      seenAtOnce = Math.max(seenAtOnce, running);
      await turnOfTheLoop();
      running -= 1;
      done.push(item);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual(numbers(count));
    expect(seenAtOnce).toBe(most);
  });

  it.each([1, 3, 100])('is done for every item although some fail, %i at once', async (limit) => {
    const done: number[] = [];
    const working = forEachLimited(numbers(20), limit, async (item) => {
      await turnOfTheLoop();
      done.push(item);
      if (item % 2 === 0) throw new Error(`item ${item}`);
    });
    await expect(working).rejects.toThrow('item 0');
    expect(done).toHaveLength(20);
  });
});
