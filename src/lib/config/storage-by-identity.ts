// Connections to storage: a connection string, or the URIs of the services and the identity that may use them.
// The names are those of learn.microsoft.com/azure/azure-functions/functions-reference#connections

import * as z from 'zod';

import type { IdentityConfiguration } from '../core/configuration.ts';
import { err, ok, type Result } from '../core/result.ts';
import { closestName } from './closest-name.ts';
import { CLOUDS, type Cloud } from './clouds.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { Guid, parsed } from './document-fields.ts';
import { parseAudience } from './document-strings.ts';
import {
  isUnresolvedReference,
  missingIdentitySettings,
  noManagedIdentity,
  UNRESOLVED,
} from './required-settings.ts';
import { findStorageConnectionFaults, type StorageEndpoint } from './storage-connection.ts';

/** Of an account of which only blobs are used. */
export type BlobConnection = ByString | ByIdentity;

/** Of an account of which blobs and queues are used. */
export type StorageConnection = ByString | (ByIdentity & { readonly queueUri: string });

/** A secret: the account's key, or a signature. */
type ByString = { readonly kind: 'string'; readonly text: string };

type ByIdentity = {
  readonly kind: 'identity';
  readonly account: string;
  readonly blobUri: string;
  readonly identity: IdentityConfiguration;
};

type Settings = Readonly<Record<string, string | undefined>>;
type Parsed<T> = Result<T, readonly ConfigurationProblem[]>;

/** Takes the app settings and the connection's name in them, gives the connection or all that is wrong with it. */
export function parseStorageConnection(settings: Settings, name: string): Parsed<StorageConnection> {
  const given = givenOf(settings, name);
  if (!given.ok) return given;
  if (given.value.text !== undefined) {
    return parseString(given.value.text, name, ['BlobEndpoint', 'QueueEndpoint']);
  }
  const parts = parseParts(StorageParts, given.value.parts, settings, name);
  if (!parts.ok) return parts;
  return ok({ ...byIdentity(parts.value), queueUri: parts.value.queueServiceUri.uri });
}

/** Like `parseStorageConnection`, for blobs alone. */
export function parseBlobConnection(settings: Settings, name: string): Parsed<BlobConnection> {
  const given = givenOf(settings, name);
  if (!given.ok) return given;
  if (given.value.text !== undefined) return parseString(given.value.text, name, ['BlobEndpoint']);
  const parts = parseParts(BlobParts, given.value.parts, settings, name);
  return parts.ok ? ok(byIdentity(parts.value)) : parts;
}

type Given = { readonly text: string | undefined; readonly parts: Readonly<Record<string, string>> };

function givenOf(settings: Settings, name: string): Parsed<Given> {
  const text = settings[name]?.trim() ?? '';
  const parts = Object.entries(settings).flatMap(([key, value = '']) =>
    key.startsWith(`${name}__`) && value !== '' ? [[key.slice(name.length + 2), value.trim()] as const] : [],
  );
  if (text === '' && parts.length === 0) return err([{ path: name, message: notSet(name) }]);
  if (text !== '' && parts.length > 0) {
    const names = parts.map(([part]) => `${name}__${part}`).join(', ');
    const message = `is a connection string, and there is ${names} too: set the one or the others`;
    return err([{ path: name, message }]);
  }
  return ok({ text: text === '' ? undefined : text, parts: Object.fromEntries(parts) });
}

const notSet = (name: string): string =>
  `not set: the connection string of the storage account for the buffer and the records, or ${name}__blobServiceUri and ${name}__queueServiceUri to use it by the app’s identity`;

function parseString(text: string, name: string, endpoints: readonly StorageEndpoint[]): Parsed<ByString> {
  const faults = isUnresolvedReference(text) ? [UNRESOLVED] : findStorageConnectionFaults(text, endpoints);
  return faults.length === 0
    ? ok({ kind: 'string', text })
    : err(faults.map((message) => ({ path: name, message })));
}

const serviceUri = (service: Service): z.ZodPipe<z.ZodString, z.ZodTransform<ServiceUri, string>> =>
  z
    .string(`not set: the URI of the account’s ${service} service is needed too`)
    .transform((text, context) => {
      const uri = parseServiceUri(text, service);
      if (uri.ok) return uri.value;
      context.issues.push({ code: 'custom', message: uri.error, input: text });
      return z.NEVER;
    });

