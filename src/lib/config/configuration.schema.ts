// The configuration document as an operator writes it. docs/configuration.schema.json is made from this.

import * as z from 'zod';
import { NEW_BLOBS } from '../core/planner/new-blobs.ts';
import { SCHEMES, SPELLINGS } from '../core/cdn-url.ts';
import { Guid, limitsUpTo, parsed, Timeouts } from './document-fields.ts';
import {
  ACCOUNT,
  CONTAINER,
  parseAccount,
  parseApiBaseUrl,
  parseContainer,
  parseHostName,
  parseIndexDocument,
  parseServedPath,
  parseSettingName,
  parseStripPrefix,
  SETTING_NAME,
} from './document-strings.ts';
import { AzureFrontDoor } from './front-door.schema.ts';
import { findGlobFault } from './globs.ts';

/** Names of sites and CDNs. Checked beside the schema, so that a faulty name does not hide faults below it. */
export const ENTRY_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

const EntryName = z.string().regex(ENTRY_NAME, { error: 'must be letters, digits, - and _, at most 63' });

const SettingName = parsed(parseSettingName);

const Glob = z.string().check((context) => {
  const fault = findGlobFault(context.value);
  if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: context.value });
});

/** Each may be given for a container, for its site or in `defaults`; the nearest counts. */
const mappingFields = {
  schemes: z.array(z.enum(SCHEMES)).min(1).optional().meta({
    description:
      'URL schemes to purge. Default: ["http"], the only form that the CDN documents. Each further scheme costs its own share of the daily quota.',
    uniqueItems: true,
  }),
  spellings: z.array(z.enum(SPELLINGS)).min(1).optional().meta({
    description:
      'How blob names are written in URLs. link: as browsers send them; component: all reserved characters escaped, as Azure SDKs send them; raw: as the name reads, where a URL can say it. Default: ["link"]. Spellings that differ cost quota each.',
    uniqueItems: true,
  }),
  include: z
    .array(Glob)
    .min(1)
    .optional()
    .meta({ description: 'Globs over the whole blob name: only these are purged. Default: all.' }),
  exclude: z
    .array(Glob)
    .optional()
    .meta({ description: 'Globs over the whole blob name: these are not purged. Default: none.' }),
  indexDocuments: z.array(parsed(parseIndexDocument)).optional().meta({
    description:
      'File names that also answer for their directory: /dir/index.html purges /dir/ too. Default: ["index.html"].',
  }),
  indexWithoutSlash: z
    .boolean()
    .optional()
    .meta({ description: 'Whether an index document also purges /dir beside /dir/. Default: false.' }),
};

const keyNames = {
  id: SettingName.meta({
    description: 'Name of the app setting that holds the key id.',
    pattern: SETTING_NAME.source,
    maxLength: 64,
  }),
  value: SettingName.meta({
    description: 'Name of the app setting that holds the key value.',
    pattern: SETTING_NAME.source,
    maxLength: 64,
  }),
};

/** https://docs.azure.cn/en-us/cdn/cdn-api-add-purge: for a whole subscription, raised only by asking. */
const FILES_PER_DAY = 2_000;
const DIRECTORIES_PER_DAY = 500;

const units = z.int().min(0).max(1_000_000);

const Quota = z.strictObject({
  files: units.default(FILES_PER_DAY).meta({ description: 'File purges a day.' }),
  directories: units.default(DIRECTORIES_PER_DAY).meta({ description: 'Directory purges a day.' }),
  manualReservePercent: z
    .number()
    .min(0)
    .max(100)
    .default(10)
    .meta({ description: 'Share of each quota that blob events may never spend: it is kept for people.' }),
  resetUtcOffsetHours: z.int().min(-12).max(14).optional().meta({
    description:
      'Hours from UTC at whose midnight the quota is reset. Left out: not known, so the limit is kept in the UTC day and in the UTC+8 day.',
  }),
  // A flush sends for four minutes after it has reserved, and waits a minute for the last answer.
  resetMarginMinutes: z
    .int()
    .min(6)
    .max(120)
    .default(10)
    .meta({ description: 'A purge this close to a reset counts on both sides of it.' }),
  spentAfterThrottledMinutes: z.int().min(1).max(1_440).default(15).meta({
    description:
      'The CDN answers a spent quota as it answers too many requests. When it throttles requests with a single URL for so long, the quota of that kind of URL counts as spent until its reset.',
  }),
  probeEveryMinutes: z.int().min(1).max(1_440).default(30).meta({
    description: 'How often a single URL is sent to a quota that counts as spent.',
  }),
});

const siteUnits = z.strictObject({
  files: units.optional().meta({ description: 'File purges a day.' }),
  directories: units.optional().meta({ description: 'Directory purges a day.' }),
});

const SiteQuota = z.strictObject({
  reserve: siteUnits.optional().meta({
    description: 'What the site is guaranteed. What it does not use is lent to others as the day passes.',
  }),
  max: siteUnits.optional().meta({ description: 'What blob events of the site may spend at most.' }),
});

const AzureChinaCdn = z.strictObject({
  provider: z.literal('azure-china-cdn').meta({ description: 'The kind of CDN.' }),
  subscription: Guid.meta({ description: 'Id of the subscription that the CDN endpoints belong to.' }),
  keys: z
    .strictObject({
      ...keyNames,
      second: z.strictObject(keyNames).optional().meta({
        description: 'A second key, used while the first is refused: for changing keys without a gap.',
      }),
    })
    .meta({ description: 'Names of the app settings that hold the API key. Never the key itself.' }),
  apiBaseUrl: parsed(parseApiBaseUrl).prefault('https://restapi.cdn.azure.cn').meta({
    description: 'Where the CDN API answers: https, or http on a loopback host.',
    pattern: '^https?://[^?#]+$',
  }),
  limits: limitsUpTo(1000),
  directoriesReachBelow: z.boolean().default(true).meta({
    description:
      'Whether a directory purge also takes along what lies in directories below it: not documented by the CDN; assumed so.',
  }),
  timeouts: Timeouts,
  quota: Quota.prefault({}).meta({
    description:
      'The daily quota of the subscription. CDNs of one subscription share it and must state the same.',
  }),
});

