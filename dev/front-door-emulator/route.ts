// Which operation of Resource Manager a method and a path name. All of it matches in any case.

export const operations = ['purge', 'poll', 'get-endpoint', 'token'] as const;
export type Operation = (typeof operations)[number];

export interface EndpointAddress {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly profile: string;
  readonly endpoint: string;
}

export type Route =
  | ({ readonly operation: 'purge' | 'get-endpoint' } & EndpointAddress)
  | {
      readonly operation: 'poll';
      readonly subscription: string;
      readonly resourceGroup: string;
      readonly operationId: string;
      /** Which of its two URLs it is asked by. */
      readonly by: 'azure-asyncoperation' | 'location';
    };

export type RouteMatch =
  | { readonly kind: 'matched'; readonly route: Route }
  | { readonly kind: 'wrong-method'; readonly allowed: string }
  | { readonly kind: 'unknown-path' };

const providerPath =
  /^\/subscriptions\/(?<subscription>[^/]+)\/resourceGroups\/(?<resourceGroup>[^/]+)\/providers\/Microsoft\.Cdn\/(?<rest>.+)$/iu;
const endpointPath = /^profiles\/(?<profile>[^/]+)\/afdEndpoints\/(?<endpoint>[^/]+)(?<purge>\/purge)?$/iu;
const operationPath =
  /^operationresults\/(?<operationId>[^/]+)(?<location>\/profileresults\/[^/]+\/afdendpointresults\/[^/]+)?$/iu;

/** Takes the path as received, without query. */
export function matchRoute(method: string, path: string): RouteMatch {
  const groups = providerPath.exec(path)?.groups;
  if (groups === undefined) return { kind: 'unknown-path' };
  const { subscription = '', resourceGroup = '', rest = '' } = groups;
  const group = { subscription, resourceGroup };

  const ofEndpoint = endpointPath.exec(rest)?.groups;
  if (ofEndpoint !== undefined) {
    const isPurge = ofEndpoint['purge'] !== undefined;
    const { profile = '', endpoint = '' } = ofEndpoint;
    return matched(isPurge ? 'POST' : 'GET', method, {
      operation: isPurge ? 'purge' : 'get-endpoint',
      ...group,
      profile,
      endpoint,
    });
  }
  const ofOperation = operationPath.exec(rest)?.groups;
  if (ofOperation === undefined) return { kind: 'unknown-path' };
  const { operationId = '' } = ofOperation;
  const by = ofOperation['location'] === undefined ? 'azure-asyncoperation' : 'location';
  return matched('GET', method, { operation: 'poll', ...group, operationId, by });
}

function matched(allowed: 'GET' | 'POST', method: string, route: Route): RouteMatch {
  return method === allowed ? { kind: 'matched', route } : { kind: 'wrong-method', allowed };
}
