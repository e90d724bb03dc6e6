// Starts a deployed app as the worker of Azure Functions does, and says what that registered and loaded.
// node start-as-worker.ts FOLDER MAIN
//
// The worker answers `require('@azure/functions-core')` by a proxy of Module.prototype.require, which an `import` of
// it would not meet: github.com/Azure/azure-functions-nodejs-worker, setupCoreModule.

import { globSync } from 'node:fs';
import { Module, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { createAppRegistry } from '../../dev/functions-host/app-registry.ts';

const [, , folder = '', main = ''] = process.argv;

const registry = createAppRegistry(() => undefined);
// oxlint-disable-next-line typescript/unbound-method -- the proxy passes `this` on
Module.prototype.require = new Proxy(Module.prototype.require, {
  apply: (target, self, given: unknown[]): unknown =>
    given[0] === '@azure/functions-core' ? registry.core : Reflect.apply(target, self, given),
});
const loaded: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url);
    return nextLoad(url, context);
  },
});

for (const file of globSync(join(folder, main)).toSorted()) await import(pathToFileURL(file).href);

const functions = registry.functions().map(({ metadata }) => metadata.name);
process.stdout.write(JSON.stringify({ functions, loaded }));
