// Takes all that waits in the buffer and purges it; a message goes only when its purge is accepted and on record.

import { coalesce, ownersOf } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { settle } from '../core/settlement.ts';
import { claimTargets, type FlushOwner } from './claim-targets.ts';
import { atMost, type AtMost } from './at-most.ts';
import { forEachLimited } from './for-each-limited.ts';
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
import { noteRequestFailure, noteRequestPurge } from './request-progress.ts';
import { sendPurges, type SendPorts, type SendResult, type SendSummary } from './send-purges.ts';

export type FlushPorts = SendPorts & {
  readonly configuration: ConfigurationSource;
  readonly buffer: PurgeBuffer;
  readonly providersFor: (configuration: Configuration) => ReadonlyMap<string, PurgeProvider>;
};

export type FlushLimits = {
  /** A flush stops taking more after this; what it has taken it brings to an end. */
  readonly takeForMs: number;
};

/** Messages held in memory at once: about 20 MB. */
const ROUND_MAX = 20_000;
const PARALLEL_RECEIVES = 4;
const PARALLEL_SETTLES = 16;

/** One flush. An empty buffer costs one receive and says nothing. */
export async function flushPurges(ports: FlushPorts, limits: FlushLimits, run: Run): Promise<void> {
  const startedAt = ports.clock.now();
  const configuration = await ports.configuration.current();
  let roundWasFull = true;
  let idle = true;
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
  if (!idle) await run.telemetry.flush();
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

  const onResult = async (result: SendResult<FlushOwner>): Promise<void> => {
    const done = progress.note(result);
    if (result.kind === 'purged') {
      await noteOnRequests(result, done, unnoted, ports, run);
    } else if (result.kind === 'tried') {
      warnOfOutcome(result.outcome, run);
    }
    complete(done.filter((owner) => !unnoted.has(owner)));
  };
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
      const settlement = settle(stop.outcome, owner.failedAttempts);
      if (settlement.kind === 'complete') return;
      const failedAttempts = stop.tried ? settlement.attempts : owner.failedAttempts;
      const { receipt, message } = owner.received;
      await buffer.putBack(receipt, { ...message, failedAttempts }, settlement.afterMs);
      if (stop.tried && owner.cause.type === 'request') {
        await noteRequestFailure(owner.cause.requestId, stop.outcome, clock.now(), records);
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
  const { correlationId } = outcome;
  if (outcome.kind === 'refused') {
    const { errorType, status, message } = outcome;
    log.warn(`The CDN refused a purge. ${REFUSED_ADVICE[outcome.scope]}`, {
      errorType,
      status,
      message,
      correlationId,
    });
  } else {
    const { reason, status, detail } = outcome;
    const advice = reason === 'endpoint-not-found' ? NO_ENDPOINT_ADVICE : NO_ANSWER_ADVICE;
    log.warn(`A purge failed. ${advice}`, { reason, status, detail, correlationId });
  }
}

const REFUSED_ADVICE = {
  items: 'The changes wait and are sent again; look at the URLs in the CDN error.',
  request:
    'The changes wait and are sent again; check the key, the subscription, the endpoint and the quota.',
} as const;
const NO_ENDPOINT_ADVICE =
  'The changes wait; check the host in the configuration, or give its endpoint id there.';
const NO_ANSWER_ADVICE =
  'The changes wait and are sent again; if this goes on, check the CDN and the network.';

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
