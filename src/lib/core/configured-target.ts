// A target that has waited, held against the configuration of this moment: only configured hosts are purged.

import type { Configuration } from './configuration.ts';
import type { PurgeTarget } from './purge-target.ts';
import { isSameMatching } from './url-matching.ts';

/** Takes a target, gives it with the endpoint, site and matching of now; undefined when its CDN no longer serves its host. */
export function targetInForce(
  target: PurgeTarget,
  { hosts, cdns, sites }: Configuration,
): PurgeTarget | undefined {
  if (!cdns.has(target.cdn)) return undefined;
  const served = hosts.get(target.host)?.servedBy.find(({ cdn }) => cdn === target.cdn);
  if (served === undefined) return undefined;
  const { endpointId, matching } = served;
  const site = sites.has(target.site) ? target.site : served.site;
  const isInForce =
    target.endpointId === endpointId && target.site === site && isSameMatching(target.matching, matching);
  return isInForce ? target : { ...target, endpointId, site, matching };
}
