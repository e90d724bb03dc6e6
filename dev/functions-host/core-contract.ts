// The part of the `@azure/functions-core` contract that the `@azure/functions` library relies on, as types.
// Source: github.com/Azure/azure-functions-nodejs-worker, types-core/index.d.ts, and the library's own source.

export type RpcLogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type RpcLogCategory = 'user' | 'system' | 'customMetric';

/** One value on its way into or out of an invocation; exactly one member is set. */
export interface RpcTypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly http?: RpcHttpRequest;
  readonly collectionString?: { readonly string: readonly string[] };
}

export interface RpcHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly body?: { readonly bytes: Uint8Array };
  readonly nullableHeaders: RpcNullableStrings;
  readonly nullableParams: RpcNullableStrings;
  readonly nullableQuery: RpcNullableStrings;
}

export type RpcNullableStrings = Readonly<Record<string, { readonly value: string }>>;

export interface RpcTraceContext {
  /** W3C `traceparent`. */
  readonly traceParent: string;
  /** W3C `tracestate`; empty where the caller sent none. */
  readonly traceState: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RpcInvocationRequest {
  readonly invocationId: string;
  readonly inputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
  readonly traceContext: RpcTraceContext;
}

export type InvocationState = 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';

/** What the host hands to the library for one invocation. */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: RpcInvocationRequest;
  readonly metadata: FunctionMetadata;
  state: InvocationState | undefined;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
}

/** The handler as the app registered it; hooks may replace it for one invocation. */
export type FunctionCallback = (...inputsAndContext: readonly unknown[]) => unknown;

export interface FunctionMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly retryOptions?: unknown;
}

/** How the library runs one invocation; the host calls the three methods in this order. */
export interface InvocationModel {
  getArguments(): Promise<{ readonly context: unknown; readonly inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ readonly returnValue?: unknown }>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel | Promise<InvocationModel>;
  /** Locks `app.setup` and adds what the app asked for there. */
  getCapabilities?(
    capabilities: Record<string, string>,
  ): Record<string, string> | Promise<Record<string, string>>;
}

export const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type HookCallback = (context: object) => unknown;

export interface Disposable {
  dispose(): void;
}

/** The module that `require('@azure/functions-core')` answers. */
export interface CoreModule {
  readonly version: string;
  readonly hostVersion: string;
  setProgrammingModel(model: ProgrammingModel): void;
  getProgrammingModel(): ProgrammingModel | undefined;
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable;
  registerHook(hookName: string, callback: HookCallback): Disposable;
  log(level: RpcLogLevel, category: RpcLogCategory, message: string): void;
}
