// Makes dead letters that stayed unread again, after their cause was mended.

import { forEachLimited } from './for-each-limited.ts';
import { StorageTrouble, type DeadLetterStore, type Run } from './ports.ts';

export type Released = {
  /** Blobs, of one or more events each. */
  readonly released: number;
  /** True when there may be more: release again. */
  readonly interrupted: boolean;
};

const BLOBS_MAX = 5_000;
const PARALLEL = 16;

/** What fails again stays again, with the reason. Doing it twice, or two at once, changes nothing. */
export async function releaseDeadLetters(deadLetters: DeadLetterStore, run: Run): Promise<Released> {
  let released = 0;
  try {
    const kept = await deadLetters.find('kept', BLOBS_MAX);
    await forEachLimited(kept, PARALLEL, async ({ name }) => {
      await deadLetters.release(name);
      released += 1;
    });
    if (kept.length > 0) run.log.info('Dead letters that had stayed are read again.', { released });
    return { released, interrupted: kept.length === BLOBS_MAX };
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('Storage trouble while dead letters were released: replay again.', {
      released,
      error: error.message,
    });
    return { released, interrupted: true };
  }
}
