// What does a change cost? Storage calls by kind and bytes of telemetry, counted on the real app.
//
// Azurite is behind a proxy that counts; the events, the timers' ticks and the telemetry package are the real ones.
// docs/costs.md multiplies these numbers. Times mean nothing here: the clock is moved on where the app would wait.

import { randomBytes, randomUUID } from 'node:crypto';

import { InvocationContext, type EventGridEvent, type Timer } from '@azure/functions';
import { request } from 'undici';
import * as z from 'zod';

import { localAccount } from '../dev/azurite/account.ts';
import { blobEvent, blobName } from './blob-events.ts';
import { startLocalParts, type LocalParts } from './local-parts.ts';
import { rounded } from './measure.ts';
import { createApp } from '../src/lib/app.ts';
import { instant } from '../src/lib/core/instant.ts';
import { handleBlobChanged } from '../src/lib/handlers/blob-changed.ts';
import { handleFlush } from '../src/lib/handlers/flush-purge-buffer.ts';
import { handleHeartbeat } from '../src/lib/handlers/heartbeat.ts';
import { handleDeadLetters } from '../src/lib/handlers/read-dead-letters.ts';
import { handleRefreshInventory } from '../src/lib/handlers/refresh-inventory.ts';
import { handleTracking } from '../src/lib/handlers/track-purges.ts';
import { createClockOffset } from '../src/lib/providers/azure-china-cdn/clock-offset.ts';
import { createProvider } from '../src/lib/providers/create-provider.ts';
import { createAgent } from '../src/lib/providers/http/send.ts';
import { reportCdn } from '../src/lib/report-cdn.ts';
import type { ServicesLoader } from '../src/lib/services.ts';
import { createStorageClients } from '../src/lib/storage/clients.ts';
import type { AppInsightsOptions } from '../src/lib/telemetry/app-insights-telemetry.ts';
import { createActivityNotes } from '../src/lib/use-cases/note-activity.ts';
import { forEachLimited } from '../src/lib/use-cases/for-each-limited.ts';
import type { Telemetry } from '../src/lib/use-cases/ports.ts';
import { startCountingProxy, type CountingProxy } from '../test/support/azurite-counting-proxy.ts';
import { noTokens } from '../test/support/no-tokens.ts';

/** Changes that one tick finds: a quiet site, a million in 30 days, a full purge, a release. */
const CHANGES_A_TICK = [1, 4, 100, 300];
const CONTAINER = 'downloads';
const BLOBS = 1_000;
/** Past the tracker's first question about a purge, and past what a flush notes every few minutes. */
const PAUSE_MS = 20_000;

export async function measureCosts(): Promise<Record<string, unknown>> {
  const wire = createWire();
  const telemetry = await startTelemetry(wire);
  const parts = await startLocalParts();
  const proxy = await startCountingProxy(parts.blobUrl, parts.queueUrl);
  try {
    await setCdn(parts, { fileTaskMs: 0, directoryTaskMs: 0 });
    await fillContainer(parts);
    const open = (name: string, changes: DocumentChanges): Promise<Measured> =>
      openApp({ name, changes, parts, proxy, telemetry, wire });
    return {
      withoutPlanner: await measureTicks(await open('plain', {})),
      questionAboutRunningPurge: await measureQuestion(await open('question', {}), parts),
      withPlanner: await measureTicks(await open('planner', { planner: {} })),
      straightToQueue: await measureTicks(await open('straight', {}), 'to the queue'),
      quotaSpent: await measureSpentQuota(await open('spent', { quota: { files: 20 } })),
    };
  } finally {
    await proxy.close();
    await parts.stop();
  }
}

async function measureTicks(
  app: Measured,
  delivery: 'to the function' | 'to the queue' = 'to the function',
): Promise<Record<string, unknown>> {
  await app.refreshInventory();
  // Not counted: the queue, containers, leases and connections are made.
  await app.deliver(2);
  await app.flush();
  await app.track();
  const idle = {
    flush: await app.flush(),
    track: await app.track(),
    heartbeat: await app.heartbeat(),
    readDeadLetters: await app.readDeadLetters(),
    refreshInventory: await app.refreshInventory(),
  };
  const ticks: Record<string, unknown> = {};
  for (const changes of CHANGES_A_TICK) {
    const intake = await (delivery === 'to the queue' ? app.put(changes) : app.deliver(changes));
    const flush = await app.flush();
    const track = await app.track();
    const after = await app.track();
    if (after.open > 0) throw new Error('the tracker left a purge open');
    ticks[`${changes}`] = { intake, flush, track, perChange: perChange([intake, flush, track], changes) };
  }
  return { idle, ticks };
}

