// Everything about the emulated Front Door that can be chosen: what exists, and how the service behaves.
import * as z from 'zod';
import { EdgeHost, HostName } from '../edge/edge-host.ts';

const Guid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu, 'expected a GUID');
const ResourceName = z.string().regex(/^[\w.()-]{1,90}$/u, 'expected the name of an Azure resource');

export type Endpoint = z.infer<typeof Endpoint>;
const Endpoint = z.strictObject({
  name: ResourceName,
  /** The endpoint's own host, such as `contoso-a1b2c3.z01.azurefd.net`. */
  hostName: HostName,
  /** The custom domains that a route of the endpoint has; `*.example.com` for a wildcard one. */
  domains: z.array(HostName).default([]),
});

export type Profile = z.infer<typeof Profile>;
const Profile = z.strictObject({
  subscription: Guid,
  resourceGroup: ResourceName,
  name: ResourceName,
  endpoints: z.array(Endpoint).min(1),
});

/** Which identities the app has: the system-assigned one, and user-assigned ones by their client ids. */
const Identities = z.strictObject({
  system: z.boolean().default(true),
  userAssigned: z.array(Guid).default([]),
});

const milliseconds = z.int().min(0);
const apiVersion = z.string().regex(/^\d{4}-\d{2}-\d{2}(?:-preview)?$/u);

const behaviourMembers = {
  apiVersions: z.array(apiVersion),
  /** The audiences for which tokens are issued and taken: those of the emulated cloud's Resource Manager. */
  audiences: z.array(z.string().min(1)).min(1),
  /** How long a token lasts, by the system's clock. */
  tokenLifetimeSeconds: z.int().min(0),
  /** Actions that the caller's role lacks, such as `Microsoft.Cdn/profiles/afdendpoints/Purge/action`. */
  missingActions: z.array(z.string()),
  maxBodyBytes: z.int().min(1),
  maxPathsPerPurge: z.int().min(1),
  /** Refuse a path with `?`. */
  refuseQuery: z.boolean(),
  /** Refuse a path with characters that a URL must have percent-encoded. Not documented for Front Door. */
  refuseUnencoded: z.boolean(),
  /** `Retry-After` of the 202; null sends none. */
  retryAfterSeconds: z.int().min(0).nullable(),
  /** `Retry-After` of a poll that finds the purge under way; null sends none. */
  pollRetryAfterSeconds: z.int().min(0).nullable(),
  /** How long one purge takes, in virtual time, once it is its turn. Seen: 2 to 45 minutes. */
  purgeMs: milliseconds,
  /** How long after its success a purge takes effect on the edge, in virtual time. */
  edgeDelayMs: milliseconds,
  /** How long after its end an operation can still be asked about, in virtual time; null: for ever. */
  operationLapsesAfterMs: milliseconds.nullable(),
  /** Length of an operation's URL, at least. */
  operationUrlBytes: z.int().min(0).max(16_000),
  /** Whether the edge keeps an answer for each query, as a route can be set. */
  cacheKeyQuery: z.enum(['ignored', 'kept']),
};

/** How the service behaves: every point where the documentation is silent or contradicts itself is a switch. */
export type Behaviour = Readonly<z.infer<typeof Behaviour>>;
export const Behaviour = z.strictObject(behaviourMembers);

export type BehaviourPatch = z.infer<typeof BehaviourPatch>;
export const BehaviourPatch = z.strictObject(behaviourMembers).partial();

export const defaultBehaviour: Behaviour = {
  apiVersions: [
    '2023-05-01',
    '2024-02-01',
    '2024-09-01',
    '2025-04-15',
    '2025-06-01',
    '2025-09-01-preview',
    '2025-12-01',
    '2026-07-01',
  ],
  audiences: ['https://management.azure.com', 'https://management.core.windows.net'],
  tokenLifetimeSeconds: 24 * 60 * 60,
  missingActions: [],
  maxBodyBytes: 4 * 1024 * 1024,
  // https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-front-door-standard-and-premium-tier-service-limits
  maxPathsPerPurge: 100,
  refuseQuery: true,
  refuseUnencoded: false,
  retryAfterSeconds: 10,
  pollRetryAfterSeconds: null,
  purgeMs: 120_000,
  edgeDelayMs: 0,
  operationLapsesAfterMs: null,
  operationUrlBytes: 4_200,
  cacheKeyQuery: 'kept',
};

/** A settings file or object. Each list replaces the default one; `behaviour` states only what differs. */
export type EmulatorSettings = z.infer<typeof EmulatorSettings>;
export const EmulatorSettings = z.strictObject({
  profiles: z.array(Profile),
  hosts: z.array(EdgeHost),
  identities: Identities.prefault({}),
  behaviour: BehaviourPatch.default({}),
});
