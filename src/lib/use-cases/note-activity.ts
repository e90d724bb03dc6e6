// Notes when containers changed, by what the flush receives: every few minutes is enough to know a habit of hours.

import { affectedPaths } from '../core/blob-change.ts';
import { activityKey, forgetSilent, withChanges } from '../core/container-activity.ts';
import type { Instant } from '../core/instant.ts';
import { StorageTrouble, type ActivityStore, type ReceivedMessage, type Run } from './ports.ts';

export type ActivityNotes = {
  /** Two storage calls, every five minutes at most for each container. Trouble stops nothing. */
  readonly note: (received: readonly ReceivedMessage[], now: Instant, run: Run) => Promise<void>;
};

const NOTE_EVERY_MS = 5 * 60_000;

/** Remembers, for one process, what it has noted. */
export function createActivityNotes(store: ActivityStore): ActivityNotes {
  const noted = new Map<string, Instant>();
  return {
    async note(received, now, { log }) {
      const changes = lastChanges(received);
      const isNews = [...changes].some(([key, at]) => at - (noted.get(key) ?? -Infinity) >= NOTE_EVERY_MS);
      if (!isNews) return;
      try {
        const { activity, version } = await store.load();
        const next = forgetSilent(withChanges(activity, changes), now);
        // Somebody else's note came between: ours comes with the next changes.
        if (next !== activity && !(await store.save(next, version))) return;
        for (const [key, at] of changes) noted.set(key, at);
      } catch (error) {
        if (!(error instanceof StorageTrouble)) throw error;
        log.debug('It could not be noted when containers changed.', { error: error.message });
      }
    },
  };
}

/** By container; what was received before was noted then. */
function lastChanges(received: readonly ReceivedMessage[]): ReadonlyMap<string, Instant> {
  const last = new Map<string, Instant>();
  for (const one of received) {
    if (one.kind !== 'readable' || one.isRepeated || one.message.type !== 'change') continue;
    const { change } = one.message;
    for (const { account, container } of affectedPaths(change)) {
      const key = activityKey(account, container);
      const known = last.get(key);
      if (known === undefined || known < change.eventAt) last.set(key, change.eventAt);
    }
  }
  return last;
}
