// One start of the app in a fresh process: register under a minimal core module, handle one event, say how long.
// node bench/startup-child.ts --functions src/functions [--trace-modules]

import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { createAppRegistry } from '../dev/functions-host/app-registry.ts';
import { installCoreModule } from '../dev/functions-host/core-module.ts';
import { blobEvent } from './blob-events.ts';

const { values: options } = parseArgs({
  options: {
    /** Folder with one module a function. */
    functions: { type: 'string', default: 'src/functions' },
    /** Notes what is loaded, at the cost of time. */
    'trace-modules': { type: 'boolean', default: false },
  },
});

const registry = createAppRegistry(() => undefined);
installCoreModule(registry.core);
const modules = options['trace-modules'] ? noteModules() : new Set<string>();
const files = globSync(join(options.functions, '*.{ts,js}')).toSorted();

const startedAt = performance.now();
const { InvocationContext } = await import('@azure/functions');
const libraryMs = performance.now() - startedAt;
for (const file of files) await import(pathToFileURL(file).href);
const registeredMs = performance.now() - startedAt;
const atRegistration = new Set(modules);

const onBlobChanged = registry.functions().find(({ metadata }) => metadata.name === 'on-blob-changed');
if (onBlobChanged === undefined) throw new Error('the app registered no on-blob-changed');
await onBlobChanged.callback(
  blobEvent('created', 'downloads', 'first.bin', 1),
  new InvocationContext({ functionName: 'on-blob-changed', logHandler: () => undefined }),
);
const firstEventHandledMs = performance.now() - startedAt;

const result = JSON.stringify({
  functions: registry.functions().length,
  libraryMs,
  registeredMs,
  firstEventHandledMs,
  modulesAtRegistration: atRegistration.size,
  packagesAtRegistration: packagesOf(atRegistration),
  packagesByFirstEvent: packagesOf(modules),
});
// Connections kept alive must not keep the process.
process.stdout.write(result, () => process.exit(0));

function noteModules(): Set<string> {
  const urls = new Set<string>();
  registerHooks({
    load: (url, context, nextLoad) => {
      urls.add(url);
      return nextLoad(url, context);
    },
  });
  return urls;
}

function packagesOf(urls: ReadonlySet<string>): readonly string[] {
  const names = [...urls].flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(url)?.[1] ?? []);
  return [...new Set(names)].toSorted();
}
