// Resource Manager and the token endpoint: every request is judged in order, may meet a fault, and is answered.
import { randomUUID } from 'node:crypto';
import type { LogSink } from '../emulator/log-sink.ts';
import type { ReceivedRequest, Reply } from '../emulator/reply.ts';
import { errorBody, refuse, type Refusal, type Refused } from './arm-error.ts';
import type { VirtualClock } from './clock.ts';
import type { Fault, Faults, FaultSubject } from './faults.ts';
import { answerTokenRequest, identityPath, tokenBody, type IdentityPorts } from './identity.ts';
import { operationStatus, type Operation, type Operations } from './operations.ts';
import type { OperationUrls } from './operation-url.ts';
import { checkPurgeBody, type PurgeOrder } from './purge-body.ts';
import type { RequestLog } from './request-log.ts';
import { matchRoute, type Operation as OperationName, type Route } from './route.ts';
import type { Behaviour, Profile } from './settings.ts';
import type { Tokens } from './tokens.ts';
import { findEndpoint, resourceId, type Found } from './world.ts';

export interface ApiPorts {
  readonly profiles: readonly Profile[];
  readonly identity: IdentityPorts;
  readonly tokens: Tokens;
  readonly operations: Operations;
  readonly operationUrls: OperationUrls;
  /** Lets a purge take effect at once. */
  readonly takeEffect: (order: PurgeOrder) => void;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly requestLog: RequestLog;
  readonly behaviour: () => Behaviour;
  readonly now: () => Date;
  /** Where Resource Manager answers: the start of an operation's URL. */
  readonly armUrl: () => string;
  readonly log: LogSink;
}

/** What a request is known by, from its first to its last trace. */
interface Ids {
  readonly requestId: string;
  readonly correlationId: string;
  readonly clientRequestId: string | undefined;
  readonly echoesClientRequestId: boolean;
}

interface Handled {
  readonly reply: Reply;
  readonly outcome: string;
  readonly operation: OperationName | null;
}

/** Judges, carries out and logs one request. */
export function answerRequest(request: ReceivedRequest, ports: ApiPorts): Reply {
  ports.operations.settleDue();
  const ids: Ids = {
    requestId: randomUUID(),
    correlationId: request.header('x-ms-correlation-request-id') ?? randomUUID(),
    clientRequestId: request.header('x-ms-client-request-id'),
    echoesClientRequestId: request.header('x-ms-return-client-request-id')?.toLowerCase() === 'true',
  };
  const isToken = request.path.toLowerCase() === identityPath;
  const handled = isToken ? handleToken(request, ports) : handleArm(request, ports, ids);
  const { reply, outcome, operation } = handled;
  ports.requestLog.addRequest({
    at: ports.now().toISOString(),
    method: request.method,
    path: request.path,
    apiVersion: apiVersionOf(request) ?? null,
    operation,
    outcome,
    status: statusOf(reply),
    requestId: ids.requestId,
    correlationId: ids.correlationId,
    clientRequestId: ids.clientRequestId ?? null,
  });
  logOutcome(request, handled, ids, ports.log);
  return reply;
}

function handleToken(request: ReceivedRequest, ports: ApiPorts): Handled {
  const operation = 'token';
  const answer = answerTokenRequest(request, ports.identity);
  if (!answer.ok) {
    const reply = json(answer.status, tokenBody(answer));
    return { reply, outcome: `token-refused: ${answer.message}`, operation };
  }
  const fault = ports.faults.take({ operation, profile: '', endpoint: '', paths: [] });
  if (fault === undefined) return { reply: json(200, tokenBody(answer)), outcome: 'ok', operation };
  const early = replyBeforeActing(fault, {});
  return {
    reply: early ?? replyAfterActing(json(200, tokenBody(answer)), fault),
    outcome: `fault:${fault.fault}`,
    operation,
  };
}

