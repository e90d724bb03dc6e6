// The configuration document: what it means when it is right, and all that is said when it is not.

import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfiguration, parseConfigurationText } from '../../../src/lib/config/configuration.ts';
import { applyRule, mapToTargets } from '../../../src/lib/core/url-mapping.ts';
import {
  aDocument,
  aDocumentWithCdn,
  aDocumentWithContainer,
  aDocumentWithSite,
  cdn,
  container,
  site,
} from './documents.ts';
import { problems, taken, urls } from './outcome.ts';

const ENDPOINT = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
const OTHER_ENDPOINT = '22222222-cccc-dddd-eeee-ffff00001111';

describe('a right document', () => {
  it('gives the CDN with its built-in defaults', () => {
    const { cdns } = taken(parseConfiguration(aDocument()));
    expect(cdns.get('china')).toEqual({
      provider: 'azure-china-cdn',
      name: 'china',
      subscriptionId: '11112222-3333-4444-5555-666677778888',
      keySettings: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
      apiBaseUrl: 'https://restapi.cdn.azure.cn',
      limits: { urlsPerRequest: 100, bytesPerRequest: 262_144 },
      matching: { ignoresCase: false, ignoresQuery: false, ignoresScheme: false, reachesBelow: true },
      timeouts: { connectMs: 5_000, headersMs: 30_000, bodyMs: 30_000 },
      // quota-policy.test.ts
      quota: expect.objectContaining({
        budgets: [
          expect.objectContaining({ perFile: 1, perDirectory: 0, limit: 2_000, per: 'day' }),
          expect.objectContaining({ perFile: 0, perDirectory: 1, limit: 500, per: 'day' }),
        ],
      }),
    });
  });

  it('names the settings of a second key, where there is one', () => {
    const second = { id: 'NEXT_KEY_ID', value: 'NEXT_KEY_VALUE' };
    const { cdns } = taken(parseConfiguration(aDocumentWithCdn({ keys: { ...cdn.keys, second } })));
    expect(cdns.get('china')).toMatchObject({ keySettings: { ...cdn.keys, second } });
  });

  it('keeps what it says of limits and fills in the rest', () => {
    const { cdns } = taken(parseConfiguration(aDocumentWithCdn({ limits: { urlsPerRequest: 7 } })));
    expect(cdns.get('china')?.limits).toEqual({ urlsPerRequest: 7, bytesPerRequest: 262_144 });
  });

  it('says of the targets what the CDN takes for the same, where a URL does not stand for itself alone', () => {
    const matching = { ignoresCase: false, ignoresQuery: false, ignoresScheme: false, reachesBelow: false };
    const { cdns, hosts, rules } = taken(
      parseConfiguration(
        aDocument({
          cdns: { china: { ...cdn, directoriesReachBelow: false }, other: cdn },
          sites: {
            www: site,
            other: { ...site, cdn: 'other' },
          },
        }),
      ),
    );
    expect(cdns.get('china')?.matching).toEqual(matching);
    expect(hosts.get('www.example.cn')?.servedBy.map((one) => one.matching)).toEqual([matching, undefined]);
    const path = { account: 'contoso', container: 'media', name: 'a', extent: 'blob' } as const;
    expect(mapToTargets(path, rules).map((target) => target.matching)).toEqual([matching, undefined]);
  });

  it('writes ids and host names in lower case, and international names as punycode', () => {
    const { cdns, hosts } = taken(
      parseConfiguration({
        cdns: { china: { ...cdn, subscription: 'AAAABBBB-3333-4444-5555-666677778888' } },
        sites: { www: { ...site, hosts: [{ host: 'WWW.例子.CN', endpoint: ENDPOINT.toUpperCase() }] } },
      }),
    );
    expect(cdns.get('china')?.subscriptionId).toBe('aaaabbbb-3333-4444-5555-666677778888');
    expect(hosts.get('www.xn--fsqu00a.cn')?.servedBy).toEqual([
      { cdn: 'china', endpointId: ENDPOINT, site: 'www' },
    ]);
  });

  it('names the accounts whose events are believed, without the asterisk', () => {
    const containers = [container, { ...container, account: 'other1' }, { ...container, account: '*' }];
    expect(taken(parseConfiguration(aDocumentWithSite({ containers }))).accounts).toEqual(
      new Set(['contoso', 'other1']),
    );
  });

  it('gives each site its priority, 50 unless it says otherwise', () => {
    const { sites } = taken(
      parseConfiguration(aDocument({ sites: { www: site, api: { ...site, priority: 90 } } })),
    );
    expect([...sites.values()]).toEqual([
      { name: 'www', priority: 50 },
      { name: 'api', priority: 90 },
    ]);
  });

  it('takes the CDN from the host before its site, and from the site before the defaults', () => {
    const { hosts } = taken(
      parseConfiguration({
        cdns: { one: cdn, two: cdn, three: cdn },
        defaults: { cdn: 'one' },
        sites: {
          a: { containers: [container], hosts: ['default.example.cn'] },
          b: {
            containers: [container],
            cdn: 'two',
            hosts: ['site.example.cn', { host: 'own.example.cn', cdn: 'three' }],
          },
        },
      }),
    );
    expect([...hosts.values()].map(({ host, servedBy }) => [host, servedBy[0]?.cdn])).toEqual([
      ['default.example.cn', 'one'],
      ['site.example.cn', 'two'],
      ['own.example.cn', 'three'],
    ]);
  });

  it('lists a host that several sites name once a CDN, with the endpoint id that any of them gives', () => {
    const sites = {
      a: { ...site, hosts: ['www.example.cn'], schemes: ['https'] },
      b: { ...site, hosts: [{ host: 'www.example.cn', endpoint: ENDPOINT }], schemes: ['http'] },
    };
    const { hosts, rules } = taken(parseConfiguration(aDocument({ sites })));
    expect(hosts.get('www.example.cn')).toEqual({
      host: 'www.example.cn',
      servedBy: [{ cdn: 'china', endpointId: ENDPOINT, site: 'a' }],
      schemes: ['http', 'https'],
    });
    expect(rules.map((rule) => rule.hosts[0]?.endpointId)).toEqual([ENDPOINT, ENDPOINT]);
  });

  it.each([
    { layer: 'built in', defaults: {}, ofSite: {}, ofContainer: {}, scheme: 'http' },
    { layer: 'the defaults', defaults: { schemes: ['https'] }, ofSite: {}, ofContainer: {}, scheme: 'https' },
    {
      layer: 'the site',
      defaults: { schemes: ['http'] },
      ofSite: { schemes: ['https'] },
      ofContainer: {},
      scheme: 'https',
    },
    {
      layer: 'the container',
      defaults: { schemes: ['http'] },
      ofSite: { schemes: ['http'] },
      ofContainer: { schemes: ['https'] },
      scheme: 'https',
    },
  ])(
    'takes a mapping field from $layer when nothing nearer says it',
    ({ defaults, ofSite, ofContainer, scheme }) => {
      const document = aDocument({
        defaults,
        sites: { www: { ...site, ...ofSite, containers: [{ ...container, ...ofContainer }] } },
      });
      expect(urls(document, 'a.txt')).toEqual([`${scheme}://www.example.cn/media/a.txt`]);
    },
  );

  it.each([
    ['serves a container under its name', {}, 'a.txt', ['/media/a.txt']],
    ['serves it under its path', { path: '/m/' }, 'a.txt', ['/m/a.txt']],
    ['serves it at the root', { path: '/' }, 'a.txt', ['/a.txt']],
    [
      'percent-encodes a path that is written as it reads',
      { path: '/图 片/' },
      'a',
      ['/%E5%9B%BE%20%E7%89%87/a'],
    ],
    ['strips a prefix', { strip: 'public/' }, 'public/a.txt', ['/media/a.txt']],
    ['has nothing outside the prefix', { strip: 'public/' }, 'a.txt', []],
    ['keeps to what is included', { include: ['**/*.png'] }, 'a.txt', []],
    ['matches the whole name before the strip', { strip: 'p/', include: ['p/*'] }, 'p/a', ['/media/a']],
    ['leaves out what is excluded', { exclude: ['**/*.txt'] }, 'd/a.txt', []],
    ['purges the directory of an index document', {}, 'd/index.html', ['/media/d/index.html', '/media/d/']],
    ['can do without', { indexDocuments: [] }, 'd/index.html', ['/media/d/index.html']],
    [
      'purges it without its slash if asked',
      { indexDocuments: ['default.htm'], indexWithoutSlash: true },
      'd/default.htm',
      ['/media/d/default.htm', '/media/d/', '/media/d'],
    ],
    [
      'writes a name in each spelling that differs',
      { spellings: ['link', 'component', 'link'] },
      'a+b.txt',
      ['/media/a+b.txt', '/media/a%2Bb.txt'],
    ],
  ])('%s', (_, parts, name, paths) => {
    expect(urls(aDocumentWithContainer(parts), name)).toEqual(
      paths.map((path) => `http://www.example.cn${path}`),
    );
  });

  it('can take back for one container what the defaults exclude', () => {
    const document = aDocument({
      defaults: { exclude: ['**'] },
      sites: { www: { ...site, containers: [{ ...container, exclude: [] }] } },
    });
    expect(urls(document, 'a.txt')).toHaveLength(1);
  });

  it.each([
    ['$web', { container: '$web' }, ['/a']],
    ['thumbs-2024', { container: 'thumbs-2024' }, ['/thumbs-2024/a']],
    ['media', { container: 'media' }, []],
  ])('serves %s by the pattern that matches it', (_, place, paths) => {
    const containers = ['$web', 'thumbs-*'].map((name) => ({ ...container, container: name }));
    expect(urls(aDocumentWithSite({ containers }), 'a', place)).toEqual(
      paths.map((path) => `http://www.example.cn${path}`),
    );
  });

  it('drops a directory only when everything below it is excluded', () => {
    const document = aDocumentWithContainer({ exclude: ['drafts/**', 'old/*.txt'] });
    expect(urls(document, 'drafts/2024', { extent: 'directory' })).toEqual([]);
    expect(urls(document, 'old', { extent: 'directory' })).toEqual(['http://www.example.cn/media/old/']);
  });

  it('says of each rule where it stands, so that a person finds it', () => {
    const { rules } = taken(parseConfiguration(aDocumentWithSite({ containers: [container, container] })));
    expect(rules.map(({ path }) => path)).toEqual(['sites.www.containers[0]', 'sites.www.containers[1]']);
  });

  it('is the shipped example', () => {
    const file = new URL('../../../examples/purge.config.json', import.meta.url);
    const { sites, hosts } = taken(parseConfigurationText(readFileSync(file, 'utf8')));
    expect([...sites.keys()]).toEqual(['www', 'media']);
    expect([...hosts.keys()]).toEqual(['www.contoso.cn', 'www.contoso.com.cn', 'media.contoso.cn']);
  });
});