const HostName = parsed(parseHostName).meta({
  description: 'A concrete host name, such as www.example.cn.',
  pattern: String.raw`^[^\s/:?#@*\\]+\.[^\s/:?#@*\\]+$`,
});

const cdnName = EntryName.optional();

const Host = z.union([
  HostName,
  z.strictObject({
    host: HostName,
    // What it must look like is for the CDN to say: see cross-references.ts.
    endpoint: z.string().toLowerCase().optional().meta({
      description:
        'The CDN endpoint that serves the host: its id on the Azure China CDN, its name on Azure Front Door. Left out: the China CDN is asked for it, and Front Door uses the `endpoint` of its entry in `cdns`.',
      pattern: '^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$',
    }),
    cdn: cdnName.meta({ description: 'The CDN of this host; a name of `cdns`.' }),
  }),
]);

const Container = z.strictObject({
  account: parsed(parseAccount).meta({
    description: 'Storage account, or * for every account that the document names elsewhere.',
    pattern: ACCOUNT.source,
  }),
  container: parsed(parseContainer).meta({
    description: 'Container, or a pattern in which * stands for any characters.',
    pattern: CONTAINER.source,
  }),
  path: parsed(parseServedPath).optional().meta({
    description:
      'URL path before the blob’s name, from / to /, not percent-encoded. Default: /<container>/, and / for $web.',
    pattern: '^/(?:[^/?#*]+/)*$',
  }),
  strip: parsed(parseStripPrefix).optional().meta({
    description:
      'Start of blob names that URLs do not have, ending with /. A blob outside it is not served here.',
    pattern: '^[^/].*/$',
  }),
  ...mappingFields,
});

const Site = z.strictObject({
  containers: z.array(Container).min(1).meta({ description: 'What the site serves.' }),
  hosts: z.array(Host).min(1).meta({ description: 'Where the site is read: every host is purged.' }),
  cdn: cdnName.meta({ description: 'The CDN of the site’s hosts; a name of `cdns`.' }),
  priority: z
    .int()
    .min(0)
    .max(100)
    .default(50)
    .meta({ description: 'Which site goes first when not all can: the higher one.' }),
  quota: SiteQuota.optional().meta({ description: 'The site’s part of its CDN’s daily quota.' }),
  ...mappingFields,
});

const Planner = z.strictObject({
  never: z.array(Glob).default([]).meta({
    description:
      'Globs over host and path of directories that are never purged as a whole, such as www.example.cn/assets/**.',
  }),
  roots: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether everything on a host may be purged to save quota.' }),
  smallestDirectory: z
    .int()
    .min(2)
    .max(10_000)
    .default(3)
    .meta({ description: 'The fewest changed files that are worth a directory purge.' }),
  mostEvicted: z.int().min(0).max(1_000_000).default(1_000).meta({
    description: 'The most unchanged objects that one directory purge may evict from the edge.',
  }),
  staleCost: z.number().positive().max(1_000_000).default(1).meta({
    description: 'Evicted objects that one hour of one stale file is worth: the higher, the less waits.',
  }),
  maxStalenessMinutes: z.int().min(0).max(1_440).default(240).meta({
    description: 'The longest that a file waits to save quota, while there is quota left.',
  }),
  newBlobs: z.enum(NEW_BLOBS).default('purge').meta({
    description:
      'Files that were never there before. purge: as any other; when-there-is-room: only with files of the quota that nothing else needs; never: not at all. An edge can hold nothing of them but an answer that there is no such file.',
  }),
  groups: z.array(Glob).default([]).meta({
    description:
      'Globs over host and path of directories whose changed files go in one request or wait together, such as media.example.cn/hls/*: a manifest and its parts.',
  }),
  recountHours: z.int().min(1).max(720).default(48).meta({
    description:
      'Where the listing of a container is older, what a directory purge would evict is counted before it is sent.',
  }),
  relistHours: z
    .int()
    .min(1)
    .max(720)
    .default(24)
    .meta({ description: 'How often each container is listed, to know what stands in a directory.' }),
});

const atLeastOne = (entries: object): boolean => Object.keys(entries).length > 0;

const propertyNames = { pattern: ENTRY_NAME.source };

export const ConfigurationDocument = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: 'Where editors find the JSON Schema of this document.' }),
  cdns: z
    .record(z.string(), z.discriminatedUnion('provider', [AzureChinaCdn, AzureFrontDoor]))
    .refine(atLeastOne, { error: 'must name at least one CDN' })
    .meta({ description: 'The CDNs, each by a name of your choice.', propertyNames, minProperties: 1 }),
  defaults: z
    .strictObject({
      cdn: cdnName.meta({ description: 'The CDN of every host that names none; a name of `cdns`.' }),
      ...mappingFields,
    })
    .optional()
    .meta({ description: 'What counts where neither the container nor its site says otherwise.' }),
  sites: z
    .record(z.string(), Site)
    .refine(atLeastOne, { error: 'must name at least one site' })
    .meta({ description: 'The web sites, each by a name of your choice.', propertyNames, minProperties: 1 }),
  planner: Planner.optional().meta({
    description:
      'Lets many changed files of one directory go as one directory purge. Left out: files go as files. Needs leave to list the containers.',
  }),
});

export type ConfigurationDocument = z.output<typeof ConfigurationDocument>;
