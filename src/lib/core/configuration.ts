// The operator's document once parsed: what the use cases and providers work by. It holds no secret.

import type { UrlMatching } from './capabilities.ts';
import type { Scheme } from './cdn-url.ts';
import type { NewBlobs } from './planner/new-blobs.ts';
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
  /** What a directory purge would evict is counted anew where the listing is older. */
  readonly recountAfterMs: number;
  readonly newBlobs: NewBlobs;
  /** Whether the due files below a directory go in one request or wait together; undefined: there are no groups. */
  readonly isGroup?: ((host: string, directory: string) => boolean) | undefined;
};

export type SiteConfiguration = { readonly name: string; readonly priority: number };

/** One host name, with each CDN endpoint that serves it. */
export type ConfiguredHost = {
  readonly host: string;
  readonly servedBy: readonly {
    readonly cdn: string;
    readonly endpointId: string | undefined;
    readonly site: string;
    /** As in `PurgeTarget`. */
    readonly matching?: UrlMatching | undefined;
  }[];
  /** Union of the schemes of the rules that use the host: a person's URL is purged under each. */
  readonly schemes: readonly Scheme[];
};

/** What one request to a CDN may hold. */
export type RequestLimits = { readonly urlsPerRequest: number; readonly bytesPerRequest: number };

export type CdnConfiguration = AzureChinaCdnConfiguration | AzureFrontDoorConfiguration;

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
  readonly matching: UrlMatching;
  readonly quota: QuotaPolicy;
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };
};

export type AzureFrontDoorConfiguration = {
  readonly provider: 'azure-front-door';
  readonly name: string;
  /** Lower-case GUID. */
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly profile: string;
  /** The name of the endpoint that serves the hosts for which no other is named. */
  readonly endpoint: string | undefined;
  /** No trailing slash; https unless the host is loopback. */
  readonly armUrl: string;
  readonly apiVersion: string;
  readonly identity: IdentityConfiguration;
  readonly limits: RequestLimits;
  /** None is published. */
  readonly quota?: undefined;
  /** Purges of the profile that may be under way at once. */
  readonly purgesInFlight: number;
  readonly matching: UrlMatching;
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };
};

/** Who the app is to Azure, and for what its tokens are. */
export type IdentityConfiguration = {
  /** `managed`: the platform vouches for it; `login`: whatever @azure/identity finds on the machine. */
  readonly kind: 'managed' | 'login';
  /** The user-assigned identity to use; undefined: the system-assigned one. */
  readonly clientId: string | undefined;
  /** Where a login is made. */
  readonly authority: string;
  /** The service that the tokens are for. */
  readonly audience: string;
};

export type KeySettings = { readonly id: string; readonly value: string };
