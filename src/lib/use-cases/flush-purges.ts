// Takes all that waits in the buffer and purges it; a message goes only when its purge is accepted and on record.

import { coalesce, ownersOf } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import { instant } from '../core/instant.ts';
import { CONSEQUENCES, type OutcomeClass } from '../core/outcome-class.ts';
import { describeOutcome, type NotAccepted } from '../core/purge-outcome.ts';
import { settle } from '../core/settlement.ts';
import { claimTargets, type FlushOwner } from './claim-targets.ts';
import { atMost, type AtMost } from './at-most.ts';
import { forEachLimited } from './for-each-limited.ts';
import { oneAtATime } from './one-at-a-time.ts';
import {
  RECEIVE_MAX,
  StorageTrouble,
  type ConfigurationSource,
  type PurgeBuffer,
  type PurgeProvider,
  type ReceivedMessage,
  type Run,
} from './ports.ts';
import { followProgress, type Stop } from './progress.ts';
import { noteRequestFailure, noteRequestPurge, noteRequestRefusal } from './request-progress.ts';
import { sendPurges, type SendPorts, type SendResult, type SendSummary } from './send-purges.ts';

export type FlushPorts = SendPorts & {
  readonly configuration: ConfigurationSource;
  readonly buffer: PurgeBuffer;
  readonly providersFor: (configuration: Configuration) => ReadonlyMap<string, PurgeProvider>;
};

export type FlushLimits = {
  /** A flush stops taking more after this. */
  readonly takeForMs: number;
  /** It begins no further purge after this: what was not sent shows itself again when its visibility time ends. */
  readonly sendForMs: number;
};

/** Messages held in memory at once: about 20 MB. */
const ROUND_MAX = 20_000;
const PARALLEL_RECEIVES = 4;
const PARALLEL_SETTLES = 16;

/** One flush. An empty buffer costs one receive and says nothing. */
export async function flushPurges(ports: FlushPorts, limits: FlushLimits, invocation: Run): Promise<void> {
  const startedAt = ports.clock.now();
  const run = { ...invocation, sendUntil: instant(startedAt + limits.sendForMs) };
  const configuration = await ports.configuration.current();
  let roundWasFull = true;
  let idle = true;
  try {
    while (roundWasFull && ports.clock.now() - startedAt < limits.takeForMs) {
      const roundAt = ports.clock.now();
      const received = await receiveAll(ports.buffer);
      if (received.length === 0) break;
      idle = false;
      roundWasFull = received.length >= ROUND_MAX;
      await run.telemetry.span(
        {
          name: 'flush-purge-buffer',
          kind: 'internal',
          startedAt: roundAt,
          traceparent: run.traceparent,
          linkedTraceparents: received.flatMap(traceparentOf),
        },
        async (span) => {
          const summary = await purgeReceived(received, configuration, ports, run);
          span.set({ messages: received.length, ...countsOf(summary) });
          logSummary(received.length, summary, run);
        },
      );
    }
  } finally {
    if (!idle) await run.telemetry.flush();
  }
}

/** Receives fan out only after a full answer, so that an idle tick costs one call. */
async function receiveAll(buffer: PurgeBuffer): Promise<readonly ReceivedMessage[]> {
  const received = [...(await buffer.receive())];
  if (received.length < RECEIVE_MAX) return received;
  const drain = async (): Promise<void> => {
    while (received.length < ROUND_MAX) {
      const more = await buffer.receive();
      received.push(...more);
      if (more.length < RECEIVE_MAX) return;
    }
  };
  const draining = await Promise.allSettled(Array.from({ length: PARALLEL_RECEIVES }, drain));
  // What was received is purged all the same; what was not received waits for the next flush.
  const trouble = draining.find((one) => one.status === 'rejected');
  if (trouble !== undefined && !(trouble.reason instanceof StorageTrouble)) throw trouble.reason;
  return received;
}

