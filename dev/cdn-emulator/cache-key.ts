// How the edge names what it caches, and what a purge of a URL means in those names.
import { decodePath } from '../edge/decode-path.ts';
import type { CacheKey } from '../edge/edge-cache.ts';
import type { PurgeUrl } from './purge-url.ts';
import type { Behaviour } from './settings.ts';

export type KeyRules = Pick<Behaviour, 'cacheKeyPath' | 'cacheKeyQuery'>;

/** The key of a request or URL; undefined if the path's percent-encoding is broken. The scheme never counts. */
export function cacheKey(
  { host, path, query }: Pick<PurgeUrl, 'host' | 'path' | 'query'>,
  rules: KeyRules,
): CacheKey | undefined {
  const keyedPath = rules.cacheKeyPath === 'decoded' ? decodePath(path) : path;
  if (keyedPath === undefined) return undefined;
  return { host: host.toLowerCase(), path: keyedPath, query: rules.cacheKeyQuery === 'kept' ? query : '' };
}

/** A file purge means exactly one key. */
export function isFile(key: CacheKey, file: CacheKey): boolean {
  return key.host === file.host && key.path === file.path && key.query === file.query;
}

/** A directory purge means everything under it, with any query; without `recursive` no subfolders. */
export function isInDirectory(key: CacheKey, directory: CacheKey, recursive: boolean): boolean {
  if (key.host !== directory.host || !key.path.startsWith(directory.path)) return false;
  return recursive || !key.path.slice(directory.path.length).includes('/');
}
