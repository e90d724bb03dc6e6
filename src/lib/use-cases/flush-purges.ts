// Purges what waits, in the buffer and in the backlog. A message goes only when its purge is accepted and on record,
// or what is left of it stands in the backlog.

import { dueEntries } from '../core/backlog.ts';
import type { OwnPlaces } from './buffer-blob-changes.ts';
import { loadBacklog } from './keep-waiting.ts';
import type { ActivityNotes } from './note-activity.ts';
import { flushRound, type RoundPorts, type RoundSummary } from './flush-round.ts';
import {
  RECEIVE_MAX,
  StorageTrouble,
  type ConfigurationSource,
  type FlushLease,
  type HeldLease,
  type PurgeBuffer,
  type ReceivedEvent,
  type ReceivedMessage,
  type Run,
} from './ports.ts';
import type { Looks } from './looks.ts';
import { takeRawEvents } from './take-raw-events.ts';

export type FlushPorts = RoundPorts & {
  readonly configuration: ConfigurationSource;
  readonly lease: FlushLease;
  readonly looks: Looks;
  /** What stands in the buffer as Event Grid put it there is held against it. */
  readonly own: OwnPlaces;
  /** Undefined: nobody is told of containers that fall silent. */
  readonly activity?: ActivityNotes | undefined;
};

export type FlushLimits = {
  /** A flush stops taking more after this. */
  readonly takeForMs: number;
  /** It begins no further purge after this: what was not sent is left for the next flush. */
  readonly sendForMs: number;
};

/** Messages held in memory at once: about 20 MB. */
const ROUND_MAX = 20_000;
const PARALLEL_RECEIVES = 4;

/** One flush. When nothing is due it costs four storage calls, however much waits, and says nothing. */
export async function flushPurges(ports: FlushPorts, limits: FlushLimits, invocation: Run): Promise<void> {
  const lease = await acquireLease(ports, invocation);
  if (lease === undefined) return;
  try {
    await flushAll(ports, limits, lease, invocation);
  } finally {
    await lease.release();
  }
}

async function flushAll(
  ports: FlushPorts,
  { takeForMs, sendForMs }: FlushLimits,
  lease: HeldLease,
  invocation: Run,
): Promise<void> {
  const { buffer, clock, looks } = ports;
  const startedAt = clock.now();
  const mayBegin = (): boolean => clock.now() - startedAt < sendForMs && lease.isHeld();
  const run = { ...invocation, mayBegin };
  const configuration = await ports.configuration.current();
  let roundWasFull = true;
  let idle = true;
  try {
    while (roundWasFull && clock.now() - startedAt < takeForMs && lease.isHeld()) {
      const roundAt = clock.now();
      const loaded = await loadBacklog(ports.backlog, run);
      const taken = await receiveAll(buffer);
      const look = looks.look(taken.length > 0, configuration, roundAt);
      const waiting = loaded === undefined ? [] : dueEntries(loaded.backlog, roundAt, look);
      if (taken.length + waiting.length === 0) break;
      idle = false;
      roundWasFull = taken.length >= ROUND_MAX;
      const received = await takeRawEvents(taken, configuration, ports, run);
      if (received.length + waiting.length === 0) continue;
      await ports.activity?.note(received, roundAt, run);
      if (loaded !== undefined) ports.holds.adopt(loaded.backlog);
      if (look === 'all') ports.holds.retryAlerted(roundAt);
      await run.telemetry.span(
        {
          name: 'flush-purge-buffer',
          kind: 'internal',
          startedAt: roundAt,
          traceparent: run.traceparent,
          linkedTraceparents: received.flatMap(traceparentOf),
        },
        async (span) => {
          const summary = await flushRound({ loaded, waiting, received, configuration }, ports, run);
          span.set(countsOf(received.length, summary));
          const { accepted, notAccepted } = summary;
          if (received.length + accepted + notAccepted > 0) logSummary(received.length, summary, run);
        },
      );
    }
  } finally {
    if (!idle) await run.telemetry.flush();
  }
}

/** Undefined when another flush runs. Two at once are harmless, so trouble with the lease stops nothing. */
async function acquireLease({ lease }: FlushPorts, { log }: Run): Promise<HeldLease | undefined> {
  try {
    return await lease.acquire();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('The lease of the flush cannot be reached: the flush runs without it.', {
      error: error.message,
    });
    return { isHeld: () => true, release: async () => undefined };
  }
}

/** Receives fan out only after a full answer, so that an idle tick costs one call. */
async function receiveAll(buffer: PurgeBuffer): Promise<readonly (ReceivedMessage | ReceivedEvent)[]> {
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

function logSummary(messages: number, summary: RoundSummary, { log }: Run): void {
  log.info('Flushed the purge buffer.', {
    ...countsOf(messages, summary),
    correlationIds: summary.correlationIds.slice(0, 20).join(' '),
  });
}

const countsOf = (messages: number, { accepted, notAccepted, urlsPurged, waiting }: RoundSummary) => ({
  messages,
  accepted,
  notAccepted,
  urlsPurged,
  waiting,
});

function traceparentOf(received: ReceivedMessage): readonly string[] {
  if (received.kind !== 'readable') return [];
  const { message } = received;
  const traceparent = message.type === 'change' ? message.change.traceparent : message.traceparent;
  return traceparent === undefined ? [] : [traceparent];
}
