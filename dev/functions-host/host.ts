// The embedded Azure Functions host: loads an app, serves its triggers, stops in order.
import { pathToFileURL } from 'node:url';
import { answerAdmin } from './admin-api.ts';
import { createAppRegistry, type AppRegistry } from './app-registry.ts';
import type { ProgrammingModel } from './core-contract.ts';
import { installCoreModule } from './core-module.ts';
import { answerEventGrid, eventGridPath } from './event-grid-webhook.ts';
import { defineFunctions, type FunctionDefinition } from './function-definition.ts';
import { createHookContext, runHooks, type HookData } from './hooks.ts';
import { textAnswer, type HostAnswer, type HostRequest } from './host-http.ts';
import { defaultHostJson, type HostJson } from './host-json.ts';
import { createDoorkeeper, type HostKeys } from './host-keys.ts';
import { createHostLog, type HostLog } from './host-log.ts';
import { HostStartError, messageOf } from './host-start-error.ts';
import { createHttpFunctions } from './http-trigger.ts';
import { createInvoker, type Invoker } from './invocation.ts';
import { startServer } from './server.ts';
import { startTimer, type RunningTimer } from './timer-trigger.ts';
import type { NewLogEntry } from '../processes/log-entry.ts';

export interface FunctionsHostOptions {
  /** The app: files to import in this order (absolute paths), or a function that calls `app.*`. */
  readonly app: { readonly files: readonly string[] } | { readonly register: () => void | Promise<void> };
  /** App settings, for `%NAME%` in bindings. The app itself reads the process's environment. */
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly keys: HostKeys;
  readonly log: (entry: NewLogEntry) => void;
  /** Default: a host.json that sets nothing. */
  readonly hostJson?: HostJson;
  /** Default 0: any free port. */
  readonly port?: number;
  /** `false`: no timer runs by itself, nor on startup; `/admin` still runs them. Default true. */
  readonly timers?: boolean;
  /** What hooks are told as the app's folder. Default: the working directory. */
  readonly appDirectory?: string;
  /** How long `stop` waits for running invocations. Default 10,000. */
  readonly drainLimitMs?: number;
  /** How long `stop` then waits for the app's `appTerminate` hooks. Default 3,000. */
  readonly terminateLimitMs?: number;
}

export interface FunctionsHost {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly functions: readonly FunctionSummary[];
  /** Refuses new work, lets what runs come to its end, runs `appTerminate`, closes. Safe to call again. */
  stop(): Promise<void>;
}

export type FunctionSummary = { readonly name: string; readonly disabled?: true } & (
  | {
      readonly trigger: 'http';
      readonly route: string;
      readonly methods: readonly string[];
      readonly authLevel: string;
    }
  | { readonly trigger: 'eventGrid'; readonly cardinality: string }
  | { readonly trigger: 'timer'; readonly schedule: string }
);

/**
 * Starts the host. One a process, even after `stop`: `@azure/functions` keeps the first core module that it
 * found, and modules are imported once. Start further hosts in child processes (main.ts). No `app.*` call may
 * come before it.
 *
 * @throws HostStartError where the app or its settings are at fault (its message is for the user), or the
 * error of `listen`.
 */
export async function createFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const { settings, hostJson = defaultHostJson, port = 0, timers = true } = options;
  const log = createHostLog(hostJson.logLevels, options.log);
  const registry = createAppRegistry((level, category, message) =>
    log({ category: 'Worker', level, event: 'library-log', message, details: { kind: category } }),
  );
  installCoreModule(registry.core);

  const appHookData: HookData = {};
  // Shared by the hooks of the app's start and end, as in the worker.
  const appHookContext = { hookData: {}, appHookData };
  await loadApp(options.app, log);
  await runAppStart(registry, {
    ...appHookContext,
    functionAppDirectory: options.appDirectory ?? process.cwd(),
  });
  registry.lock();
  const definitions = defineFunctions(registry.functions(), { settings, routePrefix: hostJson.routePrefix });
  const model = await prepareModel(registry.model());

  const { functionTimeoutMs } = hostJson;
  const invoker = createInvoker({ registry, model, appHookData, log, functionTimeoutMs });
  const doorkeeper = createDoorkeeper(options.keys);
  const shared = { definitions, doorkeeper, invoker, log, hostVersion: registry.core.hostVersion };
  const answerHttp = createHttpFunctions(shared);
  const answer = async (request: HostRequest): Promise<HostAnswer> => {
    const path = request.path.toLowerCase();
    if (path === eventGridPath) return answerEventGrid(request, shared);
    if (path.startsWith('/admin/')) return answerAdmin(request, shared);
    if (path === '/') return textAnswer(200, 'The embedded Functions host is up.');
    return answerHttp(request);
  };
  const server = await startServer(port, answer, log);
  const running = timers ? startTimers(definitions, invoker, log) : [];

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const timer of running) timer.stop();
    server.refuse();
    await drain(invoker, options.drainLimitMs ?? 10_000, log);
    await runAppTerminate(registry, appHookContext, options.terminateLimitMs ?? 3_000, log);
    await server.close(1_000);
  };
  return {
    url: server.url,
    functions: definitions.map(summarise),
    stop: () => (stopped ??= stop()),
  };
}

