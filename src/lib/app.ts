// Composition root: the one place that builds real clients, by the app settings.

import { randomUUID } from 'node:crypto';

import type { HttpHandler } from '@azure/functions';
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import type { Agent } from 'undici';

import { blobConfiguration } from './config/configuration-source.ts';
import type { Environment } from './config/environment.ts';
import { checkSettings } from './config/required-settings.ts';
import type { Configuration } from './core/configuration.ts';
import { instant } from './core/instant.ts';
import { requireRole } from './handlers/require-role.ts';
import type { TokenSources } from './identity/token-sources.ts';
import type { HttpTimeouts } from './providers/http/send.ts';
import { createClockOffset, type ClockOffset } from './providers/azure-china-cdn/clock-offset.ts';
import type { CallReports } from './providers/azure-china-cdn/signed-calls.ts';
import { readSettings } from './read-settings.ts';
import { reportCdn } from './report-cdn.ts';
import { reportConfiguration } from './report-configuration.ts';
import type { InventoryServices, Services, ServicesLoader } from './services.ts';
import { systemLog } from './system-log.ts';
import { deferredTelemetry } from './telemetry/deferred-telemetry.ts';
import { noTelemetry } from './telemetry/no-telemetry.ts';
import { createDaySpending } from './use-cases/day-spending.ts';
import { createHolds } from './use-cases/holds.ts';
import { createLooks } from './use-cases/looks.ts';
import { createActivityNotes } from './use-cases/note-activity.ts';
import { createRecentPurges } from './use-cases/recent-purges.ts';
import { oneAtATime } from './use-cases/one-at-a-time.ts';
import type {
  Clock,
  ConfigurationSource,
  DeadLetterStore,
  PurgeProvider,
  Telemetry,
} from './use-cases/ports.ts';

export type App = {
  /** NCRONTAB of the flush. */
  readonly schedule: string;
  /** NCRONTAB of the tracker. */
  readonly trackSchedule: string;
  /** NCRONTAB of the deletion of old records. */
  readonly forgetSchedule: string;
  /** NCRONTAB of the heartbeat; undefined: there is no telemetry that would take it. */
  readonly heartbeatSchedule: string | undefined;
  /** NCRONTAB of the inventory of what stands in the containers. */
  readonly inventorySchedule: string;
  /** NCRONTAB of the reader of dead letters; undefined: they are not read. */
  readonly deadLetterSchedule: string | undefined;
  /** The zone in which the log of this process shows times. */
  readonly timeZone: string;
  readonly services: ServicesLoader;
  /** Each function that answers HTTP is made by this: whoever calls it has the role that the settings ask for. */
  readonly http: (handler: (services: ServicesLoader) => HttpHandler) => HttpHandler;
  /** Throws when a first start has no configuration to work by. */
  readonly start: () => Promise<void>;
  /** Sends what telemetry still holds. */
  readonly stop: () => Promise<void>;
};

type Settings = Readonly<Record<string, string | undefined>>;

/**
 * Takes the app settings, gives the app. Throws a ConfigurationError, which lists every fault, when the settings
 * or a document among them cannot be worked by; a document in a blob is judged by `start`.
 */
export function createApp(settings: Settings): App {
  const { environment, fixed } = readSettings(settings);
  let building: Promise<Services> | undefined;
  const services = (): Promise<Services> => {
    building ??= buildServices(environment, fixed, settings).catch((error: unknown) => {
      building = undefined;
      throw error;
    });
    return building;
  };
  return {
    schedule: environment.schedule,
    trackSchedule: environment.trackSchedule,
    forgetSchedule: environment.forgetSchedule,
    heartbeatSchedule: environment.heartbeatSchedule,
    inventorySchedule: environment.inventory.schedule,
    deadLetterSchedule: environment.deadLetters?.schedule,
    timeZone: environment.timeZone,
    services,
    http: (handler) => requireRole(environment.requiredRole, handler(services)),
    async start() {
      if (fixed === undefined) await (await services()).configuration.current();
    },
    async stop() {
      await (await building)?.telemetry.flush();
    },
  };
}

/** host.json ends an invocation after five minutes; what it was sending then would be sent again. */
const LONGEST_SENDING_MS = 4 * 60_000;
const LONGEST_TAKING_MS = 150_000;

