// Describes requests to Azure Resource Manager as data.
// learn.microsoft.com/rest/api/frontdoorservice/azurefrontdoorstandardpremium/afd-endpoints/purge-content

import type { AzureFrontDoorConfiguration } from '../../core/configuration.ts';
import type { CdnUrl } from '../../core/cdn-url.ts';
import type { PurgeBatch } from '../../use-cases/ports.ts';

export type ApiRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly body: string | undefined;
  readonly linkedTraceparents?: readonly string[] | undefined;
  /** The query lets whoever has it read: it stays out of telemetry. */
  readonly hasSecretQuery?: boolean | undefined;
};

type Profile = Pick<
  AzureFrontDoorConfiguration,
  'armUrl' | 'apiVersion' | 'subscriptionId' | 'resourceGroup' | 'profile'
>;

/**
 * Takes a batch, gives the request that purges every path of it on every host of it. The hosts are always named:
 * without them Front Door clears only the endpoint's own `azurefd.net` name.
 */
export function describePurge(
  profile: Profile,
  { endpointId, files, directories, linkedTraceparents }: PurgeBatch,
): ApiRequest {
  const contentPaths = [...files.map(contentPath), ...directories.map((url) => `${contentPath(url)}*`)];
  const domains = [...files, ...directories].map((url) => partsOf(url).host.toLowerCase());
  return {
    method: 'POST',
    url: new URL(`${profilePath(profile)}/afdEndpoints/${segment(endpointId)}/purge?${version(profile)}`),
    body: JSON.stringify({ contentPaths: unique(contentPaths), domains: unique(domains) }),
    linkedTraceparents,
  };
}

/**
 * Takes a refusal's words and the purge, gives the URLs of which they name the path in quotes; if none, those whose
 * host they name. github.com/Azure/azure-cli/issues/26025
 */
export function urlsNamedIn(
  words: string,
  { files, directories }: Pick<PurgeBatch, 'files' | 'directories'>,
): readonly CdnUrl[] {
  const byPath = [
    ...files.filter((url) => words.includes(`"${contentPath(url)}"`)),
    ...directories.filter((url) => words.includes(`"${contentPath(url)}*"`)),
  ];
  if (byPath.length > 0) return byPath;
  const named = new Set(words.toLowerCase().match(/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/gu));
  return [...files, ...directories].filter((url) => named.has(partsOf(url).host.toLowerCase()));
}

/** Takes where the API said that it tells of a purge, gives the request for it. The address is opaque. */
export function describeProgress(operationUrl: URL): ApiRequest {
  return { method: 'GET', url: operationUrl, body: undefined, hasSecretQuery: true };
}

/**
 * The path as the edge knows it: Front Door purges whatever the query, and refuses one. `$` it refuses too, and an
 * asterisk it reads as a wildcard: both are escaped.
 */
function contentPath(url: CdnUrl): string {
  return partsOf(url).path.replaceAll('$', '%24').replaceAll('*', '%2A');
}

function partsOf(url: CdnUrl): { readonly host: string; readonly path: string } {
  const { host, path } = /^https?:\/\/(?<host>[^/]+)(?<path>\/[^?]*)/su.exec(url)?.groups ?? {};
  if (host === undefined || path === undefined) throw new RangeError('a CDN URL has a host and a path');
  return { host, path };
}

function profilePath({ armUrl, subscriptionId, resourceGroup, profile }: Profile): string {
  return (
    `${armUrl}/subscriptions/${subscriptionId}/resourceGroups/${segment(resourceGroup)}` +
    `/providers/Microsoft.Cdn/profiles/${segment(profile)}`
  );
}

const version = ({ apiVersion }: Profile): string => `api-version=${apiVersion}`;
const segment = encodeURIComponent;
const unique = (values: readonly string[]): readonly string[] => [...new Set(values)];
