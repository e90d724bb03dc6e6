// One start of the app in a fresh process: register under a minimal core module, handle one event, say how long.
// node bench/startup-child.ts --main 'src/functions/*.ts' [--telemetry FILE] [--trace-modules]

import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { createAppRegistry } from '../dev/functions-host/app-registry.ts';
import { installCoreModule } from '../dev/functions-host/core-module.ts';
import { blobEvent } from './blob-events.ts';
import { timeMs } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    /** The files that register the functions, as `main` of a package.json names them. */
    main: { type: 'string', default: 'src/functions/*.ts' },
    /** The app's telemetry module, to be loaded at the end: how long does that take by itself? */
    telemetry: { type: 'string' },
    /** Notes what is loaded, at the cost of time. */
    'trace-modules': { type: 'boolean', default: false },
  },
});

const registry = createAppRegistry(() => undefined);
installCoreModule(registry.core);
const modules = options['trace-modules'] ? noteModules() : new Set<string>();
const files = globSync(options.main).toSorted();

const registeredMs = await timeMs(async () => {
  for (const file of files) await import(pathToFileURL(file).href);
});
const atRegistration = [...modules];

const onBlobChanged = registry.functions().find(({ metadata }) => metadata.name === 'on-blob-changed');
if (onBlobChanged === undefined) throw new Error('the app registered no on-blob-changed');
// A bundle has a library of its own; the context of the bench must not be paid for.
const { InvocationContext } = await import('@azure/functions');
const context = new InvocationContext({ functionName: 'on-blob-changed', logHandler: () => undefined });
const firstEventMs = await timeMs(async () => {
  await onBlobChanged.callback(blobEvent('created', 'downloads', 'first.bin', 1), context);
});
const byFirstEvent = [...modules];

const { telemetry } = options;
const telemetryMs = telemetry === undefined ? undefined : await timeMs(() => startTelemetry(telemetry));

const result = JSON.stringify({
  functions: registry.functions().length,
  registeredMs,
  firstEventHandledMs: registeredMs + firstEventMs,
  telemetryMs,
  modulesAtRegistration: atRegistration,
  modulesByFirstEvent: byFirstEvent,
});
// Connections kept alive must not keep the process.
process.stdout.write(result, () => process.exit(0));

async function startTelemetry(file: string): Promise<void> {
  const module: unknown = await import(pathToFileURL(resolve(file)).href);
  const create: unknown = Reflect.get(Object(module), 'createAppInsightsTelemetry');
  if (typeof create !== 'function') throw new Error(`${file} creates no telemetry`);
  const connectionString = process.env['APPLICATIONINSIGHTS_CONNECTION_STRING'];
  Reflect.apply(create, undefined, [{ connectionString }]);
}

function noteModules(): Set<string> {
  const urls = new Set<string>();
  registerHooks({
    load: (url, hookContext, nextLoad) => {
      urls.add(url);
      return nextLoad(url, hookContext);
    },
  });
  return urls;
}
