// One history: drawn from its seed, run step by step, healed, and held against what the app promises.

import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import { EXACT_MATCHING } from '../../src/lib/core/capabilities.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import type { QuotaPolicy } from '../../src/lib/core/quota-ledger.ts';
import { bufferBlobChanges } from '../../src/lib/use-cases/buffer-blob-changes.ts';
import { flushPurges } from '../../src/lib/use-cases/flush-purges.ts';
import { StorageTrouble, type Run } from '../../src/lib/use-cases/ports.ts';
import { countsUntil } from '../../src/lib/use-cases/purges-in-flight.ts';
import { requestPurge, type RequestedPurge } from '../../src/lib/use-cases/request-purge.ts';
import { noTelemetry } from '../../src/lib/telemetry/no-telemetry.ts';
import { trackPurges } from '../../src/lib/use-cases/track-purges.ts';
import {
  aBlobAsk,
  aCdn,
  aChange,
  aConfiguration,
  aDirectoryDeletion,
  aPath,
  aQuota,
  aRename,
  aRule,
  aRuleHost,
  aUrlAsk,
  ENDPOINT,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../support/builders.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createSimulatedCdn, type Mood, type SimulatedCdn } from './cdn.ts';
import { Crash, NO_FAULTS, startProcess, type Faults, type Process } from './process.ts';
import { drawManner, type Manner } from './manner.ts';
import { createRandom, type Random } from './random.ts';
import { createScheduler } from './scheduler.ts';
import { DIRECTORIES, HOSTS, isRefused, NAMES, staleUrls, urlsOf } from './site.ts';
import { createStorage, type Storage } from './storage.ts';

export type HistoryResult = {
  /** What was broken; empty when all promises were kept. */
  readonly violations: readonly string[];
  /** What happened, a line each; written out only for who wants to read it. */
  readonly lines: () => readonly string[];
};

/** A change, and how much the CDN had acted on when it happened. */
type Happened = { readonly change: BlobChange; readonly after: number };
type TakenRequest = { readonly id: string; readonly after: number };

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OWN = { account: 'own', recordsContainer: 'purge-records' };

