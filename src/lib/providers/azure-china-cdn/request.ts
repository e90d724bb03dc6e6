// Describes requests to the Azure China CDN API as data. docs.azure.cn/en-us/cdn/cdn-api-add-purge

import type { AzureChinaCdnConfiguration } from '../../core/configuration.ts';
import type { PurgeBatch } from '../../use-cases/ports.ts';

export type ApiRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly body: string | undefined;
  readonly linkedTraceparents?: readonly string[] | undefined;
};

type Api = Pick<AzureChinaCdnConfiguration, 'apiBaseUrl' | 'subscriptionId'>;

/** The API answers only to a query that names its version. */
const API_VERSION = '1.0';

/** Takes a batch, gives the request that purges it. */
export function describePurge(
  api: Api,
  { endpointId, files, directories, linkedTraceparents }: PurgeBatch,
): ApiRequest {
  return {
    method: 'POST',
    url: apiUrl(api, `/endpoints/${endpointId}/purges`),
    body: JSON.stringify({ Files: files, Directories: directories }),
    linkedTraceparents,
  };
}

/** The request that lists the subscription's endpoints. */
export function describeEndpointList(api: Api): ApiRequest {
  return { method: 'GET', url: apiUrl(api, '/endpoints'), body: undefined };
}

/** Takes a path below the subscription, gives the URL. */
export function apiUrl({ apiBaseUrl, subscriptionId }: Api, path: string): URL {
  return new URL(`${apiBaseUrl}/subscriptions/${subscriptionId}${path}?apiVersion=${API_VERSION}`);
}
