// Which operation of the API a method and a path name.

export const operations = [
  'add-purge',
  'query-purge',
  'add-preload',
  'query-preload',
  'list-endpoints',
  'get-endpoint',
  'get-operation',
  'get-traffic',
] as const;
export type Operation = (typeof operations)[number];

export interface Route {
  readonly operation: Operation;
  readonly subscription: string;
  /** Empty for `list-endpoints`, which names none. */
  readonly endpointId: string;
  /** The id of a purge, preload or operation; empty where the route has none. */
  readonly taskId: string;
}

export type RouteMatch =
  | { readonly kind: 'matched'; readonly route: Route }
  | { readonly kind: 'wrong-method'; readonly allowed: string }
  | { readonly kind: 'unknown-path' };

const pattern =
  /^\/subscriptions\/(?<subscription>[^/]+)\/endpoints(?:\/(?<endpointId>[^/]+)(?:\/(?<collection>[^/]+)(?:\/(?<taskId>[^/]+))?)?)?$/iu;

/** Takes the path as received, without query. Ids and words of the path match in any case. */
export function matchRoute(method: string, path: string): RouteMatch {
  const groups = pattern.exec(path)?.groups;
  if (groups === undefined) return { kind: 'unknown-path' };
  const { subscription = '', endpointId = '', collection = '', taskId = '' } = groups;
  const found = operationsAt(collection.toLowerCase(), taskId !== '', endpointId !== '');
  if (found === undefined) return { kind: 'unknown-path' };
  if (method !== found.method) return { kind: 'wrong-method', allowed: found.method };
  return { kind: 'matched', route: { operation: found.operation, subscription, endpointId, taskId } };
}

interface Offered {
  readonly method: 'GET' | 'POST';
  readonly operation: Operation;
}

function operationsAt(collection: string, hasTaskId: boolean, hasEndpointId: boolean): Offered | undefined {
  if (collection === '') {
    return { method: 'GET', operation: hasEndpointId ? 'get-endpoint' : 'list-endpoints' };
  }
  switch (collection) {
    case 'purges':
      return hasTaskId
        ? { method: 'GET', operation: 'query-purge' }
        : { method: 'POST', operation: 'add-purge' };
    case 'preloads':
      return hasTaskId
        ? { method: 'GET', operation: 'query-preload' }
        : { method: 'POST', operation: 'add-preload' };
    case 'operations':
      return hasTaskId ? { method: 'GET', operation: 'get-operation' } : undefined;
    // Known to the service, and part of the published signature vectors; answered 501 after every check.
    case 'volume':
    case 'bandwidth':
      return hasTaskId ? undefined : { method: 'GET', operation: 'get-traffic' };
    default:
      return undefined;
  }
}
