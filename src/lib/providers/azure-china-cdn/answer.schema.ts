// The bodies that the Azure China CDN API answers with: only the fields that are used, in every shape that was seen.

import * as z from 'zod';

/** 202 of a purge: docs.azure.cn/en-us/cdn/cdn-api-add-purge */
export const PurgeTaken = z.object({
  Succeeded: z.literal(true).optional(),
  AsyncInfo: z.object({ TaskTrackId: z.string().min(1) }),
});

/** A refusal, on any status: also on 200. */
export const Refusal = z.object({
  Succeeded: z.literal(false).nullish(),
  ErrorInfo: z.object({ Type: z.string().min(1), Message: z.string().nullish() }),
});

// The documents say EndpointID, Setting and "true"; the service answered EndpointId, Settings and true.
const flag = z.union([z.boolean(), z.string().transform((text) => text.toLowerCase() === 'true')]);
/** It becomes part of a path that is signed: only what needs no escaping there. */
const endpointId = z.string().regex(/^[\w-]+$/);
const settings = z.object({ CustomDomain: z.string() });
const status = z.object({
  Enabled: flag.nullish(),
  LifetimeStatus: z.string().nullish(),
  IcpVerifyStatus: z.string().nullish(),
});

const endpoint = z
  .object({
    EndpointId: endpointId.nullish(),
    EndpointID: endpointId.nullish(),
    Settings: settings.nullish(),
    Setting: settings.nullish(),
    Status: status.nullish(),
  })
  .transform(({ EndpointId, EndpointID, Settings, Setting, Status }) => ({
    id: (EndpointId ?? EndpointID)?.toLowerCase(),
    customDomain: (Settings ?? Setting)?.CustomDomain.toLowerCase(),
    // Inferred, not documented: an endpoint in another state refuses purges.
    usable:
      Status?.Enabled !== false &&
      (Status?.LifetimeStatus ?? 'Normal') === 'Normal' &&
      (Status?.IcpVerifyStatus ?? 'IcpVerified') === 'IcpVerified',
  }));

/** One odd entry must not hide the others. */
const UNUSABLE = { id: undefined, customDomain: undefined, usable: false };

/** A bare array: docs.azure.cn/en-us/cdn/cdn-api-list-endpoints */
export const EndpointList = z.array(endpoint.catch(UNUSABLE));
export type ListedEndpoint = z.infer<typeof endpoint>;
