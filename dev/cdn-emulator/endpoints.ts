// The endpoints of all subscriptions: which one owns a host, which one is active, and how one reads as JSON.
import type { Behaviour, Endpoint } from './settings.ts';

export interface Endpoints {
  find(endpointId: string): Endpoint | undefined;
  ofSubscription(subscription: string): readonly Endpoint[];
  /** The endpoint that serves a concrete host: an exact name before a wildcard, a longer wildcard before a shorter. */
  ownerOf(host: string): Endpoint | undefined;
}

export function createEndpoints(all: readonly Endpoint[]): Endpoints {
  const mostSpecificFirst = all.toSorted((a, b) => specificity(b) - specificity(a));
  return {
    find: (endpointId) => all.find(({ id }) => sameId(id, endpointId)),
    ofSubscription: (subscription) => all.filter((endpoint) => sameId(endpoint.subscription, subscription)),
    ownerOf: (host) => mostSpecificFirst.find(({ customDomain }) => covers(customDomain, host)),
  };
}

export function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Inferred: only an enabled endpoint at rest whose domain has passed its ICP check takes purges. */
export function whyInactive(endpoint: Endpoint): string | undefined {
  if (!endpoint.enabled) return 'it is disabled';
  if (endpoint.lifetimeStatus !== 'Normal') return `its lifetime status is ${endpoint.lifetimeStatus}`;
  if (endpoint.icpVerifyStatus !== 'IcpVerified') return `its ICP status is ${endpoint.icpVerifyStatus}`;
  return undefined;
}

function specificity({ customDomain }: Endpoint): number {
  return customDomain.startsWith('*.') ? customDomain.length : Number.MAX_SAFE_INTEGER;
}

function covers(customDomain: string, host: string): boolean {
  const domain = customDomain.toLowerCase();
  const name = host.toLowerCase();
  if (!domain.startsWith('*.')) return name === domain;
  const suffix = domain.slice(1);
  return name.endsWith(suffix) && name.length > suffix.length && !name.startsWith('*');
}

/** One endpoint as the API answers it: in the shape that was observed, or in the documented one. */
export function endpointJson(
  endpoint: Endpoint,
  shape: Behaviour['endpointShape'],
): Readonly<Record<string, unknown>> {
  const origin = `origin-${endpoint.customDomain.replace('*.', 'any.')}`;
  const settings = {
    CustomDomain: endpoint.customDomain,
    Host: origin,
    ICP: 'local',
    ServiceType: endpoint.serviceType,
  };
  const status = {
    IcpVerifyStatus: endpoint.icpVerifyStatus,
    LifetimeStatus: endpoint.lifetimeStatus,
  };
  switch (shape) {
    case 'observed':
      return {
        EndpointId: endpoint.id,
        Settings: {
          ...settings,
          Origin: { Addresses: [origin], SchemePort: { Scheme: 'Http', HttpPort: 80 } },
          CName: `${endpoint.customDomain}.mschcdn.com`,
          AllowedScheme: 'Http',
        },
        Status: {
          ...status,
          Enabled: endpoint.enabled,
          CNameConfigured: true,
          FreeTrialExpired: false,
          TimeLastUpdated: '2024-01-02T03:04:05.4718609+00:00',
        },
      };
    case 'documented':
      return {
        EndpointID: endpoint.id,
        Setting: { ...settings, Origin: { Addresses: [origin] } },
        Status: {
          ...status,
          Enabled: String(endpoint.enabled),
          CNameConfigured: 'true',
          FreeTrialExpired: 'false',
          TimeLastUpdated: '2024-01-02T03:04:05.471Z',
        },
      };
  }
}
