// What the app registers through `@azure/functions`: its functions, its hooks and the library's model.
import {
  hookNames,
  type CoreModule,
  type FunctionCallback,
  type FunctionMetadata,
  type HookCallback,
  type HookName,
  type ProgrammingModel,
  type RpcLogCategory,
  type RpcLogLevel,
} from './core-contract.ts';

/** Says to libraries which worker they run in; the contract is the one of this worker line. */
const workerVersion = '3.14.1';
const hostVersion = '4.1052.200';

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

export interface AppRegistry {
  /** To be given to the app as `@azure/functions-core`. */
  readonly core: CoreModule;
  functions(): readonly RegisteredFunction[];
  hooks(name: HookName): readonly HookCallback[];
  model(): ProgrammingModel | undefined;
  /** From now on `registerFunction` throws, as the worker's does after start-up. */
  lock(): void;
}

/** @param log receives what the library itself has to say outside of any invocation. */
export function createAppRegistry(
  log: (level: RpcLogLevel, category: RpcLogCategory, message: string) => void,
): AppRegistry {
  const functions = new Map<string, RegisteredFunction>();
  const hooks: Record<HookName, HookCallback[]> = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  let model: ProgrammingModel | undefined;
  let locked = false;

  return {
    core: {
      version: workerVersion,
      hostVersion,
      setProgrammingModel: (newModel) => {
        model = newModel;
      },
      getProgrammingModel: () => model,
      registerFunction: (metadata, callback) => {
        if (locked) throw new Error('A function can only be registered during app startup.');
        const id = metadata.functionId ?? metadata.name;
        if (functions.has(id)) throw new Error(`A function with id "${id}" has already been registered.`);
        functions.set(id, { metadata, callback });
        return {
          dispose: () => {
            if (locked) throw new Error('A function can only be disposed during app startup.');
            functions.delete(id);
          },
        };
      },
      registerHook: (hookName, callback) => {
        const name = hookNames.find((known) => known === hookName);
        // The library knows this error by its name: it is what a host says that is too old for a hook.
        if (name === undefined) throw new RangeError(`Unrecognized hook "${hookName}"`);
        hooks[name].push(callback);
        return {
          dispose: () => {
            hooks[name] = hooks[name].filter((registered) => registered !== callback);
          },
        };
      },
      log,
    },
    functions: () => [...functions.values()],
    hooks: (name) => hooks[name],
    model: () => model,
    lock: () => {
      locked = true;
    },
  };
}
