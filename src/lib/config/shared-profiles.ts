// What entries of `cdns` must agree on because they are one Front Door profile.

import { formatPath, type ConfigurationProblem } from './configuration-problem.ts';
import type { ConfigurationDocument } from './configuration.schema.ts';

/** Takes a document, gives an entry that says otherwise than another one of the same profile. */
export function findProfileFaults({ cdns }: ConfigurationDocument): ConfigurationProblem[] {
  const faults: ConfigurationProblem[] = [];
  const byProfile = new Map<string, { readonly name: string; readonly purgesInFlight: number }>();
  for (const [name, cdn] of Object.entries(cdns)) {
    if (cdn.provider !== 'azure-front-door') continue;
    const { subscription, resourceGroup, profile, purgesInFlight } = cdn;
    const key = `${subscription}/${resourceGroup}/${profile}`.toLowerCase();
    const first = byProfile.get(key);
    if (first === undefined) byProfile.set(key, { name, purgesInFlight });
    else if (first.purgesInFlight !== purgesInFlight) {
      const message = `differs from that of ${first.name}, which is the same profile: state the same`;
      faults.push({ path: formatPath(['cdns', name, 'purgesInFlight']), message });
    }
  }
  return faults;
}
