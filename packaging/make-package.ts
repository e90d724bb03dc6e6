// Puts together what is deployed: the bundle, host.json, a package.json that names the functions, licences.

import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as z from 'zod';

import { bundleApp, ENTRY_FILE, ROOT, type Bundle } from './bundle-app.ts';
import { licenceTexts } from './licence-texts.ts';

const OwnPackage = z.object({
  name: z.string(),
  version: z.string(),
  engines: z.object({ node: z.string() }),
});

export type Package = Bundle & {
  /** `main` of its package.json. */
  readonly main: string;
  readonly files: number;
  readonly bytes: number;
};

/** Takes an empty folder, which becomes a function app that needs no installation. Throws if it is not empty. */
export async function makePackage(
  folder: string,
  { sourceMaps }: { readonly sourceMaps: boolean },
): Promise<Package> {
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`);
  const bundle = await bundleApp(folder, { sourceMaps });
  const own = OwnPackage.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  const { name, version, engines } = own;
  const deployed = { name, version, private: true, type: 'module', main: ENTRY_FILE, engines };
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(deployed, undefined, 2)}\n`);
  await copyFile(join(ROOT, 'host.json'), join(folder, 'host.json'));
  await copyFile(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), await licenceTexts(bundle.packageFolders));
  return { ...bundle, main: ENTRY_FILE, ...(await sizeOf(folder)) };
}

async function sizeOf(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((file) => stat(join(file.parentPath, file.name))),
  );
  return { files: sizes.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}
