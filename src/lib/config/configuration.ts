// From the operator's document to the configuration that the app works by, or to all that is wrong with it.

import type {
  AzureFrontDoorConfiguration,
  CdnConfiguration,
  Configuration,
  ConfiguredHost,
  PlannerConfiguration,
} from '../core/configuration.ts';
import { decodeUrlPath } from '../core/inventory/served-containers.ts';
import { EXACT_MATCHING, type UrlMatching } from '../core/capabilities.ts';
import { SCHEMES, type Scheme } from '../core/cdn-url.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { MappingRule, RuleHost } from '../core/url-mapping.ts';
import { isSameMatching } from '../core/url-matching.ts';
import { CLOUDS } from './clouds.ts';
import { formatPath, type ConfigurationProblem } from './configuration-problem.ts';
import type { ConfigurationDocument } from './configuration.schema.ts';
import { buildQuotaPolicy, findQuotaFaults } from './quota-policy.ts';
import { findCrossReferenceFaults } from './cross-references.ts';
import { parseShape } from './document-shape.ts';
import { findProfileFaults } from './shared-profiles.ts';
import { excludesEverythingBelow, matchesAny, matchesContainer } from './globs.ts';
import { findJsonFaults } from './json-faults.ts';

export type ConfigurationResult = Result<Configuration, readonly ConfigurationProblem[]>;

/** Takes the document as text, gives the configuration or every problem; of broken JSON, the line and column. */
export function parseConfigurationText(text: string): ConfigurationResult {
  if (text.length > LONGEST_TEXT) return err([{ path: '', message: 'is longer than 1,048,576 characters' }]);
  // Editors on Windows may write a byte order mark.
  const json = text.replace(/^\u{FEFF}/u, '');
  if (json.trim() === '') return err([{ path: '', message: 'is empty' }]);
  const faults = findJsonFaults(json).map(({ line, column, message }) => ({
    path: '',
    message: `line ${line}, column ${column}: ${message}`,
  }));
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    return err(faults); // says where, and unlike the error never quotes the text
  }
  const result = parseConfiguration(document);
  if (faults.length === 0) return result;
  return err(result.ok ? faults : [...faults, ...result.error]);
}

/** Takes the document, gives the configuration, or every problem at once by its path. Never throws. */
export function parseConfiguration(document: unknown): ConfigurationResult {
  const shape = parseShape(document);
  const crossFaults = findCrossReferenceFaults(document);
  if (!shape.ok) return err([...shape.error, ...crossFaults]);
  const faults = [...crossFaults, ...findQuotaFaults(shape.value), ...findProfileFaults(shape.value)];
  if (faults.length > 0) return err(faults);
  return ok(buildConfiguration(shape.value));
}

const LONGEST_TEXT = 1024 * 1024;

function buildConfiguration(document: ConfigurationDocument): Configuration {
  const sites = Object.entries(document.sites);
  const cdns = new Map(
    Object.entries(document.cdns).map(([name, cdn]) => [name, buildCdn(name, cdn, document)]),
  );
  const hostsBySite = resolveHosts(document, cdns);
  const rules = sites.flatMap(([name, site]) =>
    site.containers.map((container, index) =>
      buildRule({
        name,
        index,
        container,
        site,
        defaults: document.defaults,
        hosts: hostsBySite.get(name) ?? [],
      }),
    ),
  );
  const accounts = rules.map(({ account }) => account).filter((account) => account !== '*');
  return {
    cdns,
    rules,
    accounts: new Set(accounts),
    hosts: collectHosts(rules),
    sites: new Map(sites.map(([name, { priority }]) => [name, { name, priority }])),
    planner: document.planner && buildPlanner(document.planner),
  };
}