describe('a faulty document', () => {
  it('is answered with every problem at once, wherever they are', () => {
    const document = {
      cdns: {
        china: { ...cdn, limits: { urlsPerRequest: 0 }, timeout: {} },
        other: { ...cdn, provider: 'other' },
      },
      defaults: { cdn: 'chnia', spellings: [] },
      sites: {
        www: {
          containers: [{ account: 'Contoso', container: 'media', path: 'media', exclude: ['['] }],
          hosts: ['*.example.cn', { host: 'a.example.cn', cdn: 'nowhere' }],
          priority: 101,
        },
        'my site': 3,
      },
      extra: true,
    };
    expect(problems(parseConfiguration(document)).toSorted()).toEqual(
      [
        'cdns.china.limits.urlsPerRequest: must be at least 1',
        'cdns.china.timeout: unknown key: did you mean timeouts?',
        'cdns.other.provider: must be "azure-china-cdn" or "azure-front-door"',
        'defaults.cdn: there is no such CDN in cdns: did you mean china?',
        'defaults.spellings: needs at least 1',
        'extra: unknown key: known here are $schema, cdns, defaults, sites, planner',
        'sites.www.containers[0].account: must be a storage account: 3 to 24 lower-case letters and digits, or *',
        'sites.www.containers[0].exclude[0]: is not a valid pattern: Missing closing: "]" - use "\\\\]" to match literal characters',
        'sites.www.containers[0].path: must start and end with /',
        'sites.www.hosts[0]: name each concrete host: a purge URL cannot hold a wildcard',
        'sites.www.hosts[1].cdn: there is no such CDN in cdns',
        'sites.www.priority: must be at most 100',
        'sites["my site"]: a name must be letters, digits, - and _, at most 63',
        'sites["my site"]: must be an object, not a number',
      ].toSorted(),
    );
  });

  it.each([
    ['nothing', undefined, ['is missing: an object is needed']],
    ['null', null, ['must be an object, not null']],
    ['a list', [], ['must be an object, not a list']],
    [
      'an empty object',
      {},
      ['cdns: is missing: an object is needed', 'sites: is missing: an object is needed'],
    ],
    [
      'no site and no CDN',
      { cdns: {}, sites: {} },
      ['cdns: must name at least one CDN', 'sites: must name at least one site'],
    ],
    [
      'a site without host and container',
      aDocumentWithSite({ hosts: [], containers: [] }),
      ['sites.www.containers: needs at least 1', 'sites.www.hosts: needs at least 1'],
    ],
    [
      'an unknown key of a host',
      aDocumentWithSite({ hosts: [{ host: 'a.example.cn', endpointId: ENDPOINT }] }),
      ['sites.www.hosts[0].endpointId: unknown key: did you mean endpoint?'],
    ],
    [
      'a host that is neither text nor object',
      aDocumentWithSite({ hosts: [null] }),
      ['sites.www.hosts[0]: must be a host name, or an object with a host, not null'],
    ],
    [
      'an endpoint that is no id',
      aDocumentWithSite({ hosts: [{ host: 'a.example.cn', endpoint: 'www' }] }),
      ['sites.www.hosts[0].endpoint: must be an id like 11112222-3333-4444-5555-666677778888'],
    ],
    [
      'an unknown spelling',
      aDocumentWithContainer({ spellings: ['encoded'] }),
      ['sites.www.containers[0].spellings[0]: must be "link" or "component" or "raw"'],
    ],
    [
      'a limit beyond what the app can hold',
      aDocumentWithCdn({ limits: { urlsPerRequest: 1001, bytesPerRequest: 4095 } }),
      [
        'cdns.china.limits.urlsPerRequest: must be at most 1000',
        'cdns.china.limits.bytesPerRequest: must be at least 4096',
      ],
    ],
  ])('%s', (_, document, expected) => {
    expect(problems(parseConfiguration(document))).toEqual(expected);
  });

  it.each([
    [
      'a host without a CDN',
      aDocument({ sites: { www: { containers: [container], hosts: ['www.example.cn'] } } }),
      'sites.www.hosts[0]: has no CDN: name one for the host, its site or in defaults',
    ],
    [
      'a CDN that does not exist',
      aDocumentWithSite({ cdn: 'chna' }),
      'sites.www.cdn: there is no such CDN in cdns: did you mean china?',
    ],
    [
      'a host twice in a site',
      aDocumentWithSite({ hosts: ['www.example.cn', 'WWW.example.cn'] }),
      'sites.www.hosts[1]: is the same host and CDN as sites.www.hosts[0]',
    ],
    [
      'two endpoints for a host on one CDN',
      aDocument({
        sites: {
          a: { ...site, hosts: [{ host: 'www.example.cn', endpoint: ENDPOINT }] },
          b: { ...site, hosts: [{ host: 'www.example.cn', endpoint: OTHER_ENDPOINT }] },
        },
      }),
      'sites.b.hosts[0].endpoint: differs from sites.a.hosts[0].endpoint: on one CDN a host has one endpoint',
    ],
    [
      'an asterisk for accounts where none is named',
      aDocumentWithContainer({ account: '*' }),
      'sites.www.containers[0].account: * stands for the accounts that the document names elsewhere, and it names none',
    ],
  ])('%s is found, also when the shape has a fault elsewhere', (_, document, expected) => {
    expect(problems(parseConfiguration(document))).toEqual([expected]);
    expect(problems(parseConfiguration({ ...document, extra: 1 }))).toContain(expected);
  });

  it('may give a host a different endpoint on each CDN', () => {
    const { hosts } = taken(
      parseConfiguration({
        cdns: { one: cdn, two: cdn },
        sites: {
          www: {
            containers: [container],
            hosts: [
              { host: 'www.example.cn', cdn: 'one', endpoint: ENDPOINT },
              { host: 'www.example.cn', cdn: 'two', endpoint: OTHER_ENDPOINT },
            ],
          },
        },
      }),
    );
    expect(hosts.get('www.example.cn')?.servedBy).toHaveLength(2);
  });

  it.each(['cdns', 'sites'])(
    'a name in %s that JavaScript gives a meaning of its own is no name',
    (where) => {
      const text = JSON.stringify(aDocument()).replace(`"${where}":{`, `"${where}":{"__proto__":{},`);
      expect(problems(parseConfigurationText(text))).toEqual([
        `${where}.__proto__: a name must be letters, digits, - and _, at most 63`,
      ]);
    },
  );

  it('does not blame a part for a fault that is told already', () => {
    expect(problems(parseConfiguration(aDocument({ cdns: 3 })))).toEqual([
      'cdns: must be an object, not a number',
    ]);
    expect(problems(parseConfiguration(aDocumentWithSite({ cdn: 3 })))).toEqual([
      'sites.www.cdn: must be a string, not a number',
    ]);
  });

  it.each([
    ['a key id', '0a1b2c3d-1111-2222-3333-444455556666'],
    ['a base64 key', 'bWFkZS11cC1rZXktdmFsdWUtZm9yLXRlc3RzLW9ubHk='],
    ['a base64 key without signs', 'bWFkZS11cC1rZXktdmFsdWUtZm9yLXRlc3RzLW9ubHk'],
    ['a hexadecimal key', 'deadbeefcafedeadbeefcafedeadbeef'],
    ['a long run of letters and digits', 'kJ8sQ2mZ7xW4pL9vT3nB6yR1'],
  ])('never repeats %s that was pasted where a name belongs', (_, secret) => {
    const result = parseConfiguration({
      cdns: {
        china: {
          ...cdn,
          keys: { id: secret, value: secret, second: { id: secret, value: secret } },
          subscription: secret.slice(1),
          apiBaseUrl: `https://user:${secret}@example.cn/`,
        },
      },
      sites: {
        www: {
          ...site,
          priority: secret,
          hosts: [`${secret}/`, { host: 'a.example.cn', endpoint: `x${secret}`, cdn: `x${secret}` }],
          containers: [
            { ...container, account: `${secret}A`, path: secret, strip: secret, exclude: [`[${secret}`] },
          ],
          schemes: [secret],
        },
      },
    });
    expect(problems(result)).toHaveLength(14);
    expect(JSON.stringify(result)).not.toContain(secret.slice(1));
  });

  it('allows long names of settings that read as names', () => {
    const keys = { id: 'CONTOSO_CHINA_CDN_PRODUCTION_KEY_ID_2024', value: 'AzureChinaCdnProductionKeyValue' };
    expect(problems(parseConfiguration(aDocumentWithCdn({ keys })))).toEqual([]);
  });
});

