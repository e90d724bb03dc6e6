// What differs between CDNs, as data: use cases ask this, and never which CDN it is.

/** Which URLs an edge takes for the same when it purges. */
export type UrlMatching = {
  readonly ignoresCase: boolean;
  /** All variants of a path go with it, whatever their query. */
  readonly ignoresQuery: boolean;
  readonly ignoresScheme: boolean;
  /** Whether a directory purge takes along what is in directories below it, too. */
  readonly reachesBelow: boolean;
};

/** Every URL stands for itself alone, and a directory for all that its URL begins. */
export const EXACT_MATCHING: UrlMatching = {
  ignoresCase: false,
  ignoresQuery: false,
  ignoresScheme: false,
  reachesBelow: true,
};

/** What a purge API can do. */
export type Capabilities = {
  /** Where a request names hosts: in each URL, or in a list of its own, so that every path is purged on every host. */
  readonly hosts: 'in-url' | 'listed';
  /** Purges that may be under way at once for what shares a `subscription`; undefined: as many as come. */
  readonly purgesInFlight: number | undefined;
  /** Pauses before the first, second, … question about the CDN's task on a purge; the last one is repeated. */
  readonly pollPausesMs: readonly number[];
};
