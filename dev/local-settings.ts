// The app settings and secrets of the local stack: made anew at every start, so that none is in the repository.

import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import * as z from 'zod';

import { localConnectionString } from './azurite/account.ts';

/** The CDNs that the local stack can emulate. */
export const LOCAL_PROVIDERS = ['azure-china-cdn', 'azure-front-door'] as const;
export type LocalProvider = (typeof LOCAL_PROVIDERS)[number];

/** Takes what an option `--provider` says. @throws with the names there are. */
export function parseProvider(text: string): LocalProvider {
  const found = LOCAL_PROVIDERS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`There is no provider ${text} here: it is ${LOCAL_PROVIDERS.join(' or ')}.`);
}

export type LocalSecrets = {
  readonly cdnKey: { readonly id: string; readonly value: string };
  /** By which the token endpoint knows the app: IDENTITY_HEADER. */
  readonly identityHeader: string;
  /** Keys of the Functions host. */
  readonly masterKey: string;
  readonly functionKey: string;
  readonly eventGridKey: string;
};

const key = (): string => randomBytes(32).toString('base64url');

export function makeSecrets(): LocalSecrets {
  return {
    cdnKey: { id: randomUUID(), value: randomBytes(48).toString('base64') },
    identityHeader: key(),
    masterKey: key(),
    functionKey: key(),
    eventGridKey: key(),
  };
}

/** What EMULATOR_CDN_KEYS holds: the keys that the CDN emulator accepts. */
export function emulatorKeys({ cdnKey }: LocalSecrets): string {
  return JSON.stringify([
    { ...cdnKey, permission: 'read-write', state: 'active', subscription: localSubscription() },
  ]);
}

/** What FUNCTIONS_HOST_KEYS holds. */
export function hostKeys({ masterKey, functionKey, eventGridKey }: LocalSecrets): string {
  return JSON.stringify({ master: masterKey, default: functionKey, eventgrid: eventGridKey });
}

/** Where the local Event Grid leaves what it cannot deliver. */
export const deadLetterContainer = 'dead-letters';

export type Endpoints = {
  readonly blobUrl: string;
  readonly queueUrl: string;
  /** Where purges are asked for: the China CDN's API, or Azure Resource Manager. */
  readonly cdnApiUrl: string;
  /** Where Front Door's emulator gives tokens. */
  readonly identityEndpoint?: string | undefined;
};

/** The app settings by which the app works on the local stack. */
export function appSettings(
  { blobUrl, queueUrl, cdnApiUrl, identityEndpoint }: Endpoints,
  { cdnKey, identityHeader }: LocalSecrets,
  provider: LocalProvider = 'azure-china-cdn',
): Readonly<Record<string, string>> {
  const storage = localConnectionString(blobUrl, queueUrl);
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storage,
    PURGE_STORAGE: storage,
    PURGE_CONFIG: JSON.stringify(localConfiguration(cdnApiUrl, provider)),
    PURGE_DEAD_LETTER_CONTAINER: deadLetterContainer,
    ...(provider === 'azure-china-cdn'
      ? { LOCAL_CDN_KEY_ID: cdnKey.id, LOCAL_CDN_KEY_VALUE: cdnKey.value }
      : { IDENTITY_ENDPOINT: identityEndpoint ?? '', IDENTITY_HEADER: identityHeader }),
  };
}

const LocalDocument = z.looseObject({
  cdns: z.looseObject({ local: z.looseObject({ subscription: z.string() }) }),
});

const documents: Readonly<Record<LocalProvider, { readonly file: string; readonly apiUrl: string }>> = {
  'azure-china-cdn': { file: 'local/purge.config.json', apiUrl: 'apiBaseUrl' },
  'azure-front-door': { file: 'local/front-door.config.json', apiUrl: 'armUrl' },
};

function readDocument(provider: LocalProvider): z.infer<typeof LocalDocument> {
  const file = new URL(documents[provider].file, import.meta.url);
  return LocalDocument.parse(JSON.parse(readFileSync(file, 'utf8')));
}

const localSubscription = (): string => readDocument('azure-china-cdn').cdns.local.subscription;

function localConfiguration(cdnApiUrl: string, provider: LocalProvider): unknown {
  const document = readDocument(provider);
  return {
    ...document,
    cdns: { local: { ...document.cdns.local, [documents[provider].apiUrl]: cdnApiUrl } },
  };
}