describe('the document as text', () => {
  it.each([
    ['an empty text', ' \n', 'is empty'],
    ['a trailing comma', '{\n  "cdns": {},\n}', 'line 3, column 1: no comma may stand before }'],
    ['a comment', '{\n  // the CDNs\n}', 'line 2, column 3: JSON has no comments'],
    ['an early end', '{ "cdns": {', 'line 1, column 12: the text ends in the middle'],
    ['more than 1 MiB', `"${'x'.repeat(1024 * 1024)}"`, 'is longer than 1,048,576 characters'],
  ])('%s is answered with the place', (_, text, expected) => {
    expect(problems(parseConfigurationText(text))).toEqual([expected]);
  });

  it('may start with a byte order mark', () => {
    expect(problems(parseConfigurationText(`\u{FEFF}${JSON.stringify(aDocument())}`))).toEqual([]);
  });

  it('refuses a repeated key, of which JSON would drop all but the last', () => {
    const text = JSON.stringify(aDocument()).replace('"sites":{', '"sites":{"www":{},');
    expect(problems(parseConfigurationText(text))).toEqual([
      expect.stringMatching(/^line 1, column \d+: this key stands in its object twice$/u),
    ]);
  });

  it('tells a repeated key together with the other problems', () => {
    expect(problems(parseConfigurationText('{"cdns":1,"cdns":2}'))).toEqual([
      'line 1, column 11: this key stands in its object twice',
      'cdns: must be an object, not a number',
      'sites: is missing: an object is needed',
    ]);
  });
});

