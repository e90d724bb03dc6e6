// The whole way on the local stack: a blob changes, and the CDN's edge forgets it. Nothing is lost on the way.

import { randomBytes, randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test, vi, type TestContext } from 'vitest';
import * as z from 'zod';

import { localTopic } from '../../dev/azurite/account.ts';
import type { Child } from '../../dev/processes/child.ts';
import { FREE_PORTS, startStack, type Stack } from '../../dev/stack.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { assertNoLeaks, readAccount, type SearchedText } from '../support/stack-canary.ts';
import { createStackClient, pathOf, type StackClient } from '../support/stack-client.ts';
import { quickRetryScale, startLane, type Lane, type LaneOptions } from '../support/stack-lane.ts';

const www = 'www.contoso.localhost';
const media = 'media.contoso.localhost';
const files = 'files.contoso.localhost';
/** A key that the CDN does not know, as a mistyped setting would hold it. */
const wrongKeyValue = randomBytes(48).toString('base64');

let stack: Stack;
let main: StackClient;
const children: Child[] = [];
/** What the app answered to people. */
const answers: SearchedText[] = [];

beforeAll(async () => {
  stack = await startStack({
    ports: FREE_PORTS,
    host: 'embedded',
    hostArguments: ['--no-timers'],
    retryScale: quickRetryScale,
  });
  main = createStackClient({
    ...stack,
    masterKey: stack.secrets.masterKey,
    queueName: 'purge-buffer',
  });
  // A purge takes effect at the next look at the edge.
  await main.changeCdn({ fileTaskMs: 0, directoryTaskMs: 0 });
  await Promise.all(['$web', 'media', 'docs'].map((name) => main.blobs.getContainerClient(name).create()));
});

afterAll(async () => {
  const texts = [...answers, ...(await readAccount(stack.connectionString))];
  await Promise.all(children.map((child) => child.stop()));
  await stack.stop();
  const outputs = [...stack.children, ...children].map((child) => ({
    where: `output of ${child.name}`,
    text: child.output(),
  }));
  const { cdnKey, masterKey, functionKey, eventGridKey } = stack.secrets;
  const secrets = { cdnKeyValue: cdnKey.value, masterKey, functionKey, eventGridKey, wrongKeyValue };

  assertNoLeaks([...texts, ...outputs], secrets, [
    'an HTTP answer',
    'blob purge-records/open-purges/',
    ...outputs.map(({ where }) => where),
  ]);
});

/** An app of a test's own; it ends with the test. Of tests side by side only the context knows which test that is. */
async function openLane(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  options: Omit<LaneOptions, 'onChild'> = {},
): Promise<Lane> {
  const started: Child[] = [];
  const onChild = (child: Child): void => {
    children.push(child);
    started.push(child);
  };
  const lane = await startLane(stack, { ...options, onChild });
  onTestFinished(async () => {
    await Promise.all(started.map((child) => child.stop()));
  });
  return lane;
}

/** Reads a path at the edge twice, so that the edge certainly holds it. */
async function warm(client: StackClient, host: string, path: string): Promise<void> {
  await client.edge(host, path);
  expect(await client.edge(host, path)).toMatchObject({ cache: 'HIT' });
}

async function urlsPurged(client: StackClient): Promise<string[]> {
  return (await client.purges()).flatMap((purge) => [...purge.files, ...purge.directories]);
}

/** Of an account that nobody configured. */
const aForeignEvent = {
  id: randomUUID(),
  topic: localTopic.replace(/[^/]+$/u, 'stranger'),
  subject: '/blobServices/default/containers/media/blobs/foreign.txt',
  eventType: 'Microsoft.Storage.BlobCreated',
  eventTime: '2026-11-22T10:00:00Z',
  data: { api: 'PutBlob' },
};

const oddNames = [
  'plain.txt',
  'with space.txt',
  '中文/图片 1.png',
  'emoji-😀-👩‍👩‍👧.txt',
  'a+b.txt',
  '100%.txt',
  'escaped%20twice.txt',
  'hash#tag.txt',
  'question?mark&x=1.txt',
  "it's (a) file!.txt",
  'double//slash.txt',
  'UPPER/lower.TXT',
  '.hidden/..still-fine',
  '$dollar,semi;colon:at@.txt',
  'star*.txt',
  '长'.repeat(1_024),
];

