// POST /api/purges and GET /api/purges/{id}, through the real request and context of @azure/functions.

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { handlePurgeRequest } from '../../../src/lib/handlers/purge-request.ts';
import { handlePurgeStatus } from '../../../src/lib/handlers/purge-status.ts';
import {
  aConfiguration,
  aFailure,
  anAcceptance,
  aRefusal,
  aRule,
  HOST,
  TRACEPARENT,
} from '../../support/builders.ts';
import { callHttp, createInvocation, type RequestParts } from '../../support/in-memory-invocation.ts';
import { trackPurges } from '../../../src/lib/use-cases/track-purges.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const url = (path: string, host = HOST): string => `http://${host}${path}`;
const ID = '00000000-0000-4000-8000-000000000001';
const LINK = `https://app.example.cn/api/purges/${ID}`;

const post = (world: World, body: unknown, parts: RequestParts = {}, invocation = createInvocation()) =>
  callHttp(
    handlePurgeRequest(async () => world.services),
    {
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      ...parts,
      headers: { 'content-type': 'application/json', ...parts.headers },
    },
    invocation,
  );

const status = (world: World, id: string) =>
  callHttp(
    handlePurgeStatus(async () => world.services),
    { method: 'GET', url: `https://app.example.cn/api/purges/${id}`, params: { id } },
  );

const Problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string().min(1),
  status: z.number(),
  detail: z.string().min(1).optional(),
  errors: z
    .array(z.strictObject({ pointer: z.string().startsWith('#'), detail: z.string().min(1) }))
    .optional(),
});

/** A problem answer; fails when it has not the shape of RFC 9457. */
function problemOf(answer: Awaited<ReturnType<typeof post>>): z.infer<typeof Problem> {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const problem = Problem.parse(answer.json);
  expect(problem.status).toBe(answer.status);
  return problem;
}

/** The pointers of a problem answer. */
const pointersOf = (answer: Awaited<ReturnType<typeof post>>): readonly string[] =>
  problemOf(answer).errors?.map(({ pointer }) => pointer) ?? [];

const nothingHappened = (world: World): void => {
  expect(world.journal.lines()).toEqual([]);
};

describe('a request', () => {
  it('is answered 202 with its id, its link, its targets and the correlation id', async () => {
    const world = createWorld();
    const answer = await post(world, {
      files: [url('/a')],
      directories: [url('/d/')],
      reason: 'a wrong price',
    });
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({ location: LINK, 'cache-control': 'no-store' });
    expect(answer.json).toEqual({
      id: ID,
      link: LINK,
      state: 'accepted',
      reason: 'a wrong price',
      askedAt: '2024-01-15T08:09:10.000Z',
      targets: [
        { kind: 'file', url: url('/a'), cdn: 'china', site: 'www' },
        { kind: 'directory', url: url('/d/'), cdn: 'china', site: 'www' },
      ],
      correlationId: 'correlation-1',
      purges: [
        expect.objectContaining({
          acceptedAt: '2024-01-15T08:09:10.000Z',
          correlationId: 'correlation-1',
          taskId: 'task-1',
          urls: [url('/a'), url('/d/')],
        }),
      ],
    });
  });

  it('may be blobs and prefixes to be mapped', async () => {
    const world = createWorld();
    const body = { account: 'contoso', container: 'media', blobs: ['首 页#.html'], prefixes: ['d/'] };
    const answer = await post(world, body);
    expect(answer.status).toBe(202);
    expect(world.cdn.purgedUrls()).toEqual([url('/media/%E9%A6%96%20%E9%A1%B5%23.html'), url('/media/d/')]);
  });

  it.each([
    ['lines', `${url('/a')}\n${url('/d/')}\n`],
    ['lines as Windows ends them', `${url('/a')}\r\n${url('/d/')}\r\n`],
    ['lines with blanks', `\n  ${url('/a')} \n\n\t${url('/d/')}\n\n`],
    ['lines after a byte order mark', `\uFEFF${url('/a')}\n${url('/d/')}`],
  ])('may be plain text: %s', async (_what, text) => {
    const world = createWorld();
    const answer = await post(world, text, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
    expect(answer.status).toBe(202);
    expect(world.cdn.purges).toMatchObject([{ files: [url('/a')], directories: [url('/d/')] }]);
  });

  it('may have its media type in any case, with parameters', async () => {
    const headers = { 'content-type': 'Application/JSON; charset="utf-8"' };
    expect((await post(createWorld(), { files: [url('/a')] }, { headers })).status).toBe(202);
  });

  it('belongs to the trace of its call', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] });
    expect(world.records.purges()[0]?.causes).toMatchObject([{ traceparent: TRACEPARENT }]);
  });

  it('is answered 202 and waiting when the CDN does not accept it now', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aRefusal());
    const answer = await post(world, { files: [url('/a')] });
    expect(answer.status).toBe(202);
    expect(answer.json).toMatchObject({
      state: 'waiting',
      purges: [],
      correlationId: 'correlation-refused',
      lastFailure: { kind: 'refused', at: '2024-01-15T08:09:10.000Z' },
    });
  });

  it('says that there is no correlation id yet', async () => {
    const world = createWorld();
    world.cdn.answerBy(() => aFailure());
    expect((await post(world, { files: [url('/a')] })).json).toMatchObject({ correlationId: null });
  });

  it('writes one line for the operator, and sends what telemetry holds', async () => {
    const world = createWorld();
    const invocation = createInvocation();
    await post(world, { files: [url('/a')] }, {}, invocation);
    expect(invocation.lines.filter((line) => line.startsWith('information'))).toEqual([
      `information Took a requested purge. {"requestId":"${ID}","state":"accepted","targets":1,"correlationIds":"correlation-1"}`,
    ]);
    expect(world.telemetry.flushes()).toBe(1);
  });
});