async function loadApp(app: FunctionsHostOptions['app'], log: HostLog): Promise<void> {
  if ('register' in app) return app.register();
  for (const file of app.files) {
    log({ category: 'Host.Startup', level: 'debug', event: 'app-file-loading', message: `Loading ${file}` });
    try {
      await import(pathToFileURL(file).href);
    } catch (error) {
      throw new HostStartError(`${messageOf(error)}\n(while loading ${file})`, { cause: error });
    }
  }
}

async function runAppStart(registry: AppRegistry, context: object): Promise<void> {
  try {
    await runHooks(registry.hooks('appStart'), createHookContext(context, {}));
  } catch (error) {
    throw new HostStartError(`${messageOf(error)}\n(in an appStart hook)`, { cause: error });
  }
}

/** Ends the time for `app.setup`, and refuses what it may have asked for that this host cannot give. */
async function prepareModel(model: ProgrammingModel | undefined): Promise<ProgrammingModel> {
  if (model === undefined) throw new HostStartError('The app has set no programming model.');
  const capabilities = (await model.getCapabilities?.({})) ?? {};
  if ('HttpUri' in capabilities) {
    throw new HostStartError(
      'HTTP streams (app.setup({ enableHttpStream: true })) are not supported by the embedded host.',
    );
  }
  return model;
}

function startTimers(
  definitions: readonly FunctionDefinition[],
  invoker: Invoker,
  log: HostLog,
): readonly RunningTimer[] {
  return definitions.flatMap((definition) =>
    definition.trigger.kind === 'timer' && !definition.disabled
      ? [startTimer(definition, definition.trigger, invoker, log)]
      : [],
  );
}

async function drain(invoker: Invoker, limitMs: number, log: HostLog): Promise<void> {
  if (await endsWithin(invoker.whenIdle(), limitMs)) return;
  log({
    category: 'Host',
    level: 'warning',
    event: 'stop-without-waiting',
    message: `${invoker.runningCount()} invocations still run after ${limitMs / 1000} s; stopping without them.`,
  });
}

async function runAppTerminate(
  registry: AppRegistry,
  context: object,
  limitMs: number,
  log: HostLog,
): Promise<void> {
  const warn = (problem: string): void =>
    log({
      category: 'Host',
      level: 'warning',
      event: 'app-terminate-failed',
      message: `The app's appTerminate hooks ${problem}.`,
    });
  const hooks = runHooks(registry.hooks('appTerminate'), createHookContext(context, {})).catch(
    (error: unknown) => warn(`failed: ${messageOf(error)}`),
  );
  if (!(await endsWithin(hooks, limitMs))) warn(`were still at work after ${limitMs / 1000} s`);
}

async function endsWithin(work: Promise<void>, limitMs: number): Promise<boolean> {
  const limit = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => limit.resolve(false), limitMs);
  return Promise.race([work.then(() => true), limit.promise]).finally(() => clearTimeout(timer));
}

function summarise({ name, trigger, disabled }: FunctionDefinition): FunctionSummary {
  const common = disabled ? ({ name, disabled } as const) : { name };
  switch (trigger.kind) {
    case 'http': {
      const { route, methods, authLevel } = trigger;
      return { ...common, trigger: 'http', route: route.template, methods, authLevel };
    }
    case 'eventGrid':
      return { ...common, trigger: 'eventGrid', cardinality: trigger.cardinality };
    case 'timer':
      return { ...common, trigger: 'timer', schedule: trigger.schedule.expression };
  }
}
