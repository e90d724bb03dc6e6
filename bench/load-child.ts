// One run of 100,000 changes in a fresh process: prints what it measured as JSON, or fails where a change was missed.
// node --expose-gc bench/load-child.ts

import { blobEvent, blobName } from './blob-events.ts';
import { median, rounded } from './measure.ts';
import { seededRandom } from './seeded-random.ts';
import { createStorageDouble, type StorageDouble } from './storage-double.ts';
import { appSettings, makeSecrets } from '../dev/local-settings.ts';
import { parseConfigurationText } from '../src/lib/config/configuration.ts';
import { coalesce } from '../src/lib/core/coalesce.ts';
import type { CdnConfiguration, Configuration } from '../src/lib/core/configuration.ts';
import { instant, type Instant } from '../src/lib/core/instant.ts';
import { planBatches } from '../src/lib/core/purge-plan.ts';
import { mapToTargets } from '../src/lib/core/url-mapping.ts';
import { parseBlobEvents } from '../src/lib/event-grid/parse-blob-events.ts';
import { noTelemetry } from '../src/lib/telemetry/no-telemetry.ts';
import { bufferBlobChanges } from '../src/lib/use-cases/buffer-blob-changes.ts';
import { flushPurges } from '../src/lib/use-cases/flush-purges.ts';
import type { Run } from '../src/lib/use-cases/ports.ts';
import { trackPurges } from '../src/lib/use-cases/track-purges.ts';

const CHANGES = 100_000;
/** What one tick of the flush's timer finds. */
const PER_TICK = 500;
const TICK_MS = 10_000;
/** Of all changes, to blobs that changed before. */
const REPEATED = 0.2;
const SEED = 20_261_122;
/** Each is a tick of its own. */
const ONE_BY_ONE = 5_000;
const TENTHS = 10;
/** Between two looks at the memory, in ticks. */
const SAMPLE_EVERY = 2;
/** No midnight comes near it. */
const START_AT = Date.UTC(2024, 0, 15, 4);
const ACCOUNT = 'devstoreaccount1';
const CONTAINERS = ['$web', '$web', 'media', 'downloads'];

async function measure(): Promise<Record<string, unknown>> {
  const inTicks = await sendAll(changes, PER_TICK, { sampling: true });
  const oneByOne = await sendAll(changes.slice(0, ONE_BY_ONE), 1, { sampling: false });
  const planMs = planAlone();
  const { heapMb, residentMb, ms, urls, purges, missed } = inTicks;
  const changesPerSecond = perSecond(CHANGES, totalMs(inTicks));
  const oneByOnePerSecond = perSecond(ONE_BY_ONE, totalMs(oneByOne));
  return {
    changes: CHANGES,
    distinctBlobs: new Set(changes.map(({ container, name }) => `${container}/${name}`)).size,
    changesPerTick: PER_TICK,
    notPurgedAfterTheyHappened: missed + oneByOne.missed,
    purges,
    urls,
    changesPerSecond: rounded(changesPerSecond),
    intakePerSecond: rounded(perSecond(CHANGES, ms.intake)),
    flushPerSecond: rounded(perSecond(CHANGES, ms.flush)),
    trackMsPerTick: rounded(ms.track / (CHANGES / PER_TICK), 2),
    oneChangeATick: {
      changes: ONE_BY_ONE,
      purges: oneByOne.purges,
      changesPerSecond: rounded(oneByOnePerSecond),
      ratio: rounded(changesPerSecond / oneByOnePerSecond, 2),
      purgesSavedPercent: rounded(100 * (1 - purges / CHANGES / (oneByOne.purges / ONE_BY_ONE)), 1),
    },
    mappingCoalescingPlanningAlone: {
      changesPerSecond: rounded(perSecond(CHANGES, planMs)),
      shareOfFlushPercent: rounded((100 * planMs) / ms.flush, 1),
    },
    memory: {
      heapMbByTenth: heapMb.map((value) => rounded(value, 1)),
      residentMbByTenth: residentMb.map((value) => rounded(value, 1)),
      heapLastToFirst: rounded((heapMb.at(-1) ?? NaN) / (heapMb[0] ?? NaN), 2),
      residentLastToFirst: rounded((residentMb.at(-1) ?? NaN) / (residentMb[0] ?? NaN), 2),
    },
    storage: 'a double in this process; every operation takes constant time',
  };
}

