// The parent's side of the process contract: start a child, wait for its ready line, read its log, stop it.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { LogEntry } from './log-entry.ts';

/** How long a child may take to stop by itself before SIGKILL. */
const stopLimitMs = 18_000;
/** A stack that stays up for days must not fill the memory with its own log. */
const keptEntries = 20_000;
const keptOutputChars = 16 * 1024 * 1024;

export interface ChildOptions {
  /** For messages: which part of the stack this is. */
  readonly name: string;
  /** Absolute path of the TypeScript file to run. */
  readonly file: string;
  readonly args?: readonly string[];
  /** Added to this process's environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default 30,000. */
  readonly readyTimeoutMs?: number;
  /** Called for every log entry, as it comes. */
  readonly onEntry?: (entry: LogEntry) => void;
}

interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** What the child said in its ready line; parse it before use. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Every log entry so far (the last 20,000). */
  entries(): readonly LogEntry[];
  /** All that it wrote to stdout and stderr (the last 16 Mi characters). */
  output(): string;
  /** SIGTERM, and SIGKILL if it has not ended within 18 s. Safe to call again. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<ChildExit>;
}

/**
 * Starts a child of the local stack on this very Node and waits until it listens. The child gets
 * `--exit-with-stdin`: the pipe to its stdin stays open as long as this process lives.
 *
 * @throws if the child ends before it is ready (with what it wrote to stderr) or is not ready in time.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, file, args = [], env = {}, readyTimeoutMs = 30_000, onEntry } = options;
  const spawned = spawn(process.execPath, [file, ...args, '--exit-with-stdin'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    // Out of the terminal's process group: Ctrl-C reaches the parent alone, which stops its children in order.
    detached: process.platform !== 'win32',
  });

  const entries: LogEntry[] = [];
  let output = '';
  let errorOutput = '';
  const keep = (text: string): void => {
    output = (output + text).slice(-keptOutputChars);
  };
  const ready = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const exited = Promise.withResolvers<ChildExit>();

  const onLine = (line: string): void => {
    keep(`${line}\n`);
    const parsed = parseLine(line);
    if (parsed.kind === 'ready') ready.resolve(parsed.details);
    if (parsed.kind !== 'entry') return;
    entries.push(parsed.entry);
    if (entries.length > keptEntries) entries.splice(0, entries.length - keptEntries);
    onEntry?.(parsed.entry);
  };
  createInterface({ input: spawned.stdout, crlfDelay: Infinity }).on('line', onLine);
  spawned.stderr.setEncoding('utf8').on('data', (text: string) => {
    errorOutput = (errorOutput + text).slice(-keptOutputChars);
    keep(text);
  });
  // Writing is not our business here, but a child that dies closes the pipe; that must not end the parent.
  spawned.stdin.on('error', () => undefined);
  spawned.on('error', (error) => {
    ready.reject(new Error(`${name} could not be started: ${error.message}`, { cause: error }));
    exited.resolve({ code: null, signal: null });
  });
  // `close`, not `exit`: by then all that it wrote has been read.
  spawned.on('close', (code, signal) => {
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    ready.reject(new Error(`${name} ended ${how} before it was ready.\n${(errorOutput || output).trim()}`));
    exited.resolve({ code, signal });
  });

  const timer = setTimeout(() => {
    ready.reject(new Error(`${name} was not ready within ${readyTimeoutMs} ms.\n${output.trim()}`));
    spawned.kill('SIGKILL');
  }, readyTimeoutMs);
  const details = await ready.promise.finally(() => clearTimeout(timer));

  const stop = async (): Promise<void> => {
    spawned.kill('SIGTERM');
    const killTimer = setTimeout(() => spawned.kill('SIGKILL'), stopLimitMs);
    await exited.promise.finally(() => clearTimeout(killTimer));
  };
  return {
    name,
    pid: spawned.pid ?? -1,
    ready: details,
    entries: () => entries,
    output: () => output,
    stop,
    kill: (signal) => void spawned.kill(signal),
    exited: exited.promise,
  };
}

const ReadyLine = z.strictObject({ ready: z.record(z.string(), z.unknown()) });

type Line =
  | { readonly kind: 'ready'; readonly details: Readonly<Record<string, unknown>> }
  | { readonly kind: 'entry'; readonly entry: LogEntry }
  | { readonly kind: 'text' };

/** A line that is neither (a library that prints for itself) is only kept as text. */
function parseLine(line: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { kind: 'text' };
  }
  const ready = ReadyLine.safeParse(value);
  if (ready.success) return { kind: 'ready', details: ready.data.ready };
  const entry = LogEntry.safeParse(value);
  return entry.success ? { kind: 'entry', entry: entry.data } : { kind: 'text' };
}
