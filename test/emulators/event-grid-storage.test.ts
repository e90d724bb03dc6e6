// Which writes to blob storage become which Event Grid events: the Azure Storage SDK against real Azurite
// through the proxy.
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, request as sendRequest, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { BlobBatchClient, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { BlobClient, ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import * as z from 'zod';
import { localAccount, localTopic } from '../../dev/azurite/account.ts';
import { createEventGridProxy, type EventGridProxy } from '../../dev/event-grid/event-grid-proxy.ts';

const Event = z.looseObject({
  topic: z.string(),
  subject: z.string(),
  eventType: z.string(),
  data: z.looseObject({ api: z.string(), url: z.string(), sequencer: z.string() }),
});

const credential = new StorageSharedKeyCredential(localAccount.name, localAccount.key);

let proxy: EventGridProxy;
let service: BlobServiceClient;
let container: ContainerClient;

beforeAll(async () => {
  proxy = await createEventGridProxy({ azuriteUrl: inject('azurite').blobUrl });
  service = new BlobServiceClient(proxy.blobUrl, credential);
});
afterAll(() => proxy.close());
beforeEach(async () => {
  container = service.getContainerClient(`c-${randomUUID()}`);
  await container.create();
});

/** The events of this test's container, `api` and name; each name comes after `/blobs/`, whatever it holds. */
function events(of: ContainerClient = container): { api: string; name: string }[] {
  return wireEvents(of).map((event) => ({
    api: event.data.api,
    name: event.subject.slice(subjectPrefix(of).length),
  }));
}

function wireEvents(of: ContainerClient = container): z.infer<typeof Event>[] {
  return proxy
    .events()
    .filter((record) => record.subject.startsWith(subjectPrefix(of)))
    .map((record) => Event.parse(record.event));
}

function subjectPrefix(of: ContainerClient): string {
  return `/blobServices/default/containers/${of.containerName}/blobs/`;
}

async function upload(blob: BlobClient, text = 'hello'): Promise<void> {
  await blob.getBlockBlobClient().upload(text, Buffer.byteLength(text));
}

const oddNames = [
  'plain.txt',
  'dir/sub/index.html',
  'with space.txt',
  '中文/文件 名.html',
  'emoji 🐼🎉.png',
  'a+b.txt',
  'a%b.txt',
  'literal%20percent.txt',
  'literal%2Fslash.txt',
  'hash#tag.txt',
  'question?mark.txt',
  'and&amp.txt',
  "it's.txt",
  'double//slash//end',
  'equals=semi;comma,at@colon:.txt',
  '(brackets) [square] {curly} <angle> "quote" `tick` ^|~.txt',
  'ünïcödé.txt',
  'dots/../as/./they/are.txt',
  'tab\tin it.txt',
  `${'長'.repeat(1_000)}${'x'.repeat(24)}`,
  'x'.repeat(1_024),
  '🐼'.repeat(512),
];

describe('a blob name', () => {
  test.each(oddNames)('%s comes verbatim in subject and url, created and deleted', async (name) => {
    // Arrange: the SDK would fold dot segments before they leave, so its URL is not used for those.
    const blob = container.getBlobClient(name);
    const dotted = name.includes('/../');

    // Act
    if (dotted) {
      await rawRequest('PUT', `${new URL(container.url).pathname}/${name}`, {
        'x-ms-blob-type': 'BlockBlob',
      });
    } else {
      await upload(blob);
      await blob.delete();
    }

    // Assert
    const expected = [{ api: 'PutBlob', name }];
    expect(events()).toEqual(dotted ? expected : [...expected, { api: 'DeleteBlob', name }]);
    expect(wireEvents()[0]?.data.url).toBe(`${container.url}/${name}`);
  });

  test('has slashes where the client sent backslashes, as storage keeps it', async () => {
    await upload(container.getBlobClient('a\\b.txt'));

    expect(events()).toEqual([{ api: 'PutBlob', name: 'a/b.txt' }]);
  });

  test('in the root container is told with that container', async () => {
    const root = service.getContainerClient('$root');
    await root.createIfNotExists();
    const name = `robots-${randomUUID()}.txt`;

    await upload(root.getBlobClient(name));

    expect(events(root)).toContainEqual({ api: 'PutBlob', name });
  });
});

describe('BlobCreated', () => {
  test('carries what Azure puts into it', async () => {
    const uploaded = await container
      .getBlockBlobClient('page.html')
      .upload('<p>hi</p>', 9, { blobHTTPHeaders: { blobContentType: 'text/html' } });

    expect(wireEvents()).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/u),
        topic: localTopic,
        subject: `${subjectPrefix(container)}page.html`,
        eventType: 'Microsoft.Storage.BlobCreated',
        eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/u),
        dataVersion: '',
        metadataVersion: '1',
        data: {
          api: 'PutBlob',
          clientRequestId: uploaded.clientRequestId,
          requestId: uploaded.requestId,
          eTag: uploaded.etag?.replaceAll('"', ''),
          contentType: 'text/html',
          contentLength: 9,
          blobType: 'BlockBlob',
          url: `${container.url}/page.html`,
          sequencer: expect.stringMatching(/^[0-9a-f]{48}$/u),
          storageDiagnostics: { batchId: expect.any(String) },
        },
      },
    ]);
  });

  test('comes for a commit of blocks, not for the blocks, with the type and size of the whole', async () => {
    const blob = container.getBlockBlobClient('big.bin');
    const blockIds = ['one', 'two'].map((id) => Buffer.from(id).toString('base64'));
    for (const id of blockIds) await blob.stageBlock(id, 'x'.repeat(1_000), 1_000);
    expect(events()).toEqual([]);

    await blob.commitBlockList(blockIds, { blobHTTPHeaders: { blobContentType: 'image/png' } });

    expect(events()).toEqual([{ api: 'PutBlockList', name: 'big.bin' }]);
    expect(wireEvents()[0]?.data).toMatchObject({
      contentLength: 2_000,
      contentType: 'image/png',
      blobType: 'BlockBlob',
    });
  });

  test('comes for a copy, asynchronous or not, with the type and size of the source', async () => {
    const source = container.getBlockBlobClient('源 #1.txt');
    await source.upload('12345', 5, { blobHTTPHeaders: { blobContentType: 'text/plain' } });
    const direct = service.getContainerClient(container.containerName).getBlobClient('async.txt');

    const poller = await direct.beginCopyFromURL(source.url);
    await poller.pollUntilDone();
    await container.getBlobClient('sync.txt').syncCopyFromURL(source.url);

    expect(events().slice(1)).toEqual([
      { api: 'CopyBlob', name: 'async.txt' },
      { api: 'CopyBlob', name: 'sync.txt' },
    ]);
    for (const event of wireEvents().slice(1)) {
      expect(event.data).toMatchObject({ contentLength: 5, contentType: 'text/plain' });
    }
  });

  test('comes for page and append blobs when they are made, not when they are written to', async () => {
    const page = container.getPageBlobClient('disk.vhd');
    await page.create(1_024);
    await page.uploadPages('x'.repeat(512), 0, 512);
    const append = container.getAppendBlobClient('app.log');
    await append.create();
    await append.appendBlock('line', 4);

    expect(wireEvents().map(({ data }) => [data.api, data['blobType'], data['contentLength']])).toEqual([
      ['PutBlob', 'PageBlob', 1_024],
      ['PutBlob', 'AppendBlob', 0],
    ]);
  });

  test('comes for every overwrite, with sequencers that grow as strings', async () => {
    const blob = container.getBlobClient('often.txt');
    for (let count = 0; count < 20; count += 1) await upload(blob, `version ${count}`);

    const sequencers = wireEvents().map((event) => event.data.sequencer);
    expect(sequencers).toHaveLength(20);
    expect(sequencers).toEqual([...new Set(sequencers)].toSorted());
  });
});

