// What a flush could not send stands in the backlog afterwards: why, until when, and after how many attempts.

import {
  applyChanges,
  type Backlog,
  type BacklogChanges,
  type Joining,
  type Stay,
  type Waiting,
  type WaitReason,
} from '../core/backlog.ts';
import { instant, type Instant } from '../core/instant.ts';
import type { NotAccepted, PurgeFailureReason } from '../core/purge-outcome.ts';
import { targetKey } from '../core/purge-target.ts';
import { settle } from '../core/settlement.ts';
import type { FlushOwner } from './claim-targets.ts';
import {
  StorageTrouble,
  type BacklogStore,
  type Clock,
  type LoadedBacklog,
  type ReadableMessage,
  type Run,
} from './ports.ts';
import type { Left } from './progress.ts';

export type Stays = Pick<BacklogChanges, 'staying' | 'joining'> & {
  /** The messages of what joins: nobody needs them once it has. */
  readonly joined: readonly ReadableMessage[];
  /** Requests of which something was sent in vain. */
  readonly tried: readonly { readonly requestId: string; readonly outcome: NotAccepted }[];
};

/** Takes whoever has something left, with what stopped it, gives what of the backlog stays and what joins it. */
export function planStays(unfinished: ReadonlyMap<FlushOwner, readonly Left[]>, now: Instant): Stays {
  const staying: { entry: Waiting; stay: Stay }[] = [];
  const joining: Joining[] = [];
  const joined: ReadableMessage[] = [];
  const tried: { requestId: string; outcome: NotAccepted }[] = [];
  for (const [owner, left] of unfinished) {
    const { from, causes, bufferedAt: since, failedAttempts, requestId } = owner;
    const soonest = earliest(left.map(({ stop }) => stayOf(stop, failedAttempts, now)));
    const stayOfAll = requestId === undefined ? soonest : lookedAtAgain(soonest, now);
    const failed = left.find(({ stop }) => stop?.tried === true)?.stop;
    if (requestId !== undefined && failed !== undefined) tried.push({ requestId, outcome: failed.outcome });
    switch (from.kind) {
      case 'waiting':
        if (changes(from.entry, stayOfAll, now)) staying.push({ entry: from.entry, stay: stayOfAll });
        break;
      case 'request':
        joined.push(from.received);
        joining.push({
          type: 'request',
          requestId: from.requestId,
          traceparent: causes[0]?.traceparent,
          since,
          ...stayOfAll,
        });
        break;
      case 'change':
        joined.push(from.received);
        for (const { target, stop } of left) {
          const path = from.paths.get(targetKey(target)) ?? '';
          const messages = [{ path, text: from.received.text }];
          const stay = stayOf(stop, failedAttempts, now);
          joining.push({ type: 'target', target, since, causes, changes: 1, messages, ...stay });
        }
        break;
    }
  }
  return { staying, joining, joined, tried };
}

function stayOf(stop: Left['stop'], failedAttempts: number, now: Instant): Stay {
  if (stop === undefined) return { reason: 'out-of-time', until: now, failedAttempts, why: undefined };
  const { outcome, tried } = stop;
  const reason = reasonOf(outcome);
  const heldUntil = stop.until ?? now;
  const settlement = settle(outcome, failedAttempts);
  const why = whyOf(outcome);
  if (!tried || settlement.kind === 'complete') return { reason, until: heldUntil, failedAttempts, why };
  const until = instant(Math.max(now + settlement.afterMs, heldUntil));
  return { reason, until, failedAttempts: settlement.attempts, why };
}

/** The planner's words, or the ledger's. */
function whyOf(outcome: NotAccepted): string | undefined {
  const isPlanned =
    outcome.kind === 'failed' && (outcome.reason === 'saves-quota' || outcome.reason === 'quota-spent');
  return isPlanned ? outcome.detail : undefined;
}

/** What the app itself keeps for a while is no answer of a CDN. */
const OWN_REASONS: Partial<Record<PurgeFailureReason, WaitReason>> = {
  'saves-quota': 'saves-quota',
  'purge-in-flight': 'in-flight',
};

function reasonOf(outcome: NotAccepted): WaitReason {
  const own = outcome.kind === 'failed' ? OWN_REASONS[outcome.reason] : undefined;
  return own ?? outcome.outcomeClass;
}

/** Parts of a request may wait for different things: it comes again when the first of them may go. */
function earliest([first, ...others]: readonly Stay[]): Stay {
  if (first === undefined) throw new Error('nothing of it is left');
  return others.reduce((soonest, stay) => (stay.until < soonest.until ? stay : soonest), first);
}

/** A request is planned only when it is due, and the quota may leave something for it before the reset. */
function lookedAtAgain(stay: Stay, now: Instant): Stay {
  const until = instant(Math.min(stay.until, now + LOOK_AT_REQUEST_MS));
  return stay.reason === 'quota-exhausted' ? { ...stay, until } : stay;
}

const LOOK_AT_REQUEST_MS = 30 * 60_000;

/** Writing the backlog only to say the same again would cost a call at every look. */
function changes(entry: Waiting, stay: Stay, now: Instant): boolean {
  if (entry.reason !== stay.reason || entry.failedAttempts !== stay.failedAttempts) return true;
  return entry.until !== stay.until && stay.until > now;
}

/** Undefined when it cannot be read: then only what is in the buffer is purged, and what cannot go stays there. */
export async function loadBacklog(backlog: BacklogStore, { log }: Run): Promise<LoadedBacklog | undefined> {
  try {
    return await backlog.load();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('The backlog cannot be read: what waits in it goes by a later flush.', { error: error.message });
    return undefined;
  }
}

/** Writers are few: one flush, or two when a lease was lost. */
const SAVE_TRIES = 8;

/**
 * Writes the changes over whatever others wrote meanwhile. Gives the backlog as it stands then, undefined when it
 * could not be written: everything is still where it was.
 */
export async function saveBacklog(
  loaded: LoadedBacklog,
  changes: BacklogChanges,
  { backlog: store, clock }: { readonly backlog: BacklogStore; readonly clock: Clock },
  { log }: Run,
): Promise<Backlog | undefined> {
  try {
    let current = loaded;
    for (let attempt = 0; attempt < SAVE_TRIES; attempt += 1) {
      const changed = applyChanges(current.backlog, changes, clock.now());
      if (changed === current.backlog || (await store.save(changed, current.version))) return changed;
      current = await store.load();
    }
    throw new StorageTrouble(`the backlog was changed by others ${SAVE_TRIES} times in a row`);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('The backlog cannot be written: what has to wait stays in the buffer, and comes again.', {
      error: error.message,
    });
    return undefined;
  }
}
