// From URLs of a host back to what stands in the containers that serve it: the mapping rules the other way round.

import type { Scheme } from '../cdn-url.ts';
import { urlBase, type MappingRule } from '../url-mapping.ts';
import type { Reach } from './directory-tree.ts';
import type { ContainerPlace } from './listing.ts';

/** Containers by account, as storage lists them. An account that could not be listed is not there. */
export type KnownContainers = ReadonlyMap<string, ReadonlySet<string>>;

/** `directory` ends with `/`, or is empty for the whole container. */
export type BlobDirectory = ContainerPlace & { readonly directory: string };

export type ServedContainers = {
  /** Every container that serves a site, as far as they are known. */
  readonly containersOf: (site: string) => readonly ContainerPlace[];
  /**
   * Takes a site and a URL directory in any spelling, from `/` to `/`. Gives the blob directories that are served
   * below it; undefined when that cannot be said: a container may serve it that is not known.
   */
  readonly directoriesBelow: (
    site: string,
    urlDirectory: string,
    reach?: Reach,
  ) => readonly BlobDirectory[] | undefined;
  /** Takes a URL path in any spelling, gives the blobs that it may be read from; there may be none of that name. */
  readonly blobsAt: (
    site: string,
    urlPath: string,
  ) => readonly (ContainerPlace & { readonly name: string })[];
};

/** What shares the root of a tree of URLs, as the planner names it. */
export function siteOf(cdn: string, scheme: Scheme, host: string): string {
  return `${cdn} ${scheme}://${host}`;
}

/** Takes the rules and the containers that there are. Excluded blobs count as well: the edge may hold them. */
export function servedContainers(
  rules: readonly MappingRule[],
  accounts: ReadonlySet<string>,
  known: KnownContainers,
): ServedContainers {
  const sites = new Map<string, Site>();
  for (const rule of rules) {
    const sources = sourcesOf(rule, accounts, known);
    for (const site of sitesOf(rule)) {
      const served: Site = sites.get(site) ?? { sources: new Map(), doubts: [] };
      sites.set(site, served);
      for (const source of sources.found) served.sources.set(JSON.stringify(source), source);
      served.doubts.push(...sources.doubts);
    }
  }
  const indexed = new Map([...sites].map(([site, served]) => [site, index(served)]));

  return {
    containersOf(site) {
      const places = indexed.get(site)?.sources ?? [];
      const unique = new Map(places.map((place) => [`${place.account}/${place.container}`, place]));
      return [...unique.values()].map(({ account, container }) => ({ account, container }));
    },

    directoriesBelow(site, urlDirectory, reach = 'below') {
      const served = indexed.get(site);
      const directory = decodeUrlPath(urlDirectory);
      if (served === undefined || directory === undefined) return undefined;
      if (served.doubts.some((mayServe) => mayServe(directory))) return undefined;
      const found = served.near(directory).flatMap(({ account, container, base, strip }) => {
        // A container that is served further below has nothing directly in it.
        if (reach === 'directly' && base.startsWith(directory) && base !== directory) return [];
        if (base.startsWith(directory)) return [{ account, container, directory: strip }];
        if (!directory.startsWith(base)) return [];
        return [{ account, container, directory: strip + directory.slice(base.length) }];
      });
      // Nothing that is known serves it, and yet something there is due.
      return found.length === 0 ? undefined : found;
    },

    blobsAt(site, urlPath) {
      const path = decodeUrlPath(urlPath);
      if (path === undefined) return [];
      const near = indexed.get(site)?.near(path) ?? [];
      return near.flatMap(({ account, container, base, strip }) =>
        path.startsWith(base) ? [{ account, container, name: strip + path.slice(base.length) }] : [],
      );
    },
  };
}

/** Takes a path as it stands in a URL, gives the raw one; undefined for bytes that are not UTF-8. */
export function decodeUrlPath(path: string): string | undefined {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined; // no rule makes such a path
  }
}

/** One container as a rule serves it. */
type Source = ContainerPlace & { readonly base: string; readonly strip: string };

/** Whether something below a URL directory may be served by a rule none of whose containers is known. */
type Doubt = (urlDirectory: string) => boolean;

type Site = { readonly sources: Map<string, Source>; readonly doubts: Doubt[] };

type IndexedSite = {
  readonly sources: readonly Source[];
  readonly doubts: readonly Doubt[];
  /** Sources that a path may belong to: a rule for every container makes thousands of them. */
  readonly near: (urlPath: string) => readonly Source[];
};

function sitesOf(rule: MappingRule): readonly string[] {
  return rule.hosts.flatMap(({ cdn, host }) => rule.schemes.map((scheme) => siteOf(cdn, scheme, host)));
}

function sourcesOf(
  rule: MappingRule,
  accounts: ReadonlySet<string>,
  known: KnownContainers,
): { readonly found: readonly Source[]; readonly doubts: readonly Doubt[] } {
  const found: Source[] = [];
  const doubts: Doubt[] = [];
  for (const account of rule.account === '*' ? accounts : [rule.account]) {
    const containers = known.get(account) ?? new Set<string>();
    const served = [...containers].filter((container) => rule.matchesContainer(container));
    for (const container of served) {
      found.push({ account, container, base: urlBase(rule, container), strip: rule.strip });
    }
    const { servedUnder } = rule;
    if (served.length > 0) continue;
    doubts.push((directory) =>
      servedUnder === undefined
        ? mayServeUnderName(rule, directory)
        : servedUnder.startsWith(directory) || directory.startsWith(servedUnder),
    );
  }
  return { found, doubts };
}

/** Of a rule that serves each container under its own name, and the web site at the root. */
function mayServeUnderName(rule: MappingRule, directory: string): boolean {
  return directory === '/' || rule.matchesContainer(firstSegment(directory)) || rule.matchesContainer('$web');
}

function index({ sources, doubts }: Site): IndexedSite {
  const all = [...sources.values()];
  const byFirstSegment = new Map<string, Source[]>();
  const atRoot: Source[] = [];
  for (const source of all) {
    if (source.base === '/') {
      atRoot.push(source);
      continue;
    }
    const segment = firstSegment(source.base);
    const same = byFirstSegment.get(segment);
    if (same === undefined) byFirstSegment.set(segment, [source]);
    else same.push(source);
  }
  return {
    sources: all,
    doubts,
    near: (urlPath) =>
      urlPath === '/' ? all : [...atRoot, ...(byFirstSegment.get(firstSegment(urlPath)) ?? [])],
  };
}

/** Of `/a/b` it is `a`. */
function firstSegment(urlPath: string): string {
  const end = urlPath.indexOf('/', 1);
  return end === -1 ? urlPath.slice(1) : urlPath.slice(1, end);
}
