// Runs histories in processes of their own: plain Node, one for each core.

import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Told, type ToldHistory } from './told.schema.ts';

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));
const LONGEST_OUTPUT_BYTES = 256 * 1024 * 1024;
const START_MS = 60_000;
/** Many times what one takes. */
const LONGEST_HISTORY_MS = 200;

export type Seeds = { readonly from: number; readonly to: number };

export type Ran = {
  readonly ran: number;
  /** Those that broke a promise, or all. */
  readonly histories: readonly ToldHistory[];
};

/** How long the processes may take for so many histories, at most. */
export const deadlineMs = ({ from, to }: Seeds): number => START_MS + (to - from + 1) * LONGEST_HISTORY_MS;

/**
 * Runs the histories up to the first that breaks a promise. Throws where a mutant does not fit the app, and where the
 * process fails or does not end.
 */
export async function runSeeds(
  seeds: Seeds,
  { mutant, print = false }: { readonly mutant?: string; readonly print?: boolean } = {},
): Promise<Ran> {
  const args = ['--from', `${seeds.from}`, '--to', `${seeds.to}`, '--exit-with-stdin'];
  if (mutant !== undefined) args.push('--mutant', mutant);
  if (print) args.push('--print');
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...args], {
    timeout: deadlineMs(seeds),
    killSignal: 'SIGKILL',
    maxBuffer: LONGEST_OUTPUT_BYTES,
  });
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => Told.parse(JSON.parse(line)));
  const misfit = told.find((one) => one.kind === 'misfit');
  if (misfit !== undefined) throw new Error(misfit.reason);
  const end = told.find((one) => one.kind === 'end');
  if (end === undefined) throw new Error('the process that ran the histories did not tell of its end');
  return { ran: end.ran, histories: told.filter((one) => one.kind === 'history') };
}

/** Runs the histories in as many processes as there are cores. */
export async function runSideBySide({ from, to }: Seeds): Promise<Ran> {
  const count = Math.ceil((to - from + 1) / availableParallelism());
  const parts: Seeds[] = [];
  for (let first = from; first <= to; first += count) {
    parts.push({ from: first, to: Math.min(first + count - 1, to) });
  }
  const all = await Promise.all(parts.map((part) => runSeeds(part)));
  return {
    ran: all.reduce((sum, { ran }) => sum + ran, 0),
    histories: all.flatMap(({ histories }) => histories),
  };
}
