// How names are spelled in URLs, and which URLs of a person are taken.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  cdnUrl,
  parseCdnUrl,
  rereadCdnUrl,
  SCHEMES,
  spellPath,
  SPELLINGS,
} from '../../../src/lib/core/cdn-url.ts';
import { ODD_NAMES, usableName } from '../../support/names.ts';

const HOST = 'www.example.cn';

describe('a link, as browsers send it', () => {
  it.each([
    ['plain', '/dir/a.txt', '/dir/a.txt'],
    ['RFC 3986 path characters', "/!&'()+,;=:@-._~", "/!&'()+,;=:@-._~"],
    ['a dollar sign', '/$web/a$', '/%24web/a%24'],
    ['a space', '/a b', '/a%20b'],
    ['a per cent sign', '/100%', '/100%25'],
    ['what looks percent-encoded', '/a%20b', '/a%2520b'],
    ['a hash and a question mark', '/a#b?c', '/a%23b%3Fc'],
    ['brackets', '/a[1]', '/a%5B1%5D'],
    ['a backslash', '/a\\b', '/a%5Cb'],
    ['Chinese', '/首页', '/%E9%A6%96%E9%A1%B5'],
    ['an emoji', '/🎉', '/%F0%9F%8E%89'],
    ['two slashes', '//a//b', '//a//b'],
    ['an asterisk in a segment', '/a*b', '/a*b'],
    ['an asterisk that would be a wildcard', '/dir/*', '/dir/%2A'],
    ['asterisks that would be wildcards', '/*/**/a', '/%2A/%2A%2A/a'],
  ])('spells %s', (_what, path, spelled) => {
    expect(spellPath(path, 'link')).toBe(spelled);
  });
});

describe('a component, as the Azure SDKs send it', () => {
  it.each([
    ['plain', '/dir/a.txt', '/dir/a.txt'],
    ['unreserved characters', '/-._~', '/-._~'],
    ['reserved characters', "/!*'();:@&=+$,#?[]", '/%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%23%3F%5B%5D'],
    ['a space', '/a b', '/a%20b'],
    ['what looks percent-encoded', '/a%20b', '/a%2520b'],
    ['Chinese', '/首页', '/%E9%A6%96%E9%A1%B5'],
  ])('spells %s', (_what, path, spelled) => {
    expect(spellPath(path, 'component')).toBe(spelled);
  });
});

describe('a raw spelling', () => {
  it.each([
    ['plain', '/dir/a.txt'],
    ['a space inside', '/a b'],
    ['Chinese', '/首页'],
    ['an emoji', '/🎉'],
    ['a dollar sign', '/$web/a'],
    ['a plus', '/a+b'],
    ['two slashes', '//a//b'],
    ['brackets', '/a[1]'],
  ])('is the path itself for %s', (_what, path) => {
    expect(spellPath(path, 'raw')).toBe(path);
  });

  it.each([
    ['a hash', '/a#b'],
    ['a question mark', '/a?b'],
    ['a per cent sign', '/100%'],
    ['what looks percent-encoded', '/a%20b'],
    ['a backslash', '/a\\b'],
    ['an asterisk', '/a*b'],
    ['a space at its end', '/a '],
  ])('cannot say %s', (_what, path) => {
    expect(spellPath(path, 'raw')).toBeUndefined();
  });
});