describe('a dry run', () => {
  it('is answered 200 with the targets, and nothing is stored or sent', async () => {
    const world = createWorld();
    const answer = await post(
      world,
      { files: [url('/d/a'), url('/b')], directories: [url('/d/')] },
      { query: { dryRun: 'true' }, headers: { 'idempotency-key': 'key-1' } },
    );
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      dryRun: true,
      targets: [
        { kind: 'file', url: url('/b'), cdn: 'china', site: 'www' },
        { kind: 'directory', url: url('/d/'), cdn: 'china', site: 'www' },
      ],
    });
    nothingHappened(world);
  });

  it('tells the same problems', async () => {
    const world = createWorld();
    const answer = await post(world, { files: ['a'] }, { query: { dryRun: 'true' } });
    expect(answer.status).toBe(400);
    expect(pointersOf(answer)).toEqual(['#/files/0']);
  });

  it('false is a request', async () => {
    expect((await post(createWorld(), { files: [url('/a')] }, { query: { dryRun: 'false' } })).status).toBe(
      202,
    );
  });

  it.each(['1', 'True', 'yes', ''])('that cannot be understood (%j) sends nothing', async (dryRun) => {
    const world = createWorld();
    const answer = await post(world, { files: [url('/a')] }, { query: { dryRun } });
    expect(answer.status).toBe(400);
    pointersOf(answer);
    nothingHappened(world);
  });
});

describe('the query', () => {
  it.each<readonly [string, Record<string, string>]>([
    ['dryrun', { dryrun: 'true' }],
    ['dry-run', { 'dry-run': 'true' }],
    ['dryRun ', { 'dryRun ': 'true' }],
    ['verbose', { verbose: '1', dryRun: 'false' }],
  ])(
    'with a parameter that nobody knows (%j) is answered 400, which names it, and nothing is sent',
    async (name, query) => {
      const world = createWorld();
      const answer = await post(world, { files: [url('/a')] }, { query });
      expect(answer.status).toBe(400);
      expect(problemOf(answer).detail).toContain(JSON.stringify(name));
      nothingHappened(world);
    },
  );

  it('with dryRun given twice is answered 400, and nothing is sent', async () => {
    const world = createWorld();
    const answer = await post(
      world,
      { files: [url('/a')] },
      { url: 'https://app.example.cn/api/purges?dryRun=false&dryRun=true' },
    );
    expect(answer.status).toBe(400);
    nothingHappened(world);
  });

  it.each(['code', 'Code', 'clientId'])(
    'may hold %s for the function key, which is never told',
    async (name) => {
      const world = createWorld();
      const taken = await post(world, { files: [url('/a')] }, { query: { [name]: 'canary-key' } });
      expect(taken.status).toBe(202);
      const refused = await post(world, {}, { query: { [name]: 'canary-key', x: 'canary-value' } });
      expect(refused.text).not.toContain('canary');
    },
  );
});

