// Whose effect is next, drawn from the seed; nothing else of a history runs side by side.

import { nextTick } from 'node:process';

import type { Random } from './random.ts';

export type Scheduler = {
  /** Resolves when it is this effect's turn. */
  readonly turn: () => Promise<void>;
  /** Runs invocations side by side until all have ended. Throws when they wait for what never comes. */
  readonly runAll: (invocations: readonly (() => Promise<void>)[]) => Promise<void>;
};

/** Of the event loop, with nothing left to give a turn to. */
const STUCK_AFTER_LOOPS = 1_000;

/** Far more than any history takes. */
const STUCK_AFTER_TURNS = 100_000;

export function createScheduler(random: Random): Scheduler {
  const waiting: (() => void)[] = [];
  let turns = 0;
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
      let idleLoops = 0;
      const isGoingOn = (): boolean =>
        running > 0 && idleLoops < STUCK_AFTER_LOOPS && turns < STUCK_AFTER_TURNS;
      for (await quiet(); isGoingOn(); await quiet()) {
        if (waiting.length === 0) {
          idleLoops += 1;
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        idleLoops = 0;
        turns += 1;
        for (const go of waiting.splice(random.below(waiting.length), 1)) go();
      }
      if (running > 0) throw new Error('the history is stuck: something waits for what never comes');
      const failure = (await ended).find((end) => end.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    },
  };
}

/** Resolves when every promise has run as far as it can: Node empties that queue before it takes the next tick. */
function quiet(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve));
}