const perSecond = (count: number, ms: number): number => (count * 1000) / ms;
const totalMs = ({ ms }: Sent): number => ms.intake + ms.flush + ms.track;

type Change = {
  readonly kind: 'created' | 'deleted';
  readonly container: string;
  readonly name: string;
  readonly index: number;
};

function makeChanges(count: number): readonly Change[] {
  const random = seededRandom(SEED);
  let blobs = 0;
  return Array.from({ length: count }, (_, index) => {
    const blob = random() < REPEATED ? Math.floor(random() * blobs) : (blobs += 1);
    return {
      kind: random() < 0.1 ? 'deleted' : 'created',
      container: CONTAINERS[blob % CONTAINERS.length] ?? '$web',
      name: blobName(blob),
      index,
    };
  });
}

/** The three sites of the local stack, with a quota that holds nothing back. */
function localConfiguration(): Configuration {
  const endpoints = { blobUrl: '', queueUrl: '', cdnApiUrl: 'http://127.0.0.1:7081' };
  const parsed = parseConfigurationText(appSettings(endpoints, makeSecrets())['PURGE_CONFIG'] ?? '');
  if (!parsed.ok) throw new Error(`the local configuration is wrong: ${JSON.stringify(parsed.error)}`);
  const cdns = [...parsed.value.cdns].map(([name, cdn]): [string, CdnConfiguration] => {
    if (cdn.provider !== 'azure-china-cdn') return [name, cdn];
    const budgets = cdn.quota.budgets.map((budget) => ({ ...budget, limit: 10 * CHANGES }));
    return [name, { ...cdn, quota: { ...cdn.quota, budgets } }];
  });
  return { ...parsed.value, cdns: new Map(cdns) };
}

/** Every URL under which the local sites serve the blob, without the app's own mapping. */
function urlsOf({ container, name }: Change): readonly string[] {
  const escaped = name.split('/').map(encodeURIComponent).join('/');
  // As itself, and where an index document answers for its directory.
  const paths = [escaped, escaped.replace(/(?<=^|\/)index\.html$/, '')];
  const onFiles = `http://files.contoso.localhost/${container}/${escaped}`;
  switch (container) {
    case '$web':
      return paths.map((path) => `http://www.contoso.localhost/${path}`);
    case 'media':
      return [...paths.map((path) => `http://media.contoso.localhost/${path}`), onFiles];
    default:
      return [onFiles];
  }
}

type Sent = {
  readonly ms: { readonly intake: number; readonly flush: number; readonly track: number };
  readonly purges: number;
  readonly urls: number;
  /** URLs of changes without a purge that was accepted later. */
  readonly missed: number;
  readonly heapMb: readonly number[];
  readonly residentMb: readonly number[];
};

async function sendAll(
  sent: readonly Change[],
  perTick: number,
  { sampling }: { readonly sampling: boolean },
): Promise<Sent> {
  const log = createAcceptanceLog(sent);
  let now = START_AT;
  const clock = { now: (): Instant => instant(now) };
  const double = createStorageDouble(configuration, clock, (accepted, at) => log.note(accepted, at));
  const ms = { intake: 0, flush: 0, track: 0 };
  const timed = async (part: keyof typeof ms, work: () => Promise<void>): Promise<void> => {
    const startedAt = performance.now();
    await work();
    ms[part] += performance.now() - startedAt;
  };
  const samples: Sample[] = [];
  for (let at = 0; at < sent.length; at += perTick) {
    const events = sent
      .slice(at, at + perTick)
      .map(({ kind, container, name, index }) => blobEvent(kind, container, name, index, new Date(now)));
    for (let index = at; index < at + events.length; index += 1) log.happened(index, now);
    await timed('intake', () => takeIn(events, double));
    now += TICK_MS / 2;
    await timed('flush', () => flushPurges(double.ports, { takeForMs: 150_000, sendForMs: 240_000 }, run));
    if (double.buffered() + double.waiting() > 0) throw new Error('a flush left something behind');
    now += TICK_MS / 2;
    await timed('track', () => trackPurges(double.ports, run));
    if (sampling && (at / perTick) % SAMPLE_EVERY === 0) samples.push(readMemory(at / sent.length));
  }
  return { ms, ...log.result(), ...byTenth(samples) };
}