function buildPlanner({
  never,
  roots,
  smallestDirectory,
  mostEvicted,
  staleCost,
  maxStalenessMinutes,
  newBlobs,
  groups,
  recountHours,
  relistHours,
}: NonNullable<ConfigurationDocument['planner']>): PlannerConfiguration {
  const isForbidden = matchesDirectory(never);
  const isGroup = matchesDirectory(groups);
  return {
    isAllowed: (host, directory) => (roots || directory !== '/') && !isForbidden(host, directory),
    isGroup: groups.length === 0 ? undefined : isGroup,
    newBlobs,
    smallestDirectory,
    mostEvicted,
    staleCost,
    maxStalenessMs: maxStalenessMinutes * 60_000,
    relistAfterMs: relistHours * HOUR_MS,
    recountAfterMs: recountHours * HOUR_MS,
  };
}

const HOUR_MS = 3_600_000;

/**
 * Takes a host and a URL directory with its slash: `host/assets/**` means `host/assets/` itself as well. Its name may
 * be written as blobs are named or as URLs spell it: who protects a directory must not fail by its spelling.
 */
function matchesDirectory(globs: readonly string[]): (host: string, directory: string) => boolean {
  if (globs.length === 0) return () => false;
  const matchesName = matchesAny(globs);
  const matches = (name: string): boolean => matchesName(name) || matchesName(name.slice(0, -1));
  return (host, directory) => {
    const named = decodeUrlPath(directory) ?? directory;
    return matches(`${host}${directory}`) || (named !== directory && matches(`${host}${named}`));
  };
}

type CdnDocument = ConfigurationDocument['cdns'][string];

function buildCdn(name: string, cdn: CdnDocument, document: ConfigurationDocument): CdnConfiguration {
  switch (cdn.provider) {
    case 'azure-china-cdn':
      return {
        provider: cdn.provider,
        name,
        subscriptionId: cdn.subscription,
        keySettings: cdn.keys,
        apiBaseUrl: cdn.apiBaseUrl,
        limits: cdn.limits,
        matching: { ...EXACT_MATCHING, reachesBelow: cdn.directoriesReachBelow },
        timeouts: cdn.timeouts,
        quota: buildQuotaPolicy(cdn, document),
      };
    case 'azure-front-door':
      return buildFrontDoor(name, cdn);
  }
}

function buildFrontDoor(
  name: string,
  cdn: Extract<CdnDocument, { provider: 'azure-front-door' }>,
): AzureFrontDoorConfiguration {
  const cloud = CLOUDS[cdn.cloud];
  return {
    provider: cdn.provider,
    name,
    subscriptionId: cdn.subscription,
    resourceGroup: cdn.resourceGroup,
    profile: cdn.profile,
    endpoint: cdn.endpoint,
    armUrl: cdn.armUrl ?? cloud.armUrl,
    apiVersion: cdn.apiVersion,
    identity: {
      kind: cdn.identity.kind,
      clientId: cdn.identity.clientId,
      authority: cdn.authority ?? cloud.authority,
      audience: cdn.audience ?? cloud.audience,
    },
    limits: cdn.limits,
    purgesInFlight: cdn.purgesInFlight,
    // learn.microsoft.com/azure/frontdoor/cache-purge
    matching: { ignoresCase: true, ignoresQuery: true, ignoresScheme: true, reachesBelow: true },
    timeouts: cdn.timeouts,
  };
}

type SiteDocument = ConfigurationDocument['sites'][string];
type ContainerDocument = SiteDocument['containers'][number];

/**
 * An endpoint given once for a host holds wherever the document names that host on the same CDN; that of the CDN
 * where there is none.
 */
function resolveHosts(
  { cdns, sites, defaults }: ConfigurationDocument,
  built: Configuration['cdns'],
): Map<string, RuleHost[]> {
  const endpoints = new Map<string, string>();
  const hostsBySite = new Map<string, RuleHost[]>();
  for (const [name, site] of Object.entries(sites)) {
    const hosts = site.hosts.map((given) => resolveHost(given, site.cdn ?? defaults?.cdn));
    for (const host of hosts)
      if (host.endpointId !== undefined) endpoints.set(hostKey(host), host.endpointId);
    hostsBySite.set(name, hosts);
  }
  for (const [name, hosts] of hostsBySite) {
    hostsBySite.set(
      name,
      hosts.map((host) => ({
        ...host,
        endpointId: endpoints.get(hostKey(host)) ?? endpointOf(cdns[host.cdn]),
        matching: matchingOf(built.get(host.cdn)),
      })),
    );
  }
  return hostsBySite;
}

