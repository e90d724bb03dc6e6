// One round of a flush: claims, purges, and what becomes of every message and every entry of the backlog.

import { entriesCovered, type Waiting } from '../core/backlog.ts';
import { coalesce, createCoverage, ownersOf, type Claim } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import { CONSEQUENCES, type OutcomeClass } from '../core/outcome-class.ts';
import { describeOutcome, type NotAccepted } from '../core/purge-outcome.ts';
import { targetKey, type PurgeTarget } from '../core/purge-target.ts';
import { atMost } from './at-most.ts';
import { claimTargets, type ClaimPorts, type FlushOwner, type Source } from './claim-targets.ts';
import { planStays, saveBacklog } from './keep-waiting.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { preparePlanning, type PlanningPorts } from './prepare-planning.ts';
import {
  StorageTrouble,
  type BacklogStore,
  type LoadedBacklog,
  type PurgeBuffer,
  type PurgeProvider,
  type ReadableMessage,
  type ReceivedMessage,
  type Run,
} from './ports.ts';
import { followProgress } from './progress.ts';
import { noteRequestFailure, noteRequestPurge, noteRequestRefusal } from './request-progress.ts';
import { sendPurges, type SendPorts, type SendResult, type SendSummary } from './send-purges.ts';

export type RoundPorts = SendPorts &
  ClaimPorts & {
    readonly backlog: BacklogStore;
    /** Undefined: files go as files, whatever the configuration says. */
    readonly planner?: PlanningPorts | undefined;
    readonly providersFor: (configuration: Configuration) => ReadonlyMap<string, PurgeProvider>;
  };

export type Round = {
  /** Undefined: it could not be read. */
  readonly loaded: LoadedBacklog | undefined;
  /** Those of its entries that are due. */
  readonly waiting: readonly Waiting[];
  readonly received: readonly ReceivedMessage[];
  readonly configuration: Configuration;
};

/** `waiting`: how much is in the backlog after it. */
export type RoundSummary = SendSummary & { readonly waiting: number };

const PARALLEL_SETTLES = 16;

/** Sends what may go now. Every message ends completed, or as it was: its text is never changed. */
export async function flushRound(round: Round, ports: RoundPorts, run: Run): Promise<RoundSummary> {
  const { loaded, waiting, received, configuration } = round;
  const due = await claimTargets(waiting, received, configuration, ports, run);
  const alsoServed = await claimTargets(
    servedToo(loaded, waiting, due.claims),
    [],
    configuration,
    ports,
    run,
  );
  const finished = [...due.finished, ...alsoServed.finished];
  const targets = coalesce([...due.claims, ...alsoServed.claims]);
  const planning = await preparePlanning(received, targets, configuration, ports, run);
  const progress = followProgress(targets);
  // Whoever could not be told of a result comes again, so that nothing of it is missed.
  const unnoted = new Set<FlushOwner>();
  const gone = new Set<Waiting>();
  const completing = createCompleting(ports.buffer, run);
  const end = (owners: readonly FlushOwner[]): void => {
    for (const { from } of owners) {
      if (from.kind === 'waiting') gone.add(from.entry);
      else completing.begin(from.received);
    }
  };
  end(finished);

  const takeResult = async (result: SendResult<FlushOwner>): Promise<void> => {
    const done = progress.note(result);
    switch (result.kind) {
      case 'purged':
        await noteOnRequests(result, done, unnoted, ports, run);
        break;
      case 'unpurgeable':
        await putAside(result, done, unnoted, ports, run);
        break;
      case 'tried':
        warnOfOutcome(result.outcome, run);
        break;
      case 'held':
      case 'not-needed':
        break;
    }
    end(done.filter((owner) => !unnoted.has(owner)));
  };
  // Endpoints end side by side, but a message may go only when what was told of its other targets is written.
  const results = oneAtATime();
  const onResult = (result: SendResult<FlushOwner>): Promise<void> =>
    results.run('result', () => takeResult(result));
  let left = loaded?.backlog;
  let sent: SendSummary;
  try {
    sent = await sendPurges(targets, ports.providersFor(configuration), ports, run, onResult, planning);
  } finally {
    await completing.all();
    const unfinished = [...progress.unfinished()].filter(([owner]) => !unnoted.has(owner));
    const { joined, tried, ...stays } = planStays(new Map(unfinished), ports.clock.now());
    if (loaded !== undefined) {
      const held = ports.holds.changes();
      left = await saveBacklog(loaded, { ...stays, leaving: [...gone], ...held }, ports, run);
      if (left !== undefined) {
        ports.holds.noteSaved(held);
        for (const message of joined) completing.begin(message);
      }
      await completing.all();
    }
    await noteFailures(tried, ports, run);
  }
  return { ...sent, waiting: left?.entries.size ?? 0 };
}

