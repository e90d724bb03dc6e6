// The emulated Front Door, put together: Resource Manager, the token endpoint and the caching edge.
import type * as z from 'zod';
import { createEdge } from '../edge/edge.ts';
import { createEdgeCache } from '../edge/edge-cache.ts';
import type { FetchOrigin } from '../edge/origin.ts';
import { createHolds } from '../emulator/holds.ts';
import { listenOnLoopback } from '../emulator/http-server.ts';
import type { LogSink } from '../emulator/log-sink.ts';
import { createReplyListener } from '../emulator/reply.ts';
import { createRequestLog } from '../emulator/request-log.ts';
import { answerRequest } from './api.ts';
import { createVirtualClock } from './clock.ts';
import { createControl, type Control } from './control.ts';
import { answerControlRequest, controlPrefix } from './control-routes.ts';
import { createFaults } from './faults.ts';
import { identityPath, objectIdOf } from './identity.ts';
import { createOperations } from './operations.ts';
import { createOperationUrls } from './operation-url.ts';
import type { PurgeOrder } from './purge-body.ts';
import { cacheKey, isPurged } from './purge-match.ts';
import type { RequestLog } from './request-log.ts';
import { Behaviour, defaultBehaviour, EmulatorSettings } from './settings.ts';
import { createTokens } from './tokens.ts';

export interface FrontDoorEmulatorOptions extends z.input<typeof EmulatorSettings> {
  /** What the app must send as `X-IDENTITY-HEADER` to get a token. */
  readonly identityHeader: string;
  readonly fetchOrigin: FetchOrigin;
  /** Default 0: any free port. */
  readonly armPort?: number;
  readonly edgePort?: number;
  /** How many times as fast as real time purges run. Default 1; 0: only by the control's clock. */
  readonly speed?: number;
  /** Real time, by which tokens end. Default: the system's clock. */
  readonly now?: () => Date;
  /** Makes the ids of operations. Default: random GUIDs. */
  readonly newOperationId?: () => string;
  readonly log?: LogSink;
}

export interface FrontDoorEmulator {
  /** In place of `https://management.azure.com`. */
  readonly armUrl: string;
  readonly edgeUrl: string;
  /** What the app setting IDENTITY_ENDPOINT says. */
  readonly identityEndpoint: string;
  readonly controlUrl: string;
  readonly control: Control;
  /** A token as the token endpoint would issue it, for callers that are not under test. */
  issueToken(options?: { readonly audience?: string; readonly lifetimeSeconds?: number }): string;
  close(): Promise<void>;
}

/**
 * Starts both servers on 127.0.0.1.
 *
 * @throws ZodError for wrong settings, PortUnavailableError for a port in use.
 */
export async function createFrontDoorEmulator(options: FrontDoorEmulatorOptions): Promise<FrontDoorEmulator> {
  const { fetchOrigin, identityHeader, now = () => new Date(), log = () => undefined } = options;
  const {
    profiles,
    hosts,
    identities,
    behaviour: patch,
  } = EmulatorSettings.parse({
    profiles: options.profiles,
    hosts: options.hosts,
    identities: options.identities,
    behaviour: options.behaviour,
  });
  const behaviour = { current: Behaviour.parse({ ...defaultBehaviour, ...patch }) };

  const clock = createVirtualClock(now, options.speed ?? 1);
  const tokens = createTokens(now);
  const faults = createFaults();
  const holds = createHolds();
  const requestLog: RequestLog = createRequestLog();
  const cache = createEdgeCache(now);
  const takeEffect = (order: PurgeOrder): void => {
    const evicted = cache.evict((key) => isPurged(key, order));
    log({
      source: 'cdn-edge',
      level: 'info',
      event: 'evicted',
      message: `forgot ${evicted} for ${order.paths.length} paths of ${order.hosts.join(', ')}`,
      paths: order.paths.length,
      domains: order.hosts,
      evicted,
    });
  };
  const operations = createOperations({
    clock,
    ...(options.newOperationId === undefined ? {} : { newId: options.newOperationId }),
    takeEffect: ({ order }) => takeEffect(order),
    onEnd: ({ id, profile, orderedEnd, durationMs }) =>
      log({
        source: 'cdn-api',
        level: orderedEnd === undefined ? 'info' : 'warn',
        event: 'purge-ended',
        message: `the purge ended: ${orderedEnd?.status ?? 'Succeeded'}, after ${Math.round(durationMs / 1_000)} s of virtual time`,
        profile,
        operationId: id,
      }),
  });
  const edge = createEdge({
    hosts,
    cache,
    fetchOrigin,
    keyOf: (address) => cacheKey(address, behaviour.current.cacheKeyQuery === 'kept'),
    settleDue: () => operations.settleDue(),
    log,
  });
  const control = createControl({ requestLog, operations, tokens, clock, faults, cache, holds, behaviour });
  const identity = { identities, identityHeader, tokens, behaviour: () => behaviour.current };
  let armUrl = '';
  const api = {
    profiles,
    identity,
    tokens,
    operations,
    operationUrls: createOperationUrls(),
    takeEffect,
    clock,
    faults,
    requestLog,
    behaviour: () => behaviour.current,
    now,
    armUrl: () => armUrl,
    log,
  };
  const armListener = createReplyListener({
    answer: (request) =>
      request.path.startsWith(controlPrefix)
        ? answerControlRequest(request.method, request.path, request.body, control)
        : answerRequest(request, api),
    maxBodyBytes: () => behaviour.current.maxBodyBytes,
    holds,
    log,
  });

  const arm = await listenOnLoopback(armListener, options.armPort ?? 0, '--arm-port');
  armUrl = arm.url;
  const edgeServer = await listenOnLoopback(edge.listener, options.edgePort ?? 0, '--edge-port').catch(
    async (error: unknown) => {
      await arm.close();
      throw error;
    },
  );
  return {
    armUrl,
    edgeUrl: edgeServer.url,
    identityEndpoint: `${armUrl}${identityPath}`,
    controlUrl: `${armUrl}${controlPrefix.slice(0, -1)}`,
    control,
    issueToken({ audience, lifetimeSeconds } = {}) {
      const { audiences, tokenLifetimeSeconds } = behaviour.current;
      const issued = tokens.issue(
        audience ?? audiences[0] ?? '',
        objectIdOf('issued by hand'),
        lifetimeSeconds ?? tokenLifetimeSeconds,
      );
      return issued.token;
    },
    async close() {
      operations.reset();
      await Promise.all([arm.close(), edgeServer.close()]);
      holds.release();
    },
  };
}
