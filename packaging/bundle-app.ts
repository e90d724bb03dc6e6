// The app and all that it imports as ES modules, split where it imports lazily. Only the worker's own module stays out.

import { globSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';

import { build, type Metafile } from 'esbuild';

export const ROOT = resolve(import.meta.dirname, '..');

/** The worker answers `require` of it, and nothing else does: github.com/Azure/azure-functions-nodejs-library/issues/201 */
const WORKER_MODULE = '@azure/functions-core';

export type Bundle = {
  /** By file of the bundle, relative to its folder with `/`: the npm packages whose code is in it. */
  readonly packagesByFile: ReadonlyMap<string, ReadonlySet<string>>;
  /** By file of the bundle: the modules in it, relative to the repository. */
  readonly modulesByFile: ReadonlyMap<string, readonly string[]>;
  /** What the bundle asks of whoever loads it: modules of Node, and the worker's. */
  readonly externals: ReadonlySet<string>;
  /** Folders of the packages whose code is in the bundle, relative to the repository. */
  readonly packageFolders: readonly string[];
};

/** Of the bundle: imports every file of `src/functions`, as the host would. */
export const ENTRY_FILE = 'functions.js';

/** Writes the entry file and `chunks/*.js` into the folder. */
export async function bundleApp(folder: string, options: { readonly sourceMaps: boolean }): Promise<Bundle> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    // One file of all functions: a start costs Node about a millisecond for each file that it has to find and link.
    stdin: {
      contents: globSync('src/functions/*.ts', { cwd: ROOT })
        .toSorted()
        .map((file) => `import './${file.replaceAll('\\', '/')}';`)
        .join('\n'),
      resolveDir: ROOT,
    },
    outdir: resolve(folder),
    entryNames: basename(ENTRY_FILE, '.js'),
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.19',
    external: [WORKER_MODULE],
    // CommonJS packages find what Node gives to them and not to ES modules. It is not minified: an uncaught error
    // prints its line, and loads no faster from shorter ones.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    sourcemap: options.sourceMaps ? 'linked' : false,
    metafile: true,
    logLevel: 'error',
  });
  return describe(metafile, resolve(folder));
}

function describe(metafile: Metafile, folder: string): Bundle {
  const modulesByFile = new Map<string, readonly string[]>();
  for (const [output, { inputs }] of Object.entries(metafile.outputs)) {
    const modules = Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    );
    modulesByFile.set(relative(folder, join(ROOT, output)).replaceAll('\\', '/'), modules);
  }
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return {
    modulesByFile,
    packagesByFile: new Map(
      [...modulesByFile].map(([file, modules]) => [file, new Set(modules.flatMap(packageOf))]),
    ),
    externals: new Set(imports.flatMap(({ path, external }) => (external === true ? [path] : []))),
    packageFolders: [...new Set([...modulesByFile.values()].flat().flatMap(packageFolderOf))].toSorted(),
  };
}

const packageFolderOf = (module: string): readonly string[] =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/u.exec(module) ?? [];

const packageOf = (module: string): readonly string[] =>
  packageFolderOf(module).map((folder) =>
    folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length),
  );