/** Runs the history of a seed. */
export async function runHistory(seed: number): Promise<HistoryResult> {
  const random = createRandom(seed);
  const clock = createFakeClock();
  const notes: { readonly at: number; readonly line: string }[] = [];
  const violations: string[] = [];
  const note = (line: string): void => {
    notes.push({ at: clock.now(), line });
  };
  const run: Run = {
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    telemetry: {
      ...noTelemetry,
      track(event) {
        if (event.name === 'quota-spent') note(`quota-spent by ${event.by}`);
      },
    },
    traceparent: undefined,
  };
  const violate = (what: string): void => {
    violations.push(what);
    note(`BROKEN: ${what}`);
  };

  const manner = drawManner(seed);
  const quota = drawQuota(random);
  const storage = createStorage(
    clock,
    // A lease of no time keeps nobody out.
    {
      visibilityMs: random.pick([MINUTE_MS, 5 * MINUTE_MS]),
      leaseMs: random.pick([0, 0, 30_000, MINUTE_MS]),
      manner,
    },
    violate,
  );
  const cdn = createSimulatedCdn({
    random,
    clock,
    ledgers: storage.ledgers,
    quota,
    urlsPerRequest: random.pick([2, 5, 100]),
    manner,
    resetUtcOffsetHours: quota.resetUtcOffsetHours ?? random.pick([0, 8]),
    skewMs: random.between(-4 * MINUTE_MS, 4 * MINUTE_MS),
    note,
    violate,
  });
  let ids = 0;
  let faults: Faults = NO_FAULTS;
  const world = {
    random,
    clock,
    scheduler: createScheduler(random),
    configuration: drawConfiguration(random, manner),
    storage: storage.ports,
    provider: cdn.provider,
    newId: () => `00000000-0000-4000-8000-${`${(ids += 1)}`.padStart(12, '0')}`,
    faults: () => faults,
    note,
  };
  const workers: [Process, Process] = [startProcess('worker 1', world), startProcess('worker 2', world)];
  const judgeAttempts = createAttemptsJudge(storage, cdn, violate);

  let undelivered: readonly Happened[] = [];
  const takenOver: Happened[] = [];
  const requests: TakenRequest[] = [];
  let unanswered: readonly RequestedPurge[] = [];
  let events = 0;

  const happen = (): void => {
    for (let count = random.between(1, 4); count > 0; count -= 1) {
      events += 1;
      const change = drawChange(random, manner, { eventId: `event-${events}`, eventAt: clock.now() });
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
    // Who got no answer asks again.
    const [again] = random.chance(0.7) ? unanswered : [];
    const requested = again ?? drawRequest(random, manner);
    unanswered = [...unanswered.filter((one) => one !== requested), requested];
    const after = cdn.acted.length;
    for (const url of askedUrls(requested)) cdn.markAsked(url);
    note(`${name}: asked for ${askedUrls(requested).join(' ')}`);
    const answer = await requestPurge(requested, ports, run);
    note(`${name}: answers ${answer.kind}`);
    unanswered = unanswered.filter((one) => one !== requested);
    if (answer.kind === 'taken') requests.push({ id: answer.record.id, after });
    // What was known before was asked for before: how fresh it must be is not known here.
    if (answer.kind === 'known') requests.push({ id: answer.record.id, after: 0 });
    if (answer.kind === 'refused') violate(`refused a good request: ${answer.problems[0]?.detail}`);
  };
  const flush = ({ name, ports }: Process): Promise<void> => {
    note(`${name}: flushes`);
    return flushPurges(ports, { takeForMs: 150_000, sendForMs: 240_000 }, run);
  };
  /** Expected ends of an invocation: it is done, storage is out, or its process is gone. */
  const endWell = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (error instanceof StorageTrouble || error instanceof Crash) return;
      violate(`an invocation threw ${describe(error)}`);
    }
  };
  const work = async (invocations: readonly ((process: Process) => Promise<void>)[]): Promise<void> => {
    for (const worker of workers) worker.begin();
    await world.scheduler.runAll(
      invocations.map((invocation) => async () => {
        const worker = random.pick(workers);
        // Who is alone need not wait for the others.
        const wait = invocations.length === 1 ? 0 : random.pick([0, 0, 3, 10, 25]);
        for (let turns = wait; turns > 0; turns -= 1) await world.scheduler.turn();
        if (!worker.isDead()) await endWell(invocation(worker));
      }),
    );
    for (const index of [0, 1] as const) {
      if (workers[index].isDead()) workers[index] = startProcess(workers[index].name, world);
    }
    await cdn.compareLedger('after a step');
    await judgeInFlight(storage, clock.now(), manner.purgesInFlight, violate);
    judgeAttempts();
  };
  const deliverSome = (process: Process) => {
    // While a flush is under way, too.
    if (random.chance(0.5)) happen();
    return deliver(process, 0.7);
  };
  const track = ({ ports }: Process): Promise<void> => trackPurges(ports, run);
  const kinds = [flush, flush, flush, deliverSome, deliverSome, request, track] as const;

  const isDone = (): boolean => undelivered.length === 0 && storage.isAtRest();
  const live = async (): Promise<void> => {
    for (let step = random.between(8, 20); step > 0 && violations.length === 0; step -= 1) {
      if (random.chance(0.7)) cdn.setMood(random.pick(MOODS));
      faults = drawFaults(random);
      if (random.chance(0.6)) happen();
      await work(
        random.chance(0.08)
          ? [flush, deliverSome, flush, deliverSome, flush]
          : Array.from({ length: random.between(1, 3) }, () => random.pick(kinds)),
      );
      clock.advance(drawPause(random, clock.now(), quota));
    }
    cdn.heal();
    faults = NO_FAULTS;
    note('everything is well from here on');
    for (let round = 0; round < HEALING_ROUNDS && violations.length === 0 && !isDone(); round += 1) {
      if (undelivered.length > 0) await work([(process) => deliver(process, 1)]);
      await work([flush]);
      await work([track]);
      const idleMs = storage.nextWorkAt() - clock.now();
      const pauseMs = random.between(20 * MINUTE_MS, 2 * HOUR_MS);
      clock.advance(Number.isFinite(idleMs) ? Math.max(idleMs, pauseMs) : pauseMs);
    }
    if (violations.length === 0)
      judgeEnd({ manner, storage, cdn, takenOver, requests, isDone: isDone(), violate });
  };
  try {
    await live();
  } catch (error) {
    violate(`the history could not go on: ${describe(error)}`);
  }
  return {
    violations,
    lines: () => notes.map(({ at, line }) => `${new Date(at).toISOString()} ${line}`),
  };
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Many times what any history takes: a quota comes back every day. */
const HEALING_ROUNDS = 200;

type End = {
  readonly manner: Manner;
  readonly storage: Storage;
  readonly cdn: SimulatedCdn;
  readonly takenOver: readonly Happened[];
  readonly requests: readonly TakenRequest[];
  readonly isDone: boolean;
  readonly violate: (what: string) => void;
};

/**
 * A wait is no attempt: a message counts no more of them than the CDN heard of what it needs. Judges what
 * was written since it was last asked.
 */
function createAttemptsJudge(
  { buffer, records, backlog }: Storage,
  cdn: SimulatedCdn,
  violate: (what: string) => void,
): () => void {
  const judged = new Set<string>();
  const judge = (text: string): void => {
    judged.add(text);
    const reading = buffer.read(text);
    if (!reading.ok || reading.value.failedAttempts === 0) return;
    const { value: message } = reading;
    const targets =
      message.type === 'request' ? (records.requests.get(message.requestId)?.targets ?? []) : [];
    const urls = message.type === 'change' ? staleUrls(message.change) : targets.map(({ url }) => url);
    const most = urls.reduce((sum, url) => sum + cdn.countTries(url), 0);
    if (message.failedAttempts > most) {
      violate(`${message.failedAttempts} attempts are counted of ${most}: ${urls.join(' ')}`);
    }
  };
  return () => {
    for (const text of buffer.texts()) if (!judged.has(text)) judge(text);
    for (const entry of backlog.stored().entries.values()) {
      if (entry.type !== 'target') continue;
      const { failedAttempts, target } = entry;
      const most = cdn.countTries(target.url);
      if (failedAttempts > most) violate(`${failedAttempts} attempts are counted of ${most}: ${target.url}`);
    }
  };
}