describe('BlobDeleted', () => {
  test('has neither eTag nor size', async () => {
    await upload(container.getBlobClient('a.txt'));
    await container.getBlobClient('a.txt').delete();

    const deleted = wireEvents()[1];
    expect(deleted?.eventType).toBe('Microsoft.Storage.BlobDeleted');
    expect(deleted?.data).not.toHaveProperty('eTag');
    expect(deleted?.data).not.toHaveProperty('contentLength');
  });

  test('comes once for a blob that takes its snapshots along, never for snapshots alone', async () => {
    const blob = container.getBlobClient('a.txt');
    await upload(blob);
    const { snapshot = '' } = await blob.createSnapshot();
    await blob.withSnapshot(snapshot).delete();
    await blob.createSnapshot();
    await blob.delete({ deleteSnapshots: 'only' });
    expect(events()).toEqual([{ api: 'PutBlob', name: 'a.txt' }]);

    await blob.createSnapshot();
    await blob.delete({ deleteSnapshots: 'include' });

    expect(events().slice(1)).toEqual([{ api: 'DeleteBlob', name: 'a.txt' }]);
  });

  test.each(['account', 'container'] as const)(
    'comes for each blob that a batch at the %s deleted, and for no other',
    async (level) => {
      const names = ['a b.txt', '中文.txt', 'p+q%20.txt', "it's//#1?.txt"];
      for (const name of names) await upload(container.getBlobClient(name));
      const missing = container.getBlobClient('missing.txt');
      const batchUrl = level === 'account' ? service.url : container.url;
      const batchClient = new BlobBatchClient(batchUrl, credential);

      const answer = await batchClient.deleteBlobs([
        container.getBlobClient('a b.txt'),
        missing,
        ...names.slice(1).map((name) => container.getBlobClient(name)),
      ]);

      expect(answer.subResponsesSucceededCount).toBe(4);
      expect(events().slice(4)).toEqual(names.map((name) => ({ api: 'DeleteBlob', name })));
    },
  );
});

