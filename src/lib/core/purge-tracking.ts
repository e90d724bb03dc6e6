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

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/**
 * Pauses before the first, second, … question. No document says how long a purge takes: files are told to be
 * quick and directories slow, and the vendor behind the service speaks of minutes. So an ordinary purge is asked
 * about a few times only, and a slow one never costs more than two calls an hour.
 */
const PAUSES_MS: readonly number[] = [
  15 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
];
const LONGEST_PAUSE_MS = 30 * MINUTE_MS;

/** A task that has not ended after a day never will: its quota day is over, and nobody waits for it any more. */
export const GIVE_UP_AFTER_MS = 24 * 60 * MINUTE_MS;

/** Takes what the CDN accepted, gives its record before the first question. */
export function beginTracking(purge: AcceptedPurge): OpenPurge {
  return {
    version: 2,
    ...purge,
    state: 'accepted',
    polls: 0,
    nextPollAt: instant(purge.acceptedAt + pauseMs(0)),
  };
}

/**
 * Takes a record and what came back on a question at an instant, gives the next record. A record that has ended
 * comes back as it is. The state only moves on: accepted, running, then one of the ends; 24 hours after the
 * acceptance it is `unknown`.
 */
export function followTask(purge: PurgeRecord, poll: Poll, now: Instant): PurgeRecord {
  if (isEnded(purge)) return purge;
  const polls = purge.polls + 1;
  const end = poll.kind === 'answered' ? findEnd(purge, poll.items) : undefined;
  if (end !== undefined) return endTracking(purge, { ...end, polls }, now);
  const giveUpAt = purge.acceptedAt + GIVE_UP_AFTER_MS;
  if (now >= giveUpAt) return endTracking(purge, { state: 'unknown', failedUrls: [], polls }, now);
  const waitMs = Math.max(pauseMs(polls), poll.kind === 'answered' ? 0 : (poll.retryAfterMs ?? 0));
  return {
    ...purge,
    state: poll.kind === 'answered' ? 'running' : purge.state,
    polls,
    nextPollAt: instant(Math.min(now + waitMs, giveUpAt)),
  };
}

type End = Pick<EndedPurge, 'state' | 'failedUrls'>;

function endTracking(
  { nextPollAt: _over, ...purge }: OpenPurge,
  end: End & Pick<EndedPurge, 'polls'>,
  endedAt: Instant,
): EndedPurge {
  return { ...purge, ...end, endedAt, repurges: [] };
}

/**
 * Undefined while anything runs, or is not told of. The CDN may spell a URL otherwise than it was sent: what it
 * tells of URLs that are not ours is about those of ours that it does not name, all of them if one failed.
 */
function findEnd({ files, directories }: AcceptedPurge, items: readonly ItemProgress[]): End | undefined {
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
  return failedUrls.length > 0 ? { state: 'failed', failedUrls } : { state: 'succeeded', failedUrls };
}

function pauseMs(polls: number): number {
  return PAUSES_MS[polls] ?? LONGEST_PAUSE_MS;
}
