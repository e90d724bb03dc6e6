// One limit for work that comes from several places.

import { describe, expect, it } from 'vitest';

import { atMost } from '../../../src/lib/use-cases/at-most.ts';

describe('atMost', () => {
  it('has no more works under way than the limit, and takes the next as soon as one ends', async () => {
    const turn = atMost(2);
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
    const started: number[] = [];
    const all = gates.map(({ promise }, index) =>
      turn(() => {
        started.push(index);
        return promise;
      }),
    );
    await settled();
    expect(started).toEqual([0, 1]);

    gates[1]?.resolve(1);
    await settled();
    expect(started).toEqual([0, 1, 2]);

    for (const [index, gate] of gates.entries()) gate.resolve(index);
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4]);
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives the place of a work that fails to the next, and the failure to its caller', async () => {
    const turn = atMost(1);
    const failing = turn(() => Promise.reject(new Error('no')));
    const next = turn(() => Promise.resolve('next'));

    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('next');
    await expect(turn(() => Promise.resolve('later'))).resolves.toBe('later');
  });
});

/** Everything that can go on without us has gone on. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
}
