// Which profiles and endpoints there are, and how Resource Manager says that one is not there.
import { refuse, type Refused } from './arm-error.ts';
import type { EndpointAddress } from './route.ts';
import type { Endpoint, Profile } from './settings.ts';

/** What an address means, as it is spelt where it was made. */
export interface Found {
  readonly profile: Profile;
  readonly endpoint: Endpoint;
}

export function findEndpoint(
  profiles: readonly Profile[],
  address: EndpointAddress,
): { readonly ok: true; readonly value: Found } | Refused {
  const { subscription, resourceGroup } = address;
  const inSubscription = profiles.filter((profile) => same(profile.subscription, subscription));
  if (inSubscription.length === 0) {
    return refuse(404, 'SubscriptionNotFound', `The subscription '${subscription}' could not be found.`);
  }
  const inGroup = inSubscription.filter((profile) => same(profile.resourceGroup, resourceGroup));
  if (inGroup.length === 0) {
    return refuse(404, 'ResourceGroupNotFound', `Resource group '${resourceGroup}' could not be found.`);
  }
  const profile = inGroup.find(({ name }) => same(name, address.profile));
  if (profile === undefined) {
    return refuse(
      404,
      'ParentResourceNotFound',
      `Can not perform requested operation on nested resource. Parent resource '${address.profile}' not found.`,
    );
  }
  const endpoint = profile.endpoints.find(({ name }) => same(name, address.endpoint));
  if (endpoint === undefined) {
    return refuse(
      404,
      'ResourceNotFound',
      `The Resource 'Microsoft.Cdn/profiles/${profile.name}/afdEndpoints/${address.endpoint}' under resource group '${profile.resourceGroup}' was not found.`,
    );
  }
  return { ok: true, value: { profile, endpoint } };
}

export function resourceId({ profile, endpoint }: Found): string {
  return `/subscriptions/${profile.subscription}/resourceGroups/${profile.resourceGroup}/providers/Microsoft.Cdn/profiles/${profile.name}/afdEndpoints/${endpoint.name}`;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
