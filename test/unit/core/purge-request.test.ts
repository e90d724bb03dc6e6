// What a person asks for, resolved to targets or to every problem at once.

import { describe, expect, it } from 'vitest';

import type { Configuration } from '../../../src/lib/core/configuration.ts';
import {
  resolveAsk,
  withPurge,
  type PurgeAsk,
  type RequestRecord,
} from '../../../src/lib/core/purge-request.ts';
import {
  aBlobAsk,
  aConfiguration,
  aRule,
  aRuleHost,
  aUrlAsk,
  CDN,
  ENDPOINT,
  HOST,
  OTHER_ENDPOINT,
  OTHER_HOST,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

/** `kind url` of each target, or `kind pointer` of each problem. */
function resolved(ask: PurgeAsk, configuration: Configuration = aConfiguration()): readonly string[] {
  const result = resolveAsk(ask, configuration);
  return result.ok
    ? result.value.map(({ kind, url }) => `${kind} ${url}`)
    : result.error.map(({ kind, pointer }) => `${kind} ${pointer}`);
}

const url = (path: string, host = HOST): string => `http://${host}${path}`;

describe('an ask by URL', () => {
  it('gives the targets with their endpoint', () => {
    expect(resolveAsk(aUrlAsk({ files: [url('/a')] }), aConfiguration())).toEqual({
      ok: true,
      value: [{ kind: 'file', url: url('/a'), cdn: CDN, host: HOST, endpointId: ENDPOINT, site: 'www' }],
    });
  });

  it('purges a URL under every configured scheme, whichever the person wrote', () => {
    const https = aConfiguration({ rules: [aRule({ schemes: ['http', 'https'] })] });
    const both = [`file http://${HOST}/a`, `file https://${HOST}/a`];
    expect(resolved(aUrlAsk({ files: [`https://${HOST}/a`] }), https)).toEqual(both);
    expect(resolved(aUrlAsk({ files: [`http://${HOST}/a`] }), https)).toEqual(both);
    expect(resolved(aUrlAsk({ files: [`https://${HOST}/a`] }))).toEqual([`file http://${HOST}/a`]);
  });

  it('purges a URL on every CDN that serves its host', () => {
    const two = aConfiguration({ rules: [aRule(), aRule({ hosts: [aRuleHost({ cdn: 'second' })] })] });
    const result = resolveAsk(aUrlAsk({ files: [url('/a')] }), two);
    expect(result.ok && result.value.map(({ cdn }) => cdn)).toEqual([CDN, 'second']);
  });

  it('drops what is equal, and what a directory covers', () => {
    const ask = aUrlAsk({
      files: [url('/a'), url('/a'), `HTTP://WWW.EXAMPLE.CN/a`, url('/d/b')],
      directories: [url('/d/')],
    });
    expect(resolved(ask)).toEqual([`file ${url('/a')}`, `directory ${url('/d/')}`]);
  });

  it('keeps the query of a file', () => {
    expect(resolved(aUrlAsk({ files: [url('/a?v=1')] }))).toEqual([`file ${url('/a?v=1')}`]);
  });

  it('takes the home page as a file without more ado', () => {
    expect(resolved(aUrlAsk({ files: [url('')] }))).toEqual([`file ${url('/')}`]);
  });

  it.each([url('/'), url('')])('takes the root directory %s only with everything', (root) => {
    expect(resolved(aUrlAsk({ directories: [root] }))).toEqual(['invalid /directories/0']);
    expect(resolved(aUrlAsk({ directories: [root], everything: true }))).toEqual([`directory ${url('/')}`]);
  });

  it.each([
    ['not absolute', '/a'],
    ['with credentials', `http://user@${HOST}/a`],
    ['with a port', `http://${HOST}:80/a`],
    ['with a fragment', url('/a#b')],
    ['with a dot segment', url('/a/../b')],
    ['with an encoded dot segment', url('/a/%2e%2e/b')],
    ['with a dot segment between encoded slashes', url('/a%2f..%2fb')],
    ['with a backslash', url('/a\\b')],
    ['with a control character', url('/a\u0007')],
    ['with an encoded control character', url('/a%00')],
    ['with white space', url('/a b')],
    ['with a wildcard', url('/*')],
    ['with bad percent-encoding', url('/%')],
  ])('refuses a URL %s', (_what, text) => {
    expect(resolved(aUrlAsk({ files: [url('/ok'), text] }))).toEqual(['invalid /files/1']);
    expect(resolved(aUrlAsk({ directories: [`${text}/`] }))).toEqual(['invalid /directories/0']);
  });

  it.each([
    ['without a slash at its end', url('/a')],
    ['with a query', url('/a/?b')],
  ])('refuses a directory %s', (_what, text) => {
    expect(resolved(aUrlAsk({ directories: [text] }))).toEqual(['invalid /directories/0']);
  });

  it.each([
    ['a foreign host', 'http://www.evil.example/a'],
    ['a host that only ends alike', `http://evil-${HOST}/a`],
    ['a subdomain', `http://sub.${HOST}/a`],
    ['the host with a dot at its end', `http://${HOST}./a`],
    ['an address', 'http://127.0.0.1/a'],
  ])('does not purge %s', (_what, text) => {
    expect(resolved(aUrlAsk({ files: [text] }))).toEqual(['not-configured /files/0']);
  });

  it('tells every problem at once', () => {
    const ask = aUrlAsk({
      files: [url('/a'), 'a', 'http://www.evil.example/'],
      directories: [url('/b'), url('/')],
    });
    expect(resolved(ask)).toEqual([
      'invalid /files/1',
      'not-configured /files/2',
      'invalid /directories/0',
      'invalid /directories/1',
    ]);
  });

  it('needs something to purge', () => {
    expect(resolved(aUrlAsk())).toEqual(['invalid ']);
    expect(resolved(aUrlAsk({ everything: true }))).toEqual(['invalid ']);
  });
});

describe('an ask by blob', () => {
  it('is mapped like events', () => {
    const configuration = aConfiguration({ rules: [aRule({ indexDocuments: ['index.html'] })] });
    expect(resolved(aBlobAsk({ blobs: ['首 页#/index.html'], prefixes: ['docs/'] }), configuration)).toEqual([
      `file ${url('/media/%E9%A6%96%20%E9%A1%B5%23/index.html')}`,
      `file ${url('/media/%E9%A6%96%20%E9%A1%B5%23/')}`,
      `directory ${url('/media/docs/')}`,
    ]);
  });

  it('purges on every host and endpoint that serves the container', () => {
    const configuration = aConfiguration({
      rules: [aRule({ hosts: [aRuleHost(), aRuleHost({ host: OTHER_HOST, endpointId: OTHER_ENDPOINT })] })],
    });
    const result = resolveAsk(aBlobAsk({ blobs: ['a'] }), configuration);
    expect(result.ok && result.value.map(({ host, endpointId }) => [host, endpointId])).toEqual([
      [HOST, ENDPOINT],
      [OTHER_HOST, OTHER_ENDPOINT],
    ]);
  });

  it('takes an empty prefix for the whole container', () => {
    expect(resolved(aBlobAsk({ prefixes: [''] }))).toEqual([`directory ${url('/media/')}`]);
  });

  it('takes what is the root of a host only with everything', () => {
    const ask = aBlobAsk({ container: '$web', prefixes: [''] });
    expect(resolved(ask)).toEqual(['invalid /prefixes/0']);
    expect(resolved({ ...ask, everything: true })).toEqual([`directory ${url('/')}`]);
  });

  it('takes the home page of a host without more ado', () => {
    const configuration = aConfiguration({ rules: [aRule({ indexDocuments: ['index.html'] })] });
    expect(resolved(aBlobAsk({ container: '$web', blobs: ['index.html'] }), configuration)).toHaveLength(2);
  });

  it.each([
    ['', 'empty'],
    ['a/../b', 'a parent segment'],
    ['a\u0000', 'a control character'],
    ['a\uFFFD', 'a replacement character'],
    ['\uD800', 'broken Unicode'],
    ['a'.repeat(1025), 'too long'],
  ])('refuses a blob name: %j is %s', (name) => {
    expect(resolved(aBlobAsk({ blobs: ['ok', name] }))).toEqual(['invalid /blobs/1']);
  });

  it('refuses a prefix that ends within a name', () => {
    expect(resolved(aBlobAsk({ prefixes: ['docs'] }))).toEqual(['invalid /prefixes/0']);
  });

  it.each(['..', '../media', 'a/b', '', 'Media', 'media\n', 'media?'])(
    'refuses the container %j, which would become part of the URL',
    (container) => {
      expect(resolved(aBlobAsk({ container, blobs: ['a'] }))).toEqual(['invalid /container']);
    },
  );

  it('does not purge for an account that is not configured', () => {
    const configuration = aConfiguration({ rules: [aRule({ account: '*' })] });
    expect(resolved(aBlobAsk({ account: 'other1', blobs: ['a'] }), configuration)).toEqual([
      'not-configured /account',
    ]);
  });

  it('says which blobs and prefixes no rule serves', () => {
    const configuration = aConfiguration({ rules: [aRule({ strip: 'site/' })] });
    expect(resolved(aBlobAsk({ blobs: ['site/a', 'b'], prefixes: ['c/'] }), configuration)).toEqual([
      'not-configured /blobs/1',
      'not-configured /prefixes/0',
    ]);
  });

  it('needs something to purge', () => {
    expect(resolved(aBlobAsk())).toEqual(['invalid ']);
  });
});

describe('the record of a request', () => {
  const record: RequestRecord = {
    version: 1,
    id: 'request-1',
    state: 'waiting',
    askedAt: START_AT,
    ask: aUrlAsk(),
    targets: [],
    purges: [],
    lastFailure: { at: START_AT, kind: 'refused', detail: 'RequestThrottled: slow down' },
  };
  const purge = {
    id: 'purge-1',
    acceptedAt: START_AT,
    cdn: CDN,
    endpointId: ENDPOINT,
    taskId: 'task-1',
    correlationId: 'correlation-1',
    urls: [url('/a')],
  };

  it('waits, and keeps what stopped it, while a purge is missing', () => {
    expect(withPurge(record, purge, false)).toEqual({ ...record, purges: [purge] });
  });

  it('is accepted once every purge is, and no failure is left', () => {
    expect(withPurge(record, purge, true)).toEqual({
      ...record,
      state: 'accepted',
      purges: [purge],
      lastFailure: undefined,
    });
  });
});
