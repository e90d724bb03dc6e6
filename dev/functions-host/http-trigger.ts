// HTTP triggers: find the function of a request, check its key, run it, and turn its return value to an answer.
import * as z from 'zod';
import type { FunctionDefinition, HttpTrigger } from './function-definition.ts';
import { bodyFault, keyOf, type HostAnswer, type HostRequest } from './host-http.ts';
import type { Doorkeeper } from './host-keys.ts';
import type { HostLog } from './host-log.ts';
import type { Invoker } from './invocation.ts';
import type { RpcHttpRequest, RpcNullableStrings } from './core-contract.ts';
import { compareRoutes, matchRoute } from './route.ts';

export type HttpFunctions = (request: HostRequest) => Promise<HostAnswer>;

export interface HttpFunctionsOptions {
  readonly definitions: readonly FunctionDefinition[];
  readonly doorkeeper: Doorkeeper;
  readonly invoker: Invoker;
  readonly log: HostLog;
}

export function createHttpFunctions(options: HttpFunctionsOptions): HttpFunctions {
  const candidates = findHttpFunctions(options.definitions);
  return async (request) => {
    const found = findFunction(candidates, request);
    if (found === undefined) return { status: 404 };
    const { definition, trigger, parameters } = found;
    if (!options.doorkeeper.opensFunction(definition.name, trigger.authLevel, keyOf(request))) {
      return { status: 401 };
    }
    const body = await request.readBody();
    if (!body.ok) return bodyFault(body.error);
    const { outcome } = options.invoker.invoke({
      definition,
      input: { http: describeHttpRequest(request, parameters, body.value) },
      reason: `${request.method} ${trigger.route.template}`,
      traceparent: request.headers['traceparent'],
      tracestate: request.headers['tracestate'],
    });
    const ended = await outcome;
    return ended.ok ? toAnswer(ended.returnValue, definition.name, options.log) : { status: 500 };
  };
}

interface HttpFunction {
  readonly definition: FunctionDefinition;
  readonly trigger: HttpTrigger;
}

function findHttpFunctions(definitions: readonly FunctionDefinition[]): readonly HttpFunction[] {
  return definitions
    .flatMap((definition) =>
      definition.trigger.kind === 'http' && !definition.disabled
        ? [{ definition, trigger: definition.trigger }]
        : [],
    )
    .toSorted((one, other) => compareRoutes(one.trigger.route, other.trigger.route));
}

/** A path that fits with a method that does not is not found: the real host answers 404 there too, not 405. */
function findFunction(
  candidates: readonly HttpFunction[],
  request: HostRequest,
): (HttpFunction & { readonly parameters: Readonly<Record<string, string>> }) | undefined {
  for (const candidate of candidates) {
    if (!candidate.trigger.methods.includes(request.method)) continue;
    const parameters = matchRoute(candidate.trigger.route, request.path);
    if (parameters !== undefined) return { ...candidate, parameters };
  }
  return undefined;
}

/** The request as the real host hands it over; `code` stays in the query, as it does there. */
function describeHttpRequest(
  request: HostRequest,
  parameters: Readonly<Record<string, string>>,
  body: Uint8Array,
): RpcHttpRequest {
  const queryNames = [...new Set(request.query.keys())];
  // The real host joins what is repeated by a comma.
  const query = queryNames.map((name) => [name, request.query.getAll(name).join(',')] as const);
  return {
    method: request.method,
    url: `${request.origin}${request.target}`,
    nullableHeaders: toNullableStrings(Object.entries(request.headers)),
    nullableParams: toNullableStrings(Object.entries(parameters)),
    nullableQuery: toNullableStrings(query),
    ...(body.length > 0 ? { body: { bytes: body } } : {}),
  };
}

function toNullableStrings(entries: readonly (readonly [string, string])[]): RpcNullableStrings {
  return Object.fromEntries(entries.map(([name, value]) => [name, { value }]));
}

/** What the library makes of a handler's `HttpResponseInit`. */
const HttpReturnValue = z.object({
  http: z.object({
    statusCode: z.coerce.number().int().min(200).max(599),
    headers: z.record(z.string(), z.string()).default({}),
    cookies: z.array(z.unknown()).default([]),
    body: z.object({ bytes: z.instanceof(Uint8Array) }).optional(),
  }),
});

/** The server frames the answer by itself; a handler's idea of it would contradict what is sent. */
const framingHeaders = ['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'];

function toAnswer(returnValue: unknown, functionName: string, log: HostLog): HostAnswer {
  if (returnValue === undefined || returnValue === null) return { status: 204 };
  const { http } = HttpReturnValue.parse(returnValue);
  if (http.cookies.length > 0) {
    log({
      category: 'Host',
      level: 'warning',
      event: 'cookies-not-sent',
      message: `${functionName} set cookies. The embedded host does not send them: nothing here is for browsers' sessions.`,
      details: { function: functionName },
    });
  }
  const headers = Object.entries(http.headers).filter(
    ([name]) => !framingHeaders.includes(name.toLowerCase()),
  );
  return {
    status: http.statusCode,
    headers: Object.fromEntries(headers),
    ...(http.body === undefined ? {} : { body: http.body.bytes }),
  };
}