describe('a body with faults', () => {
  it.each<readonly [string, unknown, readonly string[]]>([
    ['no JSON', '{"files":[', ['#']],
    ['nothing', '', ['#']],
    ['null', 'null', ['#']],
    ['an array', [], ['#']],
    ['words', '"files"', ['#']],
    ['an empty object', {}, ['#']],
    ['empty lists', { files: [], directories: [] }, ['#']],
    ['words for a list', { files: url('/a') }, ['#/files']],
    ['null for a list', { files: null }, ['#/files']],
    ['what are no strings', { files: [url('/a'), 7, null] }, ['#/files/1', '#/files/2']],
    ['a property that nobody knows', { files: [url('/a')], fiels: [] }, ['#/fiels']],
    ['names with the signs of a pointer', { files: [url('/a')], 'a/b~c': 1 }, ['#/a~1b~0c']],
    ['words for everything', { files: [url('/a')], everything: 'yes' }, ['#/everything']],
    ['a number for a reason', { files: [url('/a')], reason: 7 }, ['#/reason']],
    ['a reason that is too long', { files: [url('/a')], reason: 'x'.repeat(501) }, ['#/reason']],
    ['URLs and blobs at once', { account: 'contoso', container: 'media', files: [] }, ['#/files', '#']],
    [
      'faults of shape beside faults of URLs and hosts',
      {
        files: [7, 'a', url('/ok'), 'http://evil.example/'],
        directories: url('/d/'),
        fiels: [],
        reason: 7,
      },
      ['#/files/0', '#/files/1', '#/files/3', '#/directories', '#/fiels', '#/reason'],
    ],
    [
      'faults of shape beside faults of names',
      { account: 7, container: 'media', blobs: ['a/../b', null, 'ok'], prefixes: ['d', 'd/'], x: 1 },
      ['#/account', '#/blobs/0', '#/blobs/1', '#/prefixes/0', '#/x'],
    ],
    [
      'a container that climbs, beside faults of names',
      { account: 'contoso', container: '..', blobs: ['a/../b', 'ok'] },
      ['#/container', '#/blobs/0'],
    ],
    ['a fault of shape and nothing named', { reason: 7 }, ['#/reason', '#']],
    ['a root, and words for everything', { directories: [url('/')], everything: 'yes' }, ['#/everything']],
    [
      'nothing but foreign hosts beside a fault of shape',
      { files: ['http://evil.example/'], x: 1 },
      ['#/x', '#/files/0'],
    ],
    ['no account', { container: 'media', blobs: ['a'] }, ['#/account']],
    ['no container', { account: 'contoso', blobs: ['a'] }, ['#/container']],
    ['a container that climbs', { account: 'contoso', container: '..', blobs: ['a'] }, ['#/container']],
    ['no blobs', { account: 'contoso', container: 'media' }, ['#']],
    [
      'faults everywhere',
      { files: ['a', url('/a b'), url('/x')], directories: [url('/d'), url('/')], reason: 'r' },
      ['#/files/0', '#/files/1', '#/directories/0', '#/directories/1'],
    ],
    [
      'a fault and a host that is not configured',
      { files: ['a', 'http://evil.example/'] },
      ['#/files/0', '#/files/1'],
    ],
  ])('is answered 400, every fault with its pointer: %s', async (_what, body, pointers) => {
    const world = createWorld();
    const answer = await post(world, body);
    expect(answer.status).toBe(400);
    expect(new Set(pointersOf(answer))).toEqual(new Set(pointers));
    nothingHappened(world);
  });

  it.each<readonly [string, unknown]>([
    ['null', 'null'],
    ['an array', []],
    ['a list of numbers', { files: [1], directories: 2, everything: 3, reason: 4 }],
    ['a long reason', { files: [url('/a')], reason: 'x'.repeat(501) }],
    ['blobs', { account: 1, container: null, blobs: {}, prefixes: [[]] }],
  ])('is answered in words that say what it must be: %s', async (_what, body) => {
    const answer = await post(createWorld(), body);
    for (const { detail } of problemOf(answer).errors ?? []) {
      expect(detail).toMatch(/\b(?:must|Name)\b.*\.$/u);
      expect(detail).not.toMatch(/input|expected|received/iu);
    }
  });

  it('has at most 100 of them listed, and the number of the others', async () => {
    const world = createWorld();
    const listed = async (faults: number) => {
      const answer = await post(world, { files: Array.from({ length: faults }, () => 'x') });
      return problemOf(answer).errors ?? [];
    };
    expect(await listed(100)).toHaveLength(100);
    const cut = await listed(103);
    expect(cut).toHaveLength(101);
    expect(cut.at(-1)).toEqual({ pointer: '#', detail: '… and 3 more.' });
  });

  it('of bytes that are no UTF-8 is answered 400', async () => {
    const answer = await post(createWorld(), Buffer.from([0x7b, 0xff, 0x7d]));
    expect(answer.status).toBe(400);
    expect(pointersOf(answer)).toEqual(['#']);
  });

  it('of text without a URL is answered 400', async () => {
    const answer = await post(createWorld(), '\n \n', { headers: { 'content-type': 'text/plain' } });
    expect(answer.status).toBe(400);
  });

  it('of text says the line of each fault, in their order', async () => {
    const world = createWorld();
    const lines = [
      url('/a'),
      '',
      url('/a b'),
      `  ${url('/d/?x/')}`,
      url('/ok/'),
      '',
      url('/'),
      'http://evil.example/x',
    ];
    const answer = await post(world, lines.join('\r\n'), { headers: { 'content-type': 'text/plain' } });
    expect(answer.status).toBe(400);
    const { errors = [] } = problemOf(answer);
    expect(errors.map(({ pointer }) => pointer)).toEqual(['#', '#', '#', '#']);
    expect(errors.map(({ detail }) => detail)).toEqual([
      'line 3: White space is refused: write %20.',
      'line 4: A directory has no query string.',
      expect.stringMatching(/^line 7: This is everything/u),
      expect.stringMatching(/^line 8: The configuration has no such host/u),
    ]);
    nothingHappened(world);
  });

  it('of text says the line in a dry run too', async () => {
    const parts = { headers: { 'content-type': 'text/plain' }, query: { dryRun: 'true' } };
    const { errors = [] } = problemOf(await post(createWorld(), `\n${url('/a b')}`, parts));
    expect(errors).toEqual([{ pointer: '#', detail: 'line 2: White space is refused: write %20.' }]);
  });

  it.each([
    ['2,001 URLs', { files: Array.from({ length: 2_001 }, () => url('/a')) }],
    [
      '2,001 URLs of both kinds',
      {
        files: Array.from({ length: 1_000 }, () => url('/a')),
        directories: Array.from({ length: 1_001 }, () => url('/d/')),
      },
    ],
    [
      '2,001 names',
      { account: 'contoso', container: 'media', blobs: Array.from({ length: 2_001 }, () => 'a') },
    ],
  ])('that names %s is answered 400, with the limit', async (_what, body) => {
    const world = createWorld();
    const answer = await post(world, body);
    expect(answer.status).toBe(400);
    expect(problemOf(answer).errors).toEqual([
      { pointer: '#', detail: expect.stringContaining('at most 2000') },
    ]);
    nothingHappened(world);
  });

  it('that asks for the root of a host is answered 400, and 202 with everything', async () => {
    const world = createWorld();
    const text = { headers: { 'content-type': 'text/plain' } };
    expect((await post(world, url('/'), text)).status).toBe(400);
    expect((await post(world, { directories: [url('/')] })).status).toBe(400);
    nothingHappened(world);
    expect((await post(world, { directories: [url('/')], everything: true })).status).toBe(202);
    expect(world.cdn.purgedUrls()).toEqual([url('/')]);
  });
});