/** What is not due and is purged with what is claimed all the same. */
function servedToo(
  loaded: LoadedBacklog | undefined,
  waiting: readonly Waiting[],
  claims: readonly Claim<FlushOwner>[],
): readonly Waiting[] {
  if (loaded === undefined || loaded.backlog.entries.size === waiting.length) return [];
  const claimed = createCoverage();
  for (const { target } of claims) claimed.add(target);
  const due = new Set(waiting);
  return entriesCovered(loaded.backlog, claimed).filter((entry) => !due.has(entry));
}

type Completing = {
  readonly begin: (message: ReadableMessage) => void;
  readonly all: () => Promise<void>;
};

/** One limit for all batches: completing must not open more connections the more batches were accepted. */
function createCompleting(buffer: PurgeBuffer, run: Run): Completing {
  const turn = atMost(PARALLEL_SETTLES);
  const under: Promise<void>[] = [];
  return {
    begin({ receipt }) {
      const completed = turn(() => leaveOnTrouble('complete', run, () => buffer.complete(receipt)));
      // A bug is thrown where all are awaited: unheard until then, it would end the process.
      completed.catch(() => undefined);
      under.push(completed);
    },
    async all() {
      await Promise.all(under.splice(0));
    },
  };
}

/** A person sees on the request's record what it was answered last. */
async function noteFailures(
  tried: readonly { readonly requestId: string; readonly outcome: NotAccepted }[],
  { clock, records }: RoundPorts,
  run: Run,
): Promise<void> {
  for (const { requestId, outcome } of tried) {
    await leaveOnTrouble('note a failure', run, () =>
      noteRequestFailure(requestId, outcome, clock.now(), records),
    );
  }
}

/**
 * Notes an accepted purge on every request that it served. A request without the note joins `unnoted` and is
 * purged again; it does not stop the others.
 */
async function noteOnRequests(
  { targets, record }: Extract<SendResult<FlushOwner>, { kind: 'purged' }>,
  done: readonly FlushOwner[],
  unnoted: Set<FlushOwner>,
  { records }: RoundPorts,
  { log }: Run,
): Promise<void> {
  for (const owner of ownersOf(targets)) {
    const { requestId } = owner;
    if (requestId === undefined) continue;
    const isComplete = done.includes(owner) && !unnoted.has(owner);
    try {
      await noteRequestPurge(requestId, owner, targets, record, isComplete, records);
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      unnoted.add(owner);
      log.warn('A purge could not be noted on the record of its request: the request comes again.', {
        requestId,
        error: error.message,
      });
    }
  }
}

/**
 * What the CDN will never take goes to the poison queue with its words: once for each path whose change needs it. A
 * request keeps the refusal on its record. Who could not be told of joins `unnoted` and comes again.
 */
