// What the edge remembers. The one rule that matters: after a purge, nothing fetched before it is served.
import type { OriginAnswer } from './origin.ts';

export interface CacheKey {
  readonly host: string;
  /** Decoded or as received, as the edge is set; always begins with `/`. */
  readonly path: string;
  /** With its `?`; empty where queries are ignored. */
  readonly query: string;
}

interface CachedAnswer extends OriginAnswer {
  readonly storedAt: Date;
}

export interface CacheEntry extends CacheKey {
  readonly status: number;
  readonly etag: string | null;
  readonly bytes: number;
  readonly storedAt: string;
}

export interface EdgeCache {
  get(key: CacheKey): CachedAnswer | undefined;
  /**
   * Fetches for a key, once for all who ask meanwhile, and remembers a 200 or 404. A fetch that was under way
   * when its key was purged still answers those who waited for it, and is then forgotten.
   */
  load(key: CacheKey, fetch: () => Promise<OriginAnswer>): Promise<OriginAnswer>;
  /** Forgets what `matches`, fetches under way included. Gives the number of stored answers that went. */
  evict(matches: (key: CacheKey) => boolean): number;
  entries(): readonly CacheEntry[];
}

export function createEdgeCache(now: () => Date): EdgeCache {
  const stored = new Map<string, { readonly key: CacheKey; readonly answer: CachedAnswer }>();
  const underWay = new Map<string, { readonly key: CacheKey; readonly answer: Promise<OriginAnswer> }>();

  return {
    get: (key) => stored.get(textOf(key))?.answer,
    load(key, fetch) {
      const text = textOf(key);
      const joined = underWay.get(text);
      if (joined !== undefined) return joined.answer;

      const flight = { key, answer: fetch() };
      underWay.set(text, flight);
      const land = (answer: OriginAnswer | undefined): void => {
        // A purge took the flight off the list, or a later flight stands there: what came is too old to keep.
        if (underWay.get(text) !== flight) return;
        underWay.delete(text);
        if (answer?.status === 200 || answer?.status === 404) {
          stored.set(text, { key, answer: { ...answer, storedAt: now() } });
        }
      };
      flight.answer.then(land, () => land(undefined));
      return flight.answer;
    },
    evict(matches) {
      for (const [text, { key }] of underWay) if (matches(key)) underWay.delete(text);
      let evicted = 0;
      for (const [text, { key }] of stored) {
        if (matches(key) && stored.delete(text)) evicted += 1;
      }
      return evicted;
    },
    entries: () =>
      [...stored.values()].map(({ key, answer }) => ({
        ...key,
        status: answer.status,
        etag: answer.headers['etag'] ?? null,
        bytes: answer.body.byteLength,
        storedAt: answer.storedAt.toISOString(),
      })),
  };
}

/** A host and a query hold no line break, so no two keys make the same text. */
function textOf({ host, path, query }: CacheKey): string {
  return `${host}\n${query}\n${path}`;
}
