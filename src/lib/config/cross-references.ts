// What no single place of the document can know: names that must exist, and facts that must agree.

import { closestName } from './closest-name.ts';
import { formatPath, type ConfigurationProblem } from './configuration-problem.ts';
import { ENTRY_NAME } from './configuration.schema.ts';
import { GUID, NO_GUID } from './document-fields.ts';
import { FRONT_DOOR_ENDPOINT, NO_FRONT_DOOR_ENDPOINT } from './front-door.schema.ts';
import { Outline, UNREADABLE } from './outline.schema.ts';

/** Takes any document, gives the faults between its parts. Says nothing of parts that cannot be read. */
export function findCrossReferenceFaults(document: unknown): ConfigurationProblem[] {
  const outline = Outline.parse(document);
  return [
    ...findFaultyNames(outline),
    ...findUnknownCdns(outline),
    ...findHostsWithoutCdn(outline),
    ...findFaultyEndpoints(outline),
    ...findHostConflicts(outline),
    ...findWildcardWithoutAccount(outline),
  ];
}

type Place = readonly PropertyKey[];
type Site = NonNullable<Outline['sites']>[number][1];
type PlacedHost = {
  readonly siteName: string;
  readonly site: Site;
  readonly host: Site['hosts'][number];
  readonly place: Place;
};

function problem(place: Place, message: string): ConfigurationProblem {
  return { path: formatPath(place), message };
}

function placedHosts({ sites = [] }: Outline): PlacedHost[] {
  return sites.flatMap(([siteName, site]) =>
    site.hosts.map((host, index) => ({ siteName, site, host, place: ['sites', siteName, 'hosts', index] })),
  );
}

function findFaultyNames({ cdns = [], sites = [] }: Outline): ConfigurationProblem[] {
  const places = [...cdns.map(([name]) => ['cdns', name]), ...sites.map(([name]) => ['sites', name])];
  return places
    .filter(([, name]) => !ENTRY_NAME.test(name ?? ''))
    .map((place) => problem(place, 'a name must be letters, digits, - and _, at most 63'));
}

function findUnknownCdns(outline: Outline): ConfigurationProblem[] {
  if (outline.cdns === undefined) return [];
  const known = outline.cdns.map(([name]) => name);
  const references: { readonly place: Place; readonly name: string | typeof UNREADABLE | undefined }[] = [
    { place: ['defaults', 'cdn'], name: outline.defaults?.cdn },
    ...(outline.sites ?? []).map(([name, site]) => ({ place: ['sites', name, 'cdn'], name: site.cdn })),
    ...placedHosts(outline).map(({ host, place }) => ({ place: [...place, 'cdn'], name: host.cdn })),
  ];
  const problems: ConfigurationProblem[] = [];
  for (const { place, name } of references) {
    if (typeof name !== 'string' || !ENTRY_NAME.test(name) || known.includes(name)) continue;
    const closest = closestName(name, known);
    const hint = closest === undefined ? '' : `: did you mean ${closest}?`;
    problems.push(problem(place, `there is no such CDN in cdns${hint}`));
  }
  return problems;
}

function findHostsWithoutCdn(outline: Outline): ConfigurationProblem[] {
  return placedHosts(outline)
    .filter(({ site, host }) => cdnOf(outline, site, host) === undefined)
    .map(({ place }) => problem(place, 'has no CDN: name one for the host, its site or in defaults'));
}

/** What an endpoint is called, and whether a host may leave it out, is for its CDN to say. */
function findFaultyEndpoints(outline: Outline): ConfigurationProblem[] {
  const cdns = new Map(outline.cdns ?? []);
  const named = new Set(
    placedHosts(outline).flatMap(({ site, host }) =>
      host.endpoint === undefined ? [] : [servedKey(outline, site, host)],
    ),
  );
  return placedHosts(outline).flatMap(({ site, host, place }) => {
    const name = cdnOf(outline, site, host);
    const cdn = typeof name === 'string' ? cdns.get(name) : undefined;
    const at = [...place, 'endpoint'];
    const { endpoint } = host;
    switch (cdn?.provider) {
      case 'azure-china-cdn':
        return typeof endpoint === 'string' && !GUID.test(endpoint) ? [problem(at, NO_GUID)] : [];
      case 'azure-front-door':
        if (typeof endpoint === 'string' && !FRONT_DOOR_ENDPOINT.test(endpoint)) {
          return [problem(at, NO_FRONT_DOOR_ENDPOINT)];
        }
        if (cdn.endpoint !== undefined || named.has(servedKey(outline, site, host))) return [];
        return [problem(place, `has no endpoint: name one for the host, or in cdns.${String(name)}`)];
      // Unknown, unreadable or not there: that is told elsewhere.
      case undefined:
      case UNREADABLE:
      default:
        return [];
    }
  });
}

function servedKey(outline: Outline, site: Site, host: Site['hosts'][number]): string {
  return JSON.stringify([host.host, cdnOf(outline, site, host)]);
}

function findHostConflicts(outline: Outline): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const inSite = new Map<string, Place>();
  const endpoints = new Map<string, { readonly endpoint: string; readonly place: Place }>();
  for (const { siteName, site, host, place } of placedHosts(outline)) {
    const cdn = cdnOf(outline, site, host);
    if (typeof host.host !== 'string' || typeof cdn !== 'string') continue;
    const served = servedKey(outline, site, host);
    const servedInSite = JSON.stringify([siteName, served]);
    const twin = inSite.get(servedInSite);
    if (twin === undefined) inSite.set(servedInSite, place);
    else problems.push(problem(place, `is the same host and CDN as ${formatPath(twin)}`));

    if (typeof host.endpoint !== 'string') continue;
    const first = endpoints.get(served);
    if (first === undefined) endpoints.set(served, { endpoint: host.endpoint, place });
    else if (first.endpoint !== host.endpoint) {
      const other = formatPath([...first.place, 'endpoint']);
      problems.push(
        problem([...place, 'endpoint'], `differs from ${other}: on one CDN a host has one endpoint`),
      );
    }
  }
  return problems;
}

function findWildcardWithoutAccount({ sites = [] }: Outline): ConfigurationProblem[] {
  const accounts = sites.flatMap(([name, site]) =>
    site.containers.map(({ account }, index) => ({
      account,
      place: ['sites', name, 'containers', index, 'account'],
    })),
  );
  if (accounts.some(({ account }) => account !== '*')) return [];
  return accounts
    .filter(({ account }) => account === '*')
    .map(({ place }) =>
      problem(place, '* stands for the accounts that the document names elsewhere, and it names none'),
    );
}

/** Undefined only when nobody names a CDN. */
function cdnOf(
  { defaults }: Outline,
  site: Site,
  host: Site['hosts'][number],
): string | typeof UNREADABLE | undefined {
  return host.cdn ?? site.cdn ?? defaults?.cdn;
}
