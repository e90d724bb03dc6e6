// The app settings, parsed once: raw names in, one shaped object out, every fault at once.

import * as z from 'zod';

import { isTimeZone } from '../shown-time.ts';
import { ConfigurationError } from './configuration-error.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { parseInventoryConnections } from './inventory-connections.ts';
import {
  parseStorageConnection,
  type BlobConnection,
  type StorageConnection,
} from './storage-by-identity.ts';

export type Environment = {
  /** Of the storage account that holds the buffer and the records. */
  readonly storage: StorageConnection;
  readonly configurationFrom: ConfigurationOrigin;
  /** NCRONTAB, six fields, UTC. */
  readonly schedule: string;
  /** Of the tracker, in the same form. */
  readonly trackSchedule: string;
  /** When old records are deleted, in the same form. */
  readonly forgetSchedule: string;
  /** Of the heartbeat, in the same form; undefined: nobody would hear it. */
  readonly heartbeatSchedule: string | undefined;
  /** For so many days records are kept. */
  readonly recordsDays: number;
  readonly queueName: string;
  readonly recordsContainer: string;
  /** Where Event Grid leaves what it cannot deliver, in the same account; undefined: nobody reads it. */
  readonly deadLetters: { readonly container: string; readonly schedule: string } | undefined;
  readonly inventory: {
    /** When a part of the containers is listed, in the same form. */
    readonly schedule: string;
    /** By account, beside that of the buffer and the records. */
    readonly connections: ReadonlyMap<string, BlobConnection>;
  };
  /** How long a received message stays hidden from other flushes. */
  readonly visibilityMs: number;
  /** How long a flush that died keeps others from flushing. */
  readonly leaseSeconds: number;
  readonly applicationInsightsConnection: string | undefined;
  /** The zone of the times in log lines. */
  readonly timeZone: string;
  /** The app role that every caller over HTTP must have; undefined: a key of the Functions host is enough. */
  readonly requiredRole: string | undefined;
};

/** Where the configuration document comes from. */
export type ConfigurationOrigin =
  | { readonly kind: 'setting'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'blob'; readonly container: string; readonly blob: string };

/** Where the records are unless PURGE_RECORDS_CONTAINER says otherwise. */
export const DEFAULT_RECORDS_CONTAINER = 'purge-records';

type Settings = Readonly<Record<string, string | undefined>>;

/** Takes the app settings, gives the environment. Throws a ConfigurationError that lists every fault. */
export function parseEnvironment(settings: Settings): Environment {
  const given = givenOf(settings);
  const parsed = RawEnvironment.safeParse(given);
  const origins = originsOf(given);
  const [configurationFrom] = origins;
  const storage = parseStorageConnection(given, 'PURGE_STORAGE');
  const inventory = parseInventoryConnections(given);
  const conflicts = findConflicts(given);
  if (
    !parsed.success ||
    !storage.ok ||
    !inventory.ok ||
    conflicts.length > 0 ||
    configurationFrom === undefined ||
    origins.length > 1
  ) {
    const faults = parsed.success ? [] : parsed.error.issues;
    throw new ConfigurationError([
      ...(storage.ok ? [] : storage.error),
      ...faults.map(({ path, message }) => ({ path: path.join('.'), message })),
      ...conflicts,
      ...(inventory.ok ? [] : inventory.error),
      ...(origins.length === 1 ? [] : [ONE_DOCUMENT]),
    ]);
  }
  const raw = parsed.data;
  return {
    storage: storage.value,
    configurationFrom,
    schedule: raw.PURGE_SCHEDULE,
    trackSchedule: raw.PURGE_TRACK_SCHEDULE,
    forgetSchedule: raw.PURGE_FORGET_SCHEDULE,
    heartbeatSchedule:
      raw.APPLICATIONINSIGHTS_CONNECTION_STRING === undefined ? undefined : raw.PURGE_HEARTBEAT_SCHEDULE,
    recordsDays: raw.PURGE_RECORDS_DAYS,
    queueName: raw.PURGE_QUEUE,
    recordsContainer: raw.PURGE_RECORDS_CONTAINER,
    deadLetters:
      raw.PURGE_DEAD_LETTER_CONTAINER === undefined
        ? undefined
        : { container: raw.PURGE_DEAD_LETTER_CONTAINER, schedule: raw.PURGE_DEAD_LETTER_SCHEDULE },
    inventory: { schedule: raw.PURGE_INVENTORY_SCHEDULE, connections: inventory.value },
    visibilityMs: raw.PURGE_VISIBILITY_SECONDS * 1000,
    leaseSeconds: raw.PURGE_LEASE_SECONDS,
    applicationInsightsConnection: raw.APPLICATIONINSIGHTS_CONNECTION_STRING,
    timeZone: raw.PURGE_TIME_ZONE,
    requiredRole: raw.PURGE_HTTP_REQUIRED_ROLE,
  };
}

/** Takes the app settings, faulty as they may be, gives where the document is; undefined unless that is one place. */
export function findOrigin(settings: Settings): ConfigurationOrigin | undefined {
  const origins = originsOf(givenOf(settings));
  return origins.length === 1 ? origins[0] : undefined;
}

/** What is empty counts as not set. */
const givenOf = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== ''));