function handleArm(request: ReceivedRequest, ports: ApiPorts, ids: Ids): Handled {
  const matched = matchRoute(request.method, request.path);
  const headers = idHeaders(ids, ports.now());
  if (matched.kind === 'unknown-path') {
    const error = { code: 'InvalidResourceType', message: 'The resource type could not be found.' };
    return { reply: json(404, errorBody(error), headers), outcome: 'not-found', operation: null };
  }
  if (matched.kind === 'wrong-method') {
    const error = { code: 'MethodNotAllowed', message: 'The method is not allowed here.' };
    const reply = json(405, errorBody(error), { ...headers, allow: matched.allowed });
    return { reply, outcome: 'wrong-method', operation: null };
  }
  const { route } = matched;
  const { operation } = route;
  const refused = (error: Refusal): Handled => ({
    reply: refusal(error, headers),
    outcome: error.code,
    operation,
  });
  const judged = judge(route, request, ports);
  if (!judged.ok) return refused(judged.error);

  const fault = ports.faults.take(subjectOf(judged.value));
  if (fault !== undefined) {
    const reply = replyBeforeActing(fault, headers);
    if (reply !== undefined) return { reply, outcome: `fault:${fault.fault}`, operation };
  }
  const reply = carryOut(judged.value, request, ports, ids, fault);
  return {
    reply: fault === undefined ? reply : replyAfterActing(reply, fault),
    outcome: fault === undefined ? 'ok' : `fault:${fault.fault}`,
    operation,
  };
}

/** A request that is as it should be. */
type Call =
  | {
      readonly operation: 'purge';
      readonly found: Found;
      readonly order: PurgeOrder;
      readonly objectId: string;
    }
  | { readonly operation: 'get-endpoint'; readonly found: Found }
  | {
      readonly operation: 'poll';
      readonly asked: Operation;
      readonly by: 'azure-asyncoperation' | 'location';
    };

type Judged = { readonly ok: true; readonly value: Call } | Refused;

