// How the commands read a configuration file, and what they say when they cannot.

import { readFile } from 'node:fs/promises';
import type { Configuration } from '../../core/configuration.ts';
import { formatProblem } from '../configuration-problem.ts';
import { parseConfigurationText } from '../configuration.ts';

/** The exit codes of the commands. */
export const EXIT = { ok: 0, faulty: 1, usage: 2 } as const;

export type FileResult =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly exitCode: number; readonly message: string };

/** Takes a file's path, gives its configuration, or what to print and the exit code. */
export async function readConfigurationFile(file: string): Promise<FileResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return { ok: false, exitCode: EXIT.usage, message: `Cannot read ${file}${reason}.` };
  }
  const parsed = parseConfigurationText(text);
  if (parsed.ok) return { ok: true, configuration: parsed.value };
  const count = parsed.error.length === 1 ? '1 problem' : `${parsed.error.length} problems`;
  const lines = parsed.error.map((problem) => `  ${formatProblem(problem)}`);
  return { ok: false, exitCode: EXIT.faulty, message: [`${file} has ${count}:`, ...lines].join('\n') };
}