describe('what is not configured', () => {
  it.each<readonly [string, unknown, readonly string[]]>([
    ['a host', { files: [url('/a'), url('/a', 'evil.example')] }, ['#/files/1']],
    ['an account', { account: 'other1', container: 'media', blobs: ['a'] }, ['#/account']],
    ['a blob', { account: 'contoso', container: 'media', blobs: ['site/a', 'b'] }, ['#/blobs/1']],
  ])('is answered 422: %s', async (_what, body, pointers) => {
    const world = createWorld({ configuration: aConfiguration({ rules: [aRule({ strip: 'site/' })] }) });
    const answer = await post(world, body);
    expect(answer.status).toBe(422);
    expect(pointersOf(answer)).toEqual(pointers);
    nothingHappened(world);
  });
});

/** A right body of so many bytes. */
const ofBytes = (bytes: number): string => {
  const start = JSON.stringify({ files: [url('/a')] });
  return start + ' '.repeat(bytes - start.length);
};

describe('the size of a body', () => {
  it('may be 256 KiB', async () => {
    expect((await post(createWorld(), ofBytes(256 * 1024))).status).toBe(202);
  });

  it('is answered 413 above it', async () => {
    const world = createWorld();
    const answer = await post(world, ofBytes(256 * 1024 + 1));
    expect(answer.status).toBe(413);
    pointersOf(answer);
    nothingHappened(world);
  });

  it('is answered 413 when it is only announced', async () => {
    const answer = await post(createWorld(), '{}', { headers: { 'content-length': '300000' } });
    expect(answer.status).toBe(413);
  });

  it('counts bytes, not characters', async () => {
    expect((await post(createWorld(), JSON.stringify({ reason: '首'.repeat(100_000) }))).status).toBe(413);
  });
});

