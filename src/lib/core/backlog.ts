// What waits to be purged: merged by target, so that a target that changes a thousand times waits once.
//
// It is written by conditions on what was read: two flushes may work on one backlog, and neither undoes what the
// other wrote. An entry leaves by its revision, which no later entry is given again.

import type { Coverage } from './coalesce.ts';
import type { Hold } from './hold.ts';
import type { Instant } from './instant.ts';
import type { OutcomeClass } from './outcome-class.ts';
import type { Cause } from './purge-record.ts';
import { targetKey, type PurgeTarget } from './purge-target.ts';
import type { Throttling } from './throttling.ts';

export type Backlog = {
  /** Of the next that joins. */
  readonly nextRevision: number;
  /** By `keyOf`. */
  readonly entries: ReadonlyMap<string, Waiting>;
  /** What must not be sent for now, by the keys of `stop-sending.ts`. */
  readonly holds: ReadonlyMap<string, Hold>;
  readonly throttlings: ReadonlyMap<string, Throttling>;
};

export const EMPTY_BACKLOG: Backlog = {
  nextRevision: 1,
  entries: new Map(),
  holds: new Map(),
  throttlings: new Map(),
};

export type Waiting = WaitingTarget | WaitingRequest;

/** A target with all the changes that need it purged. */
export type WaitingTarget = Wait & {
  readonly type: 'target';
  readonly target: PurgeTarget;
  /** How many changes; more than `causes` has. */
  readonly changes: number;
  /** Of the newest changes, `CAUSES_MAX` at most. */
  readonly causes: readonly Cause[];
  /** The newest message of each path that makes this target: what goes to the poison queue if the CDN refuses the target. */
  readonly messages: readonly WaitingMessage[];
};

/** A person's request, or the tracker's: what it asks for is in its record. */
export type WaitingRequest = Wait & {
  readonly type: 'request';
  readonly requestId: string;
  readonly traceparent?: string | undefined;
};

type Wait = Stay & {
  /** When the oldest of what it stands for was buffered. */
  readonly since: Instant;
  readonly revision: number;
};

/** Why and until when something waits. */
export type Stay = {
  readonly reason: WaitReason;
  readonly until: Instant;
  /** Attempts of its own that failed: being held back is none. */
  readonly failedAttempts: number;
  /** Of what waits for the quota: why by the plan, in words. */
  readonly why?: string | undefined;
};

/**
 * - `out-of-time`: the flush ended before its turn
 * - `saves-quota`: the planner lets it wait for a better moment
 * - `in-flight`: as many purges as may be are under way at the CDN
 */
export type WaitReason = OutcomeClass | 'out-of-time' | 'saves-quota' | 'in-flight';

const WAITS_FOR_QUOTA: ReadonlySet<WaitReason> = new Set(['quota-exhausted', 'saves-quota']);

/** `text` as it stood in the buffer. */
export type WaitingMessage = { readonly path: string; readonly text: string };

/** What joins before it has a revision. */
export type Joining = Omit<WaitingTarget, 'revision'> | Omit<WaitingRequest, 'revision'>;

/** What one flush makes of the backlog that it read. */
export type BacklogChanges = {
  /** Purged, and on record; or put aside. */
  readonly leaving: readonly Waiting[];
  readonly staying: readonly { readonly entry: Waiting; readonly stay: Stay }[];
  readonly joining: readonly Joining[];
  /** Undefined: lifted. */
  readonly holds: ReadonlyMap<string, Hold | undefined>;
  readonly throttlings: ReadonlyMap<string, Throttling | undefined>;
};

export const NO_CHANGES: BacklogChanges = {
  leaving: [],
  staying: [],
  joining: [],
  holds: new Map(),
  throttlings: new Map(),
};

export const CAUSES_MAX = 8;

/**
 * Takes the backlog as it stands, which may be newer than the one that the changes were made from, gives it with
 * them; the same object when they change nothing. What somebody joined meanwhile stays.
 */