/** In the order of Resource Manager: version, token, role, what there is; then the provider's own checks. */
function judge(route: Route, request: ReceivedRequest, ports: ApiPorts): Judged {
  const behaviour = ports.behaviour();
  const apiVersion = apiVersionOf(request);
  if (apiVersion === undefined) {
    return refuse(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  }
  const caller = ports.tokens.check(request.header('authorization'), behaviour.audiences);
  if (!caller.ok) return caller;
  const objectId = caller.value;
  const lacking = actionsOf(route).find((action) =>
    behaviour.missingActions.some((missing) => missing.toLowerCase() === action.toLowerCase()),
  );
  if (lacking !== undefined) {
    const scope = request.path.replace(/\/purge$/iu, '');
    return refuse(
      403,
      'AuthorizationFailed',
      `The client '${objectId}' with object id '${objectId}' does not have authorization to perform action '${lacking}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }
  if (!behaviour.apiVersions.includes(apiVersion)) {
    return refuse(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${apiVersion}' is invalid. The supported versions are '${behaviour.apiVersions.join(',')}'.`,
    );
  }
  if (route.operation === 'poll') {
    const asked = ports.operations.find(route.operationId);
    const { operationLapsesAfterMs } = behaviour;
    const hasLapsed =
      asked !== undefined &&
      operationLapsesAfterMs !== null &&
      ports.clock.nowMs() > asked.endsAtMs + operationLapsesAfterMs;
    if (asked === undefined || hasLapsed) {
      return refuse(404, 'ResourceNotFound', `The operation '${route.operationId}' was not found.`);
    }
    const genuine = ports.operationUrls.check(asked, request.rawQuery);
    return genuine.ok ? { ok: true, value: { operation: 'poll', asked, by: route.by } } : genuine;
  }
  const found = findEndpoint(ports.profiles, route);
  if (!found.ok) return found;
  if (route.operation === 'get-endpoint') {
    return { ok: true, value: { operation: route.operation, found: found.value } };
  }
  const order = checkPurgeBody(request.body, found.value.endpoint, behaviour);
  if (!order.ok) return order;
  return { ok: true, value: { operation: 'purge', found: found.value, order: order.value, objectId } };
}

/** https://learn.microsoft.com/azure/role-based-access-control/permissions/networking#microsoftcdn */
function actionsOf(route: Route): readonly string[] {
  switch (route.operation) {
    case 'purge':
      return ['Microsoft.Cdn/profiles/afdendpoints/Purge/action'];
    case 'get-endpoint':
      return ['Microsoft.Cdn/profiles/afdendpoints/read'];
    case 'poll':
      return route.by === 'azure-asyncoperation'
        ? ['Microsoft.Cdn/operationresults/read']
        : ['Microsoft.Cdn/operationresults/profileresults/afdendpointresults/read'];
  }
}

function subjectOf(call: Call): FaultSubject {
  if (call.operation === 'poll') {
    const { profile, endpoint, order } = call.asked;
    return { operation: 'poll', profile, endpoint, paths: order.paths };
  }
  const { operation, found } = call;
  const paths = call.operation === 'purge' ? call.order.paths : [];
  return { operation, profile: found.profile.name, endpoint: found.endpoint.name, paths };
}

function carryOut(
  call: Call,
  request: ReceivedRequest,
  ports: ApiPorts,
  ids: Ids,
  fault: Fault | undefined,
): Answer {
  const headers = idHeaders(ids, ports.now());
  switch (call.operation) {
    case 'get-endpoint': {
      const { endpoint } = call.found;
      const body = {
        id: resourceId(call.found),
        type: 'Microsoft.Cdn/profiles/afdendpoints',
        name: endpoint.name,
        location: 'Global',
        properties: {
          hostName: endpoint.hostName,
          enabledState: 'Enabled',
          provisioningState: 'Succeeded',
          deploymentStatus: 'NotStarted',
        },
      };
      return json(200, body, headers);
    }
    case 'poll':
      return pollAnswer(call, ports, fault, headers);
    case 'purge':
      return purgeAnswer(call, request, ports, ids, fault);
  }
}

function purgeAnswer(
  { found, order, objectId }: Extract<Call, { operation: 'purge' }>,
  request: ReceivedRequest,
  ports: ApiPorts,
  ids: Ids,
  fault: Fault | undefined,
): Answer {
  const behaviour = ports.behaviour();
  const { profile, endpoint } = found;
  const started =
    fault?.fault === 'done-at-once'
      ? undefined
      : ports.operations.start({
          subscription: profile.subscription,
          resourceGroup: profile.resourceGroup,
          profile: profile.name,
          endpoint: endpoint.name,
          order,
          durationMs: behaviour.purgeMs,
          edgeDelayMs: behaviour.edgeDelayMs,
          ...(fault?.fault === 'ends-in' ? { orderedEnd: fault } : {}),
        });
  if (started === undefined) ports.takeEffect(order);
  const operationId = started?.id ?? randomUUID();
  ports.requestLog.addPurge({
    at: ports.now().toISOString(),
    subscription: profile.subscription,
    resourceGroup: profile.resourceGroup,
    profile: profile.name,
    endpoint: endpoint.name,
    domains: order.domains,
    paths: order.paths,
    operationId,
    requestId: ids.requestId,
    correlationId: ids.correlationId,
    clientRequestId: ids.clientRequestId ?? null,
  });
  ports.log({
    source: 'cdn-api',
    level: 'info',
    event: 'purge-accepted',
    message: `accepted ${order.paths.length} paths of ${order.hosts.length} domains`,
    profile: profile.name,
    endpoint: endpoint.name,
    paths: order.paths.length,
    domains: order.hosts,
    operationId,
    correlationId: ids.correlationId,
  });
  const common = {
    ...idHeaders(ids, ports.now()),
    'x-ms-ratelimit-remaining-subscription-resource-requests': String(remainingRequests(ports)),
    'x-ms-operation-identifier': `tenantId=${tenantId},objectId=${objectId}/local/${operationId}`,
  };
  if (started === undefined)
    return { kind: 'answer', status: 200, headers: { ...common, 'content-length': '0' }, body: '' };
  const urls = ports.operationUrls.write(started, {
    armUrl: ports.armUrl(),
    apiVersion: apiVersionOf(request) ?? '',
    leastBytes: behaviour.operationUrlBytes,
  });
  const left = fault?.fault === 'fewer-operation-urls' ? fault.left : 'both';
  return {
    kind: 'answer',
    status: 202,
    headers: {
      ...common,
      ...retryAfterHeader(behaviour.retryAfterSeconds ?? undefined),
      ...(left === 'both' || left === 'azure-asyncoperation'
        ? { 'azure-asyncoperation': urls.asyncOperation }
        : {}),
      ...(left === 'both' || left === 'location' ? { location: urls.location } : {}),
      'content-length': '0',
    },
    body: '',
  };
}

function pollAnswer(
  { asked, by }: Extract<Call, { operation: 'poll' }>,
  ports: ApiPorts,
  fault: Fault | undefined,
  headers: Readonly<Record<string, string>>,
): Answer {
  const status = operationStatus(asked, ports.clock.nowMs());
  const isOver = status !== 'InProgress';
  const pacing = isOver ? {} : retryAfterHeader(ports.behaviour().pollRetryAfterSeconds ?? undefined);
  const orderedEnd = isOver ? asked.orderedEnd : undefined;
  if (by === 'location' && fault?.fault !== 'poll-says') {
    if (!isOver) {
      return {
        kind: 'answer',
        status: 202,
        headers: { ...headers, ...pacing, 'content-length': '0' },
        body: '',
      };
    }
    if (orderedEnd !== undefined) return json(500, errorBody(orderedEnd), headers);
    return json(200, { id: asked.id, type: 'Microsoft.Cdn/operationresults' }, headers);
  }
  const error =
    orderedEnd === undefined
      ? { code: 'None', message: null }
      : { code: orderedEnd.code, message: orderedEnd.message };
  const said = fault?.fault === 'poll-says' ? fault.status : status;
  return json(200, { status: said, error }, { ...headers, ...pacing });
}

/** The answer of a fault that keeps the request from being carried out; undefined if it does not. */
function replyBeforeActing(fault: Fault, headers: Readonly<Record<string, string>>): Reply | undefined {
  switch (fault.fault) {
    case 'error':
      return refusal(fault, { ...headers, ...retryAfterHeader(fault.retryAfter) });
    case 'throttle': {
      const error =
        fault.by === 'provider'
          ? { code: 'TooManyRequests', message: 'Too many requests. Please retry later.' }
          : {
              code: 'SubscriptionRequestsThrottled',
              message: 'Number of requests for the subscription exceeded the limit. Please try again later.',
            };
      return refusal({ status: 429, ...error }, { ...headers, ...retryAfterHeader(fault.retryAfter) });
    }
    case 'gateway':
      return {
        kind: 'answer',
        status: fault.status,
        headers: { 'content-type': 'text/html; charset=utf-8', ...retryAfterHeader(fault.retryAfter) },
        body: `<html><head><title>${fault.status}</title></head><body><h1>${fault.status}</h1><hr>gateway</body></html>\r\n`,
      };
    case 'reset-before-acting':
      return { kind: 'reset' };
    case 'silence':
      return { kind: 'reset', hold: 'until-released' };
    case 'redirect':
      return json(307, { message: 'Moved.' }, { ...headers, location: fault.location });
    case 'reset-after-acting':
    case 'slow-answer':
    case 'fewer-operation-urls':
    case 'done-at-once':
    case 'ends-in':
    case 'poll-says':
      return undefined;
  }
}

function replyAfterActing(reply: Answer, fault: Fault): Reply {
  if (fault.fault === 'reset-after-acting') return { kind: 'reset' };
  return fault.fault === 'slow-answer' ? { ...reply, hold: fault.ms ?? 'until-released' } : reply;
}

type Answer = Extract<Reply, { kind: 'answer' }>;

function refusal({ status, code, message }: Refusal, headers: Readonly<Record<string, string>>): Answer {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {};
  return json(status, errorBody({ code, message }), { ...headers, ...challenge });
}

function retryAfterHeader(retryAfter: number | string | undefined): Readonly<Record<string, string>> {
  return retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

function idHeaders(ids: Ids, now: Date): Readonly<Record<string, string>> {
  const { requestId, correlationId, clientRequestId, echoesClientRequestId } = ids;
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/gu, '');
  return {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'x-ms-request-id': requestId,
    'x-ms-correlation-request-id': correlationId,
    'x-ms-routing-request-id': `LOCAL:${time}:${requestId}`,
    ...(echoesClientRequestId && clientRequestId !== undefined
      ? { 'x-ms-client-request-id': clientRequestId }
      : {}),
  };
}

/** The recorded first one is 799. It never refuses: its window is not documented. */
function remainingRequests({ requestLog }: ApiPorts): number {
  return Math.max(800 - requestLog.purges().length, 0);
}

const tenantId = '33334444-5555-6666-7777-888899990000';

function apiVersionOf({ rawQuery }: ReceivedRequest): string | undefined {
  const value = new URLSearchParams(rawQuery).get('api-version');
  return value === null || value === '' ? undefined : value;
}

function statusOf(reply: Reply): number | null {
  return reply.kind === 'reset' ? null : reply.status;
}

function logOutcome(request: ReceivedRequest, handled: Handled, ids: Ids, log: LogSink): void {
  const { reply, outcome, operation } = handled;
  const status = statusOf(reply);
  const what = `${request.method} ${request.path}`;
  if (outcome === 'ok') {
    log({
      source: 'cdn-api',
      level: 'debug',
      event: 'api-request',
      message: `${what}: ${String(status)}`,
      operation,
      status,
    });
    return;
  }
  log({
    source: 'cdn-api',
    level: 'warn',
    event: outcome.startsWith('fault:') ? 'api-fault' : 'api-refused',
    message: `${what}: ${outcome}`,
    operation,
    status,
    correlationId: ids.correlationId,
  });
}
