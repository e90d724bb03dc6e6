// The other side of the emulator, for people and tests: look at what happened, order faults, turn switches.
import type * as z from 'zod';
import type { CacheEntry, EdgeCache } from '../edge/edge-cache.ts';
import type { Holds } from '../emulator/holds.ts';
import { Fault, type Faults } from './faults.ts';
import type { Quota, QuotaUsage } from './quota.ts';
import type { LoggedPurge, LoggedRequest, RequestLog } from './request-log.ts';
import { Behaviour, type BehaviourPatch } from './settings.ts';
import type { Tasks } from './tasks.ts';

interface QuotaReport {
  readonly limits: { readonly files: number; readonly directories: number; readonly preloads: number };
  /** One a subscription that spent anything since the last reset of the emulator. */
  readonly spent: readonly QuotaUsage[];
}

export interface Control {
  purges(): readonly LoggedPurge[];
  requests(): readonly LoggedRequest[];
  quota(): QuotaReport;
  cache(): readonly CacheEntry[];
  faults(): readonly Fault[];
  addFaults(...faults: readonly z.input<typeof Fault>[]): void;
  clearFaults(): void;
  settings(): Behaviour;
  /** Changes the switches that it names. A change of the cache's keys empties the cache. */
  changeSettings(patch: BehaviourPatch): void;
  /** Lets answers go that a `slow-answer` fault holds. Gives their number. */
  release(): number;
  /** Back to the start: logs, quota, tasks, faults, cache and switches. */
  reset(): void;
}

export interface ControlPorts {
  readonly requestLog: RequestLog;
  readonly quota: Quota;
  readonly tasks: Tasks;
  readonly faults: Faults;
  readonly cache: EdgeCache;
  readonly holds: Holds;
  readonly behaviour: { current: Behaviour };
  readonly now: () => Date;
}

export function createControl(ports: ControlPorts): Control {
  const { requestLog, quota, tasks, faults, cache, holds, behaviour, now } = ports;
  const initialBehaviour = behaviour.current;
  return {
    purges: () => requestLog.purges(),
    requests: () => requestLog.requests(),
    quota() {
      const { filesPerDay, directoriesPerDay, preloadsPerDay } = behaviour.current;
      return {
        limits: { files: filesPerDay, directories: directoriesPerDay, preloads: preloadsPerDay },
        spent: quota.usage(behaviour.current, now()),
      };
    },
    cache() {
      tasks.settleDue();
      return cache.entries();
    },
    faults: () => faults.waiting(),
    addFaults: (...added) => faults.add(added.map((fault) => Fault.parse(fault))),
    clearFaults: () => faults.clear(),
    settings: () => behaviour.current,
    changeSettings(patch) {
      const before = behaviour.current;
      const after = Behaviour.parse({ ...before, ...patch });
      behaviour.current = after;
      if (before.cacheKeyPath !== after.cacheKeyPath || before.cacheKeyQuery !== after.cacheKeyQuery) {
        cache.evict(() => true);
      }
    },
    release: () => holds.release(),
    reset() {
      holds.release();
      tasks.reset();
      faults.clear();
      quota.reset();
      requestLog.clear();
      cache.evict(() => true);
      behaviour.current = initialBehaviour;
    },
  };
}