function endpointOf(cdn: CdnDocument | undefined): string | undefined {
  return cdn?.provider === 'azure-front-door' ? cdn.endpoint : undefined;
}

/** Undefined where each URL stands for itself: targets need not say so. */
function matchingOf(cdn: CdnConfiguration | undefined): UrlMatching | undefined {
  return isSameMatching(cdn?.matching, EXACT_MATCHING) ? undefined : cdn?.matching;
}

const hostKey = ({ cdn, host }: RuleHost): string => `${cdn} ${host}`;

function resolveHost(given: SiteDocument['hosts'][number], inheritedCdn: string | undefined): RuleHost {
  const {
    host,
    endpoint,
    cdn = inheritedCdn,
  } = typeof given === 'string' ? { host: given, endpoint: undefined, cdn: undefined } : given;
  if (cdn === undefined) throw new Error('a host without a CDN passed the cross checks');
  return { host, cdn, endpointId: endpoint };
}

type RuleParts = {
  readonly name: string;
  readonly index: number;
  readonly container: ContainerDocument;
  readonly site: SiteDocument;
  readonly defaults: ConfigurationDocument['defaults'];
  readonly hosts: readonly RuleHost[];
};

/** What the container says counts before its site, the site before the defaults, those before what is built in. */
function buildRule({ name, index, container, site, defaults = {}, hosts }: RuleParts): MappingRule {
  const include = container.include ?? site.include ?? defaults.include;
  const exclude = container.exclude ?? site.exclude ?? defaults.exclude ?? [];
  return {
    site: name,
    path: formatPath(['sites', name, 'containers', index]),
    account: container.account,
    containerName: container.container.includes('*') ? undefined : container.container,
    matchesContainer: matchesContainer(container.container),
    servedUnder: container.path,
    strip: container.strip ?? '',
    includes: include === undefined ? () => true : matchesAny(include),
    excludes: exclude.length === 0 ? () => false : matchesAny(exclude),
    excludesTree: excludesEverythingBelow(exclude),
    indexDocuments: unique(
      container.indexDocuments ?? site.indexDocuments ?? defaults.indexDocuments ?? ['index.html'],
    ),
    indexWithoutSlash:
      container.indexWithoutSlash ?? site.indexWithoutSlash ?? defaults.indexWithoutSlash ?? false,
    hosts,
    schemes: unique(container.schemes ?? site.schemes ?? defaults.schemes ?? ['http']),
    spellings: unique(container.spellings ?? site.spellings ?? defaults.spellings ?? ['link']),
  };
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

function collectHosts(rules: readonly MappingRule[]): Map<string, ConfiguredHost> {
  const found = new Map<string, { servedBy: ConfiguredHost['servedBy'][number][]; schemes: Set<Scheme> }>();
  for (const rule of rules) {
    for (const { host, cdn, endpointId, matching } of rule.hosts) {
      const entry = found.get(host) ?? { servedBy: [], schemes: new Set() };
      found.set(host, entry);
      if (!entry.servedBy.some((known) => known.cdn === cdn)) {
        entry.servedBy.push({ cdn, endpointId, site: rule.site, matching });
      }
      for (const scheme of rule.schemes) entry.schemes.add(scheme);
    }
  }
  return new Map(
    [...found].map(([host, { servedBy, schemes }]) => [
      host,
      { host, servedBy, schemes: SCHEMES.filter((scheme) => schemes.has(scheme)) },
    ]),
  );
}
