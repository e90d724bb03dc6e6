// From the document's quotas to the policy that the ledger keeps.

import type { DayBudget } from '../core/purge-budget.ts';
import type { QuotaPolicy, QuotaUnit, SiteShare, Units } from '../core/quota-ledger.ts';
import { formatPath, type ConfigurationProblem } from './configuration-problem.ts';
import type { ConfigurationDocument } from './configuration.schema.ts';

/** Only such a CDN has a quota. */
type CdnDocument = Extract<ConfigurationDocument['cdns'][string], { quota: unknown }>;
type SiteDocument = ConfigurationDocument['sites'][string];

const MINUTE_MS = 60_000;

/** Takes a CDN of the document, gives the policy of its subscription. */
export function buildQuotaPolicy(cdn: CdnDocument, document: ConfigurationDocument): QuotaPolicy {
  const { quota } = cdn;
  const sites = sitesOn(cdn.subscription, document);
  const dayOf = (limit: number): Pick<DayBudget, 'limit' | 'per' | 'keptForPeople'> => ({
    limit,
    per: 'day',
    keptForPeople: Math.ceil((limit * quota.manualReservePercent) / 100),
  });
  return {
    budgets: [
      { perFile: 1, perDirectory: 0, ...dayOf(quota.files) },
      { perFile: 0, perDirectory: 1, ...dayOf(quota.directories) },
    ],
    resetUtcOffsetHours: quota.resetUtcOffsetHours,
    resetMarginMs: quota.resetMarginMinutes * MINUTE_MS,
    spentAfterThrottledMs: quota.spentAfterThrottledMinutes * MINUTE_MS,
    probeEveryMs: quota.probeEveryMinutes * MINUTE_MS,
    sites: new Map(sites.map(([name, site]) => [name, shareOf(site)])),
  };
}

/** The sites with a host on a CDN of the subscription: only they share its quota. */
function sitesOn(
  subscription: string,
  { cdns, sites, defaults }: ConfigurationDocument,
): readonly (readonly [name: string, site: SiteDocument])[] {
  return Object.entries(sites).filter(([, site]) =>
    site.hosts.some((host) => {
      const own = typeof host === 'string' ? undefined : host.cdn;
      const cdn = cdns[own ?? site.cdn ?? defaults?.cdn ?? ''];
      return cdn !== undefined && hasQuota(cdn) && cdn.subscription === subscription;
    }),
  );
}

function hasQuota(cdn: ConfigurationDocument['cdns'][string]): cdn is CdnDocument {
  return 'quota' in cdn;
}

type GivenUnits = { readonly files?: number | undefined; readonly directories?: number | undefined };

const units = (given: GivenUnits | undefined, otherwise: number): Units => ({
  files: given?.files ?? otherwise,
  directories: given?.directories ?? otherwise,
});

function shareOf({ quota, priority }: SiteDocument): SiteShare {
  return { reserve: units(quota?.reserve, 0), max: units(quota?.max, Infinity), priority };
}

/** Takes a document, gives what its quotas promise more than once: nobody could keep it. */
export function findQuotaFaults(document: ConfigurationDocument): ConfigurationProblem[] {
  const { sites } = document;
  const cdns = Object.entries(document.cdns).flatMap(([name, cdn]) =>
    hasQuota(cdn) ? [[name, cdn] as const] : [],
  );
  const faults: ConfigurationProblem[] = [];
  const bySubscription = new Map<string, { name: string; quota: CdnDocument['quota'] }>();
  for (const [name, { subscription, quota }] of cdns) {
    const first = bySubscription.get(subscription);
    if (first === undefined) bySubscription.set(subscription, { name, quota });
    else if (JSON.stringify(first.quota) !== JSON.stringify(quota)) {
      const message = `differs from the quota of ${first.name}, which has the same subscription: state the same`;
      faults.push({ path: formatPath(['cdns', name, 'quota']), message });
    }
  }
  for (const unit of ['files', 'directories'] satisfies QuotaUnit[]) {
    for (const [name, { quota, subscription }] of cdns) {
      const reserved = sitesOn(subscription, document).reduce(
        (sum, [, site]) => sum + (site.quota?.reserve?.[unit] ?? 0),
        0,
      );
      const free = quota[unit] - Math.ceil((quota[unit] * quota.manualReservePercent) / 100);
      if (reserved > free) {
        const message = `${free} ${unit} are left for events, but the sites reserve ${reserved} together`;
        faults.push({ path: formatPath(['cdns', name, 'quota', unit]), message });
      }
    }
    for (const [name, { quota }] of Object.entries(sites)) {
      const [reserve, max] = [quota?.reserve?.[unit], quota?.max?.[unit]];
      if (reserve !== undefined && max !== undefined && reserve > max) {
        faults.push({
          path: formatPath(['sites', name, 'quota', 'max', unit]),
          message: 'is less than the reserve',
        });
      }
    }
  }
  return faults;
}