async function purgeReceived(
  received: readonly ReceivedMessage[],
  configuration: Configuration,
  ports: FlushPorts,
  run: Run,
): Promise<SendSummary> {
  const { claims, finished } = await claimTargets(received, configuration, ports, run);
  const targets = coalesce(claims);
  const progress = followProgress(targets);
  // A request whose record misses one of its purges must come again, so that the record ends complete.
  const unnoted = new Set<FlushOwner>();
  // One limit for all batches: completing must not open more connections the more batches were accepted.
  const settleTurn = atMost(PARALLEL_SETTLES);
  const completing: Promise<void>[] = [];
  const complete = (owners: readonly Pick<FlushOwner, 'received'>[]): void => {
    const completed = completeAll(owners, ports, run, settleTurn);
    // A bug is thrown where all are awaited: unheard until then, it would end the process.
    completed.catch(() => undefined);
    completing.push(completed);
  };
  complete(finished);

  const takeResult = async (result: SendResult<FlushOwner>): Promise<void> => {
    const done = progress.note(result);
    switch (result.kind) {
      case 'purged':
        await noteOnRequests(result, done, unnoted, ports, run);
        break;
      case 'unpurgeable':
        await poisonAll(result, done, unnoted, ports, run);
        break;
      case 'tried':
        warnOfOutcome(result.outcome, run);
        break;
      case 'held':
        break;
    }
    complete(done.filter((owner) => !unnoted.has(owner)));
  };
  // Endpoints end side by side, but a message may go only when what was told of its other targets is written.
  const results = oneAtATime();
  const onResult = (result: SendResult<FlushOwner>): Promise<void> =>
    results.run('result', () => takeResult(result));
  try {
    return await sendPurges(targets, ports.providersFor(configuration), ports, run, onResult);
  } finally {
    await Promise.all(completing);
    await putBackAll(progress.unfinished(), ports, run);
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
  { records }: FlushPorts,
  { log }: Run,
): Promise<void> {
  for (const owner of ownersOf(targets)) {
    const { cause } = owner;
    if (cause.type !== 'request') continue;
    const isComplete = done.includes(owner) && !unnoted.has(owner);
    try {
      await noteRequestPurge(cause.requestId, owner, targets, record, isComplete, records);
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      unnoted.add(owner);
      log.warn('A purge could not be noted on the record of its request: the request comes again.', {
        requestId: cause.requestId,
        error: error.message,
      });
    }
  }
}

/**
 * What the CDN will never take goes to the poison queue with its words: once for each change that needs it. A
 * request keeps the refusal on its record. Who could not be told of joins `unnoted` and comes again.
 */
async function poisonAll(
  { targets, outcome }: Extract<SendResult<FlushOwner>, { kind: 'unpurgeable' }>,
  done: readonly FlushOwner[],
  unnoted: Set<FlushOwner>,
  { buffer, records }: FlushPorts,
  { log, telemetry }: Run,
): Promise<void> {
  const lastError = describeOutcome(outcome);
  for (const { target, owners } of targets) {
    const { url } = target;
    log.error('The CDN refuses a URL for good: it went to the poison queue, or stands on its request.', {
      url,
      lastError,
      correlationId: outcome.correlationId,
    });
    telemetry.track({ name: 'message-dead-lettered', reason: lastError });
    for (const owner of owners) {
      const { cause, received, failedAttempts } = owner;
      try {
        if (cause.type === 'request') {
          const isComplete = done.includes(owner) && !unnoted.has(owner);
          await noteRequestRefusal(
            cause.requestId,
            { cdn: target.cdn, url, detail: lastError },
            isComplete,
            records,
          );
        } else {
          const { text, bufferedAt } = received;
          await buffer.poison({
            text,
            bufferedAt,
            failedAttempts,
            url,
            lastError,
            reason: 'refused by the CDN',
          });
        }
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

async function completeAll(
  owners: readonly Pick<FlushOwner, 'received'>[],
  { buffer }: FlushPorts,
  run: Run,
  settleTurn: AtMost,
): Promise<void> {
  await Promise.all(
    owners.map(({ received }) =>
      settleTurn(() => leaveOnTrouble('complete', run, () => buffer.complete(received.receipt))),
    ),
  );
}

async function putBackAll(
  unfinished: ReadonlyMap<FlushOwner, Stop | undefined>,
  { buffer, clock, records }: FlushPorts,
  run: Run,
): Promise<void> {
  await forEachLimited([...unfinished], PARALLEL_SETTLES, ([owner, stop]) =>
    leaveOnTrouble('put back', run, async () => {
      // Cut off before its turn: the message shows itself again when its visibility time ends.
      if (stop === undefined) return;
      const now = clock.now();
      const settlement = settle(stop.outcome, owner.failedAttempts);
      if (settlement.kind === 'complete') return;
      const { receipt, message } = owner.received;
      const heldForMs = Math.max((stop.until ?? now) - now, 0);
      // What was only held back had no attempt, and waits as long as what holds it.
      if (!stop.tried) return buffer.putBack(receipt, message, heldForMs);
      const failedAttempts = settlement.attempts;
      await buffer.putBack(receipt, { ...message, failedAttempts }, Math.max(settlement.afterMs, heldForMs));
      if (owner.cause.type === 'request') {
        await noteRequestFailure(owner.cause.requestId, stop.outcome, now, records);
      }
    }),
  );
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
    'Nothing goes to this subscription for a while: check the key’s id, value and permission.',
  'endpoint-unusable': 'Check the endpoint: its host and id in the configuration, and its state at the CDN.',
  transient: 'If this goes on, check the CDN and the network.',
  unknown: 'It may have been purged all the same; if this goes on, check the CDN and the network.',
};

function logSummary(messages: number, summary: SendSummary, { log }: Run): void {
  log.info('Flushed the purge buffer.', {
    messages,
    ...countsOf(summary),
    correlationIds: summary.correlationIds.slice(0, 20).join(' '),
  });
}

const countsOf = ({ accepted, notAccepted, urlsPurged }: SendSummary) => ({
  accepted,
  notAccepted,
  urlsPurged,
});

function traceparentOf(received: ReceivedMessage): readonly string[] {
  if (received.kind !== 'readable') return [];
  const { message } = received;
  const traceparent = message.type === 'change' ? message.change.traceparent : message.traceparent;
  return traceparent === undefined ? [] : [traceparent];
}
