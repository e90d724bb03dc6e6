// Programs that the tests start leave here what Node compiled, and those after them start in half the time.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Vitest calls this once for each project before its tests, and what it returns once after all of them. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  // Another project has made it, or whoever runs the tests keeps one.
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'blob-cdn-purge-compiled-'));
  process.env['NODE_COMPILE_CACHE'] = folder;
  // This process may still be writing to it: what cannot be deleted yet must not fail the run.
  return () =>
    rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 }).catch(() => undefined);
}
