// What a purge means at the edge: by host, in any case, with any query.
import { decodePath } from '../edge/decode-path.ts';
import type { CacheKey } from '../edge/edge-cache.ts';
import type { PurgeOrder } from './purge-body.ts';

/** The key of a request; undefined if the path's percent-encoding is broken. */
export function cacheKey({ host, path, query }: CacheKey, keepsQuery: boolean): CacheKey | undefined {
  const decoded = decodePath(path);
  if (decoded === undefined) return undefined;
  return { host: host.toLowerCase(), path: decoded, query: keepsQuery ? query : '' };
}

/** https://learn.microsoft.com/azure/frontdoor/cache-purge: `/dir/*` is everything below, `/*` everything. */
export function isPurged(key: CacheKey, { hosts, paths }: Pick<PurgeOrder, 'hosts' | 'paths'>): boolean {
  if (!hosts.includes(key.host)) return false;
  const path = key.path.toLowerCase();
  return paths.some((purged) => {
    const isDirectory = purged.endsWith('/*');
    const wanted = normal(isDirectory ? purged.slice(0, -1) : purged);
    return isDirectory ? path.startsWith(wanted) : path === wanted;
  });
}

/** What is sent without its query names the page with every query. */
function normal(path: string): string {
  const bare = path.replace(/\?.*$/u, '');
  return (decodePath(bare) ?? bare).toLowerCase();
}
