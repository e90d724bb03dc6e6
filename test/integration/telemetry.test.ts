// What Application Insights is told: read from the envelopes that the real package would post.
//
// One file: the package is global to its process. A run of it is as the app's, but for the wire.

import { createHash, randomBytes, randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';

import { createCdnEmulator, type CdnEmulator } from '../../dev/cdn-emulator/emulator.ts';
import type { Fault } from '../../dev/cdn-emulator/faults.ts';
import { createStorageQueueBuffer } from '../../src/lib/buffer/storage-queue-buffer.ts';
import { fixedConfiguration } from '../../src/lib/config/configuration-source.ts';
import { parseConfiguration } from '../../src/lib/config/configuration.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { createProvider } from '../../src/lib/providers/create-provider.ts';
import type { ApiKey } from '../../src/lib/providers/azure-china-cdn/signature.ts';
import { createClockOffset } from '../../src/lib/providers/azure-china-cdn/clock-offset.ts';
import { createAgent } from '../../src/lib/providers/http/send.ts';
import { createBlobBacklog } from '../../src/lib/records/blob-backlog.ts';
import { createBlobLedgers } from '../../src/lib/records/blob-ledgers.ts';
import { createBlobRecords } from '../../src/lib/records/blob-records.ts';
import { systemLog } from '../../src/lib/system-log.ts';
import { reportCdn } from '../../src/lib/report-cdn.ts';
import type { AppInsightsOptions } from '../../src/lib/telemetry/app-insights-telemetry.ts';
import { flushPurges, type FlushPorts } from '../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../src/lib/use-cases/holds.ts';
import { createLooks } from '../../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../../src/lib/use-cases/recent-purges.ts';
import { createBlobLease } from '../../src/lib/storage/blob-lease.ts';
import { oneAtATime } from '../../src/lib/use-cases/one-at-a-time.ts';
import type { Clock, Run, Telemetry } from '../../src/lib/use-cases/ports.ts';
import { requestPurge } from '../../src/lib/use-cases/request-purge.ts';
import { azuritePlaces } from '../support/azurite-places.ts';
import { noTokens } from '../support/no-tokens.ts';
import { assertNoLeaks, readAccount, type SearchedText } from '../support/stack-canary.ts';

const Envelope = z.object({
  tags: z.record(z.string(), z.string()),
  sampleRate: z.number().optional(),
  data: z.object({
    baseType: z.string(),
    baseData: z.looseObject({
      id: z.string().optional(),
      name: z.string().optional(),
      type: z.string().optional(),
      target: z.string().optional(),
      data: z.string().optional(),
      resultCode: z.string().optional(),
      success: z.boolean().optional(),
      properties: z.record(z.string(), z.string()).default({}),
    }),
  }),
});
type Envelope = z.infer<typeof Envelope>;

const subscription = '11112222-3333-4444-5555-666677778888';
const endpointId = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
const host = 'www.contoso.localhost';
const aKey = () => ({
  id: randomUUID(),
  value: createHash('sha512').update(randomBytes(32)).digest('base64'),
});
const [key, newerKey, retiredKey] = [aKey(), aKey(), aKey()] as const;
const systemClock: Clock = { now: () => instant(Date.now()) };
const places = azuritePlaces();

/** What was posted, as text, since the start of the file; `posted` holds it parsed, since the start of the test. */
const wire: string[] = [];
let posted: Envelope[] = [];
let wireIsCut = false;
const logged: string[] = [];
const mine = new Set<string>();
let telemetry: Telemetry;
let emulator: CdnEmulator;

const httpClient: NonNullable<AppInsightsOptions['httpClient']> = {
  sendRequest(request) {
    if (wireIsCut) return Promise.reject(new Error('the wire is cut'));
    const body = z.string().parse(request.body);
    const envelopes = z.array(Envelope).parse(JSON.parse(body));
    wire.push(body);
    // The exporter's own note of who is speaking comes with every batch of spans, and never alone.
    posted.push(...envelopes.filter(({ data }) => data.baseType !== 'MetricData'));
    const bodyAsText = JSON.stringify({
      itemsReceived: envelopes.length,
      itemsAccepted: envelopes.length,
      errors: [],
    });
    // Any headers do: the exporter looks for none in this answer.
    return Promise.resolve({ request, status: 200, headers: request.headers, bodyAsText });
  },
};

beforeAll(async () => {
  // The package's reports on itself, and its questions to the cloud it runs in: none of them is ours.
  vi.stubEnv('APPLICATIONINSIGHTS_STATSBEAT_DISABLED', 'true');
  vi.stubEnv('APPLICATION_INSIGHTS_NO_STATSBEAT', '1');
  vi.stubEnv('APPLICATIONINSIGHTS_SDKSTATS_DISABLED', 'true');
  vi.stubEnv('OTEL_NODE_RESOURCE_DETECTORS', 'env');
  const { createAppInsightsTelemetry } = await import('../../src/lib/telemetry/app-insights-telemetry.ts');
  telemetry = createAppInsightsTelemetry({
    connectionString: `InstrumentationKey=${randomUUID()};IngestionEndpoint=https://ingestion.invalid/`,
    httpClient,
  });
  emulator = await createCdnEmulator({
    subscriptions: [subscription],
    endpoints: [{ id: endpointId, subscription, customDomain: host }],
    hosts: [],
    keys: [
      { ...key, subscription },
      { ...newerKey, subscription },
      { ...retiredKey, subscription, state: 'revoked' },
    ],
    fetchOrigin: () => Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() }),
  });
});

