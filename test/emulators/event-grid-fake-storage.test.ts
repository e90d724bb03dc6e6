// What the proxy does where Azurite never goes: slow copies, clients that leave before the answer, broken storage.
import { once } from 'node:events';
import { createServer, request as sendRequest, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createEventGridProxy, type EventGridProxy } from '../../dev/event-grid/event-grid-proxy.ts';

const running: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).toReversed()) await part.close();
});

async function proxyBefore(listener: RequestListener): Promise<EventGridProxy> {
  const storage = createServer(listener).listen(0, '127.0.0.1');
  await once(storage, 'listening');
  running.push({ close: () => closeServer(storage) });
  const address = storage.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const proxy = await createEventGridProxy({ azuriteUrl: `http://127.0.0.1:${port}` });
  running.push(proxy);
  return proxy;
}

function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}

async function put(
  proxy: EventGridProxy,
  name: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const request = sendRequest({
    port: proxy.port,
    host: '127.0.0.1',
    method: 'PUT',
    path: `/devstoreaccount1/c/${name}`,
    headers,
    agent: false,
  });
  const answered = Promise.withResolvers<number>();
  request.on('response', (response) => {
    response.resume();
    answered.resolve(response.statusCode ?? 0);
  });
  request.on('error', answered.reject);
  request.end();
  return answered.promise;
}

const copyHeaders = { 'x-ms-copy-source': 'http://127.0.0.1/devstoreaccount1/c/source' };

describe('an asynchronous copy', () => {
  test('is answered at once, and its event comes when the copy is complete, with what it became', async () => {
    let copyStatus = 'pending';
    let heads = 0;
    const proxy = await proxyBefore((request, response) => {
      if (request.method === 'PUT') {
        response.writeHead(202, { etag: '"0x1"', 'x-ms-copy-status': 'pending' }).end();
        return;
      }
      heads += 1;
      response.writeHead(200, {
        etag: '"0x2"',
        'x-ms-copy-status': copyStatus,
        'x-ms-blob-type': 'BlockBlob',
        'content-type': 'text/css',
        'content-length': '77',
      });
      response.end();
    });

    expect(await put(proxy, 'copied.css', copyHeaders)).toBe(202);
    await expect.poll(() => heads, { timeout: 10_000 }).toBeGreaterThan(1);
    expect(proxy.events()).toEqual([]);
    copyStatus = 'success';

    await expect
      .poll(() => proxy.events().map((record) => record.event), { timeout: 10_000 })
      .toMatchObject([
        {
          subject: '/blobServices/default/containers/c/blobs/copied.css',
          data: { api: 'CopyBlob', eTag: '0x2', contentType: 'text/css', contentLength: 77 },
        },
      ]);
  });

  test.each(['failed', 'aborted'])('that is %s makes no event', async (copyStatus) => {
    let heads = 0;
    const proxy = await proxyBefore((request, response) => {
      if (request.method === 'HEAD') heads += 1;
      const status = request.method === 'HEAD' ? copyStatus : 'pending';
      response.writeHead(request.method === 'HEAD' ? 200 : 202, {
        etag: '"0x1"',
        'x-ms-copy-status': status,
      });
      response.end();
    });

    await put(proxy, 'copied.css', copyHeaders);
    await expect.poll(() => heads, { timeout: 10_000 }).toBe(1);
    // A later write's event shows that nothing else is on its way before it.
    await put(proxy, 'later.css', { 'x-ms-blob-type': 'BlockBlob', 'content-length': '0' });

    expect(proxy.events().map((record) => record.subject.split('/').at(-1))).toEqual(['later.css']);
    expect(heads).toBe(1);
  });
});

describe('a write', () => {
  test('that storage completes after its client has left is an event all the same', async () => {
    const arrived = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    const proxy = await proxyBefore((request, response) => {
      request.resume().on('end', () => {
        if (request.url?.endsWith('late.txt') !== true) {
          response.writeHead(404).end();
          return;
        }
        arrived.resolve();
        void mayAnswer.promise.then(() => response.writeHead(201, { etag: '"0x1"' }).end());
      });
    });
    const request = sendRequest({
      port: proxy.port,
      host: '127.0.0.1',
      method: 'PUT',
      path: '/devstoreaccount1/c/late.txt',
      headers: { 'x-ms-blob-type': 'BlockBlob', 'content-length': '5' },
      agent: false,
    });
    request.end('hello');

    await arrived.promise;
    const left = Promise.withResolvers<void>();
    request.on('error', () => undefined).on('close', left.resolve);
    request.destroy();
    await left.promise;
    // A round trip, so that the proxy has seen the client leave.
    await put(proxy, 'other.txt', { 'content-length': '0' });
    mayAnswer.resolve();

    await expect.poll(() => proxy.events(), { timeout: 10_000 }).toHaveLength(1);
  });

  test('is told without its size when storage does not let the proxy look', async () => {
    const proxy = await proxyBefore((request, response) => {
      response.writeHead(request.method === 'PUT' ? 201 : 403, { etag: '"0x1"' }).end();
    });

    expect(await put(proxy, 'a.txt?comp=blocklist', { 'content-length': '0' })).toBe(201);

    expect(proxy.events()[0]?.event).toMatchObject({ data: { api: 'PutBlockList', contentLength: 0 } });
  });

  test('whose storage dies before it answers gets 503, and the next one works', async () => {
    const proxy = await proxyBefore((request, response) => {
      if (request.url?.endsWith('dies') === true) request.socket.destroy();
      else response.writeHead(201, { etag: '"0x1"' }).end();
    });
    const headers = { 'x-ms-blob-type': 'BlockBlob', 'content-length': '0' };

    expect(await put(proxy, 'dies', headers)).toBe(503);
    expect(await put(proxy, 'lives', headers)).toBe(201);
    expect(proxy.events()).toHaveLength(1);
  });
});
