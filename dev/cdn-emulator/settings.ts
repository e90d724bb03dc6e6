// Everything about the emulated CDN that can be chosen: who exists, and how the service behaves.
import * as z from 'zod';
import { EdgeHost, HostName } from '../edge/edge-host.ts';
import { ErrorType } from './api-error.ts';

const Guid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu, 'expected a GUID');

export type ApiKey = z.infer<typeof ApiKey>;
export const ApiKey = z.strictObject({
  id: z.string().regex(/^[^\s:]+$/u, 'expected no space and no colon'),
  /** The secret. Its text is the HMAC key as it stands: it is not base64-decoded. */
  value: z.string().min(1),
  permission: z.enum(['read-write', 'read-only']).default('read-write'),
  state: z.enum(['active', 'revoked', 'deleting', 'deleted', 'creating']).default('active'),
  subscription: Guid,
});

const lifetimeStatuses = [
  'Normal',
  'Creating',
  'CreationFailed',
  'Deleting',
  'Deleted',
  'Updating',
  'Enabling',
  'Disabling',
] as const;

export type Endpoint = z.infer<typeof Endpoint>;
export const Endpoint = z.strictObject({
  id: Guid,
  subscription: Guid,
  /** The accelerated name; `*.example.com` for a wildcard endpoint. */
  customDomain: HostName,
  enabled: z.boolean().default(true),
  lifetimeStatus: z.enum(lifetimeStatuses).default('Normal'),
  icpVerifyStatus: z.enum(['IcpVerifying', 'IcpVerifyFailed', 'IcpVerified']).default('IcpVerified'),
  serviceType: z.enum(['Web', 'Download', 'VOD', 'LiveStreaming', 'ImageProcessing']).default('Web'),
});

const milliseconds = z.int().min(0);
const perDay = z.int().min(0);

const behaviourMembers = {
  /** What the signature's path is: as received, lower-cased as Microsoft's C# sample does, or either. */
  pathCase: z.enum(['strict', 'csharp', 'either']),
  acceptLowerCaseHex: z.boolean(),
  dateSkewSeconds: z.int().min(0),
  /** Refuse a POST without Content-Type. A wrong one is always refused. */
  requireContentType: z.boolean(),
  maxBodyBytes: z.int().min(1),
  maxUrlsPerRequest: z.int().min(1),
  acceptDirectoriesWithoutSlash: z.boolean(),
  /** Answer every error with status 200 and `Succeeded: false`. */
  errorsWithStatus200: z.boolean(),
  errorStatuses: z.partialRecord(ErrorType, z.int().min(200).max(599)),
  /** The endpoint JSON that was really seen, or the one that the pages describe. */
  endpointShape: z.enum(['observed', 'documented']),
  itemSuccessWord: z.enum(['Succeed', 'Succeeded']),
  operationSuccessWord: z.enum(['Succeed', 'Succeeded']),
  /** Purge items show `Waiting`, as preload items do, for the first half of their time. */
  purgeItemsWait: z.boolean(),
  /** Adds members to every JSON object that no page documents. */
  extraAnswerMembers: z.boolean(),
  fileTaskMs: milliseconds,
  directoryTaskMs: milliseconds,
  preloadTaskMs: milliseconds,
  filesPerDay: perDay,
  directoriesPerDay: perDay,
  preloadsPerDay: perDay,
  /** At which offset from UTC the quota's day begins: 0, or 8 for the service's home. */
  quotaDayUtcOffsetHours: z.number().min(-12).max(14),
  /** `Retry-After` of an exhausted quota; null sends none. */
  throttleRetryAfterSeconds: z.int().min(0).nullable(),
  /** A directory purge reaches subfolders. */
  recursiveDirectories: z.boolean(),
  cacheKeyPath: z.enum(['decoded', 'as-received']),
  cacheKeyQuery: z.enum(['ignored', 'kept']),
};

/** How the service behaves: every point where the documentation is silent or contradicts itself is a switch. */
export type Behaviour = Readonly<z.infer<typeof Behaviour>>;
export const Behaviour = z.strictObject(behaviourMembers);

export type BehaviourPatch = z.infer<typeof BehaviourPatch>;
export const BehaviourPatch = z.strictObject(behaviourMembers).partial();

export const defaultBehaviour: Behaviour = {
  pathCase: 'either',
  acceptLowerCaseHex: false,
  dateSkewSeconds: 15 * 60,
  requireContentType: false,
  maxBodyBytes: 4 * 1024 * 1024,
  maxUrlsPerRequest: 100,
  acceptDirectoriesWithoutSlash: false,
  errorsWithStatus200: false,
  errorStatuses: {},
  endpointShape: 'observed',
  itemSuccessWord: 'Succeed',
  operationSuccessWord: 'Succeeded',
  purgeItemsWait: false,
  extraAnswerMembers: false,
  fileTaskMs: 300,
  directoryTaskMs: 800,
  preloadTaskMs: 300,
  // https://docs.azure.cn/en-us/cdn/cdn-api-add-purge and cdn-api-add-preload: per subscription and day.
  filesPerDay: 2_000,
  directoriesPerDay: 500,
  preloadsPerDay: 2_000,
  quotaDayUtcOffsetHours: 8,
  throttleRetryAfterSeconds: null,
  recursiveDirectories: true,
  cacheKeyPath: 'decoded',
  cacheKeyQuery: 'ignored',
};

/** A settings file or object. Each list replaces the default one; `behaviour` states only what differs. */
export type EmulatorSettings = z.infer<typeof EmulatorSettings>;
export const EmulatorSettings = z.strictObject({
  subscriptions: z.array(Guid),
  endpoints: z.array(Endpoint),
  hosts: z.array(EdgeHost),
  behaviour: BehaviourPatch.default({}),
});
