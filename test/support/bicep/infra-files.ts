// The files of infra/, as the checks read them.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { loadBicepParser, type BicepFile } from './bicep-file.ts';

export const INFRA = 'infra';

/** Every Bicep file by its path below infra/. */
export async function readBicepFiles(): Promise<ReadonlyMap<string, BicepFile>> {
  const parse = await loadBicepParser();
  const paths = await listInfra('.bicep');
  const files = await Promise.all(
    paths.map(async (path): Promise<[string, BicepFile]> => [
      path,
      parse(path, await readFile(join(INFRA, path), 'utf8')),
    ]),
  );
  return new Map(files);
}

/** Paths below infra/ with an ending, in order. */
export async function listInfra(ending: string): Promise<readonly string[]> {
  const paths = await readdir(INFRA, { recursive: true });
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith(ending))
    .toSorted();
}
