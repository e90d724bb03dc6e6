// The app settings, parsed once: raw names in, one shaped object out, every fault at once.

import { z } from 'zod';

import { ConfigurationError } from './configuration-error.ts';

export type Environment = {
  /** Connection string of the storage account that holds the buffer and the records. */
  readonly storageConnection: string;
  readonly configurationFrom: ConfigurationOrigin;
  /** NCRONTAB, six fields, UTC. */
  readonly schedule: string;
  readonly queueName: string;
  readonly recordsContainer: string;
  /** How long a received message stays hidden from other flushes. */
  readonly visibilityMs: number;
  readonly applicationInsightsConnection: string | undefined;
};

/** Where the configuration document comes from. */
export type ConfigurationOrigin =
  | { readonly kind: 'setting'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'blob'; readonly container: string; readonly blob: string };

type Settings = Readonly<Record<string, string | undefined>>;

/** Takes the app settings, gives the environment. Throws a ConfigurationError that lists every fault. */
export function parseEnvironment(settings: Settings): Environment {
  const given = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    throw new ConfigurationError(
      parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    );
  }
  return parsed.data;
}

const QUEUE_NAME = /^[a-z0-9](?:-?[a-z0-9]){2,55}$/; // 3 to 63 characters with "-poison" behind it
const CONTAINER_NAME = /^[a-z0-9](?:-?[a-z0-9]){2,62}$/;

const Environment = z
  .object({
    PURGE_STORAGE: z.string(
      'not set: the connection string of the storage account for the buffer and the records',
    ),
    PURGE_CONFIG: z.string().optional(),
    PURGE_CONFIG_FILE: z.string().optional(),
    PURGE_CONFIG_BLOB: z
      .string()
      .regex(/^[^/]+\/.+$/, 'must be CONTAINER/BLOB, in the account of PURGE_STORAGE')
      .optional(),
    PURGE_SCHEDULE: z
      .string()
      .regex(/^\S+(?: \S+){5}$/, 'must be an NCRONTAB expression of six fields, as in "*/10 * * * * *"')
      .default('*/10 * * * * *'),
    PURGE_QUEUE: z
      .string()
      .regex(QUEUE_NAME, 'must be a queue name of 3 to 56 lower-case letters, digits and single hyphens')
      .default('purge-buffer'),
    PURGE_RECORDS_CONTAINER: z
      .string()
      .regex(CONTAINER_NAME, 'must be a container name')
      .default('purge-records'),
    PURGE_VISIBILITY_SECONDS: z.coerce
      .number('must be a number of seconds')
      .int('must be whole seconds')
      .min(5, 'must be at least 5')
      .max(3600, 'must be at most 3600')
      .default(300),
    APPLICATIONINSIGHTS_CONNECTION_STRING: z.string().optional(),
  })
  .transform((settings, issues): Environment => {
    const configurationFrom = originOf(settings);
    if (configurationFrom === undefined) {
      issues.addIssue({
        code: 'custom',
        path: ['PURGE_CONFIG'],
        message:
          'set exactly one of PURGE_CONFIG (the JSON document), PURGE_CONFIG_FILE and PURGE_CONFIG_BLOB',
      });
      return z.NEVER;
    }
    return {
      storageConnection: settings.PURGE_STORAGE,
      configurationFrom,
      schedule: settings.PURGE_SCHEDULE,
      queueName: settings.PURGE_QUEUE,
      recordsContainer: settings.PURGE_RECORDS_CONTAINER,
      visibilityMs: settings.PURGE_VISIBILITY_SECONDS * 1000,
      applicationInsightsConnection: settings.APPLICATIONINSIGHTS_CONNECTION_STRING,
    };
  });

type OriginSettings = {
  readonly PURGE_CONFIG?: string | undefined;
  readonly PURGE_CONFIG_FILE?: string | undefined;
  readonly PURGE_CONFIG_BLOB?: string | undefined;
};

function originOf({
  PURGE_CONFIG: text,
  PURGE_CONFIG_FILE: path,
  PURGE_CONFIG_BLOB: place,
}: OriginSettings): ConfigurationOrigin | undefined {
  const origins: ConfigurationOrigin[] = [];
  if (text !== undefined) origins.push({ kind: 'setting', text });
  if (path !== undefined) origins.push({ kind: 'file', path });
  if (place !== undefined) {
    const slash = place.indexOf('/');
    origins.push({ kind: 'blob', container: place.slice(0, slash), blob: place.slice(slash + 1) });
  }
  return origins.length === 1 ? origins[0] : undefined;
}
