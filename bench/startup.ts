// How long does the app's module take to register its functions, and what does it load for that?
//
// Fresh processes on this Node, from the sources, from what `npm run build` makes and from what `npm run package`
// makes, in turns, without and with Application Insights.

import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as z from 'zod';

import { makePackage, type Package } from '../packaging/make-package.ts';
import { startLocalParts } from './local-parts.ts';
import { median, rounded } from './measure.ts';

const STARTS = 7;
const ROOT = join(import.meta.dirname, '..');
const CHILD = fileURLToPath(new URL('./startup-child.ts', import.meta.url));
const run = promisify(execFile);

export async function measureStartup(): Promise<Record<string, unknown>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'blob-cdn-purge-startup-')));
  const parts = await startLocalParts();
  try {
    const compiled = await compile(join(folder, 'dist'));
    const packageFolder = join(folder, 'package');
    await mkdir(packageFolder);
    const made = await makePackage(packageFolder, { sourceMaps: false });
    const forms = [
      formIn(join(ROOT, 'src'), 'functions/*.ts'),
      formIn(compiled, 'functions/*.js'),
      formIn(packageFolder, made.main),
    ] as const;
    for (let start = 0; start < STARTS; start += 1) {
      for (const form of forms) {
        form.plain.push(await startOnce(form, parts.settings, ''));
        form.told.push(await startOnce(form, parts.settings, NOBODY));
      }
    }
    const [sources, dist, bundled] = forms;
    const traced = await startOnce(bundled, parts.settings, NOBODY, '--trace-modules');
    return {
      rounds: STARTS,
      sources: describe(sources),
      compiled: describe(dist),
      bundled: describe(bundled),
      bundledByCompiled: compare(bundled, dist),
      bundledBySources: compare(bundled, sources),
      package: { files: made.files, megabytes: rounded(made.bytes / 1e6, 1) },
      ...describeModules(traced, packageFolder, made),
    };
  } finally {
    await parts.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A well-formed connection string. What it names listens to nothing, and the processes end before they would post. */
const NOBODY =
  'InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://127.0.0.1:9/';

async function compile(dist: string): Promise<string> {
  await run(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(ROOT, 'tsconfig.build.json'),
    '--outDir',
    dist,
  ]);
  await writeFile(join(dist, 'package.json'), '{"type":"module"}');
  await symlink(join(ROOT, 'node_modules'), join(dist, 'node_modules'), 'dir');
  return dist;
}

type Form = {
  /** The files that register the functions. */
  readonly main: string;
  /** The module that loads Application Insights. */
  readonly telemetry: string;
  readonly plain: Start[];
  /** Starts with a connection string. */
  readonly told: Start[];
};

function formIn(folder: string, main: string): Form {
  const [telemetry] = globSync('{lib/telemetry,chunks}/app-insights-telemetry*.{ts,js}', { cwd: folder });
  if (telemetry === undefined) throw new Error(`${folder} has no module for telemetry`);
  return { main: join(folder, main), telemetry: join(folder, telemetry), plain: [], told: [] };
}

const Start = z.object({
  functions: z.number(),
  registeredMs: z.number(),
  firstEventHandledMs: z.number(),
  telemetryMs: z.number().optional(),
  modulesAtRegistration: z.array(z.string()),
  modulesByFirstEvent: z.array(z.string()),
});
type Start = z.infer<typeof Start>;

async function startOnce(
  form: Form,
  settings: Readonly<Record<string, string>>,
  connectionString: string,
  ...flags: readonly string[]
): Promise<Start> {
  const telemetry = connectionString === '' ? [] : ['--telemetry', form.telemetry];
  const { stdout } = await run(process.execPath, [CHILD, '--main', form.main, ...telemetry, ...flags], {
    env: {
      ...process.env,
      ...settings,
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      APPLICATION_INSIGHTS_NO_STATSBEAT: '1',
    },
    timeout: 60_000,
  });
  return Start.parse(JSON.parse(stdout));
}

function describe({ plain, told }: Form): Record<string, unknown> {
  return {
    functions: plain[0]?.functions,
    registeredMs: rounded(registeredMs(plain)),
    registeredAtBestMs: rounded(Math.min(...plain.map((start) => start.registeredMs))),
    registeredWithConnectionMs: rounded(registeredMs(told)),
    firstEventHandledMs: rounded(firstEventMs(plain)),
    firstEventHandledWithConnectionMs: rounded(firstEventMs(told)),
    telemetryAloneMs: rounded(median(told.flatMap(({ telemetryMs }) => telemetryMs ?? []))),
  };
}

/** Parts of the other's time. */
function compare(one: Form, other: Form): Record<string, number> {
  return {
    registered: rounded(registeredMs(one.plain) / registeredMs(other.plain), 2),
    firstEventHandled: rounded(firstEventMs(one.plain) / firstEventMs(other.plain), 2),
  };
}

const registeredMs = (starts: readonly Start[]): number => median(starts.map((start) => start.registeredMs));
const firstEventMs = (starts: readonly Start[]): number =>
  median(starts.map(({ firstEventHandledMs }) => firstEventHandledMs));

/** Loaded when first needed, so that a cold start is quick. */
const LAZY = ['@azure/storage-blob', '@azure/storage-queue', 'undici', 'applicationinsights'];

const missingIn = (packages: ReadonlySet<string>): Record<string, boolean> =>
  Object.fromEntries(LAZY.map((name) => [name, !packages.has(name)]));

function describeModules(
  traced: Start,
  folder: string,
  { packagesByFile }: Package,
): Record<string, unknown> {
  const packagesOf = (urls: readonly string[]): ReadonlySet<string> => {
    const paths = urls
      .filter((url) => url.startsWith('file:'))
      .map((url) => relative(folder, fileURLToPath(url)));
    return new Set(paths.flatMap((path) => [...(packagesByFile.get(path.replaceAll('\\', '/')) ?? [])]));
  };
  const atRegistration = packagesOf(traced.modulesAtRegistration);
  const byFirstEvent = packagesOf(traced.modulesByFirstEvent);
  return {
    notLoadedAtRegistration: missingIn(atRegistration),
    notLoadedByFirstEvent: missingIn(byFirstEvent),
    filesAtRegistration: traced.modulesAtRegistration.filter((url) => url.includes(folder)).length,
    packagesAtRegistration: [...atRegistration].toSorted(),
    packagesLoadedByFirstEvent: [...byFirstEvent].filter((name) => !atRegistration.has(name)).toSorted(),
  };
}
