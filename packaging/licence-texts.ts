// The licences of the packages whose code is deployed with ours: most ask to be named wherever it goes.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as z from 'zod';

import { ROOT } from './bundle-app.ts';

const Manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.string().default('see below'),
});

/** Takes folders of packages, relative to the repository, gives one text: packages with the same licence share it. */
export async function licenceTexts(packageFolders: readonly string[]): Promise<string> {
  const packagesByText = new Map<string, Set<string>>();
  for (const folder of packageFolders) {
    const { name, version, license } = Manifest.parse(
      JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8')),
    );
    const text = (await licenceIn(join(ROOT, folder))) ?? 'The package has no licence file.';
    const packages = packagesByText.get(text) ?? new Set();
    packagesByText.set(text, packages.add(`${name} ${version} (${license})`));
  }
  const sections = [...packagesByText].map(
    ([text, packages]) => `${[...packages].toSorted().join('\n')}\n\n${text}`,
  );
  return `Code of these packages is part of this app.\n\n${sections.toSorted().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

async function licenceIn(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && /^(?:licen[cs]e|notice|copying)/iu.test(entry.name))
    .map(({ name }) => name)
    .toSorted();
  if (names.length === 0) return undefined;
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n');
}