/** Of two processes each may take the last place at the same moment. */
async function judgeInFlight(
  { records }: Storage,
  now: Instant,
  most: number | undefined,
  violate: (what: string) => void,
): Promise<void> {
  if (most === undefined) return;
  const inFlight = (await records.findOpenPurges()).filter((purge) => countsUntil(purge) > now).length;
  if (inFlight > most + 1) violate(`${inFlight} purges are in flight, and may be ${most}`);
}

function judgeEnd({ manner, storage, cdn, takenOver, requests, isDone, violate }: End): void {
  if (!isDone) {
    const texts = storage.buffer.texts().map((text) => JSON.stringify(storage.buffer.read(text)));
    const waiting = [...storage.backlog.stored().entries.keys()].join(', ');
    const open = storage.records.openCount();
    violate(`something waits for ever: ${texts.join(' ')}; backlog: ${waiting}; open purges: ${open}`);
  }
  const isPurgedSince = (after: number, url: string): boolean =>
    cdn.acted.slice(after).some((purge) => manner.covers(purge, url));
  for (const { change, after } of takenOver) {
    for (const url of staleUrls(change)) {
      if (isPurgedSince(after, url) || storage.isPoisoned(change, url)) continue;
      violate(`${change.eventId} is lost: ${url} was not purged after it`);
    }
  }
  for (const { id, after } of requests) {
    const record = storage.records.requests.get(id);
    if (record === undefined) {
      violate(`request ${id} has no record`);
      continue;
    }
    const { state, refused = [], lastFailure, targets } = record;
    if (state === 'waiting') violate(`request ${id} waits for ever`);
    if (state === 'failed' && refused.length === 0 && lastFailure === undefined) {
      violate(`request ${id} failed without a reason`);
    }
    for (const { url } of refused) {
      if (!isRefused(url)) violate(`request ${id}: ${url} stands as refused, and the CDN would take it`);
    }
    for (const { url } of targets) {
      const isRefusedUrl = refused.some((one) => manner.fold(one.url) === manner.fold(url));
      if (isPurgedSince(after, url) || isRefusedUrl) continue;
      violate(`request ${id} is lost: ${url} was not purged`);
    }
  }
}

/** What is left for events a day is now and then less than one change needs: four files. */
function drawQuota(random: Random): QuotaPolicy {
  return aQuota({
    limits: { files: random.pick([4, 5, 8, 10, 30]), directories: random.between(2, 6) },
    manualReserve: { files: 3, directories: 1 },
    resetUtcOffsetHours: random.pick([undefined, 0, 8]),
  });
}

/** The second host's endpoint is found by asking, in half of the histories. */
function drawConfiguration(random: Random, { matching, hosts }: Manner) {
  const drawn = random.pick([undefined, OTHER_ENDPOINT]);
  // Where requests list hosts, both are on the one endpoint.
  const endpointId = hosts === 'listed' ? ENDPOINT : drawn;
  return aConfiguration({
    cdns: [aCdn({ matching: matching ?? EXACT_MATCHING })],
    rules: [
      aRule({
        hosts: [aRuleHost({ matching }), aRuleHost({ host: OTHER_HOST, endpointId, matching })],
        schemes: matching?.ignoresScheme === true ? ['http', 'https'] : ['http'],
      }),
    ],
  });
}

function drawChange(
  random: Random,
  { spell }: Manner,
  parts: Pick<BlobChange, 'eventId' | 'eventAt'>,
): BlobChange {
  const pick = (): string => spell(random.pick(NAMES));
  switch (random.pick(['created', 'created', 'created', 'deleted', 'renamed', 'directory-deleted'])) {
    case 'created':
      return aChange({ name: pick(), ...parts });
    case 'deleted':
      return aChange({ name: pick(), kind: 'deleted', ...parts });
    case 'renamed':
      return aRename(aPath(pick()), aPath(pick()), parts);
    case 'directory-deleted':
      return aDirectoryDeletion(aPath(spell(random.pick(DIRECTORIES).slice(0, -1))), parts);
  }
}

function drawRequest(random: Random, { spell }: Manner): RequestedPurge {
  const byUrl = [...NAMES, 'asked.txt'].map((name) =>
    aUrlAsk({ files: [`http://${random.pick(HOSTS)}/media/${spell(name)}`] }),
  );
  const ask = random.pick([
    aBlobAsk({ blobs: [spell(random.pick(NAMES))] }),
    aBlobAsk({ prefixes: [spell(random.pick(DIRECTORIES))] }),
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
  'files-spent',
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
