// Starts the embedded Functions host as the local stack does: a child process with an app of test/fixtures.
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import * as z from 'zod';
import { startChild, type Child } from '../../dev/processes/child.ts';
import type { LogEntry } from '../../dev/processes/log-entry.ts';

export const testKeys = {
  master: 'canary-master-key',
  default: 'canary-default-key',
  eventgrid: 'canary-eventgrid-key',
  functions: { 'for-functions': 'canary-own-key' },
};

export interface HostChild {
  readonly child: Child;
  readonly url: string;
  readonly functions: readonly Readonly<Record<string, unknown>>[];
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Log entries with this `event`, or all. */
  entries(event?: string): readonly LogEntry[];
  messages(event: string): readonly string[];
}

const Ready = z.strictObject({
  url: z.string(),
  functions: z.array(z.record(z.string(), z.unknown())),
});

/** @param apps files of test/fixtures/functions-app, without their ending. */
export async function startHost(
  apps: readonly string[],
  options: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<HostChild> {
  const child = await startChild({
    name: 'functions host',
    file: fileURLToPath(new URL('../../dev/functions-host/main.ts', import.meta.url)),
    args: ['--port', '0', ...apps.flatMap((app) => ['--app', fixture(`${app}.ts`)]), ...(options.args ?? [])],
    env: { FUNCTIONS_HOST_KEYS: JSON.stringify(testKeys), ...options.env },
  });
  const ready = Ready.parse(child.ready);
  const entries = (event?: string): readonly LogEntry[] =>
    child.entries().filter((entry) => event === undefined || entry.event === event);
  return {
    child,
    url: ready.url,
    functions: ready.functions,
    request: (path, init) => fetch(`${ready.url}${path}`, { redirect: 'manual', ...init }),
    entries,
    messages: (event) => entries(event).map(({ message }) => message),
  };
}

export function fixture(file: string): string {
  return fileURLToPath(new URL(`../fixtures/functions-app/${file}`, import.meta.url));
}

/** Repeats the expectations until they hold; log lines take a moment to come through the pipe. */
export async function eventually(expectations: () => void): Promise<void> {
  await vi.waitFor(expectations, { timeout: 15_000 });
}