const ONE_DOCUMENT = {
  path: 'PURGE_CONFIG',
  message: 'set exactly one of PURGE_CONFIG (the JSON document), PURGE_CONFIG_FILE and PURGE_CONFIG_BLOB',
};

/** Every way of giving the document that is used: there should be one. */
function originsOf(given: Settings): readonly ConfigurationOrigin[] {
  const { PURGE_CONFIG: text, PURGE_CONFIG_FILE: path, PURGE_CONFIG_BLOB: place } = given;
  const origins: ConfigurationOrigin[] = [];
  if (text !== undefined) origins.push({ kind: 'setting', text });
  if (path !== undefined) origins.push({ kind: 'file', path });
  if (place !== undefined) {
    const slash = place.indexOf('/');
    origins.push({ kind: 'blob', container: place.slice(0, slash), blob: place.slice(slash + 1) });
  }
  return origins;
}

const QUEUE_NAME = /^[a-z0-9](?:-?[a-z0-9]){2,55}$/; // 3 to 63 characters with "-poison" behind it
const CONTAINER_NAME = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;

const schedule = z
  .string()
  .regex(/^\S+(?: \S+){5}$/, 'must be an NCRONTAB expression of six fields, as in "*/10 * * * * *"');

const RawEnvironment = z.object({
  PURGE_CONFIG_BLOB: z
    .string()
    .regex(/^[^/]+\/.+$/, 'must be CONTAINER/BLOB, in the account of PURGE_STORAGE')
    .optional(),
  PURGE_SCHEDULE: schedule.default('*/10 * * * * *'),
  // Beside the flush, not with it: storage and CPU are shared.
  PURGE_TRACK_SCHEDULE: schedule.default('5,20,35,50 * * * * *'),
  // Beside the others, too.
  PURGE_HEARTBEAT_SCHEDULE: schedule.default('17 * * * * *'),
  PURGE_QUEUE: z
    .string()
    .regex(QUEUE_NAME, 'must be a queue name of 3 to 56 lower-case letters, digits and single hyphens')
    .default('purge-buffer'),
  PURGE_RECORDS_CONTAINER: z
    .string()
    .regex(CONTAINER_NAME, 'must be a container name')
    .default(DEFAULT_RECORDS_CONTAINER),
  // One day at least: an idempotency key counts for 24 hours, and a purge is followed as long.
  PURGE_RECORDS_DAYS: z.coerce
    .number('must be a number of days')
    .int('must be whole days')
    .min(1, 'must be at least 1')
    .max(3650, 'must be at most 3650')
    .default(30),
  // Once a night, in a minute in which little else begins.
  PURGE_FORGET_SCHEDULE: schedule.default('0 17 3 * * *'),
  PURGE_DEAD_LETTER_CONTAINER: z
    .string()
    .regex(CONTAINER_NAME, 'must be a container name, in the account of PURGE_STORAGE')
    .optional(),
  PURGE_DEAD_LETTER_SCHEDULE: schedule.default('0 */5 * * * *'),
  // Beside the flush and the tracker. What one run does not list, the next goes on with.
  PURGE_INVENTORY_SCHEDULE: schedule.default('43 */5 * * * *'),
  PURGE_VISIBILITY_SECONDS: z.coerce
    .number('must be a number of seconds')
    .int('must be whole seconds')
    .min(5, 'must be at least 5')
    .max(3600, 'must be at most 3600')
    .default(300),
  // What a blob's lease may last: learn.microsoft.com/rest/api/storageservices/lease-blob
  PURGE_LEASE_SECONDS: z.coerce
    .number('must be a number of seconds')
    .int('must be whole seconds')
    .min(15, 'must be at least 15')
    .max(60, 'must be at most 60')
    .default(30),
  APPLICATIONINSIGHTS_CONNECTION_STRING: z.string().optional(),
  PURGE_TIME_ZONE: z
    .string()
    .refine(isTimeZone, 'must be the name of a time zone, as in "Asia/Shanghai"')
    .default('UTC'),
  // learn.microsoft.com/entra/identity-platform/reference-app-manifest#approles-attribute
  PURGE_HTTP_REQUIRED_ROLE: z
    .string()
    .regex(/^[!-~]{1,250}$/, 'must be the value of an app role, without spaces')
    .optional(),
});

/** Faults between two settings: told beside those of single ones, whatever these are. */
function findConflicts(given: Settings): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const records = given['PURGE_RECORDS_CONTAINER'] ?? DEFAULT_RECORDS_CONTAINER;
  if (given['PURGE_DEAD_LETTER_CONTAINER'] === records) {
    const message = 'must not be the container of the records';
    problems.push({ path: 'PURGE_DEAD_LETTER_CONTAINER', message });
  }
  // By the platform: learn.microsoft.com/azure/app-service/reference-app-settings#authentication--authorization
  const isSigningIn = /^true$/iu.test(given['WEBSITE_AUTH_ENABLED'] ?? '');
  if (given['PURGE_HTTP_REQUIRED_ROLE'] !== undefined && !isSigningIn) {
    const message =
      'needs App Service Authentication, which is off for this app (WEBSITE_AUTH_ENABLED is not true): without it anybody could claim the role';
    problems.push({ path: 'PURGE_HTTP_REQUIRED_ROLE', message });
  }
  return problems;
}