afterAll(async () => {
  await emulator.close();
  const texts: SearchedText[] = [
    ...wire.map((text) => ({ where: 'telemetry', text })),
    ...logged.map((text) => ({ where: 'the log', text })),
    ...(await readAccount(places.connectionString, (place) => mine.has(place))),
  ];
  const secrets = {
    cdnKeyValue: key.value,
    newerKeyValue: newerKey.value,
    retiredKeyValue: retiredKey.value,
  };
  assertNoLeaks(texts, secrets, ['telemetry', 'the log', 'blob ', 'message in ']);
});

beforeEach(async () => {
  await telemetry.flush();
  wireIsCut = false;
  posted = [];
  emulator.control.reset();
});

/** An app as `app.ts` builds it, on a queue and a container of its own. */
function openApp({
  urlsPerRequest = 100,
  first = key,
  second,
  clock = systemClock,
}: {
  readonly urlsPerRequest?: number;
  readonly first?: ApiKey;
  readonly second?: ApiKey;
  readonly clock?: Clock;
} = {}): FlushPorts {
  const parsed = parseConfiguration({
    cdns: {
      china: {
        provider: 'azure-china-cdn',
        subscription,
        keys: {
          id: 'KEY_ID',
          value: 'KEY_VALUE',
          ...(second === undefined ? {} : { second: { id: 'SECOND_ID', value: 'SECOND_VALUE' } }),
        },
        apiBaseUrl: emulator.apiUrl,
        limits: { urlsPerRequest },
      },
    },
    defaults: { cdn: 'china' },
    sites: {
      www: {
        containers: [{ account: 'contoso', container: 'web', path: '/' }],
        hosts: [{ host, endpoint: endpointId }],
      },
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const queue = places.freshQueue();
  const poison = places.queues.getQueueClient(`${queue.name}-poison`);
  const records = places.freshContainer();
  for (const name of [queue.name, poison.name, records.containerName]) mine.add(name);
  const secrets = new Map([
    ['KEY_ID', first.id],
    ['KEY_VALUE', first.value],
    ['SECOND_ID', second?.id],
    ['SECOND_VALUE', second?.value],
  ]);
  const providers = new Map(
    [...parsed.value.cdns].map(([name, cdn]) => {
      const agent = createAgent(cdn.timeouts);
      return [
        name,
        createProvider(cdn, {
          secret: (name) => secrets.get(name) ?? '',
          agentFor: () => agent,
          clock,
          telemetry,
          clockOffsetFor: createClockOffset,
          reportsFor: (cdnName) => reportCdn(cdnName, telemetry),
          tokensFor: () => noTokens,
          newId: randomUUID,
        }),
      ] as const;
    }),
  );
  return {
    configuration: fixedConfiguration(parsed.value),
    buffer: createStorageQueueBuffer({ buffer: queue, poison, records }, 60_000, clock),
    records: createBlobRecords(records),
    providersFor: () => providers,
    clock,
    endpointTurns: oneAtATime(),
    newId: randomUUID,
    holds: createHolds(),
    ledgers: createBlobLedgers(records),
    backlog: createBlobBacklog(records),
    lease: createBlobLease(records, 15),
    recent: createRecentPurges(),
    looks: createLooks(),
    own: { account: 'own', recordsContainer: records.containerName },
  };
}

const log = (message: string, details: object = {}): void =>
  void logged.push(`${message} ${JSON.stringify(details)}`);

/** What the app says outside an invocation is searched for secrets, too. */
function listen(): void {
  vi.spyOn(systemLog, 'warn').mockImplementation(log);
  vi.spyOn(systemLog, 'error').mockImplementation(log);
}

/** A run of a trigger in a trace of its own. */
function newRun(): Run & { readonly traceId: string; readonly spanId: string } {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return {
    log: { debug: log, info: log, warn: log, error: log },
    telemetry,
    traceparent: `00-${traceId}-${spanId}-01`,
    traceId,
    spanId,
  };
}

/** Buffers changes of blobs, each from a delivery with a trace of its own. Gives their traceparents. */
async function bufferChanges({ buffer }: FlushPorts, names: readonly string[]): Promise<string[]> {
  return Promise.all(
    names.map(async (name) => {
      const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
      await buffer.add({
        type: 'change',
        change: {
          kind: 'created',
          blob: { container: 'web', name },
          account: 'contoso',
          eventId: randomUUID(),
          eventAt: instant(Date.now() - 60_000),
          traceparent,
        },
        failedAttempts: 0,
      });
      return traceparent;
    }),
  );
}

const flush = (app: FlushPorts, run: Run): Promise<void> =>
  flushPurges(app, { takeForMs: 30_000, sendForMs: 240_000 }, run);

const ofType = (baseType: string): Envelope[] => posted.filter(({ data }) => data.baseType === baseType);
const events = (): Envelope[] => ofType('EventData');
const spans = (name: string): Envelope[] =>
  ofType('RemoteDependencyData').filter(({ data }) => data.baseData.name === name);
/** The exporter names the span of an HTTP call by its method and path. */
const cdnCalls = (): Envelope[] =>
  ofType('RemoteDependencyData').filter(({ data }) => data.baseData.type === 'Http');
const flushSpans = (): Envelope[] => spans('flush-purge-buffer');
const propertiesOf = ({ data }: Envelope): Record<string, string> => data.baseData.properties;
const correlationIdsOf = (envelopes: Envelope[]): string[] =>
  envelopes.map((envelope) => propertiesOf(envelope)['correlationId'] ?? '').toSorted();
const summaryOf = ({ data }: Envelope): object => ({
  name: data.baseData.name,
  properties: data.baseData.properties,
});

describe('an accepted purge', () => {
  test('is one event with the correlation id that the CDN answered, its task, counts and ages', async () => {
    const app = openApp();
    await bufferChanges(app, ['a.txt', 'b.txt', 'b.txt']);

    await flush(app, newRun());

    const [purge] = emulator.control.purges();
    expect(events().map(summaryOf)).toMatchObject([
      {
        name: 'purge-accepted',
        properties: {
          correlationId: purge?.correlationId,
          taskId: purge?.taskId,
          purgeId: expect.stringMatching(/^\d{8}-[\da-f-]{36}$/u),
          cdn: 'china',
          endpointId,
          lane: 'events',
          files: '2',
          directories: '0',
          changes: '3',
          requests: '0',
          attempt: '1',
          queueAgeMs: expect.stringMatching(/^\d+$/u),
          eventAgeMs: expect.stringMatching(/^6\d{4}$/u),
        },
      },
    ]);
  });

  test('is one call to the CDN as a dependency, with status and correlation id, below the flush', async () => {
    const app = openApp();
    await bufferChanges(app, ['a.txt']);
    const run = newRun();

    await flush(app, run);

    const [purge] = emulator.control.purges();
    const [flushSpan] = flushSpans();
    expect(flushSpans()).toMatchObject([
      {
        tags: { 'ai.operation.id': run.traceId, 'ai.operation.parentId': run.spanId },
        data: {
          baseData: {
            type: 'InProc',
            success: true,
            properties: { messages: '1', accepted: '1', notAccepted: '0', urlsPurged: '1' },
          },
        },
      },
    ]);
    expect(cdnCalls()).toMatchObject([
      {
        tags: {
          'ai.operation.id': run.traceId,
          'ai.operation.parentId': flushSpan?.data.baseData.id,
        },
        data: {
          baseData: {
            type: 'Http',
            target: new URL(emulator.apiUrl).hostname,
            data: `${emulator.apiUrl}/subscriptions/${subscription}/endpoints/${endpointId}/purges?apiVersion=1.0`,
            resultCode: '202',
            success: true,
            properties: { correlationId: purge?.correlationId },
          },
        },
      },
    ]);
    expect(events()).toMatchObject([{ tags: { 'ai.operation.id': run.traceId } }]);
  });

  test('of a person’s request says so', async () => {
    const app = openApp();
    const ask = { by: 'url', files: [`http://${host}/a.txt`], directories: [], everything: false } as const;
    const run = newRun();

    await requestPurge({ ask, reason: undefined, idempotency: undefined }, app, run);
    await telemetry.flush();

    const [purge] = emulator.control.purges();
    expect(events().map(summaryOf)).toMatchObject([
      { name: 'purge-requested', properties: { sites: 'www', files: '1', directories: '0' } },
      {
        name: 'purge-accepted',
        properties: { lane: 'manual', requests: '1', changes: '0', correlationId: purge?.correlationId },
      },
    ]);
    expect(cdnCalls()).toMatchObject([
      {
        tags: {
          'ai.operation.id': run.traceId,
          'ai.operation.parentId': spans('send-requested-purge')[0]?.data.baseData.id,
        },
      },
    ]);
    expect(spans('send-requested-purge')).toMatchObject([
      { tags: { 'ai.operation.id': run.traceId, 'ai.operation.parentId': run.spanId } },
    ]);
  });
});

const Links = z.array(z.object({ operation_Id: z.string(), id: z.string() }));

describe('the flush', () => {
  test('is linked to the changes that it carries', async () => {
    const app = openApp();
    const traceparents = await bufferChanges(app, ['a.txt', 'b.txt', 'c.txt']);

    await flush(app, newRun());

    const properties = flushSpans().map(propertiesOf);
    expect(properties).toMatchObject([{ linkedChanges: '3' }]);
    const links = Links.parse(JSON.parse(properties[0]?.['_MS.links'] ?? ''));
    expect(links.map((link) => `00-${link.operation_Id}-${link.id}-01`).toSorted()).toEqual(
      traceparents.toSorted(),
    );
  });

  test('and its call to the CDN have at most 32 links, and the total beside them', async () => {
    const app = openApp();
    const names = Array.from({ length: 40 }, (_, index) => `${index}.txt`);
    await bufferChanges(app, names);

    await flush(app, newRun());

    for (const [properties] of [flushSpans().map(propertiesOf), cdnCalls().map(propertiesOf)]) {
      expect(properties?.['linkedChanges']).toBe('40');
      expect(Links.parse(JSON.parse(properties?.['_MS.links'] ?? ''))).toHaveLength(32);
    }
  });

  test('of a later run leads back to a change that had to wait: by links, as the trace query goes', async () => {
    let waitedMs = 0;
    const app = openApp({ clock: { now: () => instant(Date.now() + waitedMs) } });
    emulator.control.addFaults({ fault: 'gateway', status: 503 });
    const [traceparent = ''] = await bufferChanges(app, ['a.txt']);
    const operationId = traceparent.split('-')[1] ?? '';
    const [first, later] = [newRun(), newRun()];

    await flush(app, first);
    waitedMs = 60_000;
    await flush(app, later);

    const linked = ofType('RemoteDependencyData').filter((span) =>
      (propertiesOf(span)['_MS.links'] ?? '').includes(operationId),
    );
    const carriers = new Set(linked.map(({ tags }) => tags['ai.operation.id']));
    expect(carriers).toEqual(new Set([first.traceId, later.traceId]));
    const told = events().filter(({ tags }) => carriers.has(tags['ai.operation.id']));
    expect(told.map(summaryOf)).toMatchObject([
      { name: 'purge-failed' },
      { name: 'purge-accepted', properties: { purgeId: expect.any(String) } },
    ]);
  });

  test('tells nothing at all when there is nothing to do', async () => {
    const app = openApp();
    await flush(app, newRun());

    await flush(app, newRun());
    await telemetry.flush();

    expect(posted).toEqual([]);
  });

  test('is marked failed by what it throws, and passes that on', async () => {
    const app = openApp();
    await bufferChanges(app, ['a.txt']);
    const bug = new TypeError('a bug');

    const failed = flush(
      {
        ...app,
        providersFor: () => {
          throw bug;
        },
      },
      newRun(),
    );

    await expect(failed).rejects.toBe(bug);
    await telemetry.flush();
    expect(flushSpans()).toMatchObject([{ data: { baseData: { success: false } } }]);
  });
});

describe('a purge that was not accepted', () => {
  test('but refused is one event with the CDN’s words and the correlation id', async () => {
    const app = openApp();
    emulator.control.addFaults({ fault: 'error', type: 'EndpointNotInActiveState' });
    await bufferChanges(app, ['a.txt']);

    await flush(app, newRun());

    const [request] = emulator.control.requests();
    expect(events().map(summaryOf)).toMatchObject([
      {
        name: 'purge-refused',
        properties: {
          errorType: 'EndpointNotInActiveState',
          status: `${request?.status}`,
          correlationId: request?.correlationId,
          message: expect.stringMatching(/\S/u),
          endpointId,
          attempt: '1',
          files: '1',
        },
      },
      {
        name: 'sending-stopped',
        properties: {
          outcomeClass: 'endpoint-unusable',
          scope: 'endpoint',
          cdn: 'china',
          endpointId,
          cause: 'EndpointNotInActiveState',
          correlationId: request?.correlationId,
          waitMs: '10000',
          times: '1',
        },
      },
    ]);
    expect(cdnCalls()).toMatchObject([
      {
        data: {
          baseData: {
            resultCode: `${request?.status}`,
            success: false,
            properties: { correlationId: request?.correlationId },
          },
        },
      },
    ]);
    expect(flushSpans().map(propertiesOf)).toMatchObject([{ accepted: '0', notAccepted: '1' }]);
  });

  test.each<{ what: string; fault: z.input<typeof Fault>; told: object }>([
    {
      what: 'a gateway',
      fault: { fault: 'gateway', status: 503 },
      told: { reason: 'unreadable-answer', status: '503' },
    },
    {
      what: 'a lost connection',
      fault: { fault: 'reset-before-acting' },
      told: { reason: 'connection-lost' },
    },
  ])('but failed at $what is one event with the reason', async ({ fault, told }) => {
    const app = openApp();
    emulator.control.addFaults(fault);
    await bufferChanges(app, ['a.txt']);

    await flush(app, newRun());

    expect(events().map(summaryOf)).toMatchObject([
      {
        name: 'purge-failed',
        properties: { ...told, detail: expect.stringMatching(/\S/u), endpointId, attempt: '1' },
      },
    ]);
    expect(cdnCalls()).toMatchObject([{ data: { baseData: { success: false } } }]);
  });
});

describe('what somebody has to look at is one event, and never names a key:', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('the second key in use', async () => {
    listen();
    const app = openApp({ first: retiredKey, second: newerKey });
    await bufferChanges(app, ['a.txt']);

    await flush(app, newRun());

    expect(events().map(summaryOf)).toMatchObject([
      { name: 'key-slot-changed', properties: { cdn: 'china', slot: 'second' } },
      { name: 'purge-accepted' },
    ]);
    expect(cdnCalls()).toHaveLength(2);
  });

  test('no key left', async () => {
    const app = openApp({ first: retiredKey, second: { ...newerKey, value: key.value } });
    await bufferChanges(app, ['a.txt', 'b.txt']);

    await flush(app, newRun());

    expect(events().map(summaryOf)).toMatchObject([
      { name: 'purge-refused', properties: { errorType: 'InvalidApiKey' } },
      {
        name: 'sending-stopped',
        properties: {
          outcomeClass: 'credentials-refused',
          scope: 'subscription',
          cause: 'InvalidApiKey',
          correlationId: emulator.control.requests()[0]?.correlationId,
        },
      },
    ]);
  });

  test('no property that is not in the contract, whatever comes with an event', async () => {
    const event = { name: 'message-dead-lettered', reason: 'no record', text: 'not for telemetry' } as const;
    telemetry.track(event);
    await telemetry.flush();

    expect(events().map(propertiesOf)).toEqual([{ reason: 'no record' }]);
  });

  test('an offset of the CDN’s clock', async () => {
    listen();
    const fast: Clock = { now: () => instant(Date.now() + 20 * 60_000) };
    const app = openApp({ clock: fast });
    await bufferChanges(app, ['a.txt']);

    await flush(app, newRun());

    expect(events().map(summaryOf)).toMatchObject([
      { name: 'clock-offset', properties: { cdn: 'china', alerts: 'true' } },
      { name: 'purge-accepted' },
    ]);
  });

  test('a URL that the CDN will never take', async () => {
    const app = openApp();
    await bufferChanges(app, ['a.txt', 'bad.txt', 'c.txt']);
    emulator.control.addFaults({
      fault: 'error',
      type: 'MaliciousItemPathDetected',
      times: 20,
      match: { urlIncludes: '/bad.txt' },
    });

    await flush(app, newRun());

    expect(events().map(({ data }) => data.baseData.name)).toContain('message-dead-lettered');
    expect(
      emulator.control
        .purges()
        .flatMap(({ files }) => files)
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual([`http://${host}/a.txt`, `http://${host}/c.txt`]);
  });
});

describe('telemetry', () => {
  test('of 200 purges in a burst is all there: nothing is sampled away, nothing told twice', async () => {
    const app = openApp({ urlsPerRequest: 1 });
    await bufferChanges(
      app,
      Array.from({ length: 200 }, (_, index) => `${index}.txt`),
    );

    await flush(app, newRun());

    const correlationIds = emulator.control.purges().map((purge) => purge.correlationId);
    expect(correlationIds).toHaveLength(200);
    expect(correlationIdsOf(events())).toEqual(correlationIds.toSorted());
    expect(correlationIdsOf(cdnCalls())).toEqual(correlationIds.toSorted());
    expect(posted).toHaveLength(200 + 200 + 1);
    expect(posted.filter(({ sampleRate = 100 }) => sampleRate !== 100)).toEqual([]);
  });

  test('holds no property over 8,000 characters', async () => {
    for (const character of ['x', '图']) {
      telemetry.track({ name: 'configuration-refused', etag: '0x1', problems: character.repeat(20_000) });
    }
    await telemetry.flush();

    const lengths = events().map((event) => propertiesOf(event)['problems']?.length);
    expect(lengths).toHaveLength(2);
    // The exporter has a limit of its own, 8,192 bytes.
    expect(new Set(lengths)).toEqual(new Set([8000, Math.ceil(8192 / 3)]));
  });

  test('tells of a dead letter', async () => {
    const app = openApp();
    await app.buffer.add({ type: 'request', requestId: randomUUID(), failedAttempts: 0 });

    await flush(app, newRun());

    expect(events().map(summaryOf)).toMatchObject([
      { name: 'message-dead-lettered', properties: { reason: expect.stringContaining('no record') } },
    ]);
  });

  test('is events and dependencies only: what the host collects is not told again', async () => {
    const app = openApp();
    await bufferChanges(app, ['a.txt']);
    emulator.control.addFaults({ fault: 'error', type: 'InternalError' });
    const console = vi.spyOn(globalThis.console, 'error').mockImplementation(() => undefined);
    // oxlint-disable-next-line no-console -- what the app prints is in the host's log already
    globalThis.console.error('printed');

    await flush(app, newRun());
    await telemetry.flush();

    expect(new Set(posted.map(({ data }) => data.baseType))).toEqual(
      new Set(['EventData', 'RemoteDependencyData']),
    );
    expect(posted).toHaveLength(3);
    console.mockRestore();
  });

  test('that cannot be sent fails no purge', async () => {
    const app = openApp();
    await bufferChanges(app, ['a.txt']);
    wireIsCut = true;

    await expect(flush(app, newRun())).resolves.toBeUndefined();

    expect(emulator.control.purges()).toHaveLength(1);
  });
});