/** What the tracker costs for a purge that the CDN has not ended. */
async function measureQuestion(app: Measured, parts: LocalParts): Promise<Cost> {
  // Not counted: what is made at the first use.
  await app.deliver(1);
  await app.flush();
  await app.track();
  await setCdn(parts, { fileTaskMs: 3_600_000 });
  await app.deliver(1);
  await app.flush();
  const question = await app.track();
  await setCdn(parts, { fileTaskMs: 0 });
  if (question.open !== 1) throw new Error('the purge is not running');
  return question;
}

/** A flush whose changes all wait for the reset: they join the backlog. */
async function measureSpentQuota(app: Measured): Promise<Record<string, unknown>> {
  await app.deliver(40);
  await app.flush();
  await app.track();
  const intake = await app.deliver(100);
  const flush = await app.flush();
  return { idle: await app.flush(), intake, flush, perChange: perChange([intake, flush], 100) };
}

type Counts = {
  readonly queuePuts: number;
  readonly queueGets: number;
  readonly queueDeletes: number;
  readonly queueOther: number;
  readonly blobWrites: number;
  readonly blobReads: number;
  readonly blobLists: number;
  readonly blobDeletes: number;
  readonly leases: number;
};
type Cost = Counts & {
  readonly calls: number;
  readonly telemetryBytes: number;
  readonly telemetryItems: number;
};

const CALL = /^(\S+) \/[^/]+\/([^/ ]*)(\S*) (\d+)$/;

function countCalls(calls: readonly string[], queueName: string): Counts & { readonly calls: number } {
  const counts = {
    queuePuts: 0,
    queueGets: 0,
    queueDeletes: 0,
    queueOther: 0,
    blobWrites: 0,
    blobReads: 0,
    blobLists: 0,
    blobDeletes: 0,
    leases: 0,
  };
  for (const call of calls) {
    const [, method = '', place = '', rest = ''] = CALL.exec(call) ?? [];
    counts[kindOf(method, place, rest, queueName)] += 1;
  }
  return { calls: calls.length, ...counts };
}

function kindOf(method: string, place: string, rest: string, queueName: string): keyof Counts {
  if (place.startsWith(queueName)) {
    if (method === 'POST') return 'queuePuts';
    if (method === 'GET' && rest === '/messages') return 'queueGets';
    if (method === 'DELETE') return 'queueDeletes';
    return 'queueOther';
  }
  if (rest === '/flush.lease') return 'leases';
  if (method === 'PUT') return 'blobWrites';
  if (method === 'DELETE') return 'blobDeletes';
  return rest === '' && method === 'GET' ? 'blobLists' : 'blobReads';
}

function perChange(costs: readonly Cost[], changes: number): Record<string, number> {
  const sum = (of: (cost: Cost) => number): number =>
    rounded(costs.reduce((total, cost) => total + of(cost), 0) / changes, 3);
  return {
    queue: sum((cost) => cost.queuePuts + cost.queueGets + cost.queueDeletes + cost.queueOther),
    blobs: sum((cost) => cost.blobWrites + cost.blobReads + cost.blobLists + cost.blobDeletes + cost.leases),
    calls: sum(({ calls }) => calls),
    telemetryBytes: sum(({ telemetryBytes }) => telemetryBytes),
  };
}

type Measured = {
  /** So many blobs change; each event is a delivery of its own, as Event Grid does unless told otherwise. */
  readonly deliver: (changes: number) => Promise<Cost>;
  /** The same without the function: Event Grid puts each event into the queue. */
  readonly put: (changes: number) => Promise<Cost>;
  readonly flush: () => Promise<Cost>;
  readonly track: () => Promise<Cost & { readonly open: number }>;
  readonly heartbeat: () => Promise<Cost>;
  readonly readDeadLetters: () => Promise<Cost>;
  readonly refreshInventory: () => Promise<Cost>;
};

type DocumentChanges = { readonly planner?: object; readonly quota?: object };

