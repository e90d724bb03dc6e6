// How many changes a second go through the app, all of its own work and nothing else, and does it keep what it should
// forget? 100,000 changes through intake, flush and tracker, on a storage double; each is checked against the CDN's log.
//
// In a fresh process, which can be told to collect its garbage before its memory is read.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as z from 'zod';

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('./load-child.ts', import.meta.url));

export async function measureLoad(): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, ['--expose-gc', CHILD]);
  return z.record(z.string(), z.unknown()).parse(JSON.parse(stdout));
}
