// What was accepted of late: a message or an entry that outlived its purge, in a crash, is not sent again.

import { serves } from '../core/coalesce.ts';
import { instant } from '../core/instant.ts';
import type { AcceptedPurge } from '../core/purge-record.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import { StorageTrouble, type Clock, type PurgeRecords, type Run } from './ports.ts';

export type RecentPurges = {
  /** Takes a purge that is on record. */
  readonly note: (purge: AcceptedPurge) => void;
  /** Whether one of the purges served this event's claim on the target. */
  readonly served: (eventId: string, target: PurgeTarget) => boolean;
  /** Whether one of the purges served the backlog's entry of that revision. */
  readonly servedWaiting: (revision: number) => boolean;
  /** Looks at the records for what other processes noted, or this one before it was restarted. */
  readonly lookUp: (
    ports: { readonly records: PurgeRecords; readonly clock: Clock },
    run: Run,
  ) => Promise<void>;
  readonly hasLookedUp: () => boolean;
};

/** What was accepted earlier than this is not looked for: a message is received again much sooner. */
const LOOK_BACK_MS = 60 * 60_000;
/** What a flush sends in one round, about: 20,000 messages in batches of 100. */
const MOST_PURGES = 200;

export function createRecentPurges(): RecentPurges {
  const purges = new Map<string, AcceptedPurge>();
  const byEvent = new Map<string, Set<AcceptedPurge>>();
  const revisions = new Set<number>();
  let hasLookedUp = false;
  const forget = (purge: AcceptedPurge): void => {
    purges.delete(purge.id);
    for (const revision of purge.waited ?? []) revisions.delete(revision);
    for (const eventId of eventIdsOf(purge)) {
      const ofEvent = byEvent.get(eventId);
      if (ofEvent?.delete(purge) === true && ofEvent.size === 0) byEvent.delete(eventId);
    }
  };
  const note = (purge: AcceptedPurge): void => {
    if (purges.has(purge.id)) return;
    purges.set(purge.id, purge);
    for (const revision of purge.waited ?? []) revisions.add(revision);
    for (const eventId of eventIdsOf(purge)) {
      const ofEvent = byEvent.get(eventId) ?? new Set();
      byEvent.set(eventId, ofEvent.add(purge));
    }
    if (purges.size > MOST_PURGES) forget(oldestOf(purges.values()));
  };
  return {
    note,
    served: (eventId, target) => [...(byEvent.get(eventId) ?? [])].some((purge) => hasPurged(purge, target)),
    servedWaiting: (revision) => revisions.has(revision),
    hasLookedUp: () => hasLookedUp,
    async lookUp({ records, clock }, { log }) {
      try {
        const since = instant(clock.now() - LOOK_BACK_MS);
        const found = await records.findPurgesSince(since, MOST_PURGES, (id) => purges.has(id));
        for (const purge of found) if (purge.acceptedAt >= since) note(purge);
        hasLookedUp = true;
      } catch (error) {
        if (!(error instanceof StorageTrouble)) throw error;
        log.warn('The records of recent purges cannot be reached: some may be purged again.', {
          error: error.message,
        });
      }
    },
  };
}

function oldestOf(purges: Iterable<AcceptedPurge>): AcceptedPurge {
  return [...purges].reduce((oldest, one) => (one.acceptedAt < oldest.acceptedAt ? one : oldest));
}

function eventIdsOf({ causes }: AcceptedPurge): ReadonlySet<string> {
  return new Set(causes.flatMap((cause) => (cause.type === 'change' ? [cause.eventId] : [])));
}

function hasPurged({ cdn, files, directories }: AcceptedPurge, target: PurgeTarget): boolean {
  return (
    files.some((url) => serves({ kind: 'file', cdn, url }, target, target.matching)) ||
    directories.some((url) => serves({ kind: 'directory', cdn, url }, target, target.matching))
  );
}
