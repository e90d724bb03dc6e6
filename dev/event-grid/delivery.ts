// Delivers events at least once: up to 16 POSTs at a time, retries by the schedule, dead letters kept. No order.
import type { NewLogEntry } from '../processes/log-entry.ts';
import type { KeepDeadLetter } from './dead-letter-container.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import { decideDelivery, isExpired, type Answer } from './delivery-schedule.ts';
import type { OutgoingEvent } from './event.ts';
import { printable } from './printable.ts';

export const maxParallelDeliveries = 16;
/** A stack that stays up for weeks must not keep every event it ever delivered. */
const keptSettledEvents = 50_000;

type DeliveryState = 'waiting' | 'delivering' | 'delivered' | 'dead-lettered';

/** An event's way so far, as `GET /_event-grid/events` shows it. Instants are ISO 8601. */
export interface DeliveryRecord {
  readonly id: string;
  readonly eventType: string;
  readonly subject: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly acceptedAt: string;
  readonly nextAttemptAt?: string;
  readonly settledAt?: string;
  /** The last answer: a status, or why there was none. */
  readonly lastAnswer?: string;
  /** Name of the blob, once it stands in the dead-letter container. */
  readonly deadLetterBlob?: string;
  readonly event: Readonly<Record<string, unknown>>;
}

export interface DeliveryCounts {
  /** Waiting or on their way. */
  readonly undelivered: number;
  readonly delivered: number;
  readonly deadLettered: number;
}

export interface Delivery {
  /** Takes an event over. From now on it is delivered or dead-lettered, as long as this process lives. */
  accept(event: OutgoingEvent): void;
  /** Nothing is delivered before there is somebody to deliver to. */
  start(send: Send): void;
  pause(): void;
  resume(): void;
  records(): readonly DeliveryRecord[];
  counts(): DeliveryCounts;
  isPaused(): boolean;
  close(): void;
}

type Send = (events: readonly OutgoingEvent[], earlierAttempts: number) => Promise<Answer>;

export interface DeliverySettings {
  /** Most events in one POST. */
  readonly batchSize: number;
  /** Multiplies every retry delay and the time to live; 1 is Azure's pace. */
  readonly retryScale: number;
  /** Undefined: what is given up on is lost, as in Azure without a dead-letter destination. */
  readonly keepDeadLetter?: KeepDeadLetter | undefined;
  readonly log: (entry: NewLogEntry) => void;
}

interface Entry {
  readonly event: OutgoingEvent;
  readonly acceptedAtMs: number;
  state: DeliveryState;
  attempts: number;
  nextAttemptAtMs: number | undefined;
  settledAtMs: number | undefined;
  lastAttemptAtMs: number | undefined;
  lastAnswer: Answer | undefined;
  deadLetterBlob: string | undefined;
}

