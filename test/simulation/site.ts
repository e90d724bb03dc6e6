// The site of the histories: few names on two hosts, and what a change makes stale, found without the code under test.

import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import { HOST, OTHER_HOST } from '../support/builders.ts';

export const HOSTS = [HOST, OTHER_HOST] as const;
export const NAMES = ['a.txt', 'b.txt', 'dir/a.txt', 'dir/sub/b.txt', 'bad.txt'] as const;
export const DIRECTORIES = ['dir/', 'dir/sub/'] as const;

/** Whether the CDN never takes it, until all is well. */
export const isRefused = (url: string): boolean => /\/bad\.txt$/iu.test(url);

/** Directories end with a slash. */
export const urlsOf = (name: string): readonly string[] =>
  HOSTS.map((host) => `http://${host}/media/${name}`);

/** Every URL that must be purged after the change. */
export function staleUrls(change: BlobChange): readonly string[] {
  switch (change.kind) {
    case 'created':
    case 'deleted':
      return urlsOf(change.blob.name);
    case 'renamed':
      return [...urlsOf(change.from.name), ...urlsOf(change.to.name)];
    case 'directory-deleted':
      return urlsOf(`${change.directory.name}/`);
    case 'directory-renamed':
      return [...urlsOf(`${change.from.name}/`), ...urlsOf(`${change.to.name}/`)];
  }
}

/** Whether a purge took the URL: itself, or a directory that holds it. */
export function covers(
  { files, directories }: { readonly files: readonly string[]; readonly directories: readonly string[] },
  url: string,
): boolean {
  return files.includes(url) || directories.some((directory) => url.startsWith(directory));
}