describe('properties', () => {
  it('any JSON value gives a configuration or at least one problem, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const result = parseConfiguration(value);
        expect(result.ok).toBe(problems(result).length === 0);
      }),
    );
  });

  it('any value in any place of a right document gives a usable configuration or at least one problem', () => {
    const text = JSON.stringify(
      aDocument({
        $schema: 'x',
        defaults: { cdn: 'china', include: ['**'], exclude: ['a'], indexDocuments: ['i'] },
        sites: { www: { ...site, containers: [{ ...container, path: '/a/', strip: 'b/' }] } },
      }),
    );
    let places = 0;
    JSON.parse(text, () => (places += 1));
    const strange = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('__proto__', '*', '**', '$web', '/'),
    );
    fc.assert(
      fc.property(fc.nat({ max: places - 1 }), strange, (place, value) => {
        let at = 0;
        const document: unknown = JSON.parse(text, (_, found: unknown) => {
          at += 1;
          return at - 1 === place ? value : found;
        });
        const result = parseConfiguration(document);
        expect(result.ok).toBe(problems(result).length === 0);
        if (!result.ok) return;
        for (const rule of result.value.rules) {
          const path = { account: 'contoso', container: 'media', name: 'a/b', extent: 'directory' } as const;
          expect(applyRule(rule, path).kind).toMatch(/^(?:targets|none)$/u);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('any text gives a configuration or at least one problem, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        const result = parseConfigurationText(text);
        expect(result.ok).toBe(problems(result).length === 0);
      }),
    );
  });
});

