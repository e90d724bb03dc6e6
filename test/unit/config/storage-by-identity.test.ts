// Storage without a key: the settings of a connection by identity, and what stops the start.

import { describe, expect, it } from 'vitest';

import { parseStorageConnection } from '../../../src/lib/config/storage-by-identity.ts';

const PLATFORM = { IDENTITY_ENDPOINT: 'http://127.0.0.1:9/msi/token', IDENTITY_HEADER: 'canary' };
const URIS = {
  PURGE_STORAGE__blobServiceUri: 'https://contoso.blob.core.windows.net/',
  PURGE_STORAGE__queueServiceUri: 'https://contoso.queue.core.windows.net/',
};
const BY_IDENTITY = { ...PLATFORM, ...URIS };
const KEY = Buffer.from('canary').toString('base64');
const BY_STRING = {
  PURGE_STORAGE: `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
};

const parse = (settings: Readonly<Record<string, string | undefined>>) =>
  parseStorageConnection(settings, 'PURGE_STORAGE');

describe('a connection to storage', () => {
  it('is a connection string, as before', () => {
    expect(parse(BY_STRING)).toEqual({
      ok: true,
      value: { kind: 'string', text: BY_STRING.PURGE_STORAGE },
    });
  });

  it('is two URIs that the managed identity of the app may use', () => {
    expect(parse(BY_IDENTITY)).toEqual({
      ok: true,
      value: {
        kind: 'identity',
        account: 'contoso',
        blobUri: 'https://contoso.blob.core.windows.net',
        queueUri: 'https://contoso.queue.core.windows.net',
        identity: {
          kind: 'managed',
          clientId: undefined,
          authority: 'https://login.microsoftonline.com',
          audience: 'https://storage.azure.com',
        },
      },
    });
  });

  it.each([
    [
      'a user-assigned identity',
      {
        ...PLATFORM,
        PURGE_STORAGE__clientId: '11112222-3333-4444-5555-66667777888A',
        PURGE_STORAGE__credential: 'managedidentity',
      },
      { kind: 'managed', clientId: '11112222-3333-4444-5555-66667777888a' },
    ],
    ['a login outside of Azure', { PURGE_STORAGE__credential: 'login' }, { kind: 'login' }],
    [
      'another audience',
      { ...PLATFORM, PURGE_STORAGE__audience: 'https://contoso.blob.core.windows.net' },
      { audience: 'https://contoso.blob.core.windows.net' },
    ],
  ])('may name %s', (_what, settings, identity) => {
    expect(parse({ ...URIS, ...settings })).toMatchObject({ ok: true, value: { identity } });
  });

  it('is of Azure China by the URI, where a login is made at that cloud', () => {
    const settings = {
      PURGE_STORAGE__blobServiceUri: 'https://contoso.blob.core.chinacloudapi.cn',
      PURGE_STORAGE__queueServiceUri: 'https://contoso.queue.core.chinacloudapi.cn',
      PURGE_STORAGE__credential: 'login',
    };
    expect(parse(settings)).toMatchObject({
      ok: true,
      value: {
        identity: { authority: 'https://login.chinacloudapi.cn', audience: 'https://storage.azure.com' },
      },
    });
  });

  it.each([
    [
      'a DNS zone',
      'https://contoso.z01.blob.storage.azure.net',
      'https://contoso.z01.queue.storage.azure.net',
    ],
    ['an emulator', 'https://127.0.0.1:10000/contoso', 'https://127.0.0.1:10001/contoso'],
  ])('knows the account of %s', (_what, blobServiceUri, queueServiceUri) => {
    const settings = {
      ...PLATFORM,
      PURGE_STORAGE__blobServiceUri: blobServiceUri,
      PURGE_STORAGE__queueServiceUri: queueServiceUri,
    };
    expect(parse(settings)).toMatchObject({
      ok: true,
      value: { account: 'contoso', blobUri: blobServiceUri },
    });
  });
});

describe('a connection that cannot be used is refused, and the setting named', () => {
  it.each<[string, Record<string, string>, string, string]>([
    ['none', {}, 'PURGE_STORAGE', 'not set'],
    [
      'both ways',
      { ...BY_IDENTITY, ...BY_STRING },
      'PURGE_STORAGE',
      'PURGE_STORAGE__blobServiceUri, PURGE_STORAGE__queueServiceUri too',
    ],
    [
      'no URI of queues',
      { ...PLATFORM, PURGE_STORAGE__blobServiceUri: URIS.PURGE_STORAGE__blobServiceUri },
      'PURGE_STORAGE__queueServiceUri',
      'not set',
    ],
    [
      'plain http, even on this machine: the SDK sends no token there',
      { ...BY_IDENTITY, PURGE_STORAGE__blobServiceUri: 'http://127.0.0.1:10000/contoso' },
      'PURGE_STORAGE__blobServiceUri',
      'must be https',
    ],
    [
      'the URI of another service',
      { ...BY_IDENTITY, PURGE_STORAGE__queueServiceUri: 'https://contoso.table.core.windows.net' },
      'PURGE_STORAGE__queueServiceUri',
      'queue service',
    ],
    [
      'the URI of a container',
      { ...BY_IDENTITY, PURGE_STORAGE__blobServiceUri: 'https://contoso.blob.core.windows.net/web' },
      'PURGE_STORAGE__blobServiceUri',
      'blob service',
    ],
    [
      'a URI with a signature',
      { ...BY_IDENTITY, PURGE_STORAGE__blobServiceUri: 'https://contoso.blob.core.windows.net/?sig=canary' },
      'PURGE_STORAGE__blobServiceUri',
      'without a signature',
    ],
    [
      'no URI',
      { ...BY_IDENTITY, PURGE_STORAGE__blobServiceUri: 'canary' },
      'PURGE_STORAGE__blobServiceUri',
      'must be a URI',
    ],
    [
      'what Key Vault did not give',
      { ...BY_IDENTITY, PURGE_STORAGE__blobServiceUri: '@Microsoft.KeyVault(SecretUri=https://canary)' },
      'PURGE_STORAGE__blobServiceUri',
      'is a Key Vault reference',
    ],
    [
      'two accounts',
      { ...BY_IDENTITY, PURGE_STORAGE__queueServiceUri: 'https://other.queue.core.windows.net' },
      'PURGE_STORAGE__queueServiceUri',
      'of another account',
    ],
    [
      'a name instead of an id',
      { ...BY_IDENTITY, PURGE_STORAGE__clientId: 'canary' },
      'PURGE_STORAGE__clientId',
      'must be an id',
    ],
    [
      'another credential',
      { ...BY_IDENTITY, PURGE_STORAGE__credential: 'canary' },
      'PURGE_STORAGE__credential',
      'managedidentity or login',
    ],
    [
      'a mistyped name',
      { ...BY_IDENTITY, PURGE_STORAGE__clientID: '11112222-3333-4444-5555-666677778888' },
      'PURGE_STORAGE__clientID',
      'did you mean PURGE_STORAGE__clientId?',
    ],
    ['a host without an identity', URIS, 'PURGE_STORAGE', 'no managed identity (IDENTITY_ENDPOINT and'],
  ])('%s', (_what, settings, path, message) => {
    const parsed = parse(settings);
    expect(parsed).toEqual({ ok: false, error: [{ path, message: expect.stringContaining(message) }] });
    expect(JSON.stringify(parsed)).not.toContain('canary');
  });

  it('with every fault at once', () => {
    const parsed = parse({ PURGE_STORAGE__blobServiceUri: 'http://contoso', PURGE_STORAGE__client: 'x' });
    const paths = parsed.ok ? [] : parsed.error.map(({ path }) => path);
    expect(paths.toSorted()).toEqual([
      'PURGE_STORAGE',
      'PURGE_STORAGE__blobServiceUri',
      'PURGE_STORAGE__client',
      'PURGE_STORAGE__queueServiceUri',
    ]);
  });
});
