// The child's side of the process contract: say that it listens, log as JSON lines, stop when told.
import type { NewLogEntry } from './log-entry.ts';

/** A stop that hangs must not leave a process behind: after this long the process ends anyway. */
const stopLimitMs = 15_000;

/** Prints the one line `{"ready":{…}}` that tells the parent that this process listens, and where. */
export function announceReady(details: Record<string, unknown>): void {
  writeLine({ ready: details });
}

/** Prints one log entry as a line of JSON. Never pass keys, signatures or tokens. */
export function emit(entry: NewLogEntry): void {
  const { at = new Date().toISOString(), ...rest } = entry;
  writeLine({ at, ...rest });
}

/**
 * Calls `stop` once and ends the process, on SIGTERM, on SIGINT and, with `exitWithStdin`, when stdin ends:
 * that is how a child notices that its parent died without a word. A second signal ends it at once.
 */
export function stopWhenTold(stop: () => Promise<void>, exitWithStdin: boolean): void {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) process.exit(1);
    void stopAndExit();
  };
  const stopAndExit = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), stopLimitMs).unref();
    try {
      await stop();
    } catch (error) {
      process.stderr.write(`Stopping failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    }
    process.exit(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  if (!exitWithStdin) return;
  for (const event of ['end', 'close', 'error']) process.stdin.on(event, () => void stopAndExit());
  process.stdin.resume();
  // A parent that is gone reads no output either; the end of stdin says so, an EPIPE must not come first.
  process.stdout.on('error', () => void stopAndExit());
}

/** Ends a process that cannot start: a helpful sentence on stderr, exit code 1. */
export function failToStart(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** What to tell a person when `listen` failed on a port that the option `option` chooses. */
export function describeListenError(error: unknown, port: number, option: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return `Port ${port} on 127.0.0.1 is in use. Choose another with ${option} PORT, or any free one with ${option} 0.`;
  }
  if (code === 'EACCES')
    return `Port ${port} is not allowed for this user. Choose another with ${option} PORT.`;
  return `Cannot listen on 127.0.0.1:${port}: ${error instanceof Error ? error.message : String(error)}`;
}

function writeLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
