// Whose effect is next, drawn from the seed; nothing else of a history runs side by side.

import type { Random } from './random.ts';

export type Scheduler = {
  /** Resolves when it is this effect's turn. */
  readonly turn: () => Promise<void>;
  /** Runs invocations side by side until all have ended. */
  readonly runAll: (invocations: readonly (() => Promise<void>)[]) => Promise<void>;
};

/** A provider answers a turn of the event loop later; who waits longer than this waits for ever. */
const STUCK_AFTER_LOOPS = 10_000;

export function createScheduler(random: Random): Scheduler {
  const waiting: (() => void)[] = [];
  return {
    turn: () => new Promise<void>((go) => waiting.push(go)),
    async runAll(invocations) {
      let running = invocations.length;
      const ends = invocations.map(async (invocation) => {
        try {
          await invocation();
        } finally {
          running -= 1;
        }
      });
      const ended = Promise.allSettled(ends);
      const isRunning = (): boolean => running > 0;
      for (let idleLoops = 0; isRunning() && idleLoops < STUCK_AFTER_LOOPS;) {
        await new Promise((resolve) => setImmediate(resolve));
        const [go] = waiting.splice(random.below(waiting.length), 1);
        idleLoops = go === undefined ? idleLoops + 1 : 0;
        go?.();
      }
      if (isRunning()) throw new Error('the history is stuck: something waits for what never comes');
      const failure = (await ended).find((end) => end.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    },
  };
}
