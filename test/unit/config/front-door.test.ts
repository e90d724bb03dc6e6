// What the document says of Azure Front Door profiles.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfiguration, parseConfigurationText } from '../../../src/lib/config/configuration.ts';
import { aFrontDoorDocument, cdn, frontDoor, site } from './documents.ts';
import { problems, taken } from './outcome.ts';

describe('a Front Door profile', () => {
  it('has built-in defaults: the global cloud, the managed identity, one purge at a time', () => {
    const { cdns } = taken(parseConfiguration(aFrontDoorDocument()));
    expect(cdns.get('front-door')).toEqual({
      provider: 'azure-front-door',
      name: 'front-door',
      subscriptionId: '11112222-3333-4444-5555-666677778888',
      resourceGroup: 'rg-web',
      profile: 'contoso',
      endpoint: 'www',
      armUrl: 'https://management.azure.com',
      apiVersion: '2024-09-01',
      identity: {
        kind: 'managed',
        clientId: undefined,
        authority: 'https://login.microsoftonline.com',
        audience: 'https://management.azure.com',
      },
      limits: { urlsPerRequest: 100, bytesPerRequest: 262_144 },
      purgesInFlight: 1,
      matching: { ignoresCase: true, ignoresQuery: true, ignoresScheme: true, reachesBelow: true },
      timeouts: { connectMs: 5_000, headersMs: 30_000, bodyMs: 30_000 },
    });
  });

  it('in the cloud of Azure China has its hosts', () => {
    const { cdns } = taken(parseConfiguration(aFrontDoorDocument({ cloud: 'azure-china' })));
    expect(cdns.get('front-door')).toMatchObject({
      armUrl: 'https://management.chinacloudapi.cn',
      identity: {
        authority: 'https://login.chinacloudapi.cn',
        audience: 'https://management.chinacloudapi.cn',
      },
    });
  });

  it('may say each of its cloud’s places itself: a slash at the end of an audience is a part of it', () => {
    const places = {
      armUrl: 'http://127.0.0.1:7082/',
      audience: 'https://management.core.windows.net/',
      authority: 'https://login.example.net/',
    };
    const { cdns } = taken(parseConfiguration(aFrontDoorDocument(places)));
    expect(cdns.get('front-door')).toMatchObject({
      armUrl: 'http://127.0.0.1:7082',
      identity: {
        audience: 'https://management.core.windows.net/',
        authority: 'https://login.example.net',
      },
    });
  });

  it('has no quota, and takes no part in that of another CDN of its subscription', () => {
    const reserve = { files: 1_800 };
    const document = {
      cdns: { china: cdn, 'front-door': frontDoor },
      sites: {
        old: { ...site, cdn: 'china', quota: { reserve } },
        new: { ...site, cdn: 'front-door', quota: { reserve } },
      },
    };
    const { cdns } = taken(parseConfiguration(document));
    expect(cdns.get('front-door')?.quota).toBeUndefined();
    expect([...(cdns.get('china')?.quota?.sites.keys() ?? [])]).toEqual(['old']);
  });
});

describe('where tokens go', () => {
  it.each([
    ['another host', { armUrl: 'https://management.example.net' }],
    ['a host that looks like it', { armUrl: 'https://management.azure.com.example.net' }],
    ['one that ends like it', { armUrl: 'https://a-management.azure.com' }],
    ['another port', { armUrl: 'https://a.example.net:444', audience: 'https://a.example.net' }],
    [
      'another host, with a token for secrets',
      { armUrl: 'https://a.example.net', audience: 'https://vault.azure.net' },
    ],
    ['Azure itself, with a token for secrets', { audience: 'https://vault.azure.net' }],
    ['the other cloud', { cloud: 'azure-china', armUrl: 'https://management.azure.com' }],
  ])('is not %s', (_where, places) => {
    expect(problems(parseConfiguration(aFrontDoorDocument(places)))).toEqual([
      'cdns.front-door.audience: must be of the same host as armUrl, or of Azure Resource Manager where armUrl is: tokens go only to whom they are for',
    ]);
  });

  it.each([
    ['Azure, by the audience that it had once', { audience: 'https://management.core.windows.net/' }],
    ['a region of Azure', { armUrl: 'https://westeurope.management.azure.com' }],
    [
      'a cloud that we do not know',
      { armUrl: 'https://management.example.net', audience: 'https://management.example.net/' },
    ],
    ['this machine', { armUrl: 'http://127.0.0.1:7082', audience: 'https://management.azure.com' }],
  ])('may be %s', (_where, places) => {
    expect(parseConfiguration(aFrontDoorDocument(places)).ok).toBe(true);
  });
});

