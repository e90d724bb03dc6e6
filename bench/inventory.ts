// How much memory does it take to know what stands in a million blobs, and how long to ask?
//
// The listing is real: the storage SDK reads pages of XML from a stub in this process; the child that is measured
// has a heap of its own.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import * as z from 'zod';

import { startListingStub } from './listing-stub.ts';

const CHILD = fileURLToPath(new URL('./inventory-child.ts', import.meta.url));
const run = promisify(execFile);
const Answer = z.record(z.string(), z.unknown());

export async function measureInventory(): Promise<Record<string, unknown>> {
  return { million: await measureListing(1_000_000, 50_000) };
}

/** Lists so many blobs in so many directories, in a child. */
async function measureListing(blobs: number, directories: number): Promise<Record<string, unknown>> {
  const stub = await startListingStub(blobs, directories);
  try {
    const { stdout } = await run(
      process.execPath,
      ['--expose-gc', CHILD, '--endpoint', stub.url, '--directories', `${directories}`],
      { timeout: 900_000 },
    );
    return { blobs, ...Answer.parse(JSON.parse(stdout)) };
  } finally {
    await stub.stop();
  }
}
