// The app without a storage key: a managed identity's token opens blobs and queues, as Azurite checks it over https.

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inspect } from 'node:util';

import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';

import { startChild, type Child } from '../../dev/processes/child.ts';
import { createApp } from '../../src/lib/app.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { EMPTY_LEDGER } from '../../src/lib/core/quota-ledger.ts';
import type { Services } from '../../src/lib/services.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';
import { aMessage, SUBSCRIPTION } from '../support/builders.ts';
import { runCommand } from '../support/run-command.ts';
import { makeSelfSigned } from '../support/self-signed.ts';

const DOCUMENT = {
  cdns: {
    china: {
      provider: 'azure-china-cdn',
      subscription: SUBSCRIPTION,
      keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
    },
  },
  sites: {
    www: {
      containers: [{ account: 'devstoreaccount1', container: 'media' }],
      hosts: ['www.example.cn'],
      cdn: 'china',
    },
  },
};

const HEADER = 'canary-identity-header';
const CLIENT_ID = '11112222-3333-4444-5555-66667777888a';
const Ready = z.strictObject({ blobUrl: z.url(), queueUrl: z.url() });

let azurite: Child;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'storage-by-identity-'));
  const { certificate, key } = makeSelfSigned();
  const files = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, key);
  // For this file's worker alone.
  setDefaultCACertificates([...getCACertificates('default'), certificate]);
  azurite = await startChild({
    name: 'Azurite over https',
    file: join(import.meta.dirname, '../../dev/azurite/main.ts'),
    args: ['--blob-port', '0', '--queue-port', '0', '--certificate', files.certificate, '--key', files.key],
  });
});

afterAll(async () => {
  await azurite.stop();
  await rm(folder, { recursive: true });
});

it('uses blobs and queues by one token of its identity', async () => {
  const platform = await startPlatform((resource) => resource);
  const { buffer, own, flushPorts } = await servicesBy(platform.url);
  await buffer.add(aMessage());
  expect(await buffer.receive()).toEqual([expect.objectContaining({ kind: 'readable' })]);
  expect(await flushPorts.ledgers.save(SUBSCRIPTION, EMPTY_LEDGER, undefined)).toBe(true);
  expect(own.account).toBe('devstoreaccount1');
  expect(platform.asked).toEqual([
    { resource: 'https://storage.azure.com', clientId: CLIENT_ID, header: HEADER },
  ]);
});

it('is in trouble, and tells no token, where storage refuses it', async () => {
  const platform = await startPlatform(() => 'https://management.azure.com');
  const { buffer, flushPorts } = await servicesBy(platform.url);
  const errors = await Promise.all(
    [buffer.receive(), flushPorts.backlog.load()].map((call) => call.catch((error: unknown) => error)),
  );
  for (const error of errors) {
    expect(error).toBeInstanceOf(StorageTrouble);
    expect(inspect(error, { depth: 10 })).not.toContain(platform.given.at(-1));
  }
});

it('asks for a token of the audience that the settings name', async () => {
  const audience = 'https://devstoreaccount1.blob.core.windows.net/';
  const platform = await startPlatform((resource) => resource);
  const { flushPorts } = await servicesBy(platform.url, { PURGE_STORAGE__audience: audience });
  await expect(flushPorts.backlog.load()).resolves.toBeDefined();
  expect(platform.asked.map(({ resource }) => resource)).toEqual([audience]);
});

it('is replayed by identity too, from the command line', async () => {
  const platform = await startPlatform((resource) => resource);
  const { buffer } = await servicesBy(platform.url, { PURGE_QUEUE: 'replayed' });
  await buffer.poison({ text: 'x', reason: 'a test', bufferedAt: instant(Date.now()), failedAttempts: 1 });
  const settings = { ...storageSettings(platform.url), PURGE_QUEUE: 'replayed', PURGE_STORAGE: '' };
  const replay = runCommand('src/lib/buffer/cli/replay.ts', [], 20_000, {
    ...settings,
    NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
  });
  expect(await replay.ended).toMatchObject({ code: 0 });
  expect(await buffer.receive()).toEqual([expect.objectContaining({ kind: 'unreadable', text: 'x' })]);
});

function storageSettings(endpoint: string): Readonly<Record<string, string>> {
  const { blobUrl, queueUrl } = Ready.parse(azurite.ready);
  return {
    PURGE_STORAGE__blobServiceUri: blobUrl,
    PURGE_STORAGE__queueServiceUri: queueUrl,
    PURGE_STORAGE__clientId: CLIENT_ID,
    PURGE_STORAGE__credential: 'managedidentity',
    IDENTITY_ENDPOINT: endpoint,
    IDENTITY_HEADER: HEADER,
  };
}

async function servicesBy(endpoint: string, more: Readonly<Record<string, string>> = {}): Promise<Services> {
  return createApp({
    ...storageSettings(endpoint),
    ...more,
    PURGE_CONFIG: JSON.stringify(DOCUMENT),
    CDN_KEY_ID: 'id',
    CDN_KEY_VALUE: 'value',
  }).services();
}

type Asked = { readonly resource: string; readonly clientId: string; readonly header: unknown };

/** The token endpoint of App Service. Takes which audience the token has that it gives. */
async function startPlatform(audienceFor: (resource: string) => string) {
  const asked: Asked[] = [];
  const given: string[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams;
    const resource = query.get('resource') ?? '';
    asked.push({
      resource,
      clientId: query.get('client_id') ?? '',
      header: request.headers['x-identity-header'],
    });
    const expiresAt = Math.floor(Date.now() / 1_000) + 3_600;
    const token = jwt({
      aud: audienceFor(resource),
      iss: 'https://sts.windows.net/11112222-3333-4444-5555-666677778888/',
      iat: expiresAt - 7_200,
      nbf: expiresAt - 7_200,
      exp: expiresAt,
    });
    given.push(token);
    response.setHeader('connection', 'close').setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: token, expires_on: `${expiresAt}`, token_type: 'Bearer' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { url: `http://127.0.0.1:${port}/msi/token`, asked, given };
}

/** Azurite reads the claims and no signature. */
function jwt(claims: Readonly<Record<string, unknown>>): string {
  const parts = [{ typ: 'JWT', alg: 'RS256' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${parts.join('.')}.canary`;
}
