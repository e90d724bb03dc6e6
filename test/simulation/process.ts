// One worker process: the real use cases on ports whose every effect waits for its turn, may fail, or is the last one.

import type { Configuration } from '../../src/lib/core/configuration.ts';
import type { FlushPorts } from '../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../src/lib/use-cases/holds.ts';
import { oneAtATime } from '../../src/lib/use-cases/one-at-a-time.ts';
import { createLooks } from '../../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../../src/lib/use-cases/recent-purges.ts';
import { StorageTrouble, type HeldLease, type PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import { CDN } from '../support/builders.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { StoragePorts } from './storage.ts';

/** The process is gone: whatever it was about to do, it does not. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** Probabilities of each effect. */
export type Faults = {
  /** Storage does not do it and says so. */
  readonly trouble: number;
  /** Storage does it and the answer is lost. */
  readonly lostAnswer: number;
  readonly crash: number;
  /** Longest time that an effect takes, and the probability that it takes any of note. */
  readonly slowMs: number;
  readonly slow: number;
};

export const NO_FAULTS: Faults = { trouble: 0, lostAnswer: 0, crash: 0, slowMs: 0, slow: 0 };

/** The host ends what runs longer. */
const HOST_TIMEOUT_MS = 300_000;

export type World = {
  readonly random: Random;
  readonly clock: FakeClock;
  readonly scheduler: Scheduler;
  readonly configuration: Configuration;
  readonly storage: StoragePorts;
  readonly provider: PurgeProvider;
  readonly newId: () => string;
  readonly faults: () => Faults;
  readonly note: (line: string) => void;
};

export type Process = {
  readonly name: string;
  readonly ports: FlushPorts;
  readonly isDead: () => boolean;
  /** From now on the host counts its time-out. */
  readonly begin: () => void;
};

export function startProcess(name: string, world: World): Process {
  const { random, clock, scheduler, configuration, storage, provider, newId, faults, note } = world;
  let isDead = false;
  let begunAt = clock.now();
  const die = (why: string): never => {
    if (!isDead) note(`${name}: ${why}`);
    isDead = true;
    throw new Crash(why);
  };
  const takeTurn = async (call: string): Promise<void> => {
    await scheduler.turn();
    const { crash, slow, slowMs } = faults();
    if (isDead) throw new Crash('gone already');
    clock.advance(random.chance(slow) ? random.between(0, slowMs) : random.between(0, 20));
    if (clock.now() - begunAt > HOST_TIMEOUT_MS) die(`ended by the host before ${call}`);
    if (random.chance(crash)) die(`crashes before ${call}`);
  };
  const stored =
    <A extends readonly unknown[], R>(call: string, effect: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await takeTurn(call);
      const { trouble, lostAnswer } = faults();
      if (random.chance(trouble)) {
        note(`${name}: no storage for ${call}`);
        throw new StorageTrouble(`no storage for ${call}`);
      }
      const result = await effect(...args);
      if (random.chance(lostAnswer)) {
        note(`${name}: lost the answer to ${call}`);
        throw new StorageTrouble(`lost the answer to ${call}`);
      }
      return result;
    };
  /** The answer takes a turn of its own: time passes, and the process may die, after the CDN has acted. */
  const asked =
    <A extends readonly unknown[], R>(call: string, effect: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await takeTurn(call);
      const result = await effect(...args);
      await takeTurn(`the answer to ${call}`);
      return result;
    };
  const { buffer, records, ledgers, backlog } = storage;
  const acquire = stored('acquire-lease', storage.lease.acquire);
  /** It does not throw: where the process dies, the lease is not released. */
  const releasing = ({ isHeld, release }: HeldLease): HeldLease => ({
    isHeld,
    async release() {
      try {
        await takeTurn('release-lease');
        await release();
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
    },
  });
  const asking: PurgeProvider = {
    ...provider,
    findEndpoint: asked('find-endpoint', provider.findEndpoint),
    submit: asked('submit', provider.submit),
    readProgress: asked('read-progress', provider.readProgress),
  };
  const receive = stored('receive', buffer.receive);
  return {
    name,
    isDead: () => isDead,
    begin() {
      begunAt = clock.now();
    },
    ports: {
      clock,
      newId,
      configuration: { current: async () => configuration },
      providersFor: () => new Map([[CDN, asking]]),
      endpointTurns: oneAtATime(),
      holds: createHolds(),
      looks: createLooks(),
      own: { account: 'own', recordsContainer: 'purge-records' },
      recent: createRecentPurges(),
      backlog: { load: stored('load-backlog', backlog.load), save: stored('save-backlog', backlog.save) },
      lease: {
        async acquire() {
          const lease = await acquire();
          return lease && releasing(lease);
        },
      },
      buffer: {
        add: stored('add', buffer.add),
        // The service promises no order.
        receive: async () => random.shuffle(await receive()),
        complete: stored('complete', buffer.complete),
        hide: stored('hide', buffer.hide),
        putBack: stored('put-back', buffer.putBack),
        poison: stored('poison', buffer.poison),
        deadLetter: stored('dead-letter', buffer.deadLetter),
      },
      records: {
        savePurge: stored('save-purge', records.savePurge),
        findDuePurges: stored('find-due', records.findDuePurges),
        findOpenPurges: stored('find-open', records.findOpenPurges),
        readOpenPurge: stored('read-open', records.readOpenPurge),
        updateOpenPurge: stored('update-open', records.updateOpenPurge),
        closePurge: stored('close-purge', records.closePurge),
        findPurgesSince: stored('find-recent', records.findPurgesSince),
        readPurge: stored('read-purge', records.readPurge),
        createRequest: stored('create-request', records.createRequest),
        readRequest: stored('read-request', records.readRequest),
        updateRequest: stored('update-request', records.updateRequest),
        findIdempotencyClaim: stored('find-key', records.findIdempotencyClaim),
        claimIdempotencyKey: stored('claim-key', records.claimIdempotencyKey),
      },
      ledgers: { load: stored('load-ledger', ledgers.load), save: stored('save-ledger', ledgers.save) },
    },
  };
}
