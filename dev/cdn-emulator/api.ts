// The purge API: every request gets a correlation id, is judged in order, may meet a fault, and is answered.
import { randomUUID } from 'node:crypto';
import type { LogSink } from '../emulator/log-sink.ts';
import type { ReceivedBody, Reply } from '../emulator/reply.ts';
import { errorBody, inferredStatuses, type Refusal } from './api-error.ts';
import type { Fault, Faults, FaultSubject } from './faults.ts';
import { carryOut, type Done, type OperationPorts, type Twist } from './operations.ts';
import type { Outcome, RequestLog } from './request-log.ts';
import { validateRequest, type ApiCall, type World } from './request-validation.ts';
import { matchRoute, type Operation, type Route } from './route.ts';
import type { Behaviour } from './settings.ts';
import type { SignedRequest } from './signature-check.ts';

export interface ApiPorts extends OperationPorts {
  readonly world: World;
  readonly faults: Faults;
  readonly requestLog: RequestLog;
  readonly behaviour: () => Behaviour;
  readonly now: () => Date;
  readonly log: LogSink;
}

export interface ApiRequest extends SignedRequest {
  readonly body: ReceivedBody;
}

/** Judges, carries out and logs one request. */
export function answerApiRequest(request: ApiRequest, ports: ApiPorts): Reply {
  ports.tasks.settleDue();
  const correlationId = randomUUID();
  const { method, path, rawQuery } = request;
  const handled = handle(request, ports, correlationId);
  const { reply, outcome, operation } = handled;
  ports.requestLog.addRequest({
    at: ports.now().toISOString(),
    method,
    target: rawQuery === '' ? path : `${path}?${rawQuery}`,
    operation,
    outcome,
    status: reply.kind === 'reset' ? null : reply.status,
    correlationId,
    requestDate: request.requestDate ?? null,
  });
  logOutcome(request, handled, correlationId, ports.log);
  return reply;
}

interface Handled {
  readonly reply: Reply;
  readonly outcome: Outcome;
  readonly operation: Operation | null;
}

function handle(request: ApiRequest, ports: ApiPorts, correlationId: string): Handled {
  const behaviour = ports.behaviour();
  const now = ports.now();
  const matched = matchRoute(request.method, request.path);
  if (matched.kind !== 'matched') return offTheMap(matched, correlationId);
  const { route } = matched;
  const { operation } = route;
  const refused = (error: Refusal): Handled => ({
    reply: refusal(error, behaviour, correlationId),
    outcome: error.type,
    operation,
  });

  const valid = validateRequest(route, request, request.body, ports.world, behaviour, now);
  if (!valid.ok) return refused(valid.error);

  const fault = ports.faults.take(subjectOf(route, valid.value));
  if (fault !== undefined) {
    const reply = replyBeforeActing(fault, behaviour, correlationId);
    if (reply !== undefined) return { reply, outcome: `fault:${fault.fault}`, operation };
  }

  const done = carryOut(valid.value, ports, behaviour, now, twistOf(fault));
  if (!done.ok) return refused(done.error);
  logPurge(done.value, valid.value, ports, correlationId);
  return {
    reply: replyAfterActing(done.value, fault, correlationId),
    outcome: fault === undefined ? 'ok' : `fault:${fault.fault}`,
    operation,
  };
}

/** Step 1. The service has no error type for it, so the body is the web framework's own. */
function offTheMap(
  matched: { readonly kind: 'unknown-path' } | { readonly kind: 'wrong-method'; readonly allowed: string },
  correlationId: string,
): Handled {
  if (matched.kind === 'unknown-path') {
    const body = { Message: 'No HTTP resource was found that matches the request URI.' };
    return { reply: json(404, body, correlationId), outcome: 'not-found', operation: null };
  }
  const body = { Message: 'The requested resource does not support this HTTP method.' };
  const reply = json(405, body, correlationId, { allow: matched.allowed });
  return { reply, outcome: 'wrong-method', operation: null };
}

function subjectOf(route: Route, call: ApiCall): FaultSubject {
  const { operation, endpointId } = route;
  const lists = call.operation === 'add-purge' || call.operation === 'add-preload' ? call.lists : undefined;
  const urls = [...(lists?.files ?? []), ...(lists?.directories ?? [])].map(({ url }) => url);
  return { operation, endpointId, urls };
}