describe('what changes becomes fresh at the edge', () => {
  test.each([
    { host: www, container: '$web', prefix: '' },
    { host: media, container: 'media', prefix: '' },
    { host: files, container: 'docs', prefix: '/docs' },
  ])('under every name: $container on $host', async ({ host, container, prefix }) => {
    const names = [...oddNames, 'batch-1.txt', 'batch-2 ü.txt'];
    await Promise.all(names.map((name) => main.write(container, name, `old ${name}`)));
    await main.deliverAndFlush();
    const paths = new Map(names.map((name) => [name, prefix + pathOf(name)]));
    await Promise.all([...paths.values()].map((path) => warm(main, host, path)));

    // A third is written anew, a third deleted; two go in one batch; the rest stays as it is.
    const at = main.blobs.getContainerClient(container);
    await Promise.all(
      oddNames.map(async (name, index) => {
        if (index % 3 === 0) await main.write(container, name, `new ${name}`);
        if (index % 3 === 1) await at.deleteBlob(name);
      }),
    );
    const batch = ['batch-1.txt', 'batch-2 ü.txt'].map((name) => at.getBlobClient(name));
    await main.blobs.getBlobBatchClient().deleteBlobs(batch);
    const stale = await Promise.all([...paths.values()].map((path) => main.edge(host, path)));
    expect(stale.map(({ cache }) => cache)).toEqual(stale.map(() => 'HIT'));
    await main.deliverAndFlush();

    for (const [index, [name, path]] of [...paths].entries()) {
      const content = await main.read(container, name);
      const answer = await main.edge(host, path);
      expect(answer).toMatchObject({
        cache: index % 3 === 2 && !name.startsWith('batch') ? 'HIT' : 'MISS',
        status: content === undefined ? 404 : 200,
        ...(content === undefined ? {} : { text: content }),
      });
    }
    expect(await main.buffered()).toBe(0);
  });

  test('also at the directory that an index document answers for', async () => {
    await main.write('$web', 'guide/index.html', 'old guide');
    await main.deliverAndFlush();
    await warm(main, www, '/guide/');
    await warm(main, www, '/guide/index.html');

    await main.write('$web', 'guide/index.html', 'new guide');
    await main.deliverAndFlush();

    expect(await main.edge(www, '/guide/')).toMatchObject({ cache: 'MISS', text: 'new guide' });
    expect(await main.edge(www, '/guide/index.html')).toMatchObject({ cache: 'MISS', text: 'new guide' });
  });

  test('and many changes of one blob are one URL in one purge', async () => {
    const before = await main.purges();
    for (let version = 1; version <= 6; version += 1) {
      await main.write('media', 'busy.txt', `version ${version}`);
    }
    await main.deliverAndFlush();

    const purges = (await main.purges()).slice(before.length);
    expect(purges.flatMap((purge) => purge.files)).toEqual([
      `http://${media}/busy.txt`,
      `http://${files}/media/busy.txt`,
    ]);
  });

  test('in as few purges as the endpoints allow: one for a hundred URLs', async () => {
    const before = await main.purges();
    await Promise.all(
      Array.from({ length: 101 }, (_, index) => main.write('docs', `many/${index}.txt`, 'x')),
    );
    await main.deliverAndFlush();

    const purges = (await main.purges()).slice(before.length);
    expect(purges.map((purge) => purge.files.length)).toEqual([100, 1]);
  });
});

const subjectOf = (container: string, name: string): string =>
  `/blobServices/default/containers/${container}/blobs/${name}`;
const blobUrl = (container: string, name: string): string =>
  `https://devstoreaccount1.blob.core.windows.net/${container}/${name}`;

interface EventParts {
  readonly type: string;
  readonly subject: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly topic?: string;
}

function eventGridEvent({ type, subject, data = {}, topic = localTopic }: EventParts) {
  return {
    id: randomUUID(),
    topic,
    subject,
    eventType: `Microsoft.Storage.${type}`,
    eventTime: new Date().toISOString(),
    data,
    dataVersion: '',
    metadataVersion: '1',
  };
}