export function createDelivery({ batchSize, retryScale, keepDeadLetter, log }: DeliverySettings): Delivery {
  let entries: Entry[] = [];
  const due: Entry[] = [];
  const retryTimers = new Set<NodeJS.Timeout>();
  const counts = { delivered: 0, deadLettered: 0, undelivered: 0 };
  let send: Send | undefined;
  let inFlight = 0;
  let paused = false;
  let closed = false;

  /** Undefined while nothing may be sent. */
  const freeSend = (): Send | undefined =>
    paused || closed || inFlight >= maxParallelDeliveries ? undefined : send;

  const pump = (): void => {
    for (let send = freeSend(); send !== undefined; send = freeSend()) {
      const batch = takeBatch();
      if (batch.length === 0) return;
      void deliver(batch, send);
    }
  };

  const takeBatch = (): readonly Entry[] => {
    const batch: Entry[] = [];
    for (let entry = due[0]; entry !== undefined && batch.length < batchSize; entry = due[0]) {
      if (batch[0] !== undefined && batch[0].event.schema !== entry.event.schema) break;
      due.shift();
      if (isExpired(entry.acceptedAtMs, Date.now(), retryScale))
        deadLetter(entry, 'TimeToLiveExceeded', 'its time to live is over');
      else batch.push(entry);
    }
    return batch;
  };

  const deliver = async (batch: readonly Entry[], send: Send): Promise<void> => {
    inFlight += 1;
    const earlierAttempts = Math.max(...batch.map((entry) => entry.attempts));
    for (const entry of batch) {
      entry.state = 'delivering';
      entry.nextAttemptAtMs = undefined;
      entry.attempts += 1;
      entry.lastAttemptAtMs = Date.now();
    }
    const answer = await send(
      batch.map((entry) => entry.event),
      earlierAttempts,
    );
    inFlight -= 1;
    if (closed) return;
    // All or none: one answer is for the whole POST.
    for (const entry of batch) settle(entry, answer);
    pump();
  };

  const settle = (entry: Entry, answer: Answer): void => {
    entry.lastAnswer = answer;
    const decision = decideDelivery(answer, entry.attempts, retryScale);
    switch (decision.kind) {
      case 'delivered':
        finish(entry, 'delivered');
        counts.delivered += 1;
        log({
          source: 'event-grid',
          level: 'info',
          event: 'event-delivered',
          message: `Delivered ${describe(entry.event)}${entry.attempts > 1 ? ` at attempt ${entry.attempts}` : ''}`,
          ...named(entry),
          durationMs: Date.now() - entry.acceptedAtMs,
        });
        return;
      case 'dead-letter':
        deadLetter(entry, decision.reason, decision.detail);
        return;
      case 'retry':
        entry.state = 'waiting';
        entry.nextAttemptAtMs = Date.now() + decision.delayMs;
        log({
          source: 'event-grid',
          level: 'warn',
          event: 'event-delivery-failed',
          message: `Attempt ${entry.attempts} to deliver ${describe(entry.event)} failed (${shown(answer)}); next in ${Math.ceil(decision.delayMs)} ms`,
          ...named(entry),
          answer: shown(answer),
          retryDelayMs: decision.delayMs,
        });
        dueIn(entry, decision.delayMs);
        return;
      default:
        decision satisfies never;
    }
  };

  const dueIn = (entry: Entry, delayMs: number): void => {
    const timer = setTimeout(() => {
      retryTimers.delete(timer);
      due.push(entry);
      pump();
    }, delayMs);
    retryTimers.add(timer);
  };

  const deadLetter = (entry: Entry, reason: DeadLetterReason, detail: string): void => {
    finish(entry, 'dead-lettered');
    counts.deadLettered += 1;
    log({
      source: 'event-grid',
      level: 'error',
      event: 'event-dead-lettered',
      message: `Gave up delivering ${describe(entry.event)}: ${detail}. ${keepDeadLetter === undefined ? lostHint : keptHint}`,
      ...named(entry),
      reason: detail,
      answer: shown(entry.lastAnswer),
    });
    void keep(entry, reason);
  };

  const keep = async (entry: Entry, reason: DeadLetterReason): Promise<void> => {
    const { event, attempts, lastAnswer: answer, acceptedAtMs, lastAttemptAtMs } = entry;
    try {
      const kept = keepDeadLetter?.({ event, reason, attempts, answer, acceptedAtMs, lastAttemptAtMs });
      entry.deadLetterBlob = await kept;
    } catch (error) {
      log({
        source: 'event-grid',
        level: 'error',
        event: 'dead-letter-lost',
        message: `Storage did not take the dead letter of ${describe(event)}: ${error instanceof Error ? error.message : String(error)}`,
        ...named(entry),
      });
    }
  };

  const finish = (entry: Entry, state: 'delivered' | 'dead-lettered'): void => {
    entry.state = state;
    entry.settledAtMs = Date.now();
    counts.undelivered -= 1;
    forgetOldest();
  };

  const forgetOldest = (): void => {
    // In steps, so that the cost of the copy is spread.
    if (entries.length <= keptSettledEvents * 1.1) return;
    let surplus = entries.length - keptSettledEvents;
    entries = entries.filter((entry) => entry.settledAtMs === undefined || surplus-- <= 0);
  };

  return {
    accept(event) {
      const entry: Entry = {
        event,
        acceptedAtMs: Date.now(),
        state: 'waiting',
        attempts: 0,
        nextAttemptAtMs: undefined,
        settledAtMs: undefined,
        lastAttemptAtMs: undefined,
        lastAnswer: undefined,
        deadLetterBlob: undefined,
      };
      entries.push(entry);
      due.push(entry);
      counts.undelivered += 1;
      log({
        source: 'event-grid',
        level: 'info',
        event: 'event-published',
        message: `Published ${describe(event)}`,
        ...named(entry),
      });
      pump();
    },
    start(newSend) {
      send = newSend;
      pump();
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
      pump();
    },
    records: () => entries.map(recordOf),
    counts: () => ({ ...counts }),
    isPaused: () => paused,
    close() {
      closed = true;
      for (const timer of retryTimers) clearTimeout(timer);
      retryTimers.clear();
    },
  };
}

const lostHint =
  'In Azure it would be lost without a dead-letter container. Mend the endpoint or its key, then post the event again to /_event-grid/publish; GET /_event-grid/events shows it.';
const keptHint =
  'It goes to the dead-letter container, from where the app takes it at the next tick of read-dead-letters. Mend the endpoint or its key.';

function recordOf(entry: Entry): DeliveryRecord {
  return {
    id: entry.event.id,
    eventType: entry.event.eventType,
    subject: entry.event.subject,
    state: entry.state,
    attempts: entry.attempts,
    acceptedAt: isoTime(entry.acceptedAtMs),
    ...(entry.nextAttemptAtMs === undefined ? {} : { nextAttemptAt: isoTime(entry.nextAttemptAtMs) }),
    ...(entry.settledAtMs === undefined ? {} : { settledAt: isoTime(entry.settledAtMs) }),
    ...(entry.lastAnswer === undefined ? {} : { lastAnswer: shown(entry.lastAnswer) }),
    ...(entry.deadLetterBlob === undefined ? {} : { deadLetterBlob: entry.deadLetterBlob }),
    event: entry.event.wire,
  };
}

function named(entry: Entry): { eventId: string; eventType: string; subject: string; attempts: number } {
  const { id, eventType, subject } = entry.event;
  return { eventId: id, eventType, subject, attempts: entry.attempts };
}

function shown(answer: Answer): string;
function shown(answer: Answer | undefined): string | undefined;
function shown(answer: Answer | undefined): string | undefined {
  return answer?.kind === 'answered' ? `status ${answer.status}` : answer?.reason;
}

function describe(event: OutgoingEvent): string {
  const shortType = event.eventType.replace(/^Microsoft\.Storage\./u, '');
  return `${shortType} ${printable(event.subject.replace(/^\/blobServices\/default\/containers\//u, ''))}`;
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
