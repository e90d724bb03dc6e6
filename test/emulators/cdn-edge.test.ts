// The caching edge: what it remembers, under which name, and that a purge makes it forget.
import { describe, expect, it } from 'vitest';
import { createEdgeCache } from '../../dev/edge/edge-cache.ts';
import type { OriginAnswer } from '../../dev/edge/origin.ts';
import { fetchEdge, purge, startCdn, wildcardEndpoint, type TestCdn } from './cdn-support.ts';

const web = 'www.contoso.localhost';
const media = 'media.contoso.localhost';

/** Purges and lets the purge's time pass. */
async function purgeAndWait(
  cdn: TestCdn,
  lists: Parameters<typeof purge>[1],
  endpoint?: string,
): Promise<void> {
  const answer = await purge(cdn, lists, endpoint === undefined ? {} : { endpoint });
  expect(answer.status).toBe(202);
  cdn.passMs(1_000);
}

function cachedPaths(cdn: TestCdn): readonly string[] {
  return cdn.emulator.control.cache().map(({ path, query }) => path + query);
}

describe('the edge', () => {
  it('goes MISS, HIT, stale HIT, and after the purge MISS with the new bytes', async () => {
    const cdn = await startCdn({ behaviour: { fileTaskMs: 300 } });
    const path = '/pictures/city.png';
    const seen: unknown[] = [];
    const look = async (): Promise<void> => {
      const { status, cache, text, headers } = await fetchEdge(cdn, web, path);
      seen.push([status, cache, text, headers['etag']]);
    };

    cdn.origin.blobs.set('$web/pictures/city.png', 'old');
    await look();
    await look();
    cdn.origin.blobs.set('$web/pictures/city.png', 'new');
    await look();
    await purge(cdn, { Files: [`http://${web}${path}`] });
    cdn.passMs(299);
    await look();
    cdn.passMs(1);
    await look();
    await look();

    expect(seen).toEqual([
      [200, 'MISS', 'old', '"old"'],
      [200, 'HIT', 'old', '"old"'],
      [200, 'HIT', 'old', '"old"'],
      [200, 'HIT', 'old', '"old"'],
      [200, 'MISS', 'new', '"new"'],
      [200, 'HIT', 'new', '"new"'],
    ]);
  });

  it('evicts by itself when the time has come, without being asked for anything', async () => {
    const logged: unknown[] = [];
    const evicted = Promise.withResolvers<void>();
    const startedAtMs = Date.now();
    const offsetMs = Date.parse('2024-01-15T08:09:10Z') - startedAtMs;
    const cdn = await startCdn({
      behaviour: { fileTaskMs: 30 },
      now: () => new Date(Date.now() + offsetMs),
      log: (entry) => {
        logged.push(entry);
        if (entry.event === 'evicted') evicted.resolve();
      },
    });

    await purge(cdn, { Files: [`http://${web}/a`] });
    await evicted.promise;

    expect(logged).toContainEqual(expect.objectContaining({ event: 'evicted', url: `http://${web}/a` }));
  });

  it('remembers 404 until the purge', async () => {
    const cdn = await startCdn();

    const first = await fetchEdge(cdn, web, '/late.txt');
    cdn.origin.blobs.set('$web/late.txt', 'here now');
    const second = await fetchEdge(cdn, web, '/late.txt');
    await purgeAndWait(cdn, { Files: [`http://${web}/late.txt`] });
    const third = await fetchEdge(cdn, web, '/late.txt');

    expect([first, second, third]).toMatchObject([
      { status: 404, cache: 'MISS' },
      { status: 404, cache: 'HIT' },
      { status: 200, cache: 'MISS', text: 'here now' },
    ]);
  });

  it.each([403, 500, 503])('does not remember an origin that answers %i', async (status) => {
    const cdn = await startCdn({
      fetchOrigin: () => Promise.resolve({ status, headers: {}, body: new Uint8Array() }),
    });

    const first = await fetchEdge(cdn, web, '/a');
    const second = await fetchEdge(cdn, web, '/a');

    expect([first, second]).toMatchObject([
      { status, cache: 'MISS' },
      { status, cache: 'MISS' },
    ]);
  });

  it('answers 502 while the origin cannot be reached, and asks again', async () => {
    let reachable = false;
    const found: OriginAnswer = { status: 200, headers: {}, body: Buffer.from('content') };
    const cdn = await startCdn({
      fetchOrigin: () => (reachable ? Promise.resolve(found) : Promise.reject(new Error('refused'))),
    });

    const first = await fetchEdge(cdn, web, '/a');
    reachable = true;
    const second = await fetchEdge(cdn, web, '/a');

    expect([first.status, second.status]).toEqual([502, 200]);
  });

  it('knows its hosts, in any case and with any port, and no other', async () => {
    const cdn = await startCdn();
    cdn.origin.blobs.set('$web/a', 'content');

    const first = await fetchEdge(cdn, 'WWW.Contoso.LOCALHOST:7080', '/a');
    const second = await fetchEdge(cdn, web, '/a');
    const unknown = await fetchEdge(cdn, 'unknown.contoso.localhost', '/a');

    expect([first.cache, second.cache]).toEqual(['MISS', 'HIT']);
    expect(unknown.status).toBe(404);
    expect(unknown.text).toContain(web);
  });

  it('serves a whole URL as its target, as curl -x sends it', async () => {
    const cdn = await startCdn();
    cdn.origin.blobs.set('$web/a', 'content');

    const answer = await fetchEdge(cdn, '127.0.0.1', `http://${web}/a`);

    expect(answer.text).toBe('content');
  });

  it.each([
    { host: web, path: '/', blob: '$web/index.html' },
    { host: web, path: '/dir/', blob: '$web/dir/index.html' },
    { host: web, path: '/dir', blob: '$web/dir' },
    { host: media, path: '/dir/', blob: 'media/dir/' },
    { host: 'files.contoso.localhost', path: '/docs/a/b.txt', blob: 'docs/a/b.txt' },
    { host: 'files.contoso.localhost', path: '/$web/index.html', blob: '$web/index.html' },
    { host: 'files.contoso.localhost', path: '/%24web/index.html', blob: '$web/index.html' },
  ])('answers $host$path with the blob $blob', async ({ host, path, blob }) => {
    const cdn = await startCdn();
    cdn.origin.blobs.set(blob, 'content');

    const answer = await fetchEdge(cdn, host, path);

    expect(answer).toMatchObject({ status: 200, text: 'content' });
  });

  it.each(['/', '/docs', '/docs/', '/UPPER/a', '/$logs/a'])(
    'does not even ask the origin for files.contoso.localhost%s',
    async (path) => {
      const cdn = await startCdn();

      const answer = await fetchEdge(cdn, 'files.contoso.localhost', path);

      expect(answer.status).toBe(404);
      expect(cdn.origin.fetched).toEqual([]);
    },
  );

  it.each(['/../private/a', '/a/%2e%2e/b', '/%2E/a', '/%zz', '/%FF', '/..'])(
    'refuses the path %s',
    async (path) => {
      const cdn = await startCdn();

      expect((await fetchEdge(cdn, media, path)).status).toBe(400);
    },
  );

  it('answers HEAD from memory if it can, and remembers nothing of it', async () => {
    const cdn = await startCdn();
    cdn.origin.blobs.set('$web/a', 'content');

    const cold = await fetchEdge(cdn, web, '/a', { method: 'HEAD' });
    const get = await fetchEdge(cdn, web, '/a');
    const warm = await fetchEdge(cdn, web, '/a', { method: 'HEAD' });

    expect([cold.cache, get.cache, warm.cache]).toEqual(['MISS', 'MISS', 'HIT']);
    expect(warm).toMatchObject({ text: '', headers: { 'content-length': '7', etag: '"content"' } });
    expect(cdn.origin.fetched).toEqual(['HEAD $web/a', 'GET $web/a']);
  });

  it('passes ranges through and remembers nothing of them', async () => {
    const ranges: unknown[] = [];
    const cdn = await startCdn({
      fetchOrigin: (_container, _name, request) => {
        ranges.push(request);
        return Promise.resolve({ status: 206, headers: {}, body: Buffer.from('on') });
      },
    });

    const first = await fetchEdge(cdn, web, '/a', { headers: { range: 'bytes=1-2' } });
    const second = await fetchEdge(cdn, web, '/a', { headers: { range: 'bytes=1-' } });
    await fetchEdge(cdn, web, '/a', { headers: { range: 'bytes=-2' } });

    expect([first, second]).toMatchObject([
      { status: 206, cache: 'MISS', text: 'on' },
      { status: 206, cache: 'MISS' },
    ]);
    expect(ranges).toEqual([
      { method: 'GET', range: { start: 1, end: 2 } },
      { method: 'GET', range: { start: 1 } },
      { method: 'GET' },
    ]);
    expect(cdn.emulator.control.cache()).toEqual([]);
  });

  it('answers no other method', async () => {
    const cdn = await startCdn();

    const answer = await fetchEdge(cdn, web, '/a', { method: 'PUT' });

    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});

describe('blob names of every kind', () => {
  it.each([
    'a b.txt',
    ' lead',
    'trail ',
    '%20',
    '100%',
    'a%2Fb',
    'a#b',
    'a?b',
    'a&b=c',
    'a+b',
    'a//b',
    '/lead',
    "it's (1)!*",
    'a\\b',
    'café',
    '中文/文件.txt',
    'emoji😀',
    'x'.repeat(1_024),
  ])('%s: found, remembered under it, purged by its URL', async (name) => {
    const cdn = await startCdn();
    const path = `/${name.split('/').map(encodeURIComponent).join('/')}`;
    cdn.origin.blobs.set(`media/${name}`, 'old');

    const first = await fetchEdge(cdn, media, path);
    const second = await fetchEdge(cdn, media, path);
    cdn.origin.blobs.set(`media/${name}`, 'new');
    const remembered = cachedPaths(cdn);
    await purgeAndWait(cdn, { Files: [`http://${media}${path}`] }, wildcardEndpoint);
    const third = await fetchEdge(cdn, media, path);

    expect([first, second, third]).toMatchObject([
      { cache: 'MISS', text: 'old' },
      { cache: 'HIT', text: 'old' },
      { cache: 'MISS', text: 'new' },
    ]);
    expect(remembered).toEqual([`/${name}`]);
  });
});

describe('the name of what is remembered', () => {
  const spellings = ['/a(1).txt', '/a%281%29.txt', '/%61(1).txt'];

  it.each([
    { cacheKeyPath: 'decoded', caches: ['MISS', 'HIT', 'HIT'] },
    { cacheKeyPath: 'as-received', caches: ['MISS', 'MISS', 'MISS'] },
  ] as const)('is the path $cacheKeyPath', async ({ cacheKeyPath, caches }) => {
    const cdn = await startCdn({ behaviour: { cacheKeyPath } });

    const seen: unknown[] = [];
    for (const path of spellings) seen.push((await fetchEdge(cdn, media, path)).cache);

    expect(seen).toEqual(caches);
  });

  it.each([
    { cacheKeyPath: 'decoded', left: [] },
    { cacheKeyPath: 'as-received', left: ['/a%281%29.txt', '/%61(1).txt'] },
  ] as const)('decides which spellings one purge reaches: $cacheKeyPath', async ({ cacheKeyPath, left }) => {
    const cdn = await startCdn({ behaviour: { cacheKeyPath } });
    for (const path of spellings) await fetchEdge(cdn, media, path);

    await purgeAndWait(cdn, { Files: [`http://${media}/a(1).txt`] }, wildcardEndpoint);

    expect(cachedPaths(cdn)).toEqual(left);
  });

  it.each([
    { cacheKeyQuery: 'ignored', caches: ['MISS', 'HIT', 'HIT'], left: [] },
    { cacheKeyQuery: 'kept', caches: ['MISS', 'MISS', 'MISS'], left: ['/a', '/a?v=2'] },
  ] as const)('has the query $cacheKeyQuery', async ({ cacheKeyQuery, caches, left }) => {
    const cdn = await startCdn({ behaviour: { cacheKeyQuery } });
    const seen: unknown[] = [];
    for (const path of ['/a', '/a?v=1', '/a?v=2']) seen.push((await fetchEdge(cdn, media, path)).cache);

    await purgeAndWait(cdn, { Files: [`http://${media}/a?v=1`] }, wildcardEndpoint);

    expect(seen).toEqual(caches);
    expect(cachedPaths(cdn)).toEqual(left);
  });

  it('has no scheme: an https URL purges what http fetched', async () => {
    const cdn = await startCdn();
    await fetchEdge(cdn, web, '/a');

    await purgeAndWait(cdn, { Files: [`https://${web}/a`] });

    expect(cachedPaths(cdn)).toEqual([]);
  });
});

describe('a purge', () => {
  const paths = ['/dir/', '/dir/a', '/dir/sub/b', '/directory/c', '/dir', '/Dir/a'];

  it.each([
    { what: 'a file', lists: { Files: [`http://${web}/dir/a`] }, gone: ['/dir/a'] },
    { what: 'an index page', lists: { Files: [`http://${web}/dir/`] }, gone: ['/dir/'] },
    {
      what: 'a directory',
      lists: { Directories: [`http://${web}/dir/`] },
      gone: ['/dir/', '/dir/a', '/dir/sub/b'],
    },
    { what: 'the root', lists: { Directories: [`http://${web}/`] }, gone: paths },
  ])('of $what takes away exactly $gone', async ({ lists, gone }) => {
    const cdn = await startCdn();
    for (const path of paths) await fetchEdge(cdn, web, path);
    await fetchEdge(cdn, media, '/dir/a');

    await purgeAndWait(cdn, lists);

    const left = paths.filter((path) => !gone.includes(path));
    expect(cachedPaths(cdn)).toEqual([...left, '/dir/a']);
  });

  it('of a directory spares subfolders when it is not recursive', async () => {
    const cdn = await startCdn({ behaviour: { recursiveDirectories: false } });
    for (const path of paths) await fetchEdge(cdn, web, path);

    await purgeAndWait(cdn, { Directories: [`http://${web}/dir/`] });

    expect(cachedPaths(cdn)).toEqual(['/dir/sub/b', '/directory/c', '/dir', '/Dir/a']);
  });

  it('of an encoded directory reaches what was fetched by another spelling', async () => {
    const cdn = await startCdn();
    await fetchEdge(cdn, web, '/%e4%b8%ad/a');

    await purgeAndWait(cdn, { Directories: [`http://${web}/%E4%B8%AD/`] });

    expect(cachedPaths(cdn)).toEqual([]);
  });
});

describe('a fetch that is under way', () => {
  it.each([
    { what: 'its file', lists: { Files: [`http://${web}/a`] } },
    { what: 'its directory', lists: { Directories: [`http://${web}/`] } },
  ])('when $what is purged, is not remembered: what it brings is too old', async ({ lists }) => {
    const cdn = await startCdn();
    const gate = createGate();
    cdn.origin.blobs.set('$web/a', 'old');
    cdn.origin.beforeAnswer = gate.pass;
    const early = fetchEdge(cdn, web, '/a');
    await gate.reached;

    cdn.origin.blobs.set('$web/a', 'new');
    await purgeAndWait(cdn, lists);
    cdn.emulator.control.cache();
    gate.open();
    const first = await early;
    const second = await fetchEdge(cdn, web, '/a');

    expect([first, second]).toMatchObject([
      { cache: 'MISS', text: 'old' },
      { cache: 'MISS', text: 'new' },
    ]);
  });

  it('does not replace what a fetch after the purge brought', async () => {
    const cdn = await startCdn();
    const gate = createGate();
    cdn.origin.blobs.set('$web/a', 'old');
    cdn.origin.beforeAnswer = gate.pass;
    const early = fetchEdge(cdn, web, '/a');
    await gate.reached;

    cdn.origin.blobs.set('$web/a', 'new');
    cdn.origin.beforeAnswer = () => Promise.resolve();
    await purgeAndWait(cdn, { Files: [`http://${web}/a`] });
    const fresh = await fetchEdge(cdn, web, '/a');
    gate.open();
    await early;
    const after = await fetchEdge(cdn, web, '/a');

    expect([fresh, after]).toMatchObject([
      { cache: 'MISS', text: 'new' },
      { cache: 'HIT', text: 'new' },
    ]);
  });

  it('is remembered when something else is purged', async () => {
    const cdn = await startCdn();
    const gate = createGate();
    cdn.origin.beforeAnswer = gate.pass;
    const early = fetchEdge(cdn, web, '/a');
    await gate.reached;

    await purgeAndWait(cdn, { Files: [`http://${web}/b`] });
    cdn.emulator.control.cache();
    gate.open();
    await early;

    expect(cachedPaths(cdn)).toEqual(['/a']);
  });

  it('serves all who ask meanwhile', async () => {
    const cache = createEdgeCache(() => new Date());
    const key = { host: web, path: '/a', query: '' };
    const found = Promise.withResolvers<OriginAnswer>();
    let fetches = 0;
    const fetch = (): Promise<OriginAnswer> => {
      fetches += 1;
      return found.promise;
    };

    const answers = [cache.load(key, fetch), cache.load(key, fetch), cache.load(key, fetch)];
    found.resolve({ status: 200, headers: {}, body: Buffer.from('content') });
    const bodies = (await Promise.all(answers)).map(({ body }) => Buffer.from(body).toString());

    expect(fetches).toBe(1);
    expect(bodies).toEqual(['content', 'content', 'content']);
  });
});

interface Gate {
  readonly reached: Promise<void>;
  readonly open: () => void;
  readonly pass: () => Promise<void>;
}

function createGate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: opened.resolve,
    pass: () => {
      reached.resolve();
      return opened.promise;
    },
  };
}
