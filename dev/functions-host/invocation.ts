// One invocation, as the Node worker runs it: library model, hooks before and after, log, time limit.
// Follows github.com/Azure/azure-functions-nodejs-worker, src/eventHandlers/InvocationHandler.ts.
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { AppRegistry } from './app-registry.ts';
import type {
  CoreInvocationContext,
  ProgrammingModel,
  RpcLogCategory,
  RpcLogLevel,
  RpcTypedData,
} from './core-contract.ts';
import type { FunctionDefinition } from './function-definition.ts';
import { createHookContext, runHooks, type HookData } from './hooks.ts';
import type { HostLog, HostMessage } from './host-log.ts';
import { escapeControls } from './host-log.ts';
import { messageOf } from './host-start-error.ts';
import { continueTrace } from './trace-context.ts';

export interface InvocationRequest {
  readonly definition: FunctionDefinition;
  readonly input: RpcTypedData;
  /** Why it runs, for the log. */
  readonly reason: string;
  readonly triggerMetadata?: Readonly<Record<string, RpcTypedData>>;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

export type InvocationOutcome =
  | { readonly ok: true; readonly returnValue: unknown }
  | { readonly ok: false; readonly error: unknown };

export interface Invocation {
  /** Never rejects. A time-out is a failure, and comes while the handler may still run. */
  readonly outcome: Promise<InvocationOutcome>;
  /** Fulfilled once the handler has really ended. Never rejects. */
  readonly ended: Promise<void>;
}

export interface Invoker {
  invoke(request: InvocationRequest): Invocation;
  /** Fulfilled when nothing runs any more. */
  whenIdle(): Promise<void>;
  runningCount(): number;
}

export interface InvokerOptions {
  readonly registry: AppRegistry;
  readonly model: ProgrammingModel;
  readonly appHookData: HookData;
  readonly log: HostLog;
  /** `functionTimeout` of host.json; `undefined`: no limit. */
  readonly functionTimeoutMs: number | undefined;
}

export function createInvoker(options: InvokerOptions): Invoker {
  const running = new Set<Promise<void>>();
  return {
    invoke: (request) => {
      const run = startRun(request, options);
      const ended = run.settled.then(() => void running.delete(ended));
      running.add(ended);
      return { outcome: run.outcome, ended };
    },
    whenIdle: async () => {
      while (running.size > 0) await Promise.all(running);
    },
    runningCount: () => running.size,
  };
}

interface Run {
  readonly outcome: Promise<InvocationOutcome>;
  readonly settled: Promise<unknown>;
}

function startRun(request: InvocationRequest, options: InvokerOptions): Run {
  const invocationId = randomUUID();
  const { definition, reason } = request;
  const startedAtMs = performance.now();
  const report = (message: Pick<HostMessage, 'level' | 'event' | 'message' | 'details' | 'quiet'>): void => {
    const { details, ...rest } = message;
    options.log({
      category: `Function.${definition.name}`,
      ...rest,
      details: { function: definition.name, invocationId, ...details },
    });
  };

  // The real host logs start and end at Information; here they are quiet, or a 10-second timer fills the screen.
  report({
    level: 'information',
    quiet: true,
    event: 'invocation-started',
    message: `Executing ${definition.name} (${reason}).`,
    details: { reason },
  });
  const execution = execute(request, invocationId, options);
  const result = execution.then(
    (returnValue): InvocationOutcome => ({ ok: true, returnValue }),
    (error: unknown): InvocationOutcome => ({ ok: false, error }),
  );
  const outcome = withTimeLimit(result, options.functionTimeoutMs).then((ended) => {
    const durationMs = Math.round(performance.now() - startedAtMs);
    if (ended.ok) {
      report({
        level: 'information',
        quiet: true,
        event: 'invocation-succeeded',
        message: `Executed ${definition.name} in ${durationMs} ms.`,
        details: { durationMs },
      });
    } else {
      report({
        level: 'error',
        event: 'invocation-failed',
        message: `${definition.name} failed after ${durationMs} ms: ${messageOf(ended.error)}`,
        details: { durationMs, ...describeError(ended.error) },
      });
    }
    return ended;
  });
  return { outcome, settled: Promise.all([result, outcome]) };
}

async function execute(
  request: InvocationRequest,
  invocationId: string,
  options: InvokerOptions,
): Promise<unknown> {
  const { definition } = request;
  const { registry, appHookData } = options;
  const hookData: HookData = {};
  let invocationContext: unknown;
  const core: CoreInvocationContext = {
    invocationId,
    metadata: definition.metadata,
    state: undefined,
    request: {
      invocationId,
      inputData: [{ name: definition.bindingName, data: request.input }],
      triggerMetadata: request.triggerMetadata ?? {},
      traceContext: continueTrace(request.traceparent, request.tracestate),
    },
    log: (level, category, message) =>
      logFromFunction(
        { level, category, message },
        { invocationId, hookData, invocationContext },
        request,
        options,
      ),
  };
  const model = await options.model.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  invocationContext = context;

  const before = createHookContext(
    { hookData, appHookData, invocationContext: context },
    { inputs, functionCallback: definition.callback },
  );
  core.state = 'preInvocationHooks';
  await runHooks(registry.hooks('preInvocation'), before);

  core.state = 'invocation';
  const handled = await runHandler(() =>
    model.invokeFunction(context, before.inputs, before.functionCallback),
  );

  const after = createHookContext(
    { hookData, appHookData, invocationContext: context },
    { inputs: before.inputs, result: handled.result, error: handled.error },
  );
  core.state = 'postInvocationHooks';
  await runHooks(registry.hooks('postInvocation'), after);
  core.state = undefined;

  if (after.error !== null && after.error !== undefined) throw toError(after.error);
  return (await model.getResponse(context, after.result)).returnValue;
}

/** What the hooks after a run see: `null` stands for none, as in the worker. */
async function runHandler(run: () => Promise<unknown>): Promise<{ result: unknown; error: unknown }> {
  try {
    return { result: await run(), error: null };
  } catch (error) {
    return { result: null, error };
  }
}

interface FunctionLogLine {
  level: RpcLogLevel;
  readonly category: RpcLogCategory;
  message: string;
}

/** `log` hooks may change what the app's own code logged, and must not be able to stop it. */
function logFromFunction(
  line: FunctionLogLine,
  invocation: {
    readonly invocationId: string;
    readonly hookData: HookData;
    readonly invocationContext: unknown;
  },
  { definition }: InvocationRequest,
  { registry, appHookData, log }: InvokerOptions,
): void {
  const { hookData, invocationContext, invocationId } = invocation;
  const { category, level, message } = line;
  const seen = createHookContext({ hookData, appHookData, invocationContext, category }, { level, message });
  for (const hook of registry.hooks('log')) {
    try {
      hook(seen);
    } catch {
      // The worker's rule: a hook that throws does not cost the line.
    }
  }
  const kept = category === 'user' ? seen : line;
  log({
    category: category === 'user' ? `Function.${definition.name}.User` : `Function.${definition.name}`,
    level: kept.level,
    event: category === 'user' ? 'function-log' : 'library-log',
    message: kept.message,
    details: { function: definition.name, invocationId },
  });
}

/** Code may throw anything; what is no error is shown as it is. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(inspect(thrown), { cause: thrown });
}

class InvocationTimeoutError extends Error {
  override readonly name = 'InvocationTimeoutError';
}

/**
 * The real host kills the whole worker process at the limit. In one process nothing can be killed: the
 * invocation counts as failed, and what its handler still does is ignored.
 */
async function withTimeLimit(
  result: Promise<InvocationOutcome>,
  limitMs: number | undefined,
): Promise<InvocationOutcome> {
  if (limitMs === undefined) return result;
  const limit = Promise.withResolvers<InvocationOutcome>();
  const timer = setTimeout(() => {
    const error = new InvocationTimeoutError(
      `It exceeded the function timeout of ${limitMs / 1000} s (host.json). Its code cannot be stopped here and may still be running; the real host would restart the worker.`,
    );
    limit.resolve({ ok: false, error });
  }, limitMs);
  return Promise.race([result, limit.promise]).finally(() => clearTimeout(timer));
}

function describeError(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return {};
  const stack = (error.stack ?? '').split('\n').map(escapeControls);
  const cause = error.cause === undefined ? {} : { cause: escapeControls(messageOf(error.cause)) };
  return { error: error.name, stack, ...cause };
}
