// What `npm run package` makes works by itself: outside the repository, without an installation.

import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';

import { appSettings, makeSecrets } from '../../dev/local-settings.ts';
import { FREE_PORTS, startStack } from '../../dev/stack.ts';
import { makePackage, type Package } from '../../packaging/make-package.ts';
import { zipFolder } from '../../packaging/zip-folder.ts';
import { createStackClient } from '../support/stack-client.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Below the system's folder for temporary files: no node_modules is in its reach. */
let folder: string;
let app: string;
let made: Package;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'blob-cdn-purge-package-')));
  const built = join(folder, 'built');
  await mkdir(built);
  made = await makePackage(built, { sourceMaps: false });
  app = join(folder, 'elsewhere', 'app');
  await cp(built, app, { recursive: true });
  await rm(built, { recursive: true });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('it serves an upload on the local stack: the CDN is told to purge it', async () => {
  const stack = await startStack({
    ports: FREE_PORTS,
    host: 'embedded',
    hostArguments: ['--folder', app, '--no-timers'],
    settings: FIRST_START,
  });
  try {
    const client = createStackClient({
      ...stack,
      masterKey: stack.secrets.masterKey,
      queueName: 'purge-buffer',
    });
    await client.blobs.getContainerClient('media').create();

    await client.write('media', 'logo.svg', '<svg/>');
    await client.deliverAndFlush();

    const files = (await client.purges()).flatMap((purge) => purge.files);
    expect(files).toContain('http://media.contoso.localhost/logo.svg');
  } finally {
    await stack.stop();
  }
});

describe('its start under the worker', () => {
  const Started = z.object({ functions: z.array(z.string()), loaded: z.array(z.string()) });
  let started: z.infer<typeof Started>;
  let loadedFiles: string[];

  beforeAll(async () => {
    const { main } = z.object({ main: z.string() }).parse(await readJson('package.json'));
    const nowhere = {
      blobUrl: 'http://127.0.0.1:9/devstoreaccount1',
      queueUrl: 'http://127.0.0.1:9/devstoreaccount1',
      cdnApiUrl: 'http://127.0.0.1:9',
    };
    const { stdout } = await run(
      process.execPath,
      [fileURLToPath(new URL('../support/start-as-worker.ts', import.meta.url)), app, main],
      { env: { ...process.env, ...appSettings(nowhere, makeSecrets()), ...WITH_TELEMETRY, ...FIRST_START } },
    );
    started = Started.parse(JSON.parse(stdout));
    loadedFiles = started.loaded.flatMap((url) => {
      const path = url.startsWith('file:') ? relative(app, fileURLToPath(url)) : '..';
      return path.startsWith('..') ? [] : [path.replaceAll('\\', '/')];
    });
  });

  test('registers every function of the sources', () => {
    const sources = globSync('src/functions/*.ts', { cwd: ROOT }).map((file) => basename(file, '.ts'));

    expect(started.functions.toSorted()).toEqual(sources.filter((name) => name !== 'lifecycle').toSorted());
  });

  test('loads no storage SDK, no telemetry and no HTTP client, with a connection string as well', () => {
    const packages = new Set(loadedFiles.flatMap((file) => [...(made.packagesByFile.get(file) ?? [])]));

    expect([...packages].toSorted()).toEqual([
      '@azure/functions',
      '@azure/functions-extensions-base',
      'cookie',
      'picomatch',
      'zod',
    ]);
    expect([...made.packagesByFile.values()].flatMap((names) => [...names])).toEqual(
      expect.arrayContaining([
        '@azure/storage-blob',
        '@azure/storage-queue',
        'applicationinsights',
        'undici',
      ]),
    );
  });

  // `import { z } from 'zod'` takes all of zod along; `import * as z from 'zod'` what is used.
  test('loads no more of zod than it uses', () => {
    const locales = loadedFiles
      .flatMap((file) => made.modulesByFile.get(file) ?? [])
      .filter((module) => module.includes('zod/v4/locales/'))
      .map((module) => basename(module));

    expect(locales).toEqual(['en.js']);
  });
});

test('Application Insights starts from the bundle', async () => {
  const [chunk = 'none'] = globSync(join(app, 'chunks/app-insights-telemetry-*.js'));
  const script = `
    const { createAppInsightsTelemetry } = await import(process.argv[1]);
    createAppInsightsTelemetry({ connectionString: process.env.APPLICATIONINSIGHTS_CONNECTION_STRING });
    process.stdout.write('started', () => process.exit());`;

  const { stdout, stderr } = await run(
    process.execPath,
    ['--input-type=module', '--eval', script, '--', pathToFileURL(chunk).href],
    { cwd: app, env: { ...process.env, ...WITH_TELEMETRY, ...FIRST_START } },
  );

  expect({ stdout, stderr }).toEqual({ stdout: 'started', stderr: '' });
});

/** Each run's package stands elsewhere: what Node compiles of it would be kept for nothing. */
const FIRST_START = { NODE_DISABLE_COMPILE_CACHE: '1' };

/** The processes end before anything would be posted, and what is named listens to nothing. */
const WITH_TELEMETRY = {
  APPLICATIONINSIGHTS_CONNECTION_STRING:
    'InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://127.0.0.1:9/',
  APPLICATION_INSIGHTS_NO_STATSBEAT: '1',
};

describe('its files', () => {
  test('ask for nothing but Node and the module that the worker gives', () => {
    expect([...made.externals].filter((name) => !isBuiltin(name))).toEqual(['@azure/functions-core']);
  });

  test('are the bundle, what the host reads, and licences', async () => {
    expect((await readdir(app)).toSorted()).toEqual([
      'LICENSE',
      'THIRD-PARTY-LICENSES.txt',
      'chunks',
      'functions.js',
      'host.json',
      'package.json',
    ]);
    expect(await readFile(join(app, 'THIRD-PARTY-LICENSES.txt'), 'utf8')).toMatch(
      /^zod 4\.\d+\.\d+ \(MIT\)$/mu,
    );
  });

  test('name nothing to install', async () => {
    const manifest = z.record(z.string(), z.unknown()).parse(await readJson('package.json'));

    expect(manifest).toMatchObject({ name: 'blob-cdn-purge', type: 'module', main: 'functions.js' });
    expect(Object.keys(manifest).filter((key) => /dependencies|scripts/iu.test(key))).toEqual([]);
  });
});

test('a zip is the same whenever it is made, and holds the folder', async () => {
  const small = join(folder, 'small');
  await mkdir(join(small, 'functions'), { recursive: true });
  await writeFile(join(small, 'host.json'), '{}');
  await writeFile(join(small, 'functions', 'a.js'), 'export {};');
  const first = await zipFolder(small);
  await utimes(join(small, 'host.json'), new Date(0), new Date(0));

  expect(await zipFolder(small)).toEqual(first);
  expect(Object.keys(unzipSync(first))).toEqual(['functions/a.js', 'host.json']);
});

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(app, file), 'utf8'));
}
