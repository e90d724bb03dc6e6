// One history: drawn from its seed, run step by step, healed, and held against what the app promises.

import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import type { QuotaPolicy } from '../../src/lib/core/quota-ledger.ts';
import { bufferBlobChanges } from '../../src/lib/use-cases/buffer-blob-changes.ts';
import { flushPurges } from '../../src/lib/use-cases/flush-purges.ts';
import { StorageTrouble, type PurgeProvider, type Run } from '../../src/lib/use-cases/ports.ts';
import { requestPurge, type RequestedPurge } from '../../src/lib/use-cases/request-purge.ts';
import { trackPurges } from '../../src/lib/use-cases/track-purges.ts';
import {
  aBlobAsk,
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  aPath,
  aQuota,
  aRename,
  aRule,
  aRuleHost,
  aUrlAsk,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../support/builders.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry } from '../support/recording-telemetry.ts';
import { createSimulatedCdn, type Mood, type SimulatedCdn } from './cdn.ts';
import { Crash, NO_FAULTS, startProcess, type Faults, type Process } from './process.ts';
import { createRandom, type Random } from './random.ts';
import { createScheduler } from './scheduler.ts';
import { covers, DIRECTORIES, HOSTS, NAMES, staleUrls, urlsOf } from './site.ts';
import { createStorage, type Storage, type StoragePorts } from './storage.ts';

/** What a mutant puts between the use cases and the world; nothing unless it says so. */
export type Mutant = {
  readonly storage?: (ports: StoragePorts) => StoragePorts;
  readonly provider?: (provider: PurgeProvider) => PurgeProvider;
};

export type HistoryResult = {
  /** What was broken; empty when all promises were kept. */
  readonly violations: readonly string[];
  /** What happened, a line each. */
  readonly lines: readonly string[];
};

/** A change, and how much the CDN had acted on when it happened. */
type Happened = { readonly change: BlobChange; readonly after: number };
type TakenRequest = { readonly id: string; readonly after: number };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OWN = { account: 'own', recordsContainer: 'purge-records' };

