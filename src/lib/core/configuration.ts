// The operator's document once parsed: what the use cases and providers work by. It holds no secret.

import type { Scheme } from './cdn-url.ts';
import type { QuotaPolicy } from './quota-ledger.ts';
import type { MappingRule } from './url-mapping.ts';

export type Configuration = {
  readonly cdns: ReadonlyMap<string, CdnConfiguration>;
  readonly rules: readonly MappingRule[];
  /** Storage accounts whose events are believed. */
  readonly accounts: ReadonlySet<string>;
  /** Every host that may be purged, by lower-case name. */
  readonly hosts: ReadonlyMap<string, ConfiguredHost>;
  readonly sites: ReadonlyMap<string, SiteConfiguration>;
  /** Undefined: files are never folded into directory purges. */
  readonly planner?: PlannerConfiguration | undefined;
};

/** When files may go as one directory, and how long they may wait for a better moment. */
export type PlannerConfiguration = {
  /** Takes a host and a directory of it, from `/` to `/`. */
  readonly isAllowed: (host: string, directory: string) => boolean;
  /** The fewest due files worth a directory purge. */
  readonly smallestDirectory: number;
  /** The most objects that one directory purge may evict though they did not change. */
  readonly mostEvicted: number;
  /** Evicted objects that one hour of one stale file is worth. */
  readonly staleCost: number;
  /** The longest that a file waits to save quota while there is some. */
  readonly maxStalenessMs: number;
  /** How old a listing of a container may get. */
  readonly relistAfterMs: number;
};

export type SiteConfiguration = { readonly name: string; readonly priority: number };

/** One host name, with each CDN endpoint that serves it. */
export type ConfiguredHost = {
  readonly host: string;
  readonly servedBy: readonly {
    readonly cdn: string;
    readonly endpointId: string | undefined;
    readonly site: string;
  }[];
  /** Union of the schemes of the rules that use the host: a person's URL is purged under each. */
  readonly schemes: readonly Scheme[];
};

/** What one request to a CDN may hold. */
export type RequestLimits = { readonly urlsPerRequest: number; readonly bytesPerRequest: number };

export type CdnConfiguration = AzureChinaCdnConfiguration;

export type AzureChinaCdnConfiguration = {
  readonly provider: 'azure-china-cdn';
  readonly name: string;
  /** Lower-case GUID. */
  readonly subscriptionId: string;
  /** Names of the app settings that hold the key; never their values. */
  readonly keySettings: KeySettings & { readonly second?: KeySettings | undefined };
  /** No trailing slash; https unless the host is loopback. */
  readonly apiBaseUrl: string;
  readonly limits: RequestLimits;
  readonly quota: QuotaPolicy;
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };
};

export type KeySettings = { readonly id: string; readonly value: string };
