// The Functions host as a process of the local stack: arguments in, one ready line and log lines out.
import { Console } from 'node:console';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';

import * as z from 'zod';

import {
  announceReady,
  describeListenError,
  emit,
  failToStart,
  stopWhenTold,
} from '../processes/ready-line.ts';
import type { NewLogEntry } from '../processes/log-entry.ts';
import { createFunctionsHost, type FunctionsHost } from './host.ts';
import { defaultHostJson, parseHostJson, type HostJson } from './host-json.ts';
import { parseHostKeys } from './host-keys.ts';
import { escapeControls } from './host-log.ts';
import { HostStartError, messageOf } from './host-start-error.ts';

const defaultPort = 7071;
const defaultHostFile = 'host.json';

interface Arguments {
  readonly port: number;
  readonly app: readonly string[] | undefined;
  readonly folder: string | undefined;
  readonly hostFile: string | undefined;
  readonly timers: boolean;
  readonly exitWithStdin: boolean;
}

async function main(): Promise<void> {
  const args = readArguments();
  if (args.folder !== undefined) enter(args.folder);
  const entries = holdEntries();
  captureConsole(entries.add);
  // Taken out of the environment: the keys of the host are no app setting.
  const keysJson = process.env['FUNCTIONS_HOST_KEYS'];
  delete process.env['FUNCTIONS_HOST_KEYS'];
  const host = await createFunctionsHost({
    app: { files: findAppFiles(args.app ?? (await appPatterns(args.folder))) },
    settings: process.env,
    keys: parseHostKeys(keysJson),
    hostJson: await readHostJson(args.hostFile, entries.add),
    port: args.port,
    timers: args.timers,
    log: entries.add,
  }).catch((error: unknown) => failToListen(error, args.port));
  announceReady({ url: host.url, functions: host.functions });
  entries.release();
  stopWhenTold(() => host.stop(), args.exitWithStdin);
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(defaultPort) },
      app: { type: 'string', multiple: true },
      /** An app as it is deployed: its host.json is heeded, and `main` of its package.json names the files. */
      folder: { type: 'string' },
      'host-json': { type: 'string' },
      'no-timers': { type: 'boolean', default: false },
      'exit-with-stdin': { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!/^\d+$/u.test(values.port) || port > 65_535) {
    throw new HostStartError(`--port ${values.port}: a port is a number from 0 (any free one) to 65535.`);
  }
  return {
    port,
    app: values.app,
    folder: values.folder,
    hostFile: values['host-json'],
    timers: !values['no-timers'],
    exitWithStdin: values['exit-with-stdin'],
  };
}

/** The worker, too, runs in the app's folder. */
function enter(folder: string): void {
  try {
    process.chdir(folder);
  } catch (error) {
    throw new HostStartError(`--folder ${folder}: ${messageOf(error)}`, { cause: error });
  }
}

const PackageJson = z.looseObject({ main: z.string() });

/** Gives patterns that start at the working directory. */
async function appPatterns(folder: string | undefined): Promise<readonly string[]> {
  if (folder === undefined) return ['src/functions/*.ts'];
  try {
    return [PackageJson.parse(JSON.parse(await readFile('package.json', 'utf8'))).main];
  } catch (error) {
    throw new HostStartError(`--folder ${folder}: its package.json names no main: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Files in the order of the patterns, and within one by name, so that a start is the same every time. */
function findAppFiles(patterns: readonly string[]): readonly string[] {
  const files = new Set<string>();
  for (const pattern of patterns) {
    const found = globSync(pattern).toSorted();
    if (found.length === 0) throw new HostStartError(`--app ${pattern}: no file matches.`);
    for (const file of found) files.add(resolve(file));
  }
  return [...files];
}

async function readHostJson(
  hostFile: string | undefined,
  log: (entry: NewLogEntry) => void,
): Promise<HostJson> {
  const fileName = hostFile ?? defaultHostFile;
  try {
    return parseHostJson(await readFile(fileName, 'utf8'), fileName);
  } catch (error) {
    if (error instanceof HostStartError) throw error;
    if (hostFile !== undefined) {
      throw new HostStartError(`--host-json ${fileName} cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
    log({
      source: 'functions',
      level: 'warn',
      event: 'host-json-missing',
      message: `There is no ${fileName} in the working directory; the defaults hold.`,
    });
    return defaultHostJson;
  }
}

/** The ready line comes first; what is logged before it waits. */
function holdEntries(): { readonly add: (entry: NewLogEntry) => void; readonly release: () => void } {
  let held: NewLogEntry[] | undefined = [];
  return {
    add: (entry) => {
      if (held === undefined) emit(entry);
      else held.push({ at: new Date().toISOString(), ...entry });
    },
    release: () => {
      for (const entry of held ?? []) emit(entry);
      held = undefined;
    },
  };
}

/** Stdout carries log lines only, so what the app prints becomes one, as the real host makes it a log too. */
function captureConsole(log: (entry: NewLogEntry) => void): void {
  const stdout = new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => {
      const message = escapeControls(String(text).replace(/\n$/u, ''));
      log({ source: 'functions', level: 'info', event: 'console', message });
      done();
    },
  });
  globalThis.console = new Console({ stdout, stderr: process.stderr });
}

function failToListen(error: unknown, port: number): Promise<FunctionsHost> {
  const isListenError = error instanceof Error && 'syscall' in error && error.syscall === 'listen';
  if (!isListenError) throw error;
  throw new HostStartError(describeListenError(error, port, '--port'), { cause: error });
}

await main().catch((error: unknown) => failToStart(messageOf(error)));
