// `/admin`: is the host up, and run a function now that no one calls by HTTP.
import * as z from 'zod';
import type { RpcTypedData } from './core-contract.ts';
import type { FunctionDefinition } from './function-definition.ts';
import { bodyFault, jsonAnswer, keyOf, textAnswer, type HostAnswer, type HostRequest } from './host-http.ts';
import type { Doorkeeper } from './host-keys.ts';
import type { Invoker } from './invocation.ts';
import { timerInput } from './timer-trigger.ts';

export interface AdminApiOptions {
  readonly definitions: readonly FunctionDefinition[];
  readonly doorkeeper: Doorkeeper;
  readonly invoker: Invoker;
  /** Of the host that is acted for, as libraries see it. */
  readonly hostVersion: string;
}

export async function answerAdmin(request: HostRequest, options: AdminApiOptions): Promise<HostAnswer> {
  const path = request.path.toLowerCase();
  if (path === '/admin/host/ping') return { status: 200 };
  if (!options.doorkeeper.opensAdmin(keyOf(request))) return { status: 401 };
  if (path === '/admin/host/status' && request.method === 'GET') {
    return jsonAnswer(200, {
      id: 'embedded-functions-host',
      state: 'Running',
      version: options.hostVersion,
      processUptime: Math.round(process.uptime() * 1000),
      running: options.invoker.runningCount(),
    });
  }
  const { name } = /^\/admin\/functions\/(?<name>[^/]+)$/u.exec(path)?.groups ?? {};
  if (name === undefined || request.method !== 'POST') return { status: 404 };
  const definition = options.definitions.find((known) => known.name.toLowerCase() === name);
  return definition === undefined ? { status: 404 } : runNow(definition, request, options.invoker);
}

/**
 * Runs a function once. As in the real host the answer is 202 at once; with `?wait=true`, which only this host
 * knows, it is 202 when the run has ended well and 500 when it failed. A timer's run so started does not
 * wait for a scheduled one, as in Azure.
 */
async function runNow(
  definition: FunctionDefinition,
  request: HostRequest,
  invoker: Invoker,
): Promise<HostAnswer> {
  const body = await request.readBody();
  if (!body.ok) return bodyFault(body.error);
  const input = readInput(definition, new TextDecoder().decode(body.value));
  if (!input.ok) return textAnswer(400, input.error);
  const { outcome } = invoker.invoke({
    definition,
    input: input.value,
    reason: 'started by an administrator',
    traceparent: request.headers['traceparent'],
    tracestate: request.headers['tracestate'],
  });
  if (request.query.get('wait') !== 'true') return { status: 202 };
  return { status: (await outcome).ok ? 202 : 500 };
}

const RunBody = z.looseObject({ input: z.string().optional() });

type RunInput =
  | { readonly ok: true; readonly value: RpcTypedData }
  | { readonly ok: false; readonly error: string };

/** The real API's body is `{"input": "<text>"}`; for an Event Grid trigger the text is the event as JSON. */
function readInput(definition: FunctionDefinition, text: string): RunInput {
  const { trigger, name } = definition;
  switch (trigger.kind) {
    case 'http':
      return { ok: false, error: `${name} has an HTTP trigger: call it at ${trigger.route.template}.` };
    case 'timer':
      return { ok: true, value: timerInput() };
    case 'eventGrid': {
      const event = parseEvent(text);
      if (event === undefined) {
        return { ok: false, error: 'The body must be {"input": "<one event as JSON>"}.' };
      }
      const input =
        trigger.cardinality === 'many' ? { collectionString: { string: [event] } } : { json: event };
      return { ok: true, value: input };
    }
  }
}

function parseEvent(text: string): string | undefined {
  try {
    const { input } = RunBody.parse(JSON.parse(text));
    return input === undefined ? undefined : JSON.stringify(JSON.parse(input));
  } catch {
    return undefined;
  }
}
