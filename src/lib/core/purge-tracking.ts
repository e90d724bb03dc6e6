// Follows the CDN's task on a purge to its end: when to ask, and what an answer makes of the record.

import { instant, type Instant } from './instant.ts';
import {
  isEnded,
  type AcceptedPurge,
  type EndedPurge,
  type OpenPurge,
  type PurgeRecord,
} from './purge-record.ts';

/** What the CDN says of one URL of a task. */
export type ItemProgress = {
  readonly url: string;
  /** `running`: whatever is neither of the ends. */
  readonly status: 'running' | 'succeeded' | 'failed';
};

/** What the CDN says of a task, URL by URL. */
export type TaskProgress = {
  readonly items: readonly ItemProgress[];
  /** The CDN's words on what failed, if it has any. */
  readonly failure?: string | undefined;
  /** Not to be asked again before. */
  readonly retryAfterMs?: number | undefined;
};

/** What came back when the CDN was asked about a task. */
export type Poll =
  | (TaskProgress & { readonly kind: 'answered' })
  /** No answer, or none about the task: that says nothing of its end. */
  | { readonly kind: 'nothing-learnt'; readonly retryAfterMs: number | undefined };

const MINUTE_MS = 60_000;

/** Where nothing says how long to pause: the configuration no longer has the CDN. */
const USUAL_PAUSE_MS = 30 * MINUTE_MS;

/** A task that has not ended after a day never will: its quota day is over, and nobody waits for it any more. */
export const GIVE_UP_AFTER_MS = 24 * 60 * MINUTE_MS;

/** A CDN's words may be a page long. */
const FAILURE_MAX = 500;

/**
 * Takes what the CDN accepted, its pauses between questions (the last one is repeated) and for how long it asked not
 * to be asked, gives the record before the first question.
 */
export function beginTracking(
  purge: AcceptedPurge,
  pausesMs: readonly number[],
  retryAfterMs: number | undefined,
): OpenPurge {
  return {
    version: 2,
    ...purge,
    state: 'accepted',
    polls: 0,
    nextPollAt: nextPollAt(purge, 0, { now: purge.acceptedAt, pausesMs, retryAfterMs }),
  };
}

/**
 * Takes a record, what came back on a question at an instant, and the CDN's pauses between questions, gives the next
 * record. A record that has ended comes back as it is. The state only moves on: accepted, running, then one of the
 * ends; 24 hours after the acceptance it is `unknown`.
 */
export function followTask(
  purge: PurgeRecord,
  poll: Poll,
  now: Instant,
  pausesMs: readonly number[],
): PurgeRecord {
  if (isEnded(purge)) return purge;
  const polls = purge.polls + 1;
  const end = poll.kind === 'answered' ? findEnd(purge, poll) : undefined;
  if (end !== undefined) return endTracking(purge, { ...end, polls }, now);
  if (now >= giveUpAt(purge)) return endTracking(purge, { state: 'unknown', failedUrls: [], polls }, now);
  return {
    ...purge,
    state: poll.kind === 'answered' ? 'running' : purge.state,
    polls,
    nextPollAt: nextPollAt(purge, polls, { now, pausesMs, retryAfterMs: poll.retryAfterMs }),
  };
}

/** When a purge stops being followed, whatever became of it. */
function giveUpAt({ acceptedAt }: Pick<AcceptedPurge, 'acceptedAt'>): Instant {
  return instant(acceptedAt + GIVE_UP_AFTER_MS);
}

type End = Pick<EndedPurge, 'state' | 'failedUrls' | 'failure'>;

/** Nobody asks any more: where the CDN tells of the task is a secret without a use. */
function endTracking(
  { nextPollAt: _over, operationUrl: _unused, ...purge }: OpenPurge,
  end: End & Pick<EndedPurge, 'polls'>,
  endedAt: Instant,
): EndedPurge {
  return { ...purge, ...end, endedAt, repurges: [] };
}

/**
 * Undefined while anything runs, or is not told of. The CDN may spell a URL otherwise than it was sent: what it
 * tells of URLs that are not ours is about those of ours that it does not name, all of them if one failed.
 */
function findEnd({ files, directories }: AcceptedPurge, { items, failure }: TaskProgress): End | undefined {
  if (items.some(({ status }) => status === 'running')) return undefined;
  const ours = new Set([...files, ...directories]);
  const named = new Set(items.map(({ url }) => url));
  const others = new Set(items.filter(({ url }) => !ours.has(url)).map(({ url }) => url));
  const unnamed = [...ours].filter((url) => !named.has(url));
  if (unnamed.length > others.size) return undefined;
  const failed = new Set(items.filter(({ status }) => status === 'failed').map(({ url }) => url));
  const otherFailed = [...others].some((url) => failed.has(url));
  const failedUrls = [...ours].filter((url) => failed.has(url) || (otherFailed && !named.has(url)));
  // A failure of what we never sent is none of ours.
  if (failedUrls.length === 0) return { state: 'succeeded', failedUrls };
  return { state: 'failed', failedUrls, failure: failure?.slice(0, FAILURE_MAX) };
}

type Pausing = {
  readonly now: Instant;
  readonly pausesMs: readonly number[];
  readonly retryAfterMs: number | undefined;
};

function nextPollAt(purge: AcceptedPurge, polls: number, { now, pausesMs, retryAfterMs }: Pausing): Instant {
  const pauseMs = pausesMs[polls] ?? pausesMs.at(-1) ?? USUAL_PAUSE_MS;
  return instant(Math.min(now + Math.max(pauseMs, retryAfterMs ?? 0), giveUpAt(purge)));
}