type Opening = {
  readonly name: string;
  readonly changes: DocumentChanges;
  readonly parts: LocalParts;
  readonly proxy: CountingProxy;
  readonly telemetry: Telemetry;
  readonly wire: Wire;
};

/** An app on a queue and a container of its own, all of whose storage calls and telemetry are counted. */
async function openApp({ name, changes, parts, proxy, telemetry, wire }: Opening): Promise<Measured> {
  const queueName = `costs-${name}`;
  const settings = {
    ...parts.settings,
    PURGE_STORAGE: proxy.connectionString,
    PURGE_CONFIG: changeDocument(parts.settings['PURGE_CONFIG'] ?? '', changes),
    PURGE_QUEUE: queueName,
    PURGE_RECORDS_CONTAINER: `costs-records-${name}`,
    PURGE_DEAD_LETTER_CONTAINER: `costs-letters-${name}`,
  };
  let aheadMs = 0;
  const services = withTelemetry(createApp(settings).services, settings, telemetry, () => aheadMs);
  await createStorageClients(parts.storageConnection)
    .blobs.getContainerClient(settings.PURGE_DEAD_LETTER_CONTAINER)
    .create();
  const count = async (work: () => Promise<void>): Promise<Cost> => {
    await telemetry.flush();
    const [callsBefore, bytesBefore, itemsBefore] = [proxy.calls().length, wire.bytes(), wire.items()];
    await work();
    await telemetry.flush();
    return {
      ...countCalls(proxy.calls().slice(callsBefore), queueName),
      telemetryBytes: wire.bytes() - bytesBefore,
      telemetryItems: wire.items() - itemsBefore,
    };
  };
  const timer =
    (handler: (timer: Timer, context: InvocationContext) => unknown): (() => Promise<Cost>) =>
    () =>
      count(async () => {
        await handler(TICK, invocation());
      });
  const onBlobChanged = handleBlobChanged(services);
  const queue = createStorageClients(proxy.connectionString).queues.getQueueClient(queueName);
  let events = 0;
  const change = (changed: number, happen: (event: EventGridEvent) => Promise<void>): Promise<Cost> =>
    count(() =>
      forEachLimited(
        Array.from({ length: changed }, (_, index) => index),
        16,
        async () => {
          const index = (events += 1);
          const event = blobEvent('created', CONTAINER, blobName(index % BLOBS), index, new Date());
          await happen({ ...event, id: randomUUID() });
        },
      ),
    );
  const track = timer(handleTracking(services));
  return {
    deliver: (changed) =>
      change(changed, async (event) => {
        await onBlobChanged(event, invocation());
      }),
    put: (changed) =>
      change(changed, async (event) => {
        await queue.sendMessage(Buffer.from(JSON.stringify(event)).toString('base64'), {
          messageTimeToLive: -1,
        });
      }),
    flush: timer(handleFlush(services)),
    async track() {
      aheadMs += PAUSE_MS;
      const cost = await track();
      const { flushPorts } = await services();
      return { ...cost, open: (await flushPorts.records.findOpenPurges()).length };
    },
    heartbeat: timer(handleHeartbeat(services)),
    readDeadLetters: timer(handleDeadLetters(services)),
    refreshInventory: timer(handleRefreshInventory(services)),
  };
}

/** The app's own services, but for where telemetry goes and for the clock. */
function withTelemetry(
  services: ServicesLoader,
  settings: Readonly<Record<string, string>>,
  telemetry: Telemetry,
  aheadMs: () => number,
): ServicesLoader {
  const clock = { now: () => instant(Date.now() + aheadMs()) };
  const build = async (): ReturnType<ServicesLoader> => {
    const built = await services();
    const configuration = await built.configuration.current();
    const providers = new Map(
      [...configuration.cdns].map(([name, cdn]) => [
        name,
        createProvider(cdn, {
          secret: (setting) => settings[setting] ?? '',
          agentFor: createAgent,
          clock: { now: () => instant(Date.now()) },
          telemetry,
          clockOffsetFor: createClockOffset,
          reportsFor: (cdnName) => reportCdn(cdnName, telemetry),
          tokensFor: () => noTokens,
          newId: randomUUID,
        }),
      ]),
    );
    const flushPorts = {
      ...built.flushPorts,
      clock,
      providersFor: () => providers,
      // With telemetry there is a heartbeat, which tells of silent containers.
      activity: createActivityNotes(built.activity),
    };
    return { ...built, telemetry, flushPorts };
  };
  let building: ReturnType<ServicesLoader> | undefined;
  return () => (building ??= build());
}

