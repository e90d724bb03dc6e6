// From URL directories back to the blobs behind them.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  servedContainers,
  siteOf,
  type ServedContainers,
} from '../../../../src/lib/core/inventory/served-containers.ts';
import { mapToTargets, type MappingRule } from '../../../../src/lib/core/url-mapping.ts';
import { SPELLINGS } from '../../../../src/lib/core/cdn-url.ts';
import { ACCOUNT, aRule, aRuleHost, CDN, HOST, OTHER_HOST } from '../../../support/builders.ts';
import { usableName } from '../../../support/names.ts';

const SITE = siteOf(CDN, 'http', HOST);
const KNOWN = ['$web', 'media', 'files'];
const only = (container: string) => ({ matchesContainer: (name: string) => name === container });

function served(rules: readonly MappingRule[], known: readonly string[] = KNOWN): ServedContainers {
  return servedContainers(rules, new Set([ACCOUNT]), new Map([[ACCOUNT, new Set(known)]]));
}

const places = (directories: ReturnType<ServedContainers['directoriesBelow']>) =>
  directories?.map(({ account, container, directory }) => `${account}/${container}/${directory}`);

describe('the blob directories below a URL directory', () => {
  it.each<[string, MappingRule, string, readonly string[] | undefined]>([
    ['under the name of the container', aRule(only('media')), '/media/a/', ['contoso/media/a/']],
    ['the whole container', aRule(only('media')), '/media/', ['contoso/media/']],
    ['the root, above the container', aRule(only('media')), '/', ['contoso/media/']],
    ['the web site, at the root', aRule(only('$web')), '/docs/', ['contoso/$web/docs/']],
    [
      'under another path',
      aRule({ ...only('media'), servedUnder: '/m/x/' }),
      '/m/x/a/',
      ['contoso/media/a/'],
    ],
    ['above another path', aRule({ ...only('media'), servedUnder: '/m/x/' }), '/m/', ['contoso/media/']],
    ['without a prefix', aRule({ ...only('media'), strip: 'v1/' }), '/media/a/', ['contoso/media/v1/a/']],
    ['above a prefix', aRule({ ...only('media'), strip: 'v1/' }), '/', ['contoso/media/v1/']],
    ['percent-encoded', aRule(only('media')), '/media/a%20b/%E5%9B%BE/', ['contoso/media/a b/图/']],
    ['a percent-encoded per cent sign', aRule(only('media')), '/media/a%2520b/', ['contoso/media/a%20b/']],
    ['every container', aRule(), '/', ['contoso/$web/', 'contoso/media/', 'contoso/files/']],
    [
      'one of every container',
      aRule({ matchesContainer: (c) => c !== '$web' }),
      '/files/a/',
      ['contoso/files/a/'],
    ],
    ['of any account', aRule({ ...only('media'), account: '*' }), '/media/a/', ['contoso/media/a/']],
    ['not UTF-8', aRule(only('media')), '/media/%E5/', undefined],
    ['that no container serves', aRule({ ...only('media'), servedUnder: '/m/' }), '/x/', undefined],
    ['of another host', aRule({ hosts: [aRuleHost({ host: OTHER_HOST })] }), '/media/', undefined],
    ['of another scheme', aRule({ schemes: ['https'] }), '/media/', undefined],
    [
      'of a container that is not known',
      aRule({ matchesContainer: (c) => c !== '$web' }),
      '/new/a/',
      undefined,
    ],
    ['of an account that is not known', aRule({ account: 'other' }), '/media/a/', undefined],
    ['above one', aRule({ account: 'other' }), '/', undefined],
    [
      'above a container that is not known',
      aRule({ ...only('new'), servedUnder: '/a/n/' }),
      '/a/',
      undefined,
    ],
    ['below one', aRule({ ...only('new'), servedUnder: '/a/n/' }), '/a/n/b/', undefined],
  ])('%s', (_what, rule, directory, expected) => {
    expect(places(served([rule]).directoriesBelow(SITE, directory))).toEqual(expected);
  });

  it('are those of all rules together, the same one once', () => {
    const rules = [
      aRule({ ...only('$web'), site: 'one' }),
      aRule({ ...only('$web'), site: 'two' }),
      aRule({ ...only('media'), servedUnder: '/docs/media/' }),
    ];
    const { directoriesBelow, containersOf } = served(rules);
    expect(places(directoriesBelow(SITE, '/docs/'))).toEqual(['contoso/$web/docs/', 'contoso/media/']);
    expect(containersOf(SITE).map(({ container }) => container)).toEqual(['$web', 'media']);
  });

  it('are known where a rule for every container could get one of that name', () => {
    const rules = [aRule(only('$web')), aRule({ matchesContainer: (name) => !name.startsWith('$') })];
    expect(places(served(rules).directoriesBelow(SITE, '/docs/'))).toEqual(['contoso/$web/docs/']);
  });

  it('are not known where one of two rules has a container that is not known', () => {
    const rules = [aRule(only('$web')), aRule({ ...only('new'), servedUnder: '/docs/new/' })];
    const { directoriesBelow } = served(rules);
    expect(directoriesBelow(SITE, '/docs/')).toBeUndefined();
    expect(places(directoriesBelow(SITE, '/blog/'))).toEqual(['contoso/$web/blog/']);
  });

  it('holds every blob whose URL is below it, as the mapping makes it', () => {
    const rules = [
      aRule({ ...only('$web'), strip: 'v1/', spellings: SPELLINGS }),
      aRule({ ...only('media'), servedUnder: '/m/', spellings: SPELLINGS }),
      aRule({ ...only('files'), spellings: SPELLINGS }),
    ];
    const reverse = served(rules);
    const input = fc.tuple(fc.constantFrom(...KNOWN), usableName, fc.nat(5));
    fc.assert(
      fc.property(input, ([container, tail, depth]) => {
        const name = container === '$web' ? `v1/${tail}` : tail;
        const path = { account: ACCOUNT, container, name, extent: 'blob' } as const;
        for (const { url } of mapToTargets(path, rules)) {
          const urlPath = url.slice(`http://${HOST}`.length);
          expect(reverse.blobsAt(SITE, urlPath)).toContainEqual({ account: ACCOUNT, container, name });
          const ends = [...urlPath.matchAll(/\//gu)].map(({ index }) => index + 1);
          const directory = urlPath.slice(0, ends[depth % ends.length]);
          const below = reverse.directoriesBelow(SITE, directory) ?? [];
          const holding = below.filter(
            (one) => one.container === container && name.startsWith(one.directory),
          );
          expect(holding).toHaveLength(1);
        }
      }),
    );
  });
});