const BlobParts = z.strictObject({
  blobServiceUri: serviceUri('blob'),
  clientId: Guid.optional(),
  credential: z
    .enum(['managedidentity', 'login'], { error: 'must be managedidentity or login' })
    .default('managedidentity'),
  // In every cloud: learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory
  audience: parsed(parseAudience).default('https://storage.azure.com'),
});

const StorageParts = BlobParts.extend({ queueServiceUri: serviceUri('queue') }).refine(
  ({ blobServiceUri, queueServiceUri }) => blobServiceUri.account === queueServiceUri.account,
  { path: ['queueServiceUri'], message: 'is of another account than the URI of the blob service' },
);

type Parts = z.infer<typeof BlobParts>;

function parseParts<T extends Parts>(
  schema: z.ZodType<T>,
  parts: Given['parts'],
  settings: Settings,
  name: string,
): Parsed<T> {
  const result = schema.safeParse(parts);
  const isManaged = (parts['credential'] ?? 'managedidentity') === 'managedidentity';
  const missing = isManaged ? missingIdentitySettings((setting) => settings[setting]) : [];
  const problems = [
    ...(result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, name))),
    ...(missing.length === 0
      ? []
      : [{ path: name, message: noManagedIdentity(missing, `${name}__credential to login`) }]),
  ];
  return result.success && problems.length === 0 ? ok(result.data) : err(problems);
}

const PART_NAMES = [...Object.keys(BlobParts.shape), 'queueServiceUri'];

function problemsOf(issue: z.core.$ZodIssue, name: string): ConfigurationProblem[] {
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: `${name}__${issue.path.join('.')}`, message: issue.message }];
  }
  return issue.keys.map((key) => {
    const closest = closestName(key, PART_NAMES);
    const hint = closest === undefined || closest === key ? '' : `: did you mean ${name}__${closest}?`;
    return { path: `${name}__${key}`, message: `is not used${hint}` };
  });
}

function byIdentity({ blobServiceUri, clientId, credential, audience }: Parts): ByIdentity {
  const { account, uri } = blobServiceUri;
  const { authority } = cloudOf(new URL(uri).hostname);
  const kind = credential === 'login' ? 'login' : 'managed';
  return { kind: 'identity', account, blobUri: uri, identity: { kind, clientId, authority, audience } };
}

function cloudOf(host: string): Cloud {
  return (
    Object.values(CLOUDS).find(({ storageSuffix }) => host.endsWith(`.${storageSuffix}`)) ?? CLOUDS.azure
  );
}

type Service = 'blob' | 'queue';

type ServiceUri = { readonly account: string; readonly uri: string };

/** `https://ACCOUNT.blob.SUFFIX`, or `https://HOST:PORT/ACCOUNT` as emulators have it. A fault never holds the text. */
function parseServiceUri(text: string, service: Service): Result<ServiceUri, string> {
  if (isUnresolvedReference(text)) return err(UNRESOLVED);
  const url = URL.parse(text);
  if (url === null) return err(`must be a URI such as https://contoso.${service}.core.windows.net`);
  if (url.protocol !== 'https:') return err('must be https: tokens are never sent without TLS');
  if (url.username !== '' || url.password !== '' || /[?#]/u.test(text)) {
    return err('must be the URI of the service alone, without a signature or any other secret');
  }
  const byHost = HOST[service].exec(url.hostname)?.groups?.['account'];
  const byPath = /^(?:[\d.]+|\[.*\]|[^.]+)$/u.test(url.hostname)
    ? /^\/(?<account>[a-z0-9]{3,24})\/?$/u.exec(url.pathname)?.groups?.['account']
    : undefined;
  const account = url.pathname === '/' ? byHost : byPath;
  if (account === undefined) {
    return err(
      `must be the URI of the account’s ${service} service, such as https://contoso.${service}.core.windows.net`,
    );
  }
  return ok({ account, uri: url.href.replace(/\/$/u, '') });
}

/** With the DNS zone that some accounts have before the service. */
const HOST = {
  blob: /^(?<account>[a-z0-9]{3,24})\.(?:z\d+\.)?blob\.[a-z0-9-]+(?:\.[a-z0-9-]+)+$/u,
  queue: /^(?<account>[a-z0-9]{3,24})\.(?:z\d+\.)?queue\.[a-z0-9-]+(?:\.[a-z0-9-]+)+$/u,
};