describe('no event', () => {
  test.each<[string, (blob: BlobClient) => Promise<unknown>]>([
    ['a read', (blob) => blob.downloadToBuffer()],
    ['a look at properties', (blob) => blob.getProperties()],
    ['metadata', (blob) => blob.setMetadata({ colour: 'red' })],
    ['HTTP headers', (blob) => blob.setHTTPHeaders({ blobCacheControl: 'no-store' })],
    ['a tier', (blob) => blob.setAccessTier('Cool')],
    ['tags', (blob) => blob.setTags({ colour: 'red' })],
    ['a lease', (blob) => blob.getBlobLeaseClient().acquireLease(15)],
    ['a snapshot', (blob) => blob.createSnapshot()],
    ['a batch of tiers', (blob) => tierBatch(blob)],
    ['a list', () => container.listBlobsFlat().next()],
    ['container metadata', () => container.setMetadata({ colour: 'red' })],
    ['the end of the container', () => container.delete()],
  ])('comes for %s', async (_what, act) => {
    const blob = container.getBlobClient('a.txt');
    await upload(blob);

    await act(blob);

    expect(events()).toEqual([{ api: 'PutBlob', name: 'a.txt' }]);
  });

  test.each<[string, number, () => Promise<unknown>]>([
    ['a delete of what is not there', 404, () => container.getBlobClient('missing.txt').delete()],
    [
      'a write whose condition does not hold',
      412,
      () => container.getBlockBlobClient('a.txt').upload('x', 1, { conditions: { ifMatch: '"0x0"' } }),
    ],
    [
      'a write with a wrong key',
      403,
      () =>
        new BlobServiceClient(
          proxy.blobUrl,
          new StorageSharedKeyCredential(localAccount.name, randomBytes(64).toString('base64')),
        )
          .getContainerClient(container.containerName)
          .getBlockBlobClient('a.txt')
          .upload('x', 1),
    ],
  ])('comes for %s (%i)', async (_what, statusCode, act) => {
    await expect(act()).rejects.toMatchObject({ statusCode });

    expect(events()).toEqual([]);
  });
});

async function tierBatch(blob: BlobClient): Promise<unknown> {
  return new BlobBatchClient(service.url, credential).setBlobsAccessTier([blob], 'Cool');
}

