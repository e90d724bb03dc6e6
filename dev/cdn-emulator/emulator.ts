// The emulated CDN, put together: the purge API and the caching edge on one shared cache.
import type * as z from 'zod';
import { createEdge } from '../edge/edge.ts';
import { createEdgeCache, type EdgeCache } from '../edge/edge-cache.ts';
import type { FetchOrigin } from '../edge/origin.ts';
import { createHolds } from '../emulator/holds.ts';
import { listenOnLoopback } from '../emulator/http-server.ts';
import type { LogSink } from '../emulator/log-sink.ts';
import { createRequestLog } from '../emulator/request-log.ts';
import { createApiListener } from './api-server.ts';
import { cacheKey, isFile, isInDirectory } from './cache-key.ts';
import { createControl, type Control } from './control.ts';
import { createEndpoints } from './endpoints.ts';
import { createFaults } from './faults.ts';
import { createQuota } from './quota.ts';
import type { RequestLog } from './request-log.ts';
import { ApiKey, Behaviour, defaultBehaviour, EmulatorSettings } from './settings.ts';
import { createTasks, type Item } from './tasks.ts';

export interface CdnEmulatorOptions extends z.input<typeof EmulatorSettings> {
  readonly keys: readonly z.input<typeof ApiKey>[];
  readonly fetchOrigin: FetchOrigin;
  /** Default 0: any free port. */
  readonly apiPort?: number;
  readonly edgePort?: number;
  /** Default: the system's clock. */
  readonly now?: () => Date;
  /** Makes the ids of purges and preloads. Default: random GUIDs. */
  readonly newTaskId?: () => string;
  readonly log?: LogSink;
}

export interface CdnEmulator {
  readonly apiUrl: string;
  readonly edgeUrl: string;
  readonly control: Control;
  close(): Promise<void>;
}

/**
 * Starts both servers on 127.0.0.1.
 *
 * @throws ZodError for wrong settings, PortUnavailableError for a port in use.
 */
export async function createCdnEmulator(options: CdnEmulatorOptions): Promise<CdnEmulator> {
  const { fetchOrigin, apiPort = 0, edgePort = 0, now = () => new Date(), log = () => undefined } = options;
  const {
    subscriptions,
    endpoints: endpointList,
    hosts,
    behaviour: patch,
  } = EmulatorSettings.parse({
    subscriptions: options.subscriptions,
    endpoints: options.endpoints,
    hosts: options.hosts,
    behaviour: options.behaviour,
  });
  const keys = ApiKey.array().parse(options.keys);
  const behaviour = { current: Behaviour.parse({ ...defaultBehaviour, ...patch }) };

  const endpoints = createEndpoints(endpointList);
  const quota = createQuota();
  const faults = createFaults();
  const holds = createHolds();
  const requestLog: RequestLog = createRequestLog();
  const cache = createEdgeCache(now);
  const tasks = createTasks({
    now,
    ...(options.newTaskId === undefined ? {} : { newId: options.newTaskId }),
    carryOut: (item) =>
      item.kind === 'preload'
        ? edge.preload(item.target.host, item.target.path, item.target.query)
        : evict(item, cache, behaviour.current, log),
  });
  const edge = createEdge({
    hosts,
    cache,
    fetchOrigin,
    keyOf: (address) => cacheKey(address, behaviour.current),
    settleDue: () => tasks.settleDue(),
    log,
  });
  const control = createControl({ requestLog, quota, tasks, faults, cache, holds, behaviour, now });
  const apiListener = createApiListener({
    api: {
      world: { subscriptions, keys, endpoints },
      endpoints,
      quota,
      tasks,
      faults,
      requestLog,
      behaviour: () => behaviour.current,
      now,
      log,
    },
    control,
    holds,
  });

  const api = await listenOnLoopback(apiListener, apiPort, '--api-port');
  const edgeServer = await listenOnLoopback(edge.listener, edgePort, '--edge-port').catch(
    async (error: unknown) => {
      await api.close();
      throw error;
    },
  );
  return {
    apiUrl: api.url,
    edgeUrl: edgeServer.url,
    control,
    async close() {
      tasks.reset();
      await Promise.all([api.close(), edgeServer.close()]);
      holds.release();
    },
  };
}

function evict(item: Item, cache: EdgeCache, behaviour: Behaviour, log: LogSink): boolean {
  const { host, path, query, url } = item.target;
  const purged = cacheKey({ host, path, query }, behaviour);
  if (purged === undefined) return false;
  const evicted = cache.evict((key) =>
    item.kind === 'directory'
      ? isInDirectory(key, purged, behaviour.recursiveDirectories)
      : isFile(key, purged),
  );
  log({
    source: 'cdn-edge',
    level: 'info',
    event: 'evicted',
    message: `forgot ${evicted} for ${item.kind} ${url}`,
    url,
    evicted,
  });
  return true;
}
