// From a path in an account to the URLs that a CDN may hold.

import { describe, expect, it } from 'vitest';

import { applyRule, mapToTargets } from '../../../src/lib/core/url-mapping.ts';
import {
  anAffectedPath,
  aRule,
  aRuleHost,
  CDN,
  ENDPOINT,
  HOST,
  OTHER_ENDPOINT,
  OTHER_HOST,
  urlsOf,
} from '../../support/builders.ts';

const blob = anAffectedPath;
const directory = (name: string, container = 'media') =>
  anAffectedPath(name, { extent: 'directory', container });

describe('where a container is served', () => {
  it('is under its own name', () => {
    expect(urlsOf(blob('dir/a.txt'), aRule())).toEqual(['http://www.example.cn/media/dir/a.txt']);
  });

  it('is at the root for $web', () => {
    expect(urlsOf(blob('a.txt', { container: '$web' }), aRule())).toEqual(['http://www.example.cn/a.txt']);
  });

  it('is under $root, escaped, for $root', () => {
    expect(urlsOf(blob('a.txt', { container: '$root' }), aRule())).toEqual([
      'http://www.example.cn/%24root/a.txt',
    ]);
  });

  it.each([
    ['/', 'http://www.example.cn/a.txt'],
    ['/static/', 'http://www.example.cn/static/a.txt'],
    ['/静 态/', 'http://www.example.cn/%E9%9D%99%20%E6%80%81/a.txt'],
  ])('is under the path %s when the rule says so', (servedUnder, url) => {
    expect(urlsOf(blob('a.txt'), aRule({ servedUnder }))).toEqual([url]);
    expect(urlsOf(blob('a.txt', { container: '$web' }), aRule({ servedUnder }))).toEqual([url]);
  });
});

describe('a target', () => {
  it('names the endpoint, the site and the reason', () => {
    expect(mapToTargets(blob('a.txt'), [aRule({ site: 'shop' })])).toEqual([
      {
        kind: 'file',
        url: 'http://www.example.cn/media/a.txt',
        cdn: CDN,
        host: HOST,
        endpointId: ENDPOINT,
        site: 'shop',
        scheme: 'http',
        spelling: 'link',
        because: 'blob',
      },
    ]);
  });

  it('leaves the endpoint open where the configuration does', () => {
    const rule = aRule({ hosts: [aRuleHost({ endpointId: undefined })] });
    expect(mapToTargets(blob('a.txt'), [rule])[0]?.endpointId).toBeUndefined();
  });

  it('is made for every host, scheme and spelling that differs', () => {
    const rule = aRule({
      hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })],
      schemes: ['http', 'https'],
      spellings: ['link', 'component', 'raw'],
    });
    expect(new Set(urlsOf(blob('a b+.txt'), rule))).toEqual(
      new Set(
        [HOST, OTHER_HOST].flatMap((host) =>
          ['http', 'https'].flatMap((scheme) =>
            ['a%20b+.txt', 'a%20b%2B.txt', 'a b+.txt'].map((name) => `${scheme}://${host}/media/${name}`),
          ),
        ),
      ),
    );
  });

  it('is made once where spellings agree', () => {
    const rule = aRule({ spellings: ['link', 'component', 'raw'] });
    expect(urlsOf(blob('a.txt'), rule)).toEqual(['http://www.example.cn/media/a.txt']);
  });

  it('keeps a name that starts with a slash apart from one that does not', () => {
    expect(urlsOf(blob('/a.txt'), aRule({ servedUnder: '/' }))).toEqual(['http://www.example.cn//a.txt']);
  });
});

const reason = (...[rule, path]: Parameters<typeof applyRule>) => {
  const result = applyRule(rule, path);
  return result.kind === 'none' ? result.reason : result.kind;
};

describe('a rule says why it makes no target', () => {
  it.each([
    ['another account', aRule({ account: 'other' }), blob('a'), 'other-account'],
    ['another container', aRule({ matchesContainer: (c) => c === 'x' }), blob('a'), 'other-container'],
    ['a blob outside the strip prefix', aRule({ strip: 'site/' }), blob('other/a'), 'outside-strip-prefix'],
    [
      'a blob whose name only begins alike',
      aRule({ strip: 'site/' }),
      blob('sites/a'),
      'outside-strip-prefix',
    ],
    ['the strip prefix itself', aRule({ strip: 'site/' }), blob('site/'), 'outside-strip-prefix'],
    ['a blob not included', aRule({ includes: () => false }), blob('a'), 'not-included'],
    ['a blob excluded', aRule({ excludes: () => true }), blob('a'), 'excluded'],
    ['a name no spelling can say', aRule({ spellings: ['raw'] }), blob('a#b'), 'no-spelling'],
    [
      'a directory beside the strip prefix',
      aRule({ strip: 'a/b/' }),
      directory('a/c'),
      'outside-strip-prefix',
    ],
    ['a directory that is excluded whole', aRule({ excludesTree: () => true }), directory('a'), 'excluded'],
  ] as const)('%s', (_what, rule, path, expected) => {
    expect(reason(rule, path)).toBe(expected);
  });

  it('matches every configured account for an asterisk', () => {
    expect(reason(aRule({ account: '*' }), blob('a', { account: 'whatever' }))).toBe('targets');
  });

  it('matches globs against the whole name, the strip prefix included', () => {
    const seen: string[] = [];
    const rule = aRule({ strip: 'site/', includes: (name) => seen.push(name) > 0 });
    expect(urlsOf(blob('site/a.txt'), rule)).toEqual(['http://www.example.cn/media/a.txt']);
    expect(seen).toEqual(['site/a.txt']);
  });
});

