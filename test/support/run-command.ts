// Runs a command of the project as its user would: a child process with a deadline.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Ended = { readonly code: number | null; readonly output: string };

export type Running = {
  readonly output: () => string;
  readonly interrupt: () => void;
  readonly ended: Promise<Ended>;
};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Takes a TypeScript file below the root and its arguments. Kills the process at the deadline. */
export function runCommand(
  file: string,
  args: readonly string[],
  deadlineMs: number,
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${file} did not end within ${deadlineMs} ms. It wrote:\n${output}`));
    }, deadlineMs);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
  return { output: () => output, interrupt: () => child.kill('SIGINT'), ended };
}
