// What a person asks for, resolved to targets or to every problem at once.

import { describe, expect, it } from 'vitest';

import type { Configuration } from '../../../src/lib/core/configuration.ts';
import type { EndedPurge } from '../../../src/lib/core/purge-record.ts';
import {
  admitAsk,
  resolveAsk,
  withFailure,
  withNothingLeft,
  withPurge,
  withPurgeEnd,
  withRefusal,
  type PurgeAsk,
  type RequestFailure,
  type RequestPurge,
  type RequestRecord,
} from '../../../src/lib/core/purge-request.ts';
import {
  aBlobAsk,
  aConfiguration,
  aPurge,
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

  it.each([url('//'), url('///'), url('/%2F/'), url('/%2f%2F/'), url('/%5C/')])(
    'takes %s, which many fold to the root, only with everything',
    (root) => {
      expect(resolved(aUrlAsk({ directories: [root] }))).toEqual(['invalid /directories/0']);
      expect(resolved(aUrlAsk({ directories: [root], everything: true }))).toEqual([`directory ${root}`]);
    },
  );

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

  it.each(['/', '//', '\\/'])(
    'takes the prefix %j, which many fold to the root, only with everything',
    (prefix) => {
      const ask = aBlobAsk({ container: '$web', prefixes: [prefix] });
      expect(resolved(ask)).toEqual(['invalid /prefixes/0']);
      expect(resolved({ ...ask, everything: true })).toHaveLength(1);
    },
  );

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

  it.each([
    ['a container', { container: '..' }, 'invalid /container'],
    ['an account', { account: 'other1' }, 'not-configured /account'],
  ])('judges names also beside %s that cannot be', (_what, place, problem) => {
    const ask = aBlobAsk({ ...place, blobs: ['ok', 'a/../b'], prefixes: ['docs'] });
    expect(resolved(ask)).toEqual([problem, 'invalid /blobs/1', 'invalid /prefixes/0']);
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

const sent = (files: readonly string[], directories: readonly string[] = []) =>
  aUrlAsk({ files, directories, everything: true, asSent: { cdn: CDN } });

describe('an ask for URLs as they were sent', () => {
  const twoSchemes = aConfiguration({ rules: [aRule({ schemes: ['http', 'https'] })] });

  it.each([
    ['in its own scheme only', url('/a')],
    ['in a raw spelling', url('/首页 1.html')],
    ['with an asterisk', url('/star*.txt')],
    ['with a query', url('/a?b=c')],
  ])('gives each verbatim: %s', (_what, text) => {
    expect(resolved(sent([text]), twoSchemes)).toEqual([`file ${text}`]);
  });

  it('takes the root of a host for what it is', () => {
    expect(resolved(sent([], [url('/')]))).toEqual([`directory ${url('/')}`]);
  });

  it('stays on the CDN that they were sent to', () => {
    const rules = [aRule({ hosts: [aRuleHost(), aRuleHost({ cdn: 'other', endpointId: OTHER_ENDPOINT })] })];
    const asked = resolveAsk(sent([url('/a')]), aConfiguration({ rules }));
    expect(asked.ok && asked.value.map(({ cdn, endpointId }) => [cdn, endpointId])).toEqual([
      [CDN, ENDPOINT],
    ]);
  });

  it.each([
    ['a host that is no longer configured', 'http://gone.example.cn/a', 'not-configured /files/0'],
    ['what is no URL', 'a', 'invalid /files/0'],
    ['a path that climbs', url('/a/../b'), 'invalid /files/0'],
  ])('refuses %s', (_what, text, problem) => {
    expect(resolved(sent([text]))).toEqual([problem]);
  });

  it('refuses a host that another CDN serves now', () => {
    const ask = { ...sent([url('/a')]), asSent: { cdn: 'other' } };
    expect(resolved(ask)).toEqual(['not-configured /files/0']);
  });
});

const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

/** Asks that name so many. */
const asksNaming = (count: number): readonly PurgeAsk[] => {
  const urls = many(count).map((name) => url(`/${name}`));
  return [
    aUrlAsk({ files: urls }),
    aUrlAsk({ files: urls.slice(1), directories: [url('/d/')] }),
    aBlobAsk({ blobs: many(count) }),
    aBlobAsk({ blobs: many(count - 1), prefixes: ['d/'] }),
  ];
};

const hosts = (count: number) => many(count).map((name) => aRuleHost({ host: `h${name}.example.cn` }));

describe('the size of a new request', () => {
  it('may be 2,000 URLs or names in all', () => {
    for (const ask of asksNaming(2_000)) expect(admitAsk(ask, aConfiguration()).ok).toBe(true);
  });

  it('is refused above it, and says the limit', () => {
    for (const ask of asksNaming(2_001)) {
      expect(admitAsk(ask, aConfiguration())).toMatchObject({
        ok: false,
        error: [{ kind: 'invalid', pointer: '', detail: expect.stringMatching(/at most 2000 .* 2001/u) }],
      });
    }
  });

  it('may make 5,000 URLs to purge, and is refused above it', () => {
    const configuration = aConfiguration({ rules: [aRule({ hosts: hosts(5) })] });
    expect(admitAsk(aBlobAsk({ blobs: many(1_000) }), configuration).ok).toBe(true);
    expect(admitAsk(aBlobAsk({ blobs: many(1_001) }), configuration)).toMatchObject({
      ok: false,
      error: [{ kind: 'invalid', pointer: '', detail: expect.stringMatching(/at most 5000 .* 5005/u) }],
    });
  });

  it('does not end a request that was taken before', () => {
    const configuration = aConfiguration({ rules: [aRule({ hosts: hosts(6) })] });
    expect(resolveAsk(aBlobAsk({ blobs: many(1_000) }), configuration).ok).toBe(true);
  });
});

describe('the record of a request', () => {
  const record: RequestRecord = {
    version: 2,
    id: 'request-1',
    origin: 'person',
    repurges: 0,
    state: 'waiting',
    askedAt: START_AT,
    ask: aUrlAsk(),
    targets: [],
    purges: [],
    lastFailure: { at: START_AT, kind: 'refused', detail: 'RequestThrottled: slow down' },
  };
  const purge: RequestPurge = {
    id: 'purge-1',
    state: 'accepted',
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

  it('names a purge once, however often it hears of it', () => {
    const noted = withPurge(withPurge(record, purge, false), purge, true);
    expect(noted).toMatchObject({ state: 'accepted', purges: [purge] });
  });

  const failure: RequestFailure = { at: START_AT, kind: 'not-configured', detail: 'No such host.' };

  it('keeps what stopped it, and may end with that, while it waits', () => {
    expect(withFailure(record, failure)).toEqual({ ...record, lastFailure: failure });
    expect(withFailure(record, failure, 'failed')).toEqual({
      ...record,
      state: 'failed',
      lastFailure: failure,
    });
  });

  it.each(['accepted', 'succeeded', 'failed'] as const)(
    'that is %s hears of no failure any more',
    (state) => {
      const ended = { ...record, state, lastFailure: undefined };
      expect(withFailure(ended, failure)).toEqual(ended);
      expect(withFailure(ended, failure, 'failed')).toEqual(ended);
    },
  );

  it('is accepted once every purge is, and no failure is left', () => {
    expect(withPurge(record, purge, true)).toEqual({
      ...record,
      state: 'accepted',
      purges: [purge],
      lastFailure: undefined,
    });
  });

  describe('when a purge of it has ended', () => {
    const ended: EndedPurge = {
      ...aPurge(),
      state: 'succeeded',
      id: 'purge-1',
      endedAt: START_AT,
      failedUrls: [],
      repurges: [],
    };
    const other = { ...purge, id: 'purge-2' };
    const accepted = withPurge(withPurge(record, purge, false), other, true);
    const afterOther = withPurgeEnd(accepted, { ...ended, id: 'purge-2' });

    it('shows it, and has succeeded with the last of them', () => {
      expect(afterOther).toMatchObject({
        state: 'accepted',
        purges: [{ state: 'accepted' }, { state: 'succeeded' }],
      });
      expect(withPurgeEnd(afterOther, ended)).toMatchObject({
        state: 'succeeded',
        purges: [{ state: 'succeeded' }, { state: 'succeeded' }],
      });
    });

    it.each(['failed', 'unknown'] as const)('has not succeeded when one is %s', (state) => {
      expect(withPurgeEnd(afterOther, { ...ended, state })).toMatchObject({
        state: 'accepted',
        purges: [{ state }, { state: 'succeeded' }],
      });
    });

    it('has failed when the CDN failed to purge something of it that is not purged again', () => {
      const [own = ''] = purge.urls;
      const failed: EndedPurge = {
        ...ended,
        state: 'failed',
        failedUrls: [own, 'http://www.example.cn/other'],
      };
      expect(withPurgeEnd(accepted, failed)).toMatchObject({
        state: 'failed',
        purges: [{ state: 'failed', failedUrls: [own] }, {}],
      });
      const ofOthers: EndedPurge = { ...failed, failedUrls: ['http://www.example.cn/other'] };
      expect(withPurgeEnd(accepted, ofOthers)).toMatchObject({ state: 'accepted' });
      const again: EndedPurge = { ...failed, repurges: [{ requestId: 'request-2', urls: [own], times: 1 }] };
      expect(withPurgeEnd(accepted, again)).toMatchObject({ state: 'accepted' });
    });

    it('has not succeeded while it waits for more', () => {
      expect(withPurgeEnd(withPurge(record, purge, false), ended)).toMatchObject({ state: 'waiting' });
    });

    it('has failed when a CDN refuses something of it, whatever comes last', () => {
      const refusal = { cdn: 'china', url: url('/b'), detail: 'ParameterInvalid' };
      const refusedLast = withRefusal(withPurge(record, purge, false), refusal, true);
      const purgedLast = withPurge(withRefusal(record, refusal, false), purge, true);
      const nothingLeft = withNothingLeft(withRefusal(withPurge(record, purge, false), refusal, false));
      for (const failed of [refusedLast, purgedLast, nothingLeft]) {
        expect(failed).toMatchObject({ state: 'failed', purges: [purge], refused: [refusal] });
        const after = withPurgeEnd(failed, ended);
        expect(after).toMatchObject({ state: 'failed', purges: [{ state: 'succeeded' }] });
      }
    });

    it('has still succeeded when it hears of a purge again', () => {
      const succeeded = withPurgeEnd(afterOther, ended);
      expect(withPurge(succeeded, purge, true)).toMatchObject({ state: 'succeeded' });
      expect(withPurge(afterOther, purge, true)).toMatchObject({ state: 'accepted' });
    });

    it('names the requests that purge again what failed', () => {
      const repurges = [{ requestId: 'request-2', urls: [url('/a')], times: 1 }];
      const failed: EndedPurge = { ...ended, state: 'failed', failedUrls: [url('/a')], repurges };
      expect(withPurgeEnd(accepted, failed).purges[0]).toMatchObject({ repurgedBy: ['request-2'] });
    });

    it('is what it was when it does not name the purge', () => {
      expect(withPurgeEnd(accepted, { ...ended, id: 'purge-3' })).toBe(accepted);
    });
  });
});