function cloudEvent({ type, subject, data = {}, topic = localTopic }: EventParts) {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: topic,
    subject,
    type: `Microsoft.Storage.${type}`,
    time: new Date().toISOString(),
    data,
  };
}

describe('an event', () => {
  test.each([
    { schema: 'Event Grid’s schema', make: eventGridEvent },
    { schema: 'the CloudEvents schema', make: cloudEvent },
  ])('in $schema is understood', async ({ make }) => {
    const name = `schema #${randomUUID()}.txt`;
    await main.publish(make({ type: 'BlobCreated', subject: subjectOf('media', name) }));
    await main.deliverAndFlush();

    expect(await urlsPurged(main)).toContain(`http://${media}${pathOf(name)}`);
  });

  test('of a rename purges both names, as they stand in its URLs', async () => {
    const from = blobUrl('media', 'old name #1?.png');
    const to = blobUrl('media', 'neu/ü%20+.png');
    await main.publish(
      eventGridEvent({
        type: 'BlobRenamed',
        subject: subjectOf('media', 'neu/ü%20+.png'),
        data: { api: 'RenameFile', sourceUrl: from, destinationUrl: to },
      }),
    );
    await main.deliverAndFlush();

    expect(await urlsPurged(main)).toEqual(
      expect.arrayContaining([
        `http://${media}/old%20name%20%231%3F.png`,
        `http://${media}/neu/%C3%BC%2520+.png`,
      ]),
    );
  });

  test('of a directory that is renamed or deleted makes everything below it fresh', async () => {
    const names = ['dir-a/x.txt', 'dir-a/deep/y.txt', 'dir-b/z.txt', 'dir-c/w.txt'];
    await Promise.all(names.map((name) => main.write('media', name, 'old')));
    await main.deliverAndFlush();
    for (const name of names) await warm(main, media, `/${name}`);

    await main.publish(
      eventGridEvent({
        type: 'DirectoryRenamed',
        subject: subjectOf('media', 'dir-b'),
        data: {
          api: 'RenameDirectory',
          sourceUrl: blobUrl('media', 'dir-a'),
          destinationUrl: blobUrl('media', 'dir-b'),
        },
      }),
      cloudEvent({
        type: 'DirectoryDeleted',
        subject: subjectOf('media', 'dir-c'),
        data: { recursive: true },
      }),
    );
    await main.deliverAndFlush();

    for (const name of names) expect(await main.edge(media, `/${name}`)).toMatchObject({ cache: 'MISS' });
    expect((await main.purges()).flatMap((purge) => purge.directories)).toEqual(
      expect.arrayContaining(['a', 'b', 'c'].map((letter) => `http://${media}/dir-${letter}/`)),
    );
  });

  test.each<{ what: string; event: unknown }>([
    {
      what: 'of an account that the configuration does not name',
      event: eventGridEvent({
        type: 'BlobCreated',
        subject: subjectOf('media', 'foreign.txt'),
        topic: localTopic.replace('devstoreaccount1', 'strangeraccount'),
      }),
    },
    {
      what: 'of another type',
      event: eventGridEvent({ type: 'BlobTierChanged', subject: subjectOf('media', 'tier.txt') }),
    },
    {
      what: 'of a blob that is still being written',
      event: eventGridEvent({
        type: 'BlobCreated',
        subject: subjectOf('media', 'half.txt'),
        data: { api: 'CreateFile' },
      }),
    },
    {
      what: 'whose name climbs',
      event: cloudEvent({ type: 'BlobDeleted', subject: subjectOf('media', 'a/../b.txt') }),
    },
    { what: 'that is none', event: { hello: 'world' } },
  ])('$what purges nothing, and does not come again', async ({ event }) => {
    const before = await main.purges();

    await main.publish(event);
    await main.deliverAndFlush();

    expect(await main.purges()).toEqual(before);
    expect((await main.events()).at(-1)).toMatchObject({ state: 'delivered', attempts: 1 });
  });
});

