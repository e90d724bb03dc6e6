// The app settings and secrets of the local stack: made anew at every start, so that none is in the repository.

import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import * as z from 'zod';

import { localConnectionString } from './azurite/account.ts';

export type LocalSecrets = {
  readonly cdnKey: { readonly id: string; readonly value: string };
  /** Keys of the Functions host. */
  readonly masterKey: string;
  readonly functionKey: string;
  readonly eventGridKey: string;
};

const key = (): string => randomBytes(32).toString('base64url');

export function makeSecrets(): LocalSecrets {
  return {
    cdnKey: { id: randomUUID(), value: randomBytes(48).toString('base64') },
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

export type Endpoints = { readonly blobUrl: string; readonly queueUrl: string; readonly cdnApiUrl: string };

/** The app settings by which the app works on the local stack. */
export function appSettings(
  { blobUrl, queueUrl, cdnApiUrl }: Endpoints,
  { cdnKey }: LocalSecrets,
): Readonly<Record<string, string>> {
  const storage = localConnectionString(blobUrl, queueUrl);
  return {
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: storage,
    PURGE_STORAGE: storage,
    PURGE_CONFIG: JSON.stringify(localConfiguration(cdnApiUrl)),
    PURGE_DEAD_LETTER_CONTAINER: deadLetterContainer,
    LOCAL_CDN_KEY_ID: cdnKey.id,
    LOCAL_CDN_KEY_VALUE: cdnKey.value,
  };
}

const LocalDocument = z.looseObject({
  cdns: z.looseObject({ local: z.looseObject({ subscription: z.string() }) }),
});

function readDocument(): z.infer<typeof LocalDocument> {
  return LocalDocument.parse(
    JSON.parse(readFileSync(new URL('local/purge.config.json', import.meta.url), 'utf8')),
  );
}

const localSubscription = (): string => readDocument().cdns.local.subscription;

function localConfiguration(cdnApiUrl: string): unknown {
  const document = readDocument();
  return { ...document, cdns: { local: { ...document.cdns.local, apiBaseUrl: cdnApiUrl } } };
}