const systemClock: Clock = { now: () => instant(Date.now()) };

/** Loads the SDKs only here, so that registering the functions is quick. */
async function buildServices(
  environment: Environment,
  fixed: ConfigurationSource | undefined,
  settings: Settings,
): Promise<Services> {
  const [
    storage,
    queueBuffer,
    blobRecords,
    ledgers,
    backlogs,
    leases,
    histories,
    old,
    activities,
    queueWatch,
  ] = await Promise.all([
    import('./storage/clients.ts'),
    import('./buffer/storage-queue-buffer.ts'),
    import('./records/blob-records.ts'),
    import('./records/blob-ledgers.ts'),
    import('./records/blob-backlog.ts'),
    import('./storage/blob-lease.ts'),
    import('./records/purge-history.ts'),
    import('./records/old-records.ts'),
    import('./records/blob-activity.ts'),
    import('./buffer/queue-watch.ts'),
  ]);
  const clock = systemClock;
  const telemetry = createTelemetry(environment);
  const tokensFor = await loadTokenSources(settings, telemetry);
  const { account, blobs, queues } = storage.connectStorage(environment.storage, tokensFor);
  const recordsContainer = blobs.getContainerClient(environment.recordsContainer);
  const bufferPlaces = {
    buffer: queues.getQueueClient(environment.queueName),
    poison: queues.getQueueClient(`${environment.queueName}-poison`),
    records: recordsContainer,
  };
  const configuration =
    fixed ?? (await blobSource(environment, blobs, recordsContainer, settings, telemetry));
  const buffer = queueBuffer.createStorageQueueBuffer(bufferPlaces, environment.visibilityMs, clock);
  const inventory = await loadInventoryServices(environment, { account, blobs }, recordsContainer, tokensFor);
  const activity = activities.createBlobActivity(recordsContainer);
  const own = {
    account,
    recordsContainer: environment.recordsContainer,
    deadLetterContainer: environment.deadLetters?.container,
  };
  return {
    configuration,
    buffer,
    queues: queueWatch.createQueueWatch(bufferPlaces),
    activity,
    history: histories.createPurgeHistory(recordsContainer),
    retention: { oldRecords: old.createOldRecords(recordsContainer), days: environment.recordsDays },
    poison: queueBuffer.createStoragePoisonQueue(bufferPlaces, environment.visibilityMs),
    deadLetters: await loadDeadLetters(environment, blobs),
    inventory,
    own,
    telemetry,
    flushPorts: {
      configuration,
      buffer,
      records: blobRecords.createBlobRecords(recordsContainer),
      providersFor: await loadProviders(settings, telemetry, tokensFor),
      clock,
      endpointTurns: oneAtATime(),
      newId: randomUUID,
      holds: createHolds(),
      ledgers: ledgers.createBlobLedgers(recordsContainer),
      backlog: backlogs.createBlobBacklog(recordsContainer),
      lease: leases.createBlobLease(recordsContainer, environment.leaseSeconds),
      recent: createRecentPurges(),
      planner: { inventory: inventory.store, lister: inventory.lister, spending: createDaySpending() },
      looks: createLooks(),
      own,
      // Only the heartbeat tells of it.
      activity: environment.heartbeatSchedule === undefined ? undefined : createActivityNotes(activity),
    },
    // Half of the visibility time: what was received last must end before others may receive it too. And what is
    // received when nothing may be sent any more would only be hidden.
    flushLimits: {
      takeForMs: Math.min(environment.visibilityMs / 2, LONGEST_TAKING_MS),
      sendForMs: Math.min(environment.visibilityMs * 0.8, LONGEST_SENDING_MS),
    },
  };
}

async function loadInventoryServices(
  { inventory }: Environment,
  own: { readonly account: string; readonly blobs: BlobServiceClient },
  recordsContainer: ContainerClient,
  tokensFor: TokenSources,
): Promise<InventoryServices> {
  const [storage, { createBlobInventory }, { createBlobLister }] = await Promise.all([
    import('./storage/clients.ts'),
    import('./records/blob-inventory.ts'),
    import('./storage/list-blobs.ts'),
  ]);
  const clients = new Map([[own.account, own.blobs]]);
  for (const [account, connection] of inventory.connections) {
    clients.set(account, storage.connectBlobs(connection, tokensFor));
  }
  return {
    store: createBlobInventory(recordsContainer),
    lister: createBlobLister(clients),
    settingsOf: ({ planner }) => planner && { relistAfterMs: planner.relistAfterMs },
  };
}

