// How long does the app's module take to register its functions, and what does it load for that?
//
// Fresh processes on this Node, from the sources and from what `npm run build` makes, in turns.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as z from 'zod';

import { startLocalParts } from './local-parts.ts';
import { median, rounded } from './measure.ts';

const STARTS = 9;
const ROOT = join(import.meta.dirname, '..');
const CHILD = fileURLToPath(new URL('./startup-child.ts', import.meta.url));
const run = promisify(execFile);

export async function measureStartup(): Promise<Record<string, unknown>> {
  const dist = await mkdtemp(join(tmpdir(), 'blob-cdn-purge-dist-'));
  const parts = await startLocalParts();
  try {
    await build(dist);
    const sources = { folder: join(ROOT, 'src/functions'), starts: new Array<Start>() };
    const compiled = { folder: join(dist, 'functions'), starts: new Array<Start>() };
    for (let start = 0; start < STARTS; start += 1) {
      for (const one of [sources, compiled]) one.starts.push(await startOnce(one.folder, parts.settings));
    }
    const traced = await startOnce(compiled.folder, parts.settings, '--trace-modules');
    return {
      rounds: STARTS,
      sources: describe(sources.starts),
      compiled: describe(compiled.starts),
      ...describeModules(traced),
    };
  } finally {
    await parts.stop();
    await rm(dist, { recursive: true, force: true });
  }
}

async function build(dist: string): Promise<void> {
  await run(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(ROOT, 'tsconfig.build.json'),
    '--outDir',
    dist,
  ]);
  await writeFile(join(dist, 'package.json'), '{"type":"module"}');
  await symlink(join(ROOT, 'node_modules'), join(dist, 'node_modules'), 'dir');
}

const Start = z.object({
  functions: z.number(),
  libraryMs: z.number(),
  registeredMs: z.number(),
  firstEventHandledMs: z.number(),
  packagesAtRegistration: z.array(z.string()),
  packagesByFirstEvent: z.array(z.string()),
  modulesAtRegistration: z.number(),
});
type Start = z.infer<typeof Start>;

async function startOnce(
  folder: string,
  settings: Readonly<Record<string, string>>,
  ...flags: readonly string[]
): Promise<Start> {
  const { stdout } = await run(process.execPath, [CHILD, '--functions', folder, ...flags], {
    env: { ...process.env, ...settings, APPLICATIONINSIGHTS_CONNECTION_STRING: '' },
    timeout: 60_000,
  });
  return Start.parse(JSON.parse(stdout));
}

function describe(starts: readonly Start[]): Record<string, unknown> {
  return {
    functions: starts[0]?.functions,
    registeredMs: rounded(median(starts.map(({ registeredMs }) => registeredMs))),
    functionsLibraryAloneMs: rounded(median(starts.map(({ libraryMs }) => libraryMs))),
    firstEventHandledMs: rounded(median(starts.map(({ firstEventHandledMs }) => firstEventHandledMs))),
  };
}

/** Loaded when first needed, so that a cold start is quick. */
const LAZY = ['@azure/storage-blob', '@azure/storage-queue', 'applicationinsights'];

function describeModules(traced: Start): Record<string, unknown> {
  const { packagesAtRegistration, packagesByFirstEvent, modulesAtRegistration } = traced;
  return {
    notLoadedAtRegistration: Object.fromEntries(
      LAZY.map((name) => [name, !packagesAtRegistration.includes(name)]),
    ),
    modulesAtRegistration,
    packagesAtRegistration,
    packagesLoadedByFirstEvent: packagesByFirstEvent.filter((name) => !packagesAtRegistration.includes(name)),
  };
}
