// The app of one version, as a process of its own that takes changes, flushes and ends.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as z from 'zod';

/**
 * `shipped`: the source as it stands. `next`: it writes each format one version higher, and reads both. `next, but
 * the ledger`: it leaves the ledger's format as it is. `prepared`: it reads both, and writes what is shipped.
 */
export const VERSIONS = ['shipped', 'prepared', 'next', 'next, but the ledger'] as const;
export type Version = (typeof VERSIONS)[number];

export type Work = {
  /** Buffers a change of each of these blobs first. */
  readonly take?: readonly string[];
  /** Then it flushes so many times, or until nothing is left in the buffer and the backlog. */
  readonly flushes: number | 'until empty';
};

const MAIN = fileURLToPath(new URL('app-version-main.ts', import.meta.url));
const LONGEST_MS = 90_000;

const Told = z.strictObject({ warnings: z.array(z.string()) });

/** Takes the app's settings; gives what its log warned of. Throws where the process fails or does not end. */
export async function runVersion(
  version: Version,
  { take = [], flushes }: Work,
  settings: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const args = ['--version', version, '--take', JSON.stringify(take), '--flushes', `${flushes}`];
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
    env: { ...inherited(), ...settings },
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  return Told.parse(JSON.parse(stdout)).warnings;
}

/** No setting of the app is among these. */
function inherited(): Readonly<Record<string, string | undefined>> {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}