async function loadDeadLetters(
  { deadLetters }: Environment,
  blobs: BlobServiceClient,
): Promise<DeadLetterStore | undefined> {
  if (deadLetters === undefined) return undefined;
  const { deadLetterBlobs } = await import('./buffer/dead-letter-blobs.ts');
  return deadLetterBlobs(blobs.getContainerClient(deadLetters.container));
}

async function blobSource(
  { configurationFrom }: Environment,
  blobs: BlobServiceClient,
  recordsContainer: ContainerClient,
  settings: Settings,
  telemetry: Telemetry,
): Promise<ConfigurationSource> {
  if (configurationFrom.kind !== 'blob') throw new Error('only a document in a blob is read by storage');
  const { blobDocuments } = await import('./config/blob-documents.ts');
  return blobConfiguration({
    ...blobDocuments(blobs, configurationFrom, recordsContainer),
    now: systemClock.now,
    check: (configuration) => checkSettings(configuration, (name) => settings[name]),
    ...reportConfiguration(telemetry),
  });
}

function createTelemetry({ applicationInsightsConnection }: Environment): Telemetry {
  if (applicationInsightsConnection === undefined) return noTelemetry;
  return deferredTelemetry(() => loadTelemetry(applicationInsightsConnection));
}

async function loadTelemetry(connectionString: string): Promise<Telemetry> {
  try {
    const { createAppInsightsTelemetry } = await import('./telemetry/app-insights-telemetry.ts');
    return createAppInsightsTelemetry({ connectionString });
  } catch (error) {
    // Purges go on without telemetry. The error's text may hold the connection string.
    systemLog.error(
      'Application Insights could not be started: check APPLICATIONINSIGHTS_CONNECTION_STRING.',
      {
        error: error instanceof Error ? error.name : 'unknown',
      },
    );
    return noTelemetry;
  }
}

function secretOf(settings: Settings, name: string): string {
  const value = settings[name];
  if (value === undefined || value === '') throw new Error(`the app setting ${name} is not set`);
  return value;
}

async function loadTokenSources(settings: Settings, telemetry: Telemetry): Promise<TokenSources> {
  const { createTokenSources } = await import('./identity/token-sources.ts');
  return createTokenSources({
    secret: (name) => secretOf(settings, name),
    telemetry,
    now: systemClock.now,
  });
}

type Providers = ReadonlyMap<string, PurgeProvider>;

/** Providers live as long as their configuration; connections as long as the process. */
async function loadProviders(
  settings: Settings,
  telemetry: Telemetry,
  tokensFor: TokenSources,
): Promise<(configuration: Configuration) => Providers> {
  const [{ createProvider }, { createAgent }] = await Promise.all([
    import('./providers/create-provider.ts'),
    import('./providers/http/send.ts'),
  ]);
  const agents = new Map<string, Agent>();
  const agentFor = (timeouts: HttpTimeouts): Agent => {
    const key = JSON.stringify(timeouts);
    const agent = agents.get(key) ?? createAgent(timeouts);
    agents.set(key, agent);
    return agent;
  };
  const offsets = new Map<string, ClockOffset>();
  const clockOffsetFor = (apiBaseUrl: string): ClockOffset => {
    const offset = offsets.get(apiBaseUrl) ?? createClockOffset();
    offsets.set(apiBaseUrl, offset);
    return offset;
  };
  const secret = (name: string): string => secretOf(settings, name);
  const built = new WeakMap<Configuration, Providers>();
  return (configuration) => {
    const reportsFor = (cdn: string): CallReports => reportCdn(cdn, telemetry);
    const parts = {
      secret,
      agentFor,
      clock: systemClock,
      telemetry,
      clockOffsetFor,
      reportsFor,
      tokensFor,
      newId: randomUUID,
    };
    const providers =
      built.get(configuration) ??
      new Map([...configuration.cdns].map(([name, cdn]) => [name, createProvider(cdn, parts)]));
    built.set(configuration, providers);
    return providers;
  };
}
