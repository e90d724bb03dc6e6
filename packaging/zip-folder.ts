// A folder as a zip that is the same, byte for byte, whenever and wherever it is made.

import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { zipSync } from 'fflate';

/** In a zip a time has no zone: the parts of the local time are what is written. */
const ALWAYS = new Date(2000, 0, 1);

/** Takes a folder, gives the zip of all files below it, their paths relative to it. */
export async function zipFolder(folder: string): Promise<Uint8Array> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((file) => relative(folder, join(file.parentPath, file.name)).replaceAll('\\', '/'))
    .toSorted();
  const files: Record<string, Uint8Array> = {};
  for (const path of paths) files[path] = new Uint8Array(await readFile(join(folder, path)));
  return zipSync(files, { level: 9, mtime: ALWAYS });
}