/** Runs the history of a seed. Throws only what is a fault of the simulation itself. */
export async function runHistory(seed: number, mutant: Mutant = {}): Promise<HistoryResult> {
  const random = createRandom(seed);
  const clock = createFakeClock();
  const lines: string[] = [];
  const violations: string[] = [];
  const note = (line: string): void => {
    lines.push(`${new Date(clock.now()).toISOString()} ${line}`);
  };
  const violate = (what: string): void => {
    violations.push(what);
    note(`BROKEN: ${what}`);
  };

  const quota = drawQuota(random);
  const storage = createStorage(clock, random.pick([MINUTE_MS, 5 * MINUTE_MS]), violate);
  const cdn = createSimulatedCdn({
    random,
    clock,
    ledgers: storage.ledgers,
    quota,
    urlsPerRequest: random.pick([2, 5, 100]),
    resetUtcOffsetHours: quota.resetUtcOffsetHours ?? random.pick([0, 8]),
    skewMs: random.between(-4 * MINUTE_MS, 4 * MINUTE_MS),
    note,
    violate,
  });
  const { provider = (one) => one, storage: mutateStorage = (ports) => ports } = mutant;
  let ids = 0;
  let faults: Faults = NO_FAULTS;
  const world = {
    random,
    clock,
    scheduler: createScheduler(random),
    configuration: drawConfiguration(random),
    storage: mutateStorage(storage.ports),
    provider: provider(cdn.provider),
    newId: () => `00000000-0000-4000-8000-${`${(ids += 1)}`.padStart(12, '0')}`,
    faults: () => faults,
    note,
  };
  const workers: [Process, Process] = [startProcess('worker 1', world), startProcess('worker 2', world)];
  const run: Run = {
    log: createRecordingLog(),
    telemetry: createRecordingTelemetry(),
    traceparent: undefined,
  };

  let undelivered: readonly Happened[] = [];
  const takenOver: Happened[] = [];
  const requests: TakenRequest[] = [];
  let events = 0;

  const happen = (): void => {
    for (let count = random.between(1, 4); count > 0; count -= 1) {
      events += 1;
      const change = drawChange(random, { eventId: `event-${events}`, eventAt: clock.now() });
      undelivered = [...undelivered, { change, after: cdn.acted.length }];
      note(`${change.eventId}: ${change.kind} ${staleUrls(change).join(' ')}`);
    }
  };
  const deliver = async ({ name, ports }: Process, share: number): Promise<void> => {
    const delivered = random.shuffle(undelivered.filter(() => random.chance(share)));
    // At least once: one that was delivered may be delivered again.
    undelivered = undelivered.filter((one) => !delivered.includes(one) || (share < 1 && random.chance(0.1)));
    note(`${name}: takes ${delivered.map(({ change }) => change.eventId).join(' ')}`);
    try {
      const parsed = delivered.map(({ change }) => ({ kind: 'change', change }) as const);
      await bufferBlobChanges(parsed, world.configuration, OWN, ports.buffer, run);
      takenOver.push(...delivered);
    } catch (error) {
      undelivered = [...undelivered, ...delivered];
      throw error;
    }
  };
  const request = async ({ name, ports }: Process): Promise<void> => {
    const requested = drawRequest(random);
    const after = cdn.acted.length;
    for (const url of askedUrls(requested)) cdn.markAsked(url);
    note(`${name}: asked for ${askedUrls(requested).join(' ')}`);
    const answer = await requestPurge(requested, ports, run);
    note(`${name}: answers ${answer.kind}`);
    if (answer.kind === 'taken') requests.push({ id: answer.record.id, after });
    // What was known before was asked for before: how fresh it must be is not known here.
    if (answer.kind === 'known') requests.push({ id: answer.record.id, after: 0 });
    if (answer.kind === 'refused') violate(`refused a good request: ${answer.problems[0]?.detail}`);
  };
  const flush = ({ name, ports }: Process): Promise<void> => {
    note(`${name}: flushes`);
    return flushPurges(ports, { takeForMs: 150_000, sendForMs: 240_000 }, run);
  };
  const track = ({ ports }: Process): Promise<void> => trackPurges(ports, run);

  /** Expected ends of an invocation: it is done, storage is out, or its process is gone. */
  const endWell = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (error instanceof StorageTrouble || error instanceof Crash) return;
      violate(`an invocation threw ${error instanceof Error ? error.stack : String(error)}`);
    }
  };
  const work = async (invocations: readonly ((process: Process) => Promise<void>)[]): Promise<void> => {
    for (const worker of workers) worker.begin();
    await world.scheduler.runAll(
      invocations.map((invocation) => async () => {
        const worker = random.pick(workers);
        for (let turns = random.pick([0, 0, 3, 10, 25]); turns > 0; turns -= 1) await world.scheduler.turn();
        if (!worker.isDead()) await endWell(invocation(worker));
      }),
    );
    for (const index of [0, 1] as const) {
      if (workers[index].isDead()) workers[index] = startProcess(workers[index].name, world);
    }
    await cdn.compareLedger('after a step');
  };
  const deliverSome = (process: Process) => deliver(process, 0.7);
  const kinds = [flush, flush, flush, deliverSome, deliverSome, request, track] as const;

  for (let step = random.between(8, 20); step > 0 && violations.length === 0; step -= 1) {
    cdn.setMood(random.pick(MOODS));
    faults = drawFaults(random);
    if (random.chance(0.6)) happen();
    await work(Array.from({ length: random.between(1, 3) }, () => random.pick(kinds)));
    clock.advance(drawPause(random, clock.now(), quota));
  }

  cdn.heal();
  faults = NO_FAULTS;
  note('everything is well from here on');
  const isDone = (): boolean =>
    undelivered.length + storage.buffer.stored().length + storage.records.openIds().length === 0;
  for (let round = 0; round < HEALING_ROUNDS && violations.length === 0 && !isDone(); round += 1) {
    await work([(process) => deliver(process, 1)]);
    await work([flush]);
    await work([track]);
    clock.advance(random.between(20 * MINUTE_MS, 2 * HOUR_MS));
  }
  if (violations.length === 0) judgeEnd({ storage, cdn, takenOver, requests, isDone: isDone(), violate });
  return { violations, lines };
}

/** A month: by then the smallest quota has come back often enough. */
const HEALING_ROUNDS = 600;

type End = {
  readonly storage: Storage;
  readonly cdn: SimulatedCdn;
  readonly takenOver: readonly Happened[];
  readonly requests: readonly TakenRequest[];
  readonly isDone: boolean;
  readonly violate: (what: string) => void;
};

function judgeEnd({ storage, cdn, takenOver, requests, isDone, violate }: End): void {
  if (!isDone) {
    const texts = storage.buffer.stored().map(({ text }) => text);
    violate(`something waits for ever: ${texts.join(' ')} ${storage.records.openIds().join(' ')}`);
  }
  const isPurgedSince = (after: number, url: string): boolean =>
    cdn.acted.slice(after).some((purge) => covers(purge, url));
  for (const { change, after } of takenOver) {
    for (const url of staleUrls(change)) {
      if (isPurgedSince(after, url) || storage.isPoisoned(change, url)) continue;
      violate(`${change.eventId} is lost: ${url} was not purged after it`);
    }
  }
  const records = new Map(storage.records.requests().map((record) => [record.id, record]));
  for (const { id, after } of requests) {
    const record = records.get(id);
    if (record === undefined) {
      violate(`request ${id} has no record`);
      continue;
    }
    const { state, refused = [], lastFailure, targets } = record;
    if (state === 'waiting') violate(`request ${id} waits for ever`);
    if (state === 'failed' && refused.length === 0 && lastFailure === undefined) {
      violate(`request ${id} failed without a reason`);
    }
    for (const { url } of targets) {
      if (isPurgedSince(after, url) || refused.some((one) => one.url === url)) continue;
      violate(`request ${id} is lost: ${url} was not purged`);
    }
  }
}