export function applyChanges(backlog: Backlog, changes: BacklogChanges, at: Instant): Backlog {
  const { leaving, staying, joining, holds, throttlings } = changes;
  if (leaving.length + staying.length + joining.length + holds.size + throttlings.size === 0) return backlog;
  const entries = new Map(backlog.entries);
  // By the clock, so that not even a backlog that somebody deleted gives a revision twice.
  let nextRevision = Math.max(backlog.nextRevision, at);
  const isCurrent = (entry: Waiting): boolean => entries.get(keyOf(entry))?.revision === entry.revision;

  for (const { entry, stay } of staying) {
    if (isCurrent(entry)) entries.set(keyOf(entry), { ...entry, ...stay });
  }
  for (const entry of leaving) {
    if (isCurrent(entry)) entries.delete(keyOf(entry));
  }
  for (const one of joining) {
    const key = keyOf(one);
    entries.set(key, join(entries.get(key), one, nextRevision));
    nextRevision += 1;
  }
  return {
    nextRevision,
    entries,
    holds: withChanges(backlog.holds, holds),
    throttlings: withChanges(backlog.throttlings, throttlings),
  };
}

function join(known: Waiting | undefined, joining: Joining, revision: number): Waiting {
  if (known === undefined) return { ...joining, revision };
  const merged = {
    revision,
    since: known.since < joining.since ? known.since : joining.since,
    failedAttempts: Math.max(known.failedAttempts, joining.failedAttempts),
  };
  if (joining.type === 'request' || known.type === 'request') return { ...joining, ...merged };
  const paths = new Set(joining.messages.map(({ path }) => path));
  return {
    ...joining,
    ...merged,
    changes: known.changes + joining.changes,
    causes: [...known.causes, ...joining.causes].slice(-CAUSES_MAX),
    messages: [...known.messages.filter(({ path }) => !paths.has(path)), ...joining.messages],
  };
}

function withChanges<T>(
  known: ReadonlyMap<string, T>,
  changes: ReadonlyMap<string, T | undefined>,
): ReadonlyMap<string, T> {
  if (changes.size === 0) return known;
  const changed = new Map(known);
  for (const [key, value] of changes) {
    if (value === undefined) changed.delete(key);
    else changed.set(key, value);
  }
  return changed;
}

/** Equal for what is merged into one entry. */
export function keyOf(entry: Joining): string {
  return entry.type === 'target' ? targetKey(entry.target) : `request ${entry.requestId}`;
}

/** How closely to look: at what is due, at what waits for the quota too, or at everything. */
export type Look = 'due' | 'quota' | 'all';

/**
 * What of the backlog is to be planned at a time. What waits for the quota is planned whenever somebody looks at the
 * ledger: units that were reserved and not spent come back before the reset. A request is not: looking at it costs a
 * call. What waits for purges in flight goes together, in one purge: all of it is due with the first, and with what
 * is new.
 */
export function dueEntries(backlog: Backlog, now: Instant, look: Look): readonly Waiting[] {
  const entries = [...backlog.entries.values()];
  const mayFly = look === 'quota' || entries.some(({ reason, until }) => isInFlight(reason) && until <= now);
  const isDue = (entry: Waiting): boolean => {
    if (look === 'all' || entry.until <= now) return true;
    if (isInFlight(entry.reason)) return mayFly;
    return look === 'quota' && entry.type === 'target' && WAITS_FOR_QUOTA.has(entry.reason);
  };
  return entries.filter(isDue);
}

const isInFlight = (reason: WaitReason): boolean => reason === 'in-flight';

/** The waiting targets that are purged with these, their own or a directory above. */
export function entriesCovered(backlog: Backlog, purged: Coverage): readonly WaitingTarget[] {
  const covered: WaitingTarget[] = [];
  for (const entry of backlog.entries.values()) {
    if (entry.type === 'target' && purged.covers(entry.target)) covered.push(entry);
  }
  return covered;
}
