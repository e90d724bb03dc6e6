// What an inventory keeps in memory: directories and four bytes a name, and nothing of the pages that it was read from.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';
import * as z from 'zod';

const MAIN = fileURLToPath(new URL('../../../support/inventory-memory-main.ts', import.meta.url));
const run = promisify(execFile);
const Answer = z.object({ heapMb: z.number(), objects: z.number(), directories: z.number() });

it('keeps 100,000 blobs in 5,000 directories in less than 6 MB, of 65 MB that were read', async () => {
  const { stdout } = await run(process.execPath, ['--expose-gc', MAIN]);
  const { heapMb, objects, directories } = Answer.parse(JSON.parse(stdout));
  expect({ objects, directories }).toEqual({ objects: 100_000, directories: 5_002 });
  expect(heapMb).toBeLessThan(6);
});
