// npm run package: the deployable folder, and the same as a zip.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { makePackage } from './make-package.ts';
import { zipFolder } from './zip-folder.ts';

const FOLDER = 'dist-package';

const { values: options } = parseArgs({
  options: {
    /** Adds maps from the chunks back to the sources, for `node --enable-source-maps`. */
    'source-maps': { type: 'boolean', default: false },
  },
});

await rm(FOLDER, { recursive: true, force: true });
const app = join(FOLDER, 'app');
await mkdir(app, { recursive: true });
const { files, bytes } = await makePackage(app, { sourceMaps: options['source-maps'] });
const zip = await zipFolder(app);
const zipFile = join(FOLDER, 'blob-cdn-purge.zip');
await writeFile(zipFile, zip);

const megabytes = (size: number): string => `${(size / 1e6).toFixed(1)} MB`;
console.log(`${app}: ${files} files, ${megabytes(bytes)}\n${zipFile}: ${megabytes(zip.length)}`);
