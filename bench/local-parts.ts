// What a question about the app needs around it: Azurite and the CDN emulator, each a process of its own, so that
// this process's time and CPU are the app's.

import { fileURLToPath } from 'node:url';

import { request } from 'undici';
import * as z from 'zod';

import { localConnectionString } from '../dev/azurite/account.ts';
import { appSettings, emulatorKeys, makeSecrets } from '../dev/local-settings.ts';
import { startChild, type Child } from '../dev/processes/child.ts';

export type LocalParts = {
  /** The app settings of the local stack: its three sites, its CDN. */
  readonly settings: Readonly<Record<string, string>>;
  readonly storageConnection: string;
  readonly blobUrl: string;
  readonly queueUrl: string;
  readonly cdnApiUrl: string;
  readonly stop: () => Promise<void>;
};

/** Starts both on free ports, the CDN with daily quotas that no question exhausts. */
export async function startLocalParts(): Promise<LocalParts> {
  const secrets = makeSecrets();
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await child.stop();
  };
  const start = async <T>(run: ChildRun, ready: z.ZodType<T>): Promise<T> => {
    const file = fileURLToPath(new URL(`../dev/${run.file}`, import.meta.url));
    const child = await startChild({ ...run, file });
    children.push(child);
    return ready.parse(child.ready);
  };
  try {
    const { blobUrl, queueUrl } = await start(
      { name: 'Azurite', file: 'azurite/main.ts', args: ['--blob-port', '0', '--queue-port', '0'] },
      AzuriteReady,
    );
    const { apiUrl } = await start(
      {
        name: 'CDN emulator',
        file: 'cdn-emulator/main.ts',
        args: ['--api-port', '0', '--edge-port', '0', '--origin', blobUrl],
        env: { EMULATOR_CDN_KEYS: emulatorKeys(secrets) },
      },
      CdnReady,
    );
    await raiseQuotas(apiUrl);
    return {
      settings: appSettings({ blobUrl, queueUrl, cdnApiUrl: apiUrl }, secrets),
      storageConnection: localConnectionString(blobUrl, queueUrl),
      blobUrl,
      queueUrl,
      cdnApiUrl: apiUrl,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type ChildRun = {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

const AzuriteReady = z.object({ blobUrl: z.string(), queueUrl: z.string() });
const CdnReady = z.object({ apiUrl: z.string() });

async function raiseQuotas(cdnApiUrl: string): Promise<void> {
  const { statusCode, body } = await request(`${cdnApiUrl}/_emulator/settings`, {
    method: 'POST',
    body: JSON.stringify({ filesPerDay: 1_000_000, directoriesPerDay: 1_000_000 }),
  });
  await body.dump();
  if (statusCode !== 200) throw new Error(`the CDN emulator refused other quotas with status ${statusCode}`);
}

const AcceptedPurges = z.array(
  z.object({ at: z.string(), files: z.array(z.string()), directories: z.array(z.string()) }),
);
export type AcceptedPurge = z.infer<typeof AcceptedPurges>[number];

/** The CDN's own log of the purges that it accepted. */
export async function readAcceptedPurges(cdnApiUrl: string): Promise<readonly AcceptedPurge[]> {
  const { body } = await request(`${cdnApiUrl}/_emulator/purges`);
  return AcceptedPurges.parse(await body.json());
}
