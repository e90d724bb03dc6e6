// Connections to the accounts that the inventory lists.

import { describe, expect, it } from 'vitest';

import { parseInventoryConnections } from '../../../src/lib/config/inventory-connections.ts';

const KEY = Buffer.from('canary').toString('base64');
const WITH_KEY = `DefaultEndpointsProtocol=https;AccountName=contosoweb;AccountKey=${KEY};EndpointSuffix=core.chinacloudapi.cn`;
const WITH_SIGNATURE =
  'BlobEndpoint=https://contosoweb.blob.core.chinacloudapi.cn/;SharedAccessSignature=sv=2026-02-06&srt=sc&sp=l&sig=canary';

/** As a host with a managed identity has them. */
const PLATFORM = { IDENTITY_ENDPOINT: 'http://127.0.0.1:9/msi/token', IDENTITY_HEADER: 'canary' };

describe('connections of the inventory', () => {
  it.each([
    ['with a key', WITH_KEY],
    ['with a signature that may only list, and no queues', WITH_SIGNATURE],
  ])('are taken %s, by the account that the setting names in any case', (_what, text) => {
    const settings = { PURGE_INVENTORY_STORAGE_CONTOSOWEB: ` ${text}`, PURGE_STORAGE: 'other' };
    expect(parseInventoryConnections(settings)).toEqual({
      ok: true,
      value: new Map([['contosoweb', { kind: 'string', text }]]),
    });
  });

  it('are taken by identity, with the URI of blobs alone', () => {
    const settings = {
      ...PLATFORM,
      PURGE_INVENTORY_STORAGE_CONTOSOWEB__blobServiceUri: 'https://contosoweb.blob.core.chinacloudapi.cn/',
      PURGE_INVENTORY_STORAGE_CONTOSOWEB__credential: 'managedidentity',
    };
    expect(parseInventoryConnections(settings)).toEqual({
      ok: true,
      value: new Map([
        [
          'contosoweb',
          expect.objectContaining({
            kind: 'identity',
            blobUri: 'https://contosoweb.blob.core.chinacloudapi.cn',
          }),
        ],
      ]),
    });
  });

  it('are refused where the URI is of another account', () => {
    const settings = {
      ...PLATFORM,
      PURGE_INVENTORY_STORAGE_CONTOSOWEB__blobServiceUri: 'https://contoso.blob.core.windows.net',
    };
    expect(parseInventoryConnections(settings)).toEqual({
      ok: false,
      error: [
        { path: 'PURGE_INVENTORY_STORAGE_CONTOSOWEB', message: 'is the connection of another account' },
      ],
    });
  });

  it('are none without such a setting', () => {
    expect(parseInventoryConnections({ PURGE_INVENTORY_SCHEDULE: '* * * * * *' })).toEqual({
      ok: true,
      value: new Map(),
    });
  });

  it.each([
    ['no account', 'PURGE_INVENTORY_STORAGE_', WITH_KEY, 'must end with the name of a storage account'],
    ['no name of an account', 'PURGE_INVENTORY_STORAGE_my_web', WITH_KEY, 'must end with the name'],
    ['another account', 'PURGE_INVENTORY_STORAGE_CONTOSO', WITH_KEY, 'connection of another account'],
    ['no connection string', 'PURGE_INVENTORY_STORAGE_CONTOSOWEB', 'canary', 'must be NAME=VALUE'],
    [
      'no blob endpoint',
      'PURGE_INVENTORY_STORAGE_CONTOSOWEB',
      'SharedAccessSignature=sig=canary',
      'lacks BlobEndpoint',
    ],
    [
      'what Key Vault did not give',
      'PURGE_INVENTORY_STORAGE_CONTOSOWEB',
      '@Microsoft.KeyVault(SecretUri=https://canary.vault.azure.cn)',
      'is a Key Vault reference',
    ],
  ])('are refused and named: %s', (_what, path, text, message) => {
    const parsed = parseInventoryConnections({ [path]: text });
    expect(parsed).toEqual({ ok: false, error: [{ path, message: expect.stringContaining(message) }] });
    expect(JSON.stringify(parsed)).not.toContain('canary');
  });
});