describe('every spelling', () => {
  const pathAndSpelling = fc.tuple(usableName, fc.constantFrom(...SPELLINGS), fc.constantFrom(...SCHEMES));

  it.each(ODD_NAMES)('decodes back to a name with %s', (_oddity, name) => {
    expect(decodeURIComponent(spellPath(`/${name}`, 'link') ?? '')).toBe(`/${name}`);
    expect(decodeURIComponent(spellPath(`/${name}`, 'component') ?? '')).toBe(`/${name}`);
  });

  it('decodes back to the name, whatever the name', () => {
    fc.assert(
      fc.property(usableName, fc.constantFrom('link' as const, 'component' as const), (name, spelling) => {
        const spelled = spellPath(`/${name}`, spelling);
        expect(decodeURIComponent(spelled ?? '')).toBe(`/${name}`);
        expect(spelled).toMatch(/^[\x21-\x7E]+$/u);
      }),
      { numRuns: 300 },
    );
  });

  it('means the same host and path to a URL parser', () => {
    fc.assert(
      fc.property(pathAndSpelling, ([name, spelling, scheme]) => {
        const spelled = spellPath(`/${name}`, spelling);
        fc.pre(spelled !== undefined);
        const url = new URL(cdnUrl(scheme, HOST, spelled));
        expect(url.protocol).toBe(`${scheme}:`);
        expect(url.host).toBe(HOST);
        expect(url.username + url.password + url.search + url.hash).toBe('');
        expect(decodeURIComponent(url.pathname)).toBe(`/${name}`);
        // A parser encodes what a raw spelling leaves.
        expect(spelling === 'raw' ? spelled : url.pathname).toBe(spelled);
      }),
      { numRuns: 300 },
    );
  });

  it('never makes a wildcard of a name', () => {
    fc.assert(
      fc.property(pathAndSpelling, ([name, spelling]) => {
        expect(spellPath(`/${name}`, spelling) ?? '').not.toMatch(/\/\*+(?:\/|$)/u);
      }),
      { numRuns: 300 },
    );
  });

  it('is taken as it stands when a person writes it as a URL, asterisks aside', () => {
    fc.assert(
      fc.property(usableName, fc.constantFrom('link' as const, 'component' as const), (name, spelling) => {
        const spelled = spellPath(`/${name}`, spelling) ?? '';
        fc.pre(!spelled.includes('*'));
        expect(parseCdnUrl(`http://${HOST}${spelled}`)).toEqual({
          ok: true,
          value: { scheme: 'http', host: HOST, pathAndQuery: spelled },
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a CDN URL', () => {
  it('joins scheme, host and path', () => {
    expect(cdnUrl('https', HOST, '/a%20b')).toBe('https://www.example.cn/a%20b');
  });

  it.each([
    ['no host', '', '/a'],
    ['a path without slash', HOST, 'a'],
    ['no path', HOST, ''],
    ['a port', `${HOST}:80`, '/a'],
    ['credentials', `user@${HOST}`, '/a'],
  ])('is never made with %s', (_what, host, path) => {
    expect(() => cdnUrl('http', host, path)).toThrow(RangeError);
  });
});

describe('a URL that a person wrote', () => {
  it.each([
    ['as it stands', 'http://www.example.cn/a/b.txt', 'http', HOST, '/a/b.txt'],
    ['with https', 'https://www.example.cn/a', 'https', HOST, '/a'],
    ['with scheme and host in upper case', 'HTTP://WWW.Example.CN/A', 'http', HOST, '/A'],
    ['without a path', 'http://www.example.cn', 'http', HOST, '/'],
    ['with a query', 'http://www.example.cn/a?b=c&d=[1]', 'http', HOST, '/a?b=c&d=[1]'],
    ['with a query and no path', 'http://www.example.cn?a', 'http', HOST, '/?a'],
    ['with an international host', 'http://例子.cn/a', 'http', 'xn--fsqu00a.cn', '/a'],
    ['with Chinese in the path', 'http://www.example.cn/首', 'http', HOST, '/%E9%A6%96'],
    ['with percent-encoding, kept', 'http://www.example.cn/%e9%a6%96%2A', 'http', HOST, '/%e9%a6%96%2A'],
    ['with brackets, encoded', 'http://www.example.cn/a[1]', 'http', HOST, '/a%5B1%5D'],
    ['with quotes, encoded', 'http://www.example.cn/"a"', 'http', HOST, '/%22a%22'],
    ['with three dots', 'http://www.example.cn/.../a', 'http', HOST, '/.../a'],
  ])('is taken %s', (_what, text, scheme, host, pathAndQuery) => {
    expect(parseCdnUrl(text)).toEqual({ ok: true, value: { scheme, host, pathAndQuery } });
  });

  it.each([
    ['', 'not-absolute'],
    ['/a/b', 'not-absolute'],
    ['www.example.cn/a', 'not-absolute'],
    ['//www.example.cn/a', 'not-absolute'],
    ['ftp://www.example.cn/a', 'not-absolute'],
    ['javascript:alert(1)', 'not-absolute'],
    ['http:///a', 'not-absolute'],
    ['http:/www.example.cn/a', 'not-absolute'],
    ['http://?a', 'not-absolute'],
    ['http://exa<mple.cn/a', 'not-absolute'],
    ['http://%zz/a', 'not-absolute'],
    ['http://user@www.example.cn/a', 'credentials'],
    ['http://user:pw@www.example.cn/a', 'credentials'],
    ['http://www.example.cn:80/a', 'port'],
    ['http://www.example.cn:/a', 'port'],
    ['http://[::1]/a', 'port'],
    ['http://www.example.cn/a#b', 'fragment'],
    ['http://www.example.cn/a#', 'fragment'],
    ['http://www.example.cn/a/../b', 'dot-segment'],
    ['http://www.example.cn/./b', 'dot-segment'],
    ['http://www.example.cn/a/..', 'dot-segment'],
    ['http://www.example.cn/a/%2e%2E/b', 'dot-segment'],
    ['http://www.example.cn/a/.%2e', 'dot-segment'],
    ['http://www.example.cn/a%2f..%2Fb', 'dot-segment'],
    ['http://www.example.cn/a%5C..%5Cb', 'dot-segment'],
    ['http://www.example.cn\\a', 'backslash'],
    ['http://www.example.cn/a\\b', 'backslash'],
    ['http://www.example.cn/a\nb', 'control-character'],
    ['http://www.example.cn/a\0', 'control-character'],
    ['http://www.example.cn/a%00', 'control-character'],
    ['http://www.example.cn/a%0d%0aHost:%20b', 'control-character'],
    ['http://www.example.cn/a%C2%85', 'control-character'],
    ['http://www.example.cn/\uD83C', 'control-character'],
    ['http://www.example.cn/a b', 'white-space'],
    [' http://www.example.cn/a', 'white-space'],
    ['http://www.example.cn/a\u00A0b', 'white-space'],
    ['http://www.example.cn/*', 'wildcard'],
    ['http://www.example.cn/a*b', 'wildcard'],
    ['http://www.example.cn/a?b=*', 'wildcard'],
    ['http://www.example.cn/100%', 'bad-percent-encoding'],
    ['http://www.example.cn/%zz', 'bad-percent-encoding'],
    ['http://www.example.cn/%C4%E3', 'bad-percent-encoding'],
  ])('%j is refused: %s', (text, fault) => {
    expect(parseCdnUrl(text)).toEqual({ ok: false, error: fault });
  });

  it('never comes out meaning another host, path or query than a URL parser reads in it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'http://',
        'https://',
        HOST,
        '/',
        '//',
        '..',
        '?',
        '#',
        '@',
        ':80',
        '%2e',
        '%',
        '\\',
        ' ',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = `http://${pieces.join('')}`;
        const parsed = parseCdnUrl(text);
        fc.pre(parsed.ok);
        const { scheme, host, pathAndQuery } = parsed.value;
        const url = new URL(`${scheme}://${host}${pathAndQuery}`);
        const asWritten = new URL(text);
        expect(url.host).toBe(asWritten.host);
        expect(decodeURIComponent(url.pathname)).toBe(decodeURIComponent(asWritten.pathname));
        expect(url.pathname).toBe(pathAndQuery.split('?')[0]);
        expect([...url.searchParams]).toEqual([...asWritten.searchParams]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a URL that was kept', () => {
  it('is read again as it was made, whatever the blob is named and however it is spelled', () => {
    fc.assert(
      fc.property(
        usableName,
        fc.constantFrom(...SPELLINGS),
        fc.constantFrom(...SCHEMES),
        (name, spelling, scheme) => {
          const path = spellPath(`/${name}`, spelling);
          if (path === undefined) return;
          const made = cdnUrl(scheme, HOST, path);
          expect(rereadCdnUrl(made)).toEqual({ url: made, host: HOST });
        },
      ),
    );
  });

  it.each(ODD_NAMES)('is read again: %s', (_oddity, name) => {
    for (const spelling of SPELLINGS) {
      const path = spellPath(`/${name}`, spelling);
      if (path === undefined) continue;
      expect(rereadCdnUrl(`http://${HOST}${path}`)?.url).toBe(`http://${HOST}${path}`);
    }
  });

  it.each([
    ['no URL', 'a.txt'],
    ['a URL without a path', `http://${HOST}`],
    ['another scheme', `ftp://${HOST}/a`],
    ['a port', `http://${HOST}:80/a`],
    ['credentials', `http://user@${HOST}/a`],
    ['a path that climbs', `http://${HOST}/a/../b`],
    ['a path that climbs at its end', `http://${HOST}/a/..`],
    ['a path that climbs with backslashes', `http://${HOST}/a\\..\\b`],
    ['a control character', `http://${HOST}/a\nb`],
    ['nothing', ''],
  ])('is not %s', (_what, text) => {
    expect(rereadCdnUrl(text)).toBeUndefined();
  });
});