describe('the media type', () => {
  it.each([
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/html',
    '',
    'json',
  ])('%j is answered 415', async (type) => {
    const world = createWorld();
    const answer = await post(world, { files: [url('/a')] }, { headers: { 'content-type': type } });
    expect(answer.status).toBe(415);
    pointersOf(answer);
    nothingHappened(world);
  });
});

const keyed = (key: string): RequestParts => ({ headers: { 'idempotency-key': key } });

describe('an idempotency key', () => {
  it('gives the same request for the same body', async () => {
    const world = createWorld();
    const first = await post(world, { files: [url('/a')] }, keyed('key-1'));
    const second = await post(world, { files: [url('/a')] }, keyed('key-1'));
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.json).toEqual(first.json);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('is answered 409 for another body', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] }, keyed('key-1'));
    const answer = await post(world, { files: [url('/b')] }, keyed('key-1'));
    expect(answer.status).toBe(409);
    pointersOf(answer);
    expect(world.cdn.purges).toHaveLength(1);
  });

  it('is answered 409 for the same bytes as another media type', async () => {
    const world = createWorld();
    const body = JSON.stringify({ files: [url('/a')] });
    await post(world, body, keyed('key-1'));
    const headers = { 'content-type': 'text/plain', 'idempotency-key': 'key-1' };
    expect((await post(world, body, { headers })).status).toBe(409);
  });

  it('that is known does not save a body with faults', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] }, keyed('key-1'));
    world.journal.clear();
    expect((await post(world, { files: [7] }, keyed('key-1'))).status).toBe(400);
    nothingHappened(world);
  });

  it('is apart from any other', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] }, keyed('key-1'));
    await post(world, { files: [url('/a')] }, keyed('key-2'));
    expect(world.cdn.purges).toHaveLength(2);
  });

  it.each(['with space', 'k'.repeat(256), 'clé'])('cannot be %j', async (key) => {
    const world = createWorld();
    const answer = await post(world, { files: [url('/a')] }, keyed(key));
    expect(answer.status).toBe(400);
    nothingHappened(world);
  });

  it('is stored only as a hash', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] }, keyed('canary-key'));
    expect(world.records.texts().join('\n')).not.toContain('canary-key');
  });
});

describe('storage that is out', () => {
  it('is answered 503 with Retry-After, and nothing is sent', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['create-request']));
    const invocation = createInvocation();
    const answer = await post(world, { files: [url('/a')] }, {}, invocation);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/u);
    pointersOf(answer);
    expect(world.cdn.purges).toEqual([]);
    expect(invocation.lines.some((line) => line.startsWith('error'))).toBe(true);
  });

  it('is no problem for the caller once the request is stored', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['save-purge', 'read-request']));
    expect((await post(world, { files: [url('/a')] })).status).toBe(202);
  });
});

describe('any answer', () => {
  it('has no CORS headers, is not cached, and never echoes a secret header', async () => {
    const world = createWorld();
    const headers = { origin: 'https://evil.example', 'x-functions-key': 'canary-key' };
    const bodies = [{ files: [url('/a')] }, { files: ['a'] }, { files: ['http://evil.example/'] }, 'x'];
    const answers = await Promise.all(bodies.map((body) => post(world, body, { headers })));
    answers.push(await status(world, ID), await status(world, 'x'));
    for (const answer of answers) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.text).not.toContain('canary-key');
    }
  });
});