describe('an index document', () => {
  const rule = aRule({ servedUnder: '/', indexDocuments: ['index.html', 'default.htm'] });

  it.each([
    ['in a directory', 'docs/index.html', ['/docs/index.html', '/docs/']],
    ['by another name', 'docs/default.htm', ['/docs/default.htm', '/docs/']],
    ['at the root', 'index.html', ['/index.html', '/']],
    ['only by its whole name', 'docs/my-index.html', ['/docs/my-index.html']],
    ['only in its own case', 'docs/Index.html', ['/docs/Index.html']],
    ['not as a directory', 'index.html/a', ['/index.html/a']],
  ])('answers for its directory %s', (_what, name, paths) => {
    expect(urlsOf(blob(name), rule)).toEqual(paths.map((path) => `http://www.example.cn${path}`));
  });

  it('answers for its directory as a file: what is below it did not change', () => {
    expect(mapToTargets(blob('docs/index.html'), [rule]).map(({ kind, because }) => [kind, because])).toEqual(
      [
        ['file', 'blob'],
        ['file', 'index-document'],
      ],
    );
  });

  it('answers for the directory without slash as well, if asked', () => {
    expect(urlsOf(blob('docs/index.html'), aRule({ ...rule, indexWithoutSlash: true }))).toEqual([
      'http://www.example.cn/docs/index.html',
      'http://www.example.cn/docs/',
      'http://www.example.cn/docs',
    ]);
  });

  it('leaves the root of a host its slash', () => {
    expect(urlsOf(blob('index.html'), aRule({ ...rule, indexWithoutSlash: true }))).toEqual([
      'http://www.example.cn/index.html',
      'http://www.example.cn/',
    ]);
  });

  it('answers for the path that the rule serves the container under', () => {
    const under = aRule({ ...rule, servedUnder: '/shop/', indexWithoutSlash: true, strip: 'site/' });
    expect(urlsOf(blob('site/index.html'), under)).toEqual([
      'http://www.example.cn/shop/index.html',
      'http://www.example.cn/shop/',
      'http://www.example.cn/shop',
    ]);
  });
});

describe('a directory', () => {
  it.each([
    ['its URL', 'docs', '', '/media/docs/'],
    ['its URL, written with a slash', 'docs/', '', '/media/docs/'],
    ['a directory below the strip prefix', 'site/docs', 'site/', '/media/docs/'],
    ['the directory that is stripped', 'site', 'site/', '/media/'],
    ['a directory above the strip prefix', 'a', 'a/b/', '/media/'],
    ['the whole container', '', '', '/media/'],
    ['the whole container, though some is stripped', '', 'a/', '/media/'],
    ['a name that needs escaping', 'a b#', '', '/media/a%20b%23/'],
  ])('is purged as %s', (_what, name, strip, path) => {
    expect(urlsOf(directory(name), aRule({ strip }))).toEqual([`http://www.example.cn${path} (all)`]);
  });

  it('is everything of a host where the whole of $web goes', () => {
    expect(urlsOf(directory('', '$web'), aRule())).toEqual(['http://www.example.cn/ (all)']);
  });

  it('is not held back by what is included: some name below it may be', () => {
    expect(urlsOf(directory('docs'), aRule({ includes: () => false }))).toHaveLength(1);
  });

  it('asks for the exclusion of its tree by its name without slash', () => {
    const asked: string[] = [];
    urlsOf(directory('docs/'), aRule({ excludesTree: (name) => asked.push(name) === 0 }));
    expect(asked).toEqual(['docs']);
  });

  it('takes the URL without slash with it, where index documents answer there', () => {
    const rule = aRule({ indexDocuments: ['index.html'], indexWithoutSlash: true });
    expect(urlsOf(directory('docs'), rule)).toEqual([
      'http://www.example.cn/media/docs/ (all)',
      'http://www.example.cn/media/docs',
    ]);
    expect(urlsOf(directory('', '$web'), rule)).toEqual(['http://www.example.cn/ (all)']);
  });
});

describe('many rules', () => {
  it('all apply', () => {
    const rules = [aRule(), aRule({ site: 'b', hosts: [aRuleHost({ host: OTHER_HOST })] })];
    expect(urlsOf(blob('a'), ...rules)).toEqual([
      'http://www.example.cn/media/a',
      'http://other.example.cn/media/a',
    ]);
  });

  it('count equal targets once, for the first', () => {
    const targets = mapToTargets(blob('a'), [aRule({ site: 'first' }), aRule({ site: 'second' })]);
    expect(targets.map(({ site }) => site)).toEqual(['first']);
  });

  it('keep the same URL on two CDNs apart', () => {
    const rules = [aRule(), aRule({ hosts: [aRuleHost({ cdn: 'second' })] })];
    expect(mapToTargets(blob('a'), rules).map(({ cdn }) => cdn)).toEqual([CDN, 'second']);
  });

  it('serve nothing where none matches', () => {
    expect(mapToTargets(blob('a'), [])).toEqual([]);
  });
});
