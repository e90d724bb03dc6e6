// The purges that Front Door works on: one at a time in a profile, in virtual time, each with an end.
import { randomUUID } from 'node:crypto';
import type { VirtualClock } from './clock.ts';
import type { PurgeOrder } from './purge-body.ts';

/** How an operation ends where a fault decides it. */
export interface OrderedEnd {
  readonly status: 'Failed' | 'Canceled';
  readonly code: string;
  readonly message: string;
}

export interface NewOperation {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly profile: string;
  readonly endpoint: string;
  readonly order: PurgeOrder;
  readonly durationMs: number;
  readonly edgeDelayMs: number;
  readonly orderedEnd?: OrderedEnd;
}

export interface Operation extends NewOperation {
  readonly id: string;
  /** Virtual milliseconds since the epoch: it waits until the profile's operation before it has ended. */
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

export interface OperationPorts {
  readonly clock: VirtualClock;
  readonly newId?: () => string;
  /** Lets a purge take effect at the edge. */
  readonly takeEffect: (operation: Operation) => void;
  /** Told once for each operation that came to its end. */
  readonly onEnd: (operation: Operation) => void;
}

export interface Operations {
  start(operation: NewOperation): Operation;
  find(id: string): Operation | undefined;
  all(): readonly Operation[];
  /** Ends what is over and lets take effect what is due. Called before each answer. */
  settleDue(): void;
  /** To be called when the clock was changed: the next end may be nearer. */
  clockChanged(): void;
  /** Forgets all operations; their work is not done. Stops the timer. */
  reset(): void;
}

export function createOperations({ clock, newId, takeEffect, onEnd }: OperationPorts): Operations {
  const operations = new Map<string, Operation>();
  /** When each profile is free again. */
  const freeAtMs = new Map<string, number>();
  const waitingToEnd = new Set<Operation>();
  const waitingForEffect = new Set<Operation>();
  let timer: NodeJS.Timeout | undefined;

  const effectAtMs = ({ endsAtMs, edgeDelayMs }: Operation): number => endsAtMs + edgeDelayMs;
  const settleDue = (): void => {
    const nowMs = clock.nowMs();
    for (const operation of waitingToEnd) {
      if (operation.endsAtMs <= nowMs && waitingToEnd.delete(operation)) onEnd(operation);
    }
    for (const operation of waitingForEffect) {
      if (effectAtMs(operation) <= nowMs && waitingForEffect.delete(operation)) takeEffect(operation);
    }
  };
  const wakeForNext = (): void => {
    clearTimeout(timer);
    const dueMs = [
      ...[...waitingToEnd].map(({ endsAtMs }) => endsAtMs),
      ...[...waitingForEffect].map(effectAtMs),
    ];
    if (dueMs.length === 0 || clock.speed() === 0) return;
    const realMs = (Math.min(...dueMs) - clock.nowMs()) / clock.speed();
    // At least 20 ms, since an injected clock may stand still.
    timer = setTimeout(
      () => {
        settleDue();
        wakeForNext();
      },
      Math.min(Math.max(realMs, 20), 60_000),
    ).unref();
  };

  return {
    start(order) {
      const nowMs = clock.nowMs();
      const queue = `${order.subscription}/${order.resourceGroup}/${order.profile}`.toLowerCase();
      const startsAtMs = Math.max(nowMs, freeAtMs.get(queue) ?? nowMs);
      const endsAtMs = startsAtMs + order.durationMs;
      const operation: Operation = { ...order, id: (newId ?? randomUUID)(), startsAtMs, endsAtMs };
      freeAtMs.set(queue, endsAtMs);
      operations.set(operation.id.toLowerCase(), operation);
      waitingToEnd.add(operation);
      if (operation.orderedEnd === undefined) waitingForEffect.add(operation);
      wakeForNext();
      return operation;
    },
    find: (id) => operations.get(id.toLowerCase()),
    all: () => [...operations.values()],
    settleDue,
    clockChanged() {
      settleDue();
      wakeForNext();
    },
    reset() {
      clearTimeout(timer);
      operations.clear();
      freeAtMs.clear();
      waitingToEnd.clear();
      waitingForEffect.clear();
    },
  };
}

export function operationStatus(
  { endsAtMs, orderedEnd }: Operation,
  nowMs: number,
): 'InProgress' | 'Succeeded' | OrderedEnd['status'] {
  if (nowMs < endsAtMs) return 'InProgress';
  return orderedEnd?.status ?? 'Succeeded';
}