/**
 * What is left for events is enough for any one change, four files, and often for little more. While the reset is not
 * known there are two resets a day to wait for, and a change is served whole at neither if they share less than seven.
 */
function drawQuota(random: Random): QuotaPolicy {
  const resetUtcOffsetHours = random.pick([undefined, 0, 8]);
  const files = resetUtcOffsetHours === undefined ? random.pick([10, 15, 30]) : random.pick([7, 8, 10, 30]);
  return aQuota({
    limits: { files, directories: random.between(4, 6) },
    manualReserve: { files: 3, directories: 1 },
    resetUtcOffsetHours,
  });
}

/** The second host's endpoint is found by asking, in half of the histories. */
function drawConfiguration(random: Random) {
  const endpointId = random.pick([undefined, OTHER_ENDPOINT]);
  return aConfiguration({
    rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId })] })],
  });
}

function drawChange(random: Random, parts: Pick<BlobChange, 'eventId' | 'eventAt'>): BlobChange {
  switch (random.pick(['created', 'created', 'created', 'deleted', 'renamed', 'directory-deleted'])) {
    case 'created':
      return aChange({ name: random.pick(NAMES), ...parts });
    case 'deleted':
      return aChange({ name: random.pick(NAMES), kind: 'deleted', ...parts });
    case 'renamed':
      return aRename(aPath(random.pick(NAMES)), aPath(random.pick(NAMES)), parts);
    case 'directory-deleted':
      return aDirectoryDeletion(aPath(random.pick(DIRECTORIES).slice(0, -1)), parts);
  }
}

function drawRequest(random: Random): RequestedPurge {
  const byUrl = [...NAMES, 'asked.txt'].map((name) =>
    aUrlAsk({ files: [`http://${random.pick(HOSTS)}/media/${name}`] }),
  );
  const ask = random.pick([
    aBlobAsk({ blobs: [random.pick(NAMES)] }),
    aBlobAsk({ prefixes: [random.pick(DIRECTORIES)] }),
    ...byUrl,
  ]);
  const bodyHash = JSON.stringify(ask);
  const keyHash = `${random.below(2)} ${bodyHash}`;
  return { ask, reason: undefined, idempotency: random.chance(0.5) ? { keyHash, bodyHash } : undefined };
}

function askedUrls({ ask }: RequestedPurge): readonly string[] {
  return ask.by === 'url' ? ask.files : [...ask.blobs, ...ask.prefixes].flatMap(urlsOf);
}

const MOODS: readonly [Mood, ...Mood[]] = [
  'calm',
  'calm',
  'calm',
  'flaky',
  'flaky',
  'flaky',
  'unknown',
  'throttled',
  'credentials-refused',
  'transient',
];

function drawFaults(random: Random): Faults {
  if (random.chance(0.4)) return NO_FAULTS;
  return {
    trouble: random.pick([0, 0, 0.02, 0.1, 0.4]),
    lostAnswer: random.pick([0, 0, 0.02, 0.1]),
    crash: random.pick([0, 0.01, 0.03, 0.1]),
    slow: random.pick([0, 0.1, 0.3]),
    slowMs: random.pick([1_000, 60_000]),
  };
}

function drawPause(random: Random, now: number, quota: QuotaPolicy): number {
  const kind = random.pick(['seconds', 'seconds', 'seconds', 'minutes', 'hours', 'midnight']);
  switch (kind) {
    case 'seconds':
      return random.between(1_000, MINUTE_MS);
    case 'minutes':
      return random.between(MINUTE_MS, 20 * MINUTE_MS);
    case 'hours':
      return random.between(HOUR_MS, 9 * HOUR_MS);
    case 'midnight': {
      // A little before or after the end of a day of the quota.
      const offsetMs = (quota.resetUtcOffsetHours ?? random.pick([0, 8])) * HOUR_MS;
      const dayMs = 24 * HOUR_MS;
      const midnight = Math.ceil((now + offsetMs) / dayMs) * dayMs - offsetMs;
      return Math.max(midnight + random.between(-15 * MINUTE_MS, 5 * MINUTE_MS) - now, 1_000);
    }
  }
}