describe('the endpoint of a host', () => {
  it('is that of the host, in lower case, else that of the CDN', () => {
    const hosts = ['www.example.cn', { host: 'media.example.cn', endpoint: 'Media-2' }];
    const { rules } = taken(parseConfiguration(aFrontDoorDocument({}, { hosts })));
    expect(rules[0]?.hosts.map(({ endpointId }) => endpointId)).toEqual(['www', 'media-2']);
  });

  it('given once holds wherever the host is named', () => {
    const document = {
      ...aFrontDoorDocument({ endpoint: undefined }),
      sites: {
        a: { ...site, cdn: 'front-door', hosts: ['www.example.cn'] },
        b: { ...site, cdn: 'front-door', hosts: [{ host: 'www.example.cn', endpoint: 'www' }] },
      },
    };
    const { rules } = taken(parseConfiguration(document));
    expect(rules.map(({ hosts }) => hosts[0]?.endpointId)).toEqual(['www', 'www']);
  });

  it('of the CDN is not that of the same host on a China CDN', () => {
    const hosts = ['www.example.cn', { host: 'www.example.cn', cdn: 'china' }];
    const { cdns } = aFrontDoorDocument();
    const { hosts: configured } = taken(
      parseConfiguration({
        cdns: { ...Object(cdns), china: cdn },
        sites: { www: { ...site, cdn: 'front-door', hosts } },
      }),
    );
    expect(configured.get('www.example.cn')?.servedBy).toMatchObject([
      { cdn: 'front-door', endpointId: 'www' },
      { cdn: 'china', endpointId: undefined },
    ]);
  });
});

describe('a faulty profile', () => {
  it.each([
    [
      'no provider',
      aFrontDoorDocument({ provider: undefined }),
      ['cdns.front-door.provider: is missing: "azure-china-cdn" or "azure-front-door" is needed'],
    ],
    [
      'a provider that there is not',
      aFrontDoorDocument({ provider: 'front-door' }),
      ['cdns.front-door.provider: must be "azure-china-cdn" or "azure-front-door"'],
    ],
    [
      'no object',
      { ...aFrontDoorDocument(), cdns: { 'front-door': 3 } },
      ['cdns.front-door: must be an object, not a number'],
    ],
    [
      'a key of the other kind of CDN',
      aFrontDoorDocument({ keys: { id: 'A', value: 'B' } }),
      [
        expect.stringMatching(
          /^cdns\.front-door\.keys: unknown key: known here are provider, subscription, resourceGroup, /u,
        ),
      ],
    ],
    [
      'names that could leave their place in the address',
      aFrontDoorDocument({ resourceGroup: '../x', profile: 'a/b', endpoint: 'www.example.net' }),
      [
        'cdns.front-door.resourceGroup: must be the name of a resource group',
        'cdns.front-door.profile: must be the name of a Front Door profile: letters, digits and -',
        'cdns.front-door.endpoint: must be the name of a Front Door endpoint (letters, digits and -, at most 46), not its host name',
      ],
    ],
    [
      'plain http to another machine',
      aFrontDoorDocument({ armUrl: 'http://management.azure.com', authority: 'http://127.0.0.1' }),
      [
        'cdns.front-door.armUrl: must be https: plain http is only for a loopback host',
        'cdns.front-door.authority: must be https',
      ],
    ],
    [
      'more than Front Door takes',
      aFrontDoorDocument({ limits: { urlsPerRequest: 101 }, purgesInFlight: 21 }),
      [
        'cdns.front-door.limits.urlsPerRequest: must be at most 100',
        'cdns.front-door.purgesInFlight: must be at most 20',
      ],
    ],
    [
      'an API version that is none, and an unknown cloud',
      aFrontDoorDocument({ apiVersion: 'latest', cloud: 'china' }),
      [
        'cdns.front-door.cloud: must be "azure" or "azure-china"',
        'cdns.front-door.apiVersion: must be an API version such as 2024-09-01',
      ],
    ],
    [
      'an unknown identity',
      aFrontDoorDocument({ identity: { kind: 'key', clientId: 'me' } }),
      [
        'cdns.front-door.identity.kind: must be "managed" or "login"',
        'cdns.front-door.identity.clientId: must be an id like 11112222-3333-4444-5555-666677778888',
      ],
    ],
    [
      'a host with no endpoint at all',
      aFrontDoorDocument({ endpoint: undefined }),
      ['sites.www.hosts[0]: has no endpoint: name one for the host, or in cdns.front-door'],
    ],
    [
      'the name of a host where that of its endpoint belongs',
      aFrontDoorDocument({}, { hosts: [{ host: 'www.example.cn', endpoint: 'www.azurefd.net' }] }),
      [
        'sites.www.hosts[0].endpoint: must be the name of a Front Door endpoint (letters, digits and -, at most 46), not its host name',
      ],
    ],
    [
      'one profile of which two entries say differently how much it may have under way',
      {
        cdns: {
          one: frontDoor,
          two: { ...frontDoor, resourceGroup: 'RG-Web', purgesInFlight: 2 },
          three: { ...frontDoor, profile: 'another', purgesInFlight: 3 },
        },
        sites: { www: { ...site, cdn: 'one' } },
      },
      ['cdns.two.purgesInFlight: differs from that of one, which is the same profile: state the same'],
    ],
  ])('%s', (_, document, expected) => {
    expect(problems(parseConfiguration(document))).toEqual(expected);
  });
});

it('is in the shipped example of a site that moves from the China CDN', () => {
  const file = new URL('../../../examples/front-door.config.json', import.meta.url);
  const { hosts } = taken(parseConfigurationText(readFileSync(file, 'utf8')));
  expect(hosts.get('www.contoso.cn')?.servedBy.map(({ cdn }) => cdn)).toEqual(['front-door', 'china']);
});
