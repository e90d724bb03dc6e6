// Which connection strings the app can work by, judged before any client is made.

import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { describe, expect, it } from 'vitest';

import { findStorageConnectionFaults } from '../../../src/lib/config/storage-connection.ts';

const KEY = Buffer.from('canary').toString('base64');
const ACCOUNT = `DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=${KEY}`;
const ENDPOINTS =
  'BlobEndpoint=https://contoso.blob.core.chinacloudapi.cn;QueueEndpoint=https://contoso.queue.core.chinacloudapi.cn';

describe('a connection string is right', () => {
  it.each([
    ['for the emulator', 'UseDevelopmentStorage=true'],
    ['for an emulator elsewhere', 'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite'],
    ['with a key and a suffix, as the portal shows it', `${ACCOUNT};EndpointSuffix=core.chinacloudapi.cn`],
    ['with a key and both endpoints', `${ACCOUNT};${ENDPOINTS}`],
    [
      'with one endpoint, and a suffix for the other',
      `${ACCOUNT};${ENDPOINTS.split(';')[0]};EndpointSuffix=a.cn`,
    ],
    [
      'with a signature and both endpoints',
      `${ENDPOINTS};SharedAccessSignature=sv=2026-02-06&ss=bq&sig=canary%3D`,
    ],
    [
      'with endpoints of other services',
      `${ACCOUNT};${ENDPOINTS};DfsEndpoint=https://contoso.dfs.example.cn/`,
    ],
    ['with a part that nobody reads', `${ACCOUNT};${ENDPOINTS};Colour=blue`],
    ['with spaces and a last ;', `${ACCOUNT}; EndpointSuffix=core.windows.net ; `],
  ])('%s, and the clients take it too', (_what, text) => {
    expect(findStorageConnectionFaults(text)).toEqual([]);
    expect(BlobServiceClient.fromConnectionString(text).url).toMatch(/^https?:/u);
    expect(QueueServiceClient.fromConnectionString(text).url).toMatch(/^https?:/u);
  });
});

describe('a connection string is refused', () => {
  it.each([
    [
      'a key alone',
      KEY.replaceAll('=', ''),
      ['must be NAME=VALUE parts with ; between them; part 1 is none'],
    ],
    [
      'a key alone that ends in =',
      `${KEY}=`,
      ['lacks AccountName, AccountKey, DefaultEndpointsProtocol, EndpointSuffix'],
    ],
    [
      'no key',
      'DefaultEndpointsProtocol=https;AccountName=contoso;EndpointSuffix=a.cn',
      ['lacks AccountKey'],
    ],
    ['an empty key', `${ACCOUNT.replace(KEY, '')};EndpointSuffix=core.windows.net`, ['lacks AccountKey']],
    ['no protocol', `AccountName=contoso;AccountKey=${KEY};${ENDPOINTS}`, ['lacks DefaultEndpointsProtocol']],
    ['no place', ACCOUNT, ['lacks EndpointSuffix']],
    ['half of the places', `${ACCOUNT};${ENDPOINTS.split(';')[0]}`, ['lacks QueueEndpoint']],
    ['a signature without places', 'SharedAccessSignature=sig=canary', ['lacks BlobEndpoint, QueueEndpoint']],
    ['places without a key', ENDPOINTS, ['lacks AccountName, AccountKey, DefaultEndpointsProtocol']],
    [
      'storage that is not the emulator',
      'UseDevelopmentStorage=false',
      ['lacks AccountName, AccountKey, DefaultEndpointsProtocol, EndpointSuffix'],
    ],
    [
      'a mistyped name',
      `${ACCOUNT.replace('AccountKey', 'AcountKey')};${ENDPOINTS}`,
      ['part 3 has an unknown name: did you mean AccountKey?'],
    ],
    [
      'a name in small letters',
      `${ACCOUNT.replace('AccountName', 'accountname')};${ENDPOINTS}`,
      ['part 2 has an unknown name: did you mean AccountName?'],
    ],
    [
      'values that cannot be',
      'DefaultEndpointsProtocol=canary;AccountName=Canary;AccountKey=canary!;EndpointSuffix=can/ary;BlobEndpoint=canary;QueueEndpoint=https://a.cn?canary',
      [
        'its DefaultEndpointsProtocol must be https or http',
        'its AccountName must be 3 to 24 lower-case letters and digits',
        'its AccountKey must be base64, as the portal shows it',
        'its EndpointSuffix must be a host name such as core.chinacloudapi.cn',
        'its BlobEndpoint must be an http or https URL without a query',
        'its QueueEndpoint must be an http or https URL without a query',
      ],
    ],
  ])('for %s, and nothing of it is shown', (_what, text, faults) => {
    expect(findStorageConnectionFaults(text)).toEqual(faults);
    expect(faults.join()).not.toMatch(new RegExp(`canary|${KEY}`, 'iu'));
  });
});