/** The answer of a fault that keeps the request from being carried out; undefined if it does not. */
function replyBeforeActing(fault: Fault, behaviour: Behaviour, correlationId: string): Reply | undefined {
  switch (fault.fault) {
    case 'error': {
      const error = { type: fault.type, message: 'A fault was ordered.' };
      const status = fault.status === undefined ? {} : { status: fault.status };
      return refusal({ ...error, ...status }, behaviour, correlationId, retryAfterHeader(fault.retryAfter));
    }
    case 'throttle': {
      const error = { type: 'RequestThrottled', message: 'Too many requests.' } as const;
      return refusal(error, behaviour, correlationId, retryAfterHeader(fault.retryAfter));
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
    case 'refused-with-200': {
      const error = { type: fault.type, message: 'A fault was ordered.', status: 200 };
      return refusal(error, behaviour, correlationId);
    }
    case 'redirect':
      return json(307, { Message: 'Moved.' }, correlationId, { location: fault.location });
    case 'reset-after-acting':
    case 'slow-answer':
    case 'no-task-id':
    case 'unknown-item-status':
    case 'failing-items':
      return undefined;
  }
}

function twistOf(fault: Fault | undefined): Twist {
  switch (fault?.fault) {
    case 'no-task-id':
      return { withoutTaskId: true };
    case 'unknown-item-status':
      return { everyItemStatus: fault.status };
    case 'failing-items': {
      const { failing } = fault;
      return { destinedToFail: (url) => failing === undefined || url.includes(failing) };
    }
    case undefined:
    case 'error':
    case 'throttle':
    case 'gateway':
    case 'reset-before-acting':
    case 'reset-after-acting':
    case 'slow-answer':
    case 'refused-with-200':
    case 'redirect':
      return {};
  }
}

function replyAfterActing(done: Done, fault: Fault | undefined, correlationId: string): Reply {
  if (fault?.fault === 'reset-after-acting') return { kind: 'reset' };
  const reply = json(done.status, done.body, correlationId);
  return fault?.fault === 'slow-answer' ? { ...reply, hold: fault.ms ?? 'until-released' } : reply;
}

type Answer = Extract<Reply, { kind: 'answer' }>;

function refusal(
  error: Refusal,
  behaviour: Behaviour,
  correlationId: string,
  extraHeaders: Readonly<Record<string, string>> = {},
): Answer {
  const own = error.status ?? behaviour.errorStatuses[error.type] ?? inferredStatuses[error.type];
  const status = behaviour.errorsWithStatus200 ? 200 : own;
  const throttleSeconds = behaviour.throttleRetryAfterSeconds;
  const throttled = error.type === 'RequestThrottled' && throttleSeconds !== null;
  const headers = { ...(throttled ? retryAfterHeader(throttleSeconds) : {}), ...extraHeaders };
  return json(status, errorBody(error), correlationId, headers);
}

function retryAfterHeader(retryAfter: number | string | undefined): Readonly<Record<string, string>> {
  return retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
}

function json(
  status: number,
  body: unknown,
  correlationId: string,
  extraHeaders: Readonly<Record<string, string>> = {},
): Answer {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'x-correlation-id': correlationId,
    ...extraHeaders,
  };
  return { kind: 'answer', status, headers, body: JSON.stringify(body) };
}

function logPurge(done: Done, call: ApiCall, ports: ApiPorts, correlationId: string): void {
  if (done.started === undefined || call.operation !== 'add-purge') return;
  ports.requestLog.addPurge({
    at: done.started.startedAt.toISOString(),
    subscription: call.subscription,
    endpointId: call.endpoint.id,
    files: call.lists.files.map(({ url }) => url),
    directories: call.lists.directories.map(({ url }) => url),
    correlationId,
    taskId: done.started.id,
  });
  ports.log({
    source: 'cdn-api',
    level: 'info',
    event: 'purge-accepted',
    message: `accepted ${call.lists.files.length} files and ${call.lists.directories.length} directories`,
    endpointId: call.endpoint.id,
    files: call.lists.files.length,
    directories: call.lists.directories.length,
    correlationId,
    taskId: done.started.id,
  });
}

function logOutcome(request: ApiRequest, handled: Handled, correlationId: string, log: LogSink): void {
  const { reply, outcome, operation } = handled;
  const status = reply.kind === 'reset' ? null : reply.status;
  if (outcome === 'ok') {
    log({
      source: 'cdn-api',
      level: 'debug',
      event: 'api-request',
      message: `${request.method} ${request.path}: ${String(status)}`,
      operation,
      status,
      correlationId,
    });
    return;
  }
  log({
    source: 'cdn-api',
    level: 'warn',
    event: operation === 'add-purge' ? 'purge-refused' : 'api-request-refused',
    message: `${request.method} ${request.path}: ${outcome}`,
    operation,
    outcome,
    status,
    correlationId,
  });
}