const TICK: Timer = {
  isPastDue: false,
  schedule: { adjustForDST: true },
  scheduleStatus: { last: '', lastUpdated: '', next: '' },
};

/** In a trace of its own, as the host gives it. */
function invocation(): InvocationContext {
  const traceParent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  return new InvocationContext({
    functionName: 'costs',
    traceContext: { traceParent },
    logHandler: (level, ...line) => {
      if (level === 'error') throw new Error(`the app said: ${line.join(' ')}`);
    },
  });
}

const LocalDocument = z.looseObject({
  cdns: z.record(z.string(), z.looseObject({})),
  sites: z.looseObject({ files: z.looseObject({}) }),
});

function changeDocument(text: string, { planner, quota }: DocumentChanges): string {
  const document = LocalDocument.parse(JSON.parse(text));
  const cdns = Object.fromEntries(
    Object.entries(document.cdns).map(([name, cdn]) => [name, quota === undefined ? cdn : { ...cdn, quota }]),
  );
  // One container and one host: what the planner looks at grows with both.
  const containers = [{ account: localAccount.name, container: CONTAINER, indexDocuments: [] }];
  const sites = { files: { ...document.sites.files, containers } };
  return JSON.stringify({ ...document, cdns, sites, ...(planner === undefined ? {} : { planner }) });
}

/** What stands there, so that a directory purge would evict something. */
async function fillContainer({ storageConnection }: LocalParts): Promise<void> {
  const container = createStorageClients(storageConnection).blobs.getContainerClient(CONTAINER);
  await container.create();
  const indices = Array.from({ length: BLOBS }, (_, index) => index);
  await forEachLimited(indices, 16, async (index) => {
    await container.getBlockBlobClient(blobName(index)).upload('x', 1);
  });
}

async function setCdn({ cdnApiUrl }: LocalParts, settings: object): Promise<void> {
  const answer = await request(`${cdnApiUrl}/_emulator/settings`, {
    method: 'POST',
    body: JSON.stringify(settings),
  });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`the CDN emulator answered ${answer.statusCode}`);
}

type Wire = {
  readonly httpClient: NonNullable<AppInsightsOptions['httpClient']>;
  readonly bytes: () => number;
  readonly items: () => number;
};

/** Stands where Application Insights would: counts what is posted. */
function createWire(): Wire {
  let bytes = 0;
  let items = 0;
  return {
    bytes: () => bytes,
    items: () => items,
    httpClient: {
      sendRequest(posted) {
        const body = z.string().parse(posted.body);
        const envelopes = z.array(z.looseObject({ data: z.looseObject({ baseType: z.string() }) }));
        // The exporter's own note of who is speaking is no telemetry of the app's.
        const ours = envelopes
          .parse(JSON.parse(body))
          .filter(({ data }) => data.baseType !== 'MetricData')
          .map((envelope) => Buffer.byteLength(JSON.stringify(envelope)));
        items += ours.length;
        bytes += ours.reduce((sum, size) => sum + size, 0);
        const bodyAsText = JSON.stringify({ itemsReceived: items, itemsAccepted: items, errors: [] });
        return Promise.resolve({ request: posted, status: 200, headers: posted.headers, bodyAsText });
      },
    },
  };
}

async function startTelemetry({ httpClient }: Wire): Promise<Telemetry> {
  // The package's reports on itself, and its questions to the cloud it runs in.
  process.env['APPLICATIONINSIGHTS_STATSBEAT_DISABLED'] = 'true';
  process.env['APPLICATION_INSIGHTS_NO_STATSBEAT'] = '1';
  process.env['APPLICATIONINSIGHTS_SDKSTATS_DISABLED'] = 'true';
  process.env['OTEL_NODE_RESOURCE_DETECTORS'] = 'env';
  const { createAppInsightsTelemetry } = await import('../src/lib/telemetry/app-insights-telemetry.ts');
  return createAppInsightsTelemetry({
    connectionString: `InstrumentationKey=${randomUUID()};IngestionEndpoint=https://ingestion.invalid/`,
    httpClient,
  });
}
