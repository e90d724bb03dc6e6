// Makes `@azure/functions-core`, which is on no registry, loadable in this process.
import { registerHooks } from 'node:module';
import type { CoreModule } from './core-contract.ts';

const moduleName = '@azure/functions-core';
const moduleUrl = 'embedded-functions-host:functions-core';
const globalKey = 'embeddedFunctionsHostCore';

/**
 * Answers `require('@azure/functions-core')` and `import` of it with `core`, from CommonJS and ES modules.
 * Must run before the first `app.*` call: `@azure/functions` asks once and keeps the answer (also "none") for
 * the life of the process.
 *
 * @throws if this process has a core module already.
 */
export function installCoreModule(core: CoreModule): void {
  const key = Symbol.for(globalKey);
  if (Object.hasOwn(globalThis, key)) {
    throw new Error('Only one functions host can live in a process: @azure/functions keeps its first one.');
  }
  Object.defineProperty(globalThis, key, { value: core });
  registerHooks({
    resolve: (specifier, context, nextResolve) =>
      specifier === moduleName
        ? { url: moduleUrl, format: 'commonjs', shortCircuit: true }
        : nextResolve(specifier, context),
    load: (url, context, nextLoad) =>
      url === moduleUrl
        ? {
            format: 'commonjs',
            source: `module.exports = globalThis[Symbol.for('${globalKey}')];`,
            shortCircuit: true,
          }
        : nextLoad(url, context),
  });
}