async function putAside(
  { targets, outcome }: Extract<SendResult<FlushOwner>, { kind: 'unpurgeable' }>,
  done: readonly FlushOwner[],
  unnoted: Set<FlushOwner>,
  ports: RoundPorts,
  { log, telemetry }: Run,
): Promise<void> {
  const lastError = describeOutcome(outcome);
  for (const { target, claims } of targets) {
    const { url } = target;
    if (!claims.some((claim) => targetKey(claim.target) === targetKey(target))) {
      log.warn('The CDN refuses a directory that was to go in place of its files: they go as files.', {
        url,
        lastError,
        correlationId: outcome.correlationId,
      });
      continue;
    }
    log.error('The CDN refuses a URL for good: it went to the poison queue, or stands on its request.', {
      url,
      lastError,
      correlationId: outcome.correlationId,
    });
    telemetry.track({ name: 'message-dead-lettered', reason: lastError, site: target.site });
    for (const claim of claims) {
      if (targetKey(claim.target) !== targetKey(target)) continue;
      const { owner } = claim;
      const isComplete = done.includes(owner) && !unnoted.has(owner);
      try {
        await putAsideFor(owner, target, lastError, isComplete, ports);
      } catch (error) {
        if (!(error instanceof StorageTrouble)) throw error;
        unnoted.add(owner);
        log.warn('A refused URL could not be put aside: its message comes again.', {
          url,
          error: error.message,
        });
      }
    }
  }
}

async function putAsideFor(
  { requestId, from, bufferedAt, failedAttempts }: FlushOwner,
  { cdn, url }: PurgeTarget,
  lastError: string,
  isComplete: boolean,
  { buffer, records }: RoundPorts,
): Promise<void> {
  if (requestId !== undefined) {
    return noteRequestRefusal(requestId, { cdn, url, detail: lastError }, isComplete, records);
  }
  for (const text of textsOf(from)) {
    const reason = 'refused by the CDN';
    await buffer.poison({ text, bufferedAt, failedAttempts, url, lastError, reason });
  }
}

function textsOf(from: Source): readonly string[] {
  if (from.kind !== 'waiting') return [from.received.text];
  return from.entry.type === 'target' ? from.entry.messages.map(({ text }) => text) : [];
}

/** Trouble with one message must not stop the others: it shows itself again when its visibility time ends. */
async function leaveOnTrouble(doing: string, { log }: Run, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('Storage trouble with one message: it comes again.', { doing, error: error.message });
  }
}

function warnOfOutcome(outcome: NotAccepted, { log }: Run): void {
  const { outcomeClass, correlationId } = outcome;
  const tell = CONSEQUENCES[outcomeClass].alerts ? log.error : log.warn;
  const facts =
    outcome.kind === 'refused'
      ? { errorType: outcome.errorType, status: outcome.status, message: outcome.message }
      : { reason: outcome.reason, status: outcome.status, detail: outcome.detail };
  tell(`${WHAT_HAPPENED[outcome.kind]} ${ADVICE[outcomeClass]}`, { outcomeClass, ...facts, correlationId });
}

const WHAT_HAPPENED = { refused: 'The CDN refused a purge.', failed: 'A purge failed.' } as const;

/** Everything waits and is sent again by itself; this is what a person can do. */
const ADVICE: Readonly<Record<OutcomeClass, string>> = {
  throttled: 'The subscription rests for a while; if this goes on, its daily quota may be spent.',
  'quota-exhausted': 'The day’s quota is spent: what is over goes after the reset.',
  'item-refused': 'Look at the URLs in the CDN’s error.',
  'request-refused':
    'Nothing goes to this endpoint for a while: look at the CDN’s error and the configuration.',
  'credentials-refused':
    'Nothing goes to this subscription for a while: check the key or the identity that the app has for this CDN, and what it may do.',
  'endpoint-unusable': 'Check the endpoint: its host and id in the configuration, and its state at the CDN.',
  transient: 'If this goes on, check the CDN and the network.',
  unknown: 'It may have been purged all the same; if this goes on, check the CDN and the network.',
};