const RecordOfPurge = z.object({
  correlationId: z.string(),
  taskId: z.string(),
  files: z.array(z.string()),
  causes: z.array(
    z.object({ type: z.string(), eventId: z.string().optional(), traceparent: z.string().optional() }),
  ),
});

async function purgeRecords(
  client: StackClient,
  container: string,
): Promise<z.infer<typeof RecordOfPurge>[]> {
  const records: z.infer<typeof RecordOfPurge>[] = [];
  const at = client.blobs.getContainerClient(container);
  // No timer runs here, so every purge is still open.
  for await (const { name } of at.listBlobsFlat({ prefix: 'open-purges/' })) {
    records.push(RecordOfPurge.parse(JSON.parse((await client.read(container, name)) ?? '')));
  }
  return records;
}

describe('the record of a purge', () => {
  test('joins every change and its trace with the CDN’s own ids', async () => {
    const events = Array.from({ length: 40 }, (_, index) =>
      eventGridEvent({ type: 'BlobCreated', subject: subjectOf('docs', `traced/${index % 20}.txt`) }),
    );
    const traceIds = new Map(events.map(({ id }) => [id, randomBytes(16).toString('hex')]));
    for (const event of events) {
      const delivery = await fetch(
        `${stack.functionsUrl}/runtime/webhooks/eventgrid?functionName=on-blob-changed`,
        {
          method: 'POST',
          headers: {
            'aeg-event-type': 'Notification',
            'x-functions-key': stack.secrets.eventGridKey,
            'content-type': 'application/json',
            traceparent: `00-${traceIds.get(event.id) ?? ''}-b7ad6b7169203331-01`,
          },
          body: JSON.stringify([event]),
        },
      );
      expect(delivery.ok).toBe(true);
    }
    await main.deliverAndFlush();

    const records = await purgeRecords(main, 'purge-records');
    const record = records.find(({ files: urls }) => urls.includes(`http://${files}/docs/traced/0.txt`));
    const traces = record?.causes.map(({ eventId = '', traceparent = '' }) => [
      eventId,
      traceparent.split('-')[1],
    ]);
    expect(new Map(traces?.map(([id = '', trace = '']) => [id, trace]))).toEqual(traceIds);
    const purge = (await main.purges()).find(({ correlationId }) => correlationId === record?.correlationId);
    expect(purge).toMatchObject({ taskId: record?.taskId, files: record?.files });
  });

  test('exists for every purge that the CDN accepted', async () => {
    const recorded = (await purgeRecords(main, 'purge-records')).map(({ correlationId }) => correlationId);

    expect(recorded).toEqual(
      expect.arrayContaining((await main.purges()).map(({ correlationId }) => correlationId)),
    );
  });
});

interface Asked {
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly type?: string;
  readonly query?: string;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, unknown>>;
}

const AnyObject = z.record(z.string(), z.unknown());

async function tell(response: Response): Promise<Told> {
  const text = await response.text();
  answers.push({
    where: 'an HTTP answer',
    text: `${JSON.stringify([...response.headers])}\n${text}`,
  });
  const json = text === '' ? {} : AnyObject.parse(JSON.parse(text));
  return { status: response.status, headers: response.headers, json };
}

/** Asks for a purge by HTTP, as a person does. */
async function ask(asked: Asked, functionsUrl = stack.functionsUrl): Promise<Told> {
  const { body = '{}', type = 'application/json', query = '', headers = {} } = asked;
  const key = 'key' in asked ? asked.key : stack.secrets.functionKey;
  return tell(
    await fetch(`${functionsUrl}/api/purges${query}`, {
      method: 'POST',
      headers: {
        'content-type': type,
        ...(key === undefined ? {} : { 'x-functions-key': key }),
        ...headers,
      },
      body,
    }),
  );
}

async function look(link: unknown): Promise<Told> {
  return tell(
    await fetch(z.string().parse(link), { headers: { 'x-functions-key': stack.secrets.functionKey } }),
  );
}

const oneFile = (path: string, rest: object = {}): string =>
  JSON.stringify({ files: [`http://${www}${path}`], ...rest });