/** One event a delivery, as Event Grid does unless told otherwise. */
async function takeIn(
  events: readonly ReturnType<typeof blobEvent>[],
  { ports }: StorageDouble,
): Promise<void> {
  const own = { account: ACCOUNT, recordsContainer: 'purge-records' };
  for (const event of events) {
    const parsed = parseBlobEvents(event, configuration.accounts, undefined);
    await bufferBlobChanges(parsed, configuration, own, ports.buffer, run);
  }
}

const complain = (message: string): never => {
  throw new Error(`the app said: ${message}`);
};
const run: Run = {
  log: { debug: () => undefined, info: () => undefined, warn: complain, error: complain },
  telemetry: noTelemetry,
  traceparent: undefined,
};

/** Made as large as it will be, so that it does not grow with the app's memory. */
function createAcceptanceLog(sent: readonly Change[]) {
  const indexOfUrl = new Map<string, number>();
  for (const change of sent) {
    for (const url of urlsOf(change)) if (!indexOfUrl.has(url)) indexOfUrl.set(url, indexOfUrl.size);
  }
  const acceptedAt = new Float64Array(indexOfUrl.size).fill(-Infinity);
  const happenedAt = new Float64Array(sent.length).fill(Infinity);
  let urls = 0;
  let purges = 0;
  return {
    happened(change: number, at: number): void {
      happenedAt[change] = at;
    },
    note(accepted: readonly string[], at: Instant): void {
      purges += 1;
      for (const url of accepted) {
        const index = indexOfUrl.get(url);
        if (index === undefined) throw new Error(`no change asks for a purge of ${url}`);
        acceptedAt[index] = at;
        urls += 1;
      }
    },
    result() {
      const missed = sent.flatMap((change, index) =>
        urlsOf(change).filter((url) => {
          const at = acceptedAt[indexOfUrl.get(url) ?? -1] ?? -Infinity;
          return at < (happenedAt[index] ?? Infinity);
        }),
      );
      if (missed.length > 0)
        throw new Error(`${missed.length} URLs were not purged, ${missed[0]} among them`);
      return { purges, urls, missed: missed.length };
    },
  };
}

type Sample = { readonly tenth: number; readonly heapMb: number; readonly residentMb: number };

function readMemory(progress: number): Sample {
  if (gc === undefined) throw new Error('start it with --expose-gc');
  gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    tenth: Math.floor(progress * TENTHS),
    heapMb: (heapUsed + external) / 2 ** 20,
    residentMb: rss / 2 ** 20,
  };
}

/** Medians. */
function byTenth(samples: readonly Sample[]): Pick<Sent, 'heapMb' | 'residentMb'> {
  if (samples.length === 0) return { heapMb: [], residentMb: [] };
  const tenths = Array.from({ length: TENTHS }, (_, tenth) => samples.filter((one) => one.tenth === tenth));
  return {
    heapMb: tenths.map((within) => median(within.map(({ heapMb }) => heapMb))),
    residentMb: tenths.map((within) => median(within.map(({ residentMb }) => residentMb))),
  };
}

/** What a flush cannot do without, on the same changes in the same ticks: map, coalesce, plan. */
function planAlone(): number {
  const limits = [...configuration.cdns.values()][0]?.limits;
  if (limits === undefined) throw new Error('the local configuration has no CDN');
  const startedAt = performance.now();
  for (let at = 0; at < changes.length; at += PER_TICK) {
    const claims = changes.slice(at, at + PER_TICK).flatMap((change) => {
      const path = {
        account: ACCOUNT,
        container: change.container,
        name: change.name,
        extent: 'blob',
      } as const;
      return mapToTargets(path, configuration.rules).map((target) => ({ target, owner: change }));
    });
    planBatches(
      coalesce(claims).map((one) => ({ ...one, endpointId: one.target.endpointId ?? one.target.cdn })),
      limits,
      { hosts: 'in-url' },
    );
  }
  return performance.now() - startedAt;
}

const configuration = localConfiguration();
const changes = makeChanges(CHANGES);
console.log(JSON.stringify(await measure()));
