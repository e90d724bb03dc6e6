// Puts what stands in the poison queue back into the buffer, after its cause was mended.

import { StorageTrouble, type Clock, type PoisonQueue, type Run } from './ports.ts';

export type Replay = {
  readonly replayed: number;
  /** Entries that stay: their message is not to be had, or only a newer version of the app can read them. */
  readonly left: number;
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
  const left = new Set<string>();
  let replayed = 0;
  try {
    for (;;) {
      const received = await poison.receive();
      // What was poisoned meanwhile failed again: it stays. What was left shows itself again in a long replay.
      const older = received.filter(
        ({ poisonedAt, receipt }) => poisonedAt < startedAt && !left.has(receipt.messageId),
      );
      if (older.length === 0) break;
      for (const entry of older) {
        if (await poison.restore(entry)) {
          await poison.remove(entry);
          replayed += 1;
        } else {
          left.add(entry.receipt.messageId);
        }
      }
    }
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('Storage trouble in the middle of a replay: replay again.', {
      replayed,
      left: left.size,
      error: error.message,
    });
    return { replayed, left: left.size, interrupted: true };
  }
  run.log.info('Put the poison queue back into the buffer.', { replayed, left: left.size });
  return { replayed, left: left.size, interrupted: false };
}
