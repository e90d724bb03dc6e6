// The other side of the emulator, for people and tests: look at what happened, move the clock, order faults.
import type * as z from 'zod';
import type { CacheEntry, EdgeCache } from '../edge/edge-cache.ts';
import type { Holds } from '../emulator/holds.ts';
import type { VirtualClock } from './clock.ts';
import { Fault, type Faults } from './faults.ts';
import { operationStatus, type Operations } from './operations.ts';
import type { LoggedPurge, LoggedRequest, RequestLog } from './request-log.ts';
import { Behaviour, type BehaviourPatch } from './settings.ts';
import type { Tokens } from './tokens.ts';

interface OperationReport {
  readonly id: string;
  readonly profile: string;
  readonly endpoint: string;
  readonly status: string;
  /** In virtual time. */
  readonly startsAt: string;
  readonly endsAt: string;
}

interface ClockReport {
  readonly virtualNow: string;
  readonly speed: number;
}

export interface ClockChange {
  readonly advanceMs?: number | undefined;
  readonly speed?: number | undefined;
}

export interface Control {
  purges(): readonly LoggedPurge[];
  requests(): readonly LoggedRequest[];
  operations(): readonly OperationReport[];
  cache(): readonly CacheEntry[];
  clock(): ClockReport;
  /** Moves virtual time on, changes its speed, or both: purges that are over by then end at once. */
  changeClock(change: ClockChange): void;
  faults(): readonly Fault[];
  addFaults(...faults: readonly z.input<typeof Fault>[]): void;
  clearFaults(): void;
  settings(): Behaviour;
  /** Changes the switches that it names. A change of the cache's keys empties the cache. */
  changeSettings(patch: BehaviourPatch): void;
  /** No token that was issued until now is taken any more. */
  revokeTokens(): void;
  /** Lets answers go that a fault holds. Gives their number. */
  release(): number;
  /** Back to the start: logs, clock, operations, faults, cache and switches. Tokens stay. */
  reset(): void;
}

export interface ControlPorts {
  readonly requestLog: RequestLog;
  readonly operations: Operations;
  readonly tokens: Tokens;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly cache: EdgeCache;
  readonly holds: Holds;
  readonly behaviour: { current: Behaviour };
}

export function createControl(ports: ControlPorts): Control {
  const { requestLog, operations, tokens, clock, faults, cache, holds, behaviour } = ports;
  const initialBehaviour = behaviour.current;
  return {
    purges: () => requestLog.purges(),
    requests: () => requestLog.requests(),
    operations() {
      operations.settleDue();
      return operations.all().map((operation) => ({
        id: operation.id,
        profile: operation.profile,
        endpoint: operation.endpoint,
        status: operationStatus(operation, clock.nowMs()),
        startsAt: new Date(operation.startsAtMs).toISOString(),
        endsAt: new Date(operation.endsAtMs).toISOString(),
      }));
    },
    cache() {
      operations.settleDue();
      return cache.entries();
    },
    clock: () => ({ virtualNow: new Date(clock.nowMs()).toISOString(), speed: clock.speed() }),
    changeClock({ advanceMs, speed }) {
      if (speed !== undefined) clock.setSpeed(speed);
      if (advanceMs !== undefined) clock.advance(advanceMs);
      operations.clockChanged();
    },
    faults: () => faults.waiting(),
    addFaults: (...added) => faults.add(added.map((fault) => Fault.parse(fault))),
    clearFaults: () => faults.clear(),
    settings: () => behaviour.current,
    changeSettings(patch) {
      const before = behaviour.current;
      behaviour.current = Behaviour.parse({ ...before, ...patch });
      if (before.cacheKeyQuery !== behaviour.current.cacheKeyQuery) cache.evict(() => true);
    },
    revokeTokens: () => tokens.revoke(),
    release: () => holds.release(),
    reset() {
      holds.release();
      operations.reset();
      clock.reset();
      faults.clear();
      requestLog.clear();
      cache.evict(() => true);
      behaviour.current = initialBehaviour;
    },
  };
}