describe('the proxy', () => {
  test('passes a large body through byte by byte, both ways', async () => {
    const bytes = randomBytes(24 * 1024 * 1024);
    const blob = container.getBlockBlobClient('large.bin');

    await blob.upload(bytes, bytes.length);
    const throughProxy = await blob.downloadToBuffer();
    const direct = new BlobServiceClient(inject('azurite').blobUrl, credential);
    const stored = await direct
      .getContainerClient(container.containerName)
      .getBlobClient('large.bin')
      .downloadToBuffer();

    expect(throughProxy.equals(bytes)).toBe(true);
    expect(stored.equals(bytes)).toBe(true);
  });

  test('passes an upload in parallel blocks through, and makes one event of it', async () => {
    const bytes = randomBytes(3 * 1024 * 1024);
    const blob = container.getBlockBlobClient('blocks.bin');

    await blob.uploadData(bytes, { blockSize: 256 * 1024, maxSingleShotSize: 0, concurrency: 8 });

    expect((await blob.downloadToBuffer()).equals(bytes)).toBe(true);
    expect(events()).toEqual([{ api: 'PutBlockList', name: 'blocks.bin' }]);
  });

  test('gives the client its answer only once the event exists', async () => {
    const seen: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      await upload(container.getBlobClient(`${count}.txt`));
      seen.push(events().length);
    }

    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test('lives on when a client breaks off in the middle of an upload, and makes no event of it', async () => {
    const path = `${new URL(container.url).pathname}/torn.bin`;
    const request = sendRequest({
      host: '127.0.0.1',
      port: proxy.port,
      method: 'PUT',
      path,
      headers: { 'x-ms-blob-type': 'BlockBlob', ...signedHeaders('PUT', path, 1_000_000) },
      agent: false,
    });
    request.write('x'.repeat(1_000), () => request.destroy(new Error('client gone')));
    await once(request, 'error');

    await upload(container.getBlobClient('after.txt'));
    expect(events()).toEqual([{ api: 'PutBlob', name: 'after.txt' }]);
    expect(await container.getBlobClient('torn.bin').exists()).toBe(false);
  });

  test('hands the headers and the path on as they came, host and doubled headers included', async () => {
    // Arrange: an echo instead of storage
    const seen = Promise.withResolvers<{ url: string; rawHeaders: string[] }>();
    const echo = createServer((request, response) => {
      seen.resolve({ url: request.url ?? '', rawHeaders: request.rawHeaders });
      response.writeHead(418, { 'X-Odd-Case': 'kept' }).end('short and stout');
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    const echoPort = address !== null && typeof address === 'object' ? address.port : 0;
    const echoProxy = await createEventGridProxy({ azuriteUrl: `http://127.0.0.1:${echoPort}` });
    const path = '/devstoreaccount1/c//a%2Fb/../%E4%B8%AD+%20?x=%2B&y';

    // Act
    const answer = await rawRequest(
      'GET',
      path,
      { Host: 'some.host.test', 'X-Ms-Twice': ['1', '2'] },
      echoProxy.port,
    );
    await echoProxy.close();
    echo.close();

    // Assert
    const { url, rawHeaders } = await seen.promise;
    expect(url).toBe(path);
    expect(rawHeaders.slice(0, 6)).toEqual(['Host', 'some.host.test', 'X-Ms-Twice', '1', 'X-Ms-Twice', '2']);
    expect(answer).toMatchObject({ status: 418, body: 'short and stout' });
    expect(answer.headers['x-odd-case']).toBe('kept');
  });

  test('answers 503 while storage is down, and stays', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = closed.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    closed.close();
    await once(closed, 'close');
    const orphan = await createEventGridProxy({ azuriteUrl: `http://127.0.0.1:${port}` });

    const first = await rawRequest('PUT', '/devstoreaccount1/c/a', { 'content-length': '0' }, orphan.port);
    const second = await rawRequest('GET', '/devstoreaccount1/c/a', {}, orphan.port);
    await orphan.close();

    expect([first.status, second.status]).toEqual([503, 503]);
    expect(first.headers['x-ms-error-code']).toBe('ServerBusy');
  });
});

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends the path as it is; with `x-ms-blob-type` it is signed, as nobody may write without. */
async function rawRequest(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | string[]>>,
  port: number = proxy.port,
): Promise<RawAnswer> {
  const signed = headers['x-ms-blob-type'] === undefined ? {} : signedHeaders(method, path, 0);
  const request = sendRequest({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { ...headers, ...signed },
  }).end();
  const answered = Promise.withResolvers<RawAnswer>();
  request.on('error', answered.reject);
  request.on('response', (response) => {
    response
      .setEncoding('utf8')
      .toArray()
      .then(
        (chunks) =>
          answered.resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: chunks.join(''),
          }),
        answered.reject,
      );
  });
  return answered.promise;
}

/** SharedKey for Put Blob: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key */
function signedHeaders(method: string, path: string, contentLength: number): Record<string, string> {
  const date = new Date().toUTCString();
  const version = '2025-05-05';
  const toSign = [
    method,
    '\n',
    contentLength === 0 ? '' : String(contentLength),
    '\n'.repeat(7),
    `x-ms-blob-type:BlockBlob\nx-ms-date:${date}\nx-ms-version:${version}`,
    `/${localAccount.name}${path}`,
  ].join('\n');
  return {
    'content-length': String(contentLength),
    'x-ms-date': date,
    'x-ms-version': version,
    authorization: `SharedKey ${localAccount.name}:${credential.computeHMACSHA256(toSign)}`,
  };
}