describe('a person’s purge', () => {
  test.each([
    { what: 'no key', key: undefined },
    { what: 'a wrong key', key: 'wrong' },
  ])('needs the function key: $what', async ({ key }) => {
    expect(await ask({ key, body: oneFile('/secret.txt') })).toMatchObject({ status: 401 });
    expect(await urlsPurged(main)).not.toContain(`http://${www}/secret.txt`);
  });

  test('is sent at once, and answers with its link, its targets and the correlation id', async () => {
    await main.write('$web', 'manual page.html', 'old');
    await main.deliverAndFlush();
    await warm(main, www, '/manual%20page.html');

    const told = await ask({
      body: oneFile('/manual%20page.html', {
        directories: [`http://${www}/assets/`],
        reason: 'a 中文 reason',
      }),
      query: `?code=${stack.secrets.functionKey}`,
      key: undefined,
    });

    const purge = (await main.purges()).at(-1);
    expect(told).toMatchObject({
      status: 202,
      json: {
        state: 'accepted',
        reason: 'a 中文 reason',
        correlationId: purge?.correlationId,
        targets: [
          { kind: 'file', url: `http://${www}/manual%20page.html` },
          { kind: 'directory', url: `http://${www}/assets/` },
        ],
        purges: [{ correlationId: purge?.correlationId, taskId: purge?.taskId }],
      },
    });
    expect(told.headers.get('location')).toBe(told.json['link']);
    expect([...told.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(await look(told.json['link'])).toMatchObject({
      status: 200,
      json: { id: told.json['id'], state: 'accepted' },
    });
    expect(await main.edge(www, '/manual%20page.html')).toMatchObject({ cache: 'MISS' });
    expect(await main.buffered()).toBe(0);
  });

  test('may be plain text, one URL a line', async () => {
    const told = await ask({
      type: 'text/plain; charset=utf-8',
      body: `http://${www}/from-text.txt\r\n\r\n http://${media}/folder/ \n`,
    });

    expect(told).toMatchObject({ status: 202, json: { state: 'accepted' } });
    expect(await urlsPurged(main)).toEqual(
      expect.arrayContaining([`http://${www}/from-text.txt`, `http://${media}/folder/`]),
    );
  });

  test('may name blobs, which are mapped as events are', async () => {
    const body = {
      account: 'devstoreaccount1',
      container: 'media',
      blobs: ['a #1?.png'],
      prefixes: ['全部/'],
    };

    const told = await ask({ body: JSON.stringify(body) });

    expect(told).toMatchObject({
      status: 202,
      json: {
        targets: [
          { kind: 'file', url: `http://${media}/a%20%231%3F.png` },
          { kind: 'file', url: `http://${files}/media/a%20%231%3F.png` },
          { kind: 'directory', url: `http://${media}/%E5%85%A8%E9%83%A8/` },
          { kind: 'directory', url: `http://${files}/media/%E5%85%A8%E9%83%A8/` },
        ],
      },
    });
  });

  test('with dryRun says what it would send, and sends and stores nothing', async () => {
    const before = await main.purges();

    const told = await ask({ query: '?dryRun=true', body: oneFile('/dry.txt') });

    expect(told).toMatchObject({
      status: 200,
      json: { dryRun: true, targets: [{ kind: 'file', url: `http://${www}/dry.txt` }] },
    });
    expect(await main.purges()).toEqual(before);
    expect(await main.buffered()).toBe(0);
  });

  test('with an Idempotency-Key happens once', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const before = await main.purges();
    const [first, again] = [
      await ask({ headers, body: oneFile('/once.txt') }),
      await ask({ headers, body: oneFile('/once.txt') }),
    ];

    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.json['id']).toBe(first.json['id']);
    expect(again.json['correlationId']).toBe(first.json['correlationId']);
    expect((await main.purges()).length - before.length).toBe(1);
    expect(await ask({ headers, body: oneFile('/other.txt') })).toMatchObject({ status: 409 });
  });

  test('with one Idempotency-Key from many callers at once is one request', async () => {
    const headers = { 'idempotency-key': randomUUID() };

    const told = await Promise.all(
      Array.from({ length: 4 }, () => ask({ headers, body: oneFile('/together.txt') })),
    );

    expect(told.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(new Set(told.map(({ json }) => json['id'])).size).toBe(1);
  });

  const tooLarge = new Uint8Array(256 * 1024 + 1).fill(0x20);
  test.each<{ what: string; asked: Asked; status: number; pointers?: string[] }>([
    { what: 'no JSON', asked: { body: '{' }, status: 400, pointers: ['#'] },
    { what: 'nothing to purge', asked: { body: '{}' }, status: 400, pointers: ['#'] },
    {
      what: 'several faults, all told at once',
      asked: {
        body: JSON.stringify({
          files: ['not a url', `http://${www}/fine.txt`, `http://${www}/a/../b`],
          directories: [`http://${www}/no-slash`],
        }),
      },
      status: 400,
      pointers: ['#/files/0', '#/files/2', '#/directories/0'],
    },
    { what: 'an unknown property', asked: { body: '{"urls": []}' }, status: 400, pointers: ['#/urls', '#'] },
    {
      what: 'a query parameter that nobody knows',
      asked: { query: '?dryrun=true', body: oneFile('/a.txt') },
      status: 400,
    },
    {
      what: 'the root of a host, not said to be everything',
      asked: { body: JSON.stringify({ directories: [`http://${www}/`] }) },
      status: 400,
      pointers: ['#/directories/0'],
    },
    {
      what: 'a host that is not configured',
      asked: { body: JSON.stringify({ files: ['http://www.example.com/a.txt'] }) },
      status: 422,
      pointers: ['#/files/0'],
    },
    { what: 'too much', asked: { body: tooLarge }, status: 413 },
    { what: 'a type that is not taken', asked: { type: 'application/xml' }, status: 415 },
    {
      what: 'a key that is none',
      asked: { body: oneFile('/a.txt'), headers: { 'idempotency-key': 'a b' } },
      status: 400,
    },
  ])('is answered with $status for $what', async ({ asked, status, pointers }) => {
    const told = await ask(asked);

    expect(told).toMatchObject({ status, json: { status, title: expect.stringMatching(/\S/u) } });
    expect(told.headers.get('content-type')).toBe('application/problem+json');
    const errors = z
      .array(z.object({ pointer: z.string() }))
      .optional()
      .parse(told.json['errors']);
    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
  });

  test('that nobody asked for is not found', async () => {
    const told = await look(`${stack.functionsUrl}/api/purges/${randomUUID()}`);

    expect(told).toMatchObject({ status: 404 });
  });
});

// Side by side, since most of the time goes into waiting: each has an app of its own, or blobs of its own.
describe.concurrent('the tracker’s timer', () => {
  // First, as it waits longest: the CDN is asked 15 seconds after the acceptance at the earliest.
  test('follows a person’s purge to its end, on the schedule of the setting', async (context) => {
    const { expect } = context;
    const settings = { PURGE_TRACK_SCHEDULE: '* * * * * *' };
    const lane = await openLane(context, { settings, timers: true });

    const told = await ask({ body: oneFile('/tracked.txt') }, lane.functionsUrl);

    await vi.waitFor(
      async () => {
        const { json } = await look(told.json['link']);
        expect(json).toMatchObject({ state: 'succeeded', purges: [{ state: 'succeeded' }] });
      },
      { timeout: 40_000, interval: 250 },
    );
  });
});

describe.concurrent('events that Event Grid writes straight into the buffer', () => {
  test('are purged as if the function had buffered them, under every name', async (context) => {
    const { expect } = context;
    const lane = await openLane(context, { deliverTo: 'queue' });
    const odd = oddNames.map((name) => `raw/${name}`.slice(0, 1_024));
    await lane.publish({ ...aForeignEvent, eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent' });
    await lane.publish(aForeignEvent);
    await Promise.all(odd.map((name) => lane.write('media', name, 'new')));
    await lane.delivered();
    expect(await lane.buffered()).toBe(odd.length + 2);

    await lane.deliverAndFlush();

    const purged = new Set(
      (await urlsPurged(lane)).filter((url) => url.includes('/raw/')).map(decodeURIComponent),
    );
    expect(odd.filter((name) => !purged.has(`http://${media}/${name}`))).toEqual([]);
    expect([await lane.buffered(), await lane.poisoned()]).toEqual([0, 0]);
    expect(lane.host().output()).toContain('unknown-account');
  });
});

describe.concurrent('when something is out of order', () => {
  test('the CDN answers 503: the change waits, and is purged when the CDN is back', async (context) => {
    const { expect } = context;
    // Of its own, since the endpoint rests after the answer.
    const lane = await openLane(context);
    await lane.write('$web', 'gateway.txt', 'old');
    await lane.deliverAndFlush();
    await warm(lane, www, '/gateway.txt');
    await lane.order({ fault: 'gateway', status: 503, match: { urlIncludes: '/gateway.txt' } });

    await lane.write('$web', 'gateway.txt', 'new');
    await lane.deliverAndFlush();

    expect(await lane.edge(www, '/gateway.txt')).toMatchObject({ cache: 'HIT', text: 'old' });
    await lane.flushUntil(async () => {
      expect(await lane.edge(www, '/gateway.txt')).toMatchObject({ cache: 'MISS', text: 'new' });
    });
  });

  test('the CDN throttles a person’s purge: it is taken, and the timer goes on with it', async ({
    expect,
  }) => {
    await main.order({ fault: 'throttle', match: { urlIncludes: '/throttled.txt' } });

    const told = await ask({ body: oneFile('/throttled.txt') });

    const refused = (await main.requests()).find(({ outcome }) => outcome === 'fault:throttle');
    expect(told).toMatchObject({
      status: 202,
      json: {
        state: 'waiting',
        purges: [],
        correlationId: refused?.correlationId,
        lastFailure: { kind: 'refused', correlationId: refused?.correlationId },
      },
    });
    await main.flushUntil(async () => {
      expect(await look(told.json['link'])).toMatchObject({ json: { state: 'accepted' } });
    });
    expect(await urlsPurged(main)).toContain(`http://${www}/throttled.txt`);
  });

  test('signing is broken: every change waits in the backlog, and is purged once the key is right', async (context) => {
    const { expect } = context;
    const lane = await openLane(context, { settings: { LOCAL_CDN_KEY_VALUE: wrongKeyValue } });
    const names = ['signed/1.txt', 'signed/2.txt', 'signed/3.txt'];
    await Promise.all(names.map((name) => lane.write('media', name, 'old')));
    for (const name of names) await warm(lane, media, `/${name}`);
    await Promise.all(names.map((name) => lane.write('media', name, 'new')));
    await lane.deliverAndFlush();

    expect((await lane.requests()).map(({ outcome }) => outcome)).toContain('WrongSignature');
    expect((await urlsPurged(lane)).filter((url) => url.includes('/signed/'))).toEqual([]);
    expect(await lane.buffered()).toBe(0);
    const waiting = await lane.backlog();
    expect(waiting).toHaveLength(6); // three files on two hosts
    for (const entry of waiting) {
      expect(entry).toMatchObject({ reason: 'credentials-refused', changes: 2, failedAttempts: 1 });
    }
    await lane.host().stop();
    await lane.startHost({ LOCAL_CDN_KEY_VALUE: stack.secrets.cdnKey.value });
    // The subscription rests for a while, also after a restart.
    await lane.flushUntil(async () => {
      for (const name of names) {
        expect(await lane.edge(media, `/${name}`)).toMatchObject({ cache: 'MISS', text: 'new' });
      }
      expect(await lane.backlog()).toEqual([]);
    });
  });

  test('the host is down while blobs change: Event Grid brings the changes again', async (context) => {
    const { expect } = context;
    const lane = await openLane(context);
    await lane.write('media', 'down.txt', 'old');
    await lane.deliverAndFlush();
    await warm(lane, media, '/down.txt');
    await lane.killHost();

    await lane.write('media', 'down.txt', 'new');
    await vi.waitFor(
      async () => {
        expect((await lane.events()).at(-1)?.attempts).toBeGreaterThanOrEqual(2);
      },
      { timeout: 15_000 },
    );
    await lane.startHost();
    await lane.deliverAndFlush();

    expect(await lane.edge(media, '/down.txt')).toMatchObject({ cache: 'MISS', text: 'new' });
  });

  test('storage is out: a person is told to come again, and then is served', async (context) => {
    const { expect } = context;
    const proxy = await startCountingProxy(stack.azuriteBlobUrl, stack.queueUrl);
    const lane = await openLane(context, { settings: { PURGE_STORAGE: proxy.connectionString } });
    const body = oneFile('/storage-out.txt');
    await proxy.takeAway();

    const told = await ask({ body }, lane.functionsUrl);

    expect(told.status).toBe(503);
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(told.headers.get('content-type')).toBe('application/problem+json');
    await proxy.bringBack();
    expect(await ask({ body }, lane.functionsUrl)).toMatchObject({
      status: 202,
      json: { state: 'accepted' },
    });
    await proxy.close();
  });

  test('storage is out: Event Grid keeps the change until storage is back', async (context) => {
    const { expect } = context;
    const proxy = await startCountingProxy(stack.azuriteBlobUrl, stack.queueUrl);
    const lane = await openLane(context, { settings: { PURGE_STORAGE: proxy.connectionString } });
    await proxy.takeAway();

    await lane.write('media', 'kept-by-event-grid.txt', 'new');
    await vi.waitFor(
      async () => {
        expect((await lane.events()).at(-1)?.attempts).toBeGreaterThanOrEqual(2);
      },
      { timeout: 20_000 },
    );
    await proxy.bringBack();
    await lane.deliverAndFlush();

    expect(await urlsPurged(lane)).toContain(`http://${media}/kept-by-event-grid.txt`);
    await proxy.close();
  });
});

const readSettings = (storage: string): Record<string, string> => ({ PURGE_STORAGE: storage });

describe.concurrent('an app with nothing to do', () => {
  test.for<{ from: string; settings: (storage: string) => Record<string, string> }>([
    { from: 'an app setting', settings: readSettings },
    {
      from: 'a blob',
      settings: (storage) => ({
        ...readSettings(storage),
        PURGE_CONFIG: '',
        PURGE_CONFIG_BLOB: 'settings/purge.config.json',
      }),
    },
  ])(
    'is quiet, and spends at most 5 storage calls a tick: configured by $from',
    async ({ settings }, context) => {
      const { expect } = context;
      await main.blobs.getContainerClient('settings').createIfNotExists();
      await main.write('settings', 'purge.config.json', stack.appSettings['PURGE_CONFIG'] ?? '');
      const proxy = await startCountingProxy(stack.azuriteBlobUrl, stack.queueUrl);
      const lane = await openLane(context, { settings: settings(proxy.connectionString) });
      await lane.deliverAndFlush();
      const calls = proxy.calls().length;
      const lines = lane.host().entries().length;

      for (let tick = 1; tick <= 5; tick += 1) expect(await lane.flush()).toBe(202);

      expect(proxy.calls().length - calls).toBeLessThanOrEqual(5 * 5);
      expect(proxy.calls().length - calls).toBeGreaterThanOrEqual(5);
      const levels = lane
        .host()
        .entries()
        .slice(lines)
        .map(({ level }) => level);
      expect(levels.filter((level) => level !== 'debug')).toEqual([]);
      await proxy.close();
    },
  );

  test('stays so when a rule for every container covers its own records', async (context) => {
    const { expect } = context;
    const lane = await openLane(context, { settings: (connection) => ({ PURGE_STORAGE: connection }) });
    await lane.write('docs', 'loop.txt', 'new');
    await lane.deliverAndFlush();
    const purges = (await urlsPurged(lane)).filter((url) => url.includes('/docs/loop.txt'));

    await lane.deliverAndFlush();

    expect(purges).toHaveLength(1);
    // The record was written where events come from, and a rule serves it: only the app itself leaves it out.
    const subjects = (await lane.events()).map(({ subject }) => subject);
    expect(subjects).toContainEqual(
      expect.stringContaining(`/containers/${lane.records}/blobs/open-purges/`),
    );
    expect((await urlsPurged(lane)).filter((url) => url.includes(lane.records))).toEqual([]);
    expect(await lane.buffered()).toBe(0);
  });
});
