// Puts what stands in the poison queue back into the buffer, after its cause was mended.

import { StorageTrouble, type Clock, type PoisonQueue, type Run } from './ports.ts';

export type Replay = {
  readonly replayed: number;
  /** True when storage was in trouble before all was put back: replay again. */
  readonly interrupted: boolean;
};

/**
 * Puts back all that was in the poison queue when it began, verbatim: it is read and mapped afresh by the flush, and
 * what fails again comes back with the reason. Only what was put back is removed, so running it twice, or two at
 * once, costs a repeated purge at most.
 */
export async function replayPoison(poison: PoisonQueue, clock: Clock, run: Run): Promise<Replay> {
  const startedAt = clock.now();
  let replayed = 0;
  try {
    for (;;) {
      const received = await poison.receive();
      const older = received.filter(({ poisonedAt }) => poisonedAt < startedAt);
      for (const entry of older) {
        await poison.restore(entry.text);
        await poison.remove(entry.receipt);
        replayed += 1;
      }
      // What was poisoned meanwhile failed again: it stays.
      if (older.length === 0) break;
    }
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('Storage trouble in the middle of a replay: replay again.', {
      replayed,
      error: error.message,
    });
    return { replayed, interrupted: true };
  }
  run.log.info('Put the poison queue back into the buffer.', { replayed });
  return { replayed, interrupted: false };
}