describe('the status of a request', () => {
  it('is its record', async () => {
    const world = createWorld();
    const { json } = await post(world, { files: [url('/a')] });
    const answer = await status(world, ID);
    expect(answer.status).toBe(200);
    expect({ ...z.looseObject({}).parse(answer.json), link: LINK }).toEqual(json);
  });

  it.each([
    ['another request', '00000000-0000-4000-8000-999999999999'],
    ['what is no id', 'x'],
    ['what would be another blob', '../purges/2024-01-15/1'],
    ['an id with more behind it', `${ID}\n`],
  ])('is answered 404 for %s', async (_what, id) => {
    const answer = await status(createWorld(), id);
    expect(answer.status).toBe(404);
    pointersOf(answer);
  });

  it.each([
    ['what is no id', 'x'],
    ['nothing', ''],
    ['what would be another blob', '../purges/2024-01-15/1'],
    ['an id that climbs', `../requests/${ID}`],
    ['an id with more behind it', `${ID}\n`],
    ['an id with more before it', `x${ID}`],
    ['an id in capitals', 'AAAABBBB-CCCC-4DDD-8EEE-FFFF00001111'],
  ])('asks no storage for %s: it must not become a part of a path', async (_what, id) => {
    const world = createWorld();
    await status(world, id);
    expect(world.journal.lines()).toEqual([]);
  });

  it('is answered 503 when storage is out', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] });
    world.journal.failBy(storageOutFor(['read-request']));
    const answer = await status(world, ID);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toMatch(/^\d+$/u);
  });
});

describe('the status of a purge', () => {
  const purgeId = '20240115-00000000-0000-4000-8000-000000000002';

  it('is its record: what the CDN accepted, why, and how far its task is', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] });
    const answer = await status(world, purgeId);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(answer.json).toEqual({
      id: purgeId,
      state: 'accepted',
      acceptedAt: '2024-01-15T08:09:10.000Z',
      nextPollAt: '2024-01-15T08:09:25.000Z',
      polls: 0,
      cdn: 'china',
      endpointId: 'aaaabbbb-cccc-dddd-eeee-ffff00001111',
      files: [url('/a')],
      directories: [],
      taskId: 'task-1',
      correlationId: 'correlation-1',
      attempt: 1,
      causes: [
        expect.objectContaining({ type: 'request', requestId: ID, askedAt: '2024-01-15T08:09:10.000Z' }),
      ],
    });
  });

  it('has its end once it came, and its request has it too', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] });
    world.clock.advance(15_000);
    await trackPurges(world.ports, world.run);
    expect((await status(world, purgeId)).json).toMatchObject({
      state: 'succeeded',
      endedAt: '2024-01-15T08:09:25.000Z',
      failedUrls: [],
    });
    expect((await status(world, ID)).json).toMatchObject({
      state: 'succeeded',
      purges: [{ id: purgeId, state: 'succeeded' }],
    });
  });

  it.each([
    ['another purge', '20240115-00000000-0000-4000-8000-999999999999'],
    ['an id with more behind it', `${purgeId}\n`],
  ])('is answered 404 for %s', async (_what, id) => {
    expect((await status(createWorld(), id)).status).toBe(404);
  });

  it('is answered 503 when storage is out', async () => {
    const world = createWorld();
    await post(world, { files: [url('/a')] });
    world.journal.failBy(storageOutFor(['read-purge']));
    expect((await status(world, purgeId)).status).toBe(503);
  });
});

describe('a request that takes longer than an HTTP answer may', () => {
  it('is answered after two minutes with what was purged, and the timer sends the rest once', async () => {
    const world = createWorld({ cdn: { limits: { urlsPerRequest: 1, bytesPerRequest: 100_000 } } });
    world.cdn.answerBy(() => {
      world.clock.advance(50_000);
      return anAcceptance();
    });
    const files = ['a', 'b', 'c', 'd', 'e'].map((name) => url(`/${name}`));

    const answer = await post(world, { files });

    expect(answer).toMatchObject({ status: 202, json: { state: 'waiting' } });
    expect(world.cdn.purgedUrls()).toEqual(files.slice(0, 3));
    world.clock.advance(180_000);
    await world.flush();
    expect(world.cdn.purgedUrls()).toEqual(files);
    expect(world.records.requests()).toMatchObject([{ state: 'accepted' }]);
    expect(world.buffer.stored()).toEqual([]);
  });
});
