// Turns by key.

import { describe, expect, it } from 'vitest';

import { oneAtATime } from '../../../src/lib/use-cases/one-at-a-time.ts';

function work() {
  const gate = Promise.withResolvers<string>();
  let started = false;
  const run = (): Promise<string> => {
    started = true;
    return gate.promise;
  };
  return { run, started: () => started, ...gate };
}

const turnOfTheLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('one at a time', () => {
  it('runs the work of one key in the order asked, each after the one before', async () => {
    const turns = oneAtATime();
    const [first, second] = [work(), work()];
    const results = [turns.run('a', first.run), turns.run('a', second.run)];
    await turnOfTheLoop();
    expect([first.started(), second.started()]).toEqual([true, false]);
    first.resolve('one');
    await results[0];
    await turnOfTheLoop();
    expect(second.started()).toBe(true);
    second.resolve('two');
    expect(await Promise.all(results)).toEqual(['one', 'two']);
  });

  it('runs other keys beside it', async () => {
    const turns = oneAtATime();
    const [first, other] = [work(), work()];
    const running = turns.run('a', first.run);
    const beside = turns.run('b', other.run);
    await turnOfTheLoop();
    expect(other.started()).toBe(true);
    other.resolve('b');
    expect(await beside).toBe('b');
    first.resolve('a');
    expect(await running).toBe('a');
  });

  it('goes on after work that failed, and tells its failure to the one who asked', async () => {
    const turns = oneAtATime();
    const failing = turns.run('a', () => Promise.reject(new Error('broken')));
    const next = turns.run('a', async () => 'fine');
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('fine');
  });

  it('goes on after work that threw at once', async () => {
    const turns = oneAtATime();
    const failing = turns.run('a', () => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    expect(await turns.run('a', async () => 'fine')).toBe('fine');
  });

  it('keeps the turns of work asked for while the last of them ends', async () => {
    const turns = oneAtATime();
    const order: number[] = [];
    const add = (n: number) => turns.run('a', async () => void order.push(n));
    await Promise.all([add(1).then(() => add(3)), add(2)]);
    expect(order).toEqual([1, 2, 3]);
  });
});