const planner = (parts: Readonly<Record<string, unknown>>) =>
  taken(parseConfiguration(aDocument({ planner: parts }))).planner;

describe('the planner', () => {
  it('is not there unless the document names it', () => {
    expect(taken(parseConfiguration(aDocument())).planner).toBeUndefined();
  });

  it('has built-in settings', () => {
    expect(planner({})).toEqual({
      isAllowed: expect.any(Function),
      smallestDirectory: 3,
      mostEvicted: 1_000,
      staleCost: 1,
      maxStalenessMs: 4 * 60 * 60_000,
      relistAfterMs: 24 * 60 * 60_000,
      recountAfterMs: 48 * 60 * 60_000,
      newBlobs: 'purge',
      isGroup: undefined,
    });
  });

  it('keeps what the document says', () => {
    expect(
      planner({
        smallestDirectory: 10,
        mostEvicted: 0,
        staleCost: 0.5,
        maxStalenessMinutes: 0,
        relistHours: 720,
        recountHours: 1,
        newBlobs: 'when-there-is-room',
      }),
    ).toMatchObject({
      smallestDirectory: 10,
      mostEvicted: 0,
      staleCost: 0.5,
      maxStalenessMs: 0,
      relistAfterMs: 720 * 60 * 60_000,
      recountAfterMs: 60 * 60_000,
      newBlobs: 'when-there-is-room',
    });
  });

  it.each([
    ['every directory but the root', {}, '/assets/', true],
    ['not the root', {}, '/', false],
    ['the root where it says so', { roots: true }, '/', true],
    ['not what is below a glob', { never: ['www.example.cn/assets/**'] }, '/assets/img/', false],
    ['not the directory of such a glob itself', { never: ['www.example.cn/assets/**'] }, '/assets/', false],
    ['what stands beside it', { never: ['www.example.cn/assets/**'] }, '/assets2/', true],
    ['not a directory that is named', { never: ['www.example.cn/assets'] }, '/assets/', false],
    ['nor with its slash', { never: ['www.example.cn/assets/'] }, '/assets/', false],
    ['what is below one that is named', { never: ['www.example.cn/assets'] }, '/assets/img/', true],
    ['what is so on another host', { never: ['other.example.cn/**'] }, '/assets/', true],
    ['nothing of a host', { never: ['www.example.cn/**'] }, '/assets/', false],
    ['no root, whatever is allowed', { roots: true, never: ['www.example.cn/'] }, '/', false],
  ])('purges as a whole %s', (_what, parts, directory, isAllowed) => {
    expect(planner(parts)?.isAllowed('www.example.cn', directory)).toBe(isAllowed);
  });

  it.each([
    ['what the glob names', '/hls/film/', true],
    ['not what holds it', '/hls/', false],
    ['not what is below it, which goes with it', '/hls/film/low/', false],
    ['not what stands beside it', '/films/film/', false],
  ])('takes for a group %s', (_what, directory, isGroup) => {
    expect(planner({ groups: ['www.example.cn/hls/*'] })?.isGroup?.('www.example.cn', directory)).toBe(
      isGroup,
    );
  });

  it.each([
    [{ smallestDirectory: 1 }, 'planner.smallestDirectory'],
    [{ mostEvicted: -1 }, 'planner.mostEvicted'],
    [{ staleCost: 0 }, 'planner.staleCost'],
    [{ maxStalenessMinutes: 1_441 }, 'planner.maxStalenessMinutes'],
    [{ relistHours: 0 }, 'planner.relistHours'],
    [{ recountHours: 0 }, 'planner.recountHours'],
    [{ newBlobs: 'sometimes' }, 'planner.newBlobs'],
    [{ never: ['['] }, 'planner.never[0]'],
    [{ groups: ['['] }, 'planner.groups[0]'],
    [{ maxEvicted: 1 }, 'planner'],
  ])('refuses %o, at its place', (parts, place) => {
    const [problem = '', ...others] = problems(parseConfiguration(aDocument({ planner: parts })));
    expect(problem.startsWith(place)).toBe(true);
    expect(others).toEqual([]);
  });
});
