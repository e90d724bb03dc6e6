// The wire, against a small server on this machine: what comes back, and what is made of it when nothing does.

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';

import { createAgent, createHttpSender, type HttpTimeouts } from '../../../../src/lib/providers/http/send.ts';
import { createRecordingTelemetry } from '../../../support/recording-telemetry.ts';

const TIMEOUTS: HttpTimeouts = { connectMs: 5_000, headersMs: 5_000, bodyMs: 5_000 };

const servers: Server[] = [];
const agents: Agent[] = [];

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.destroy()));
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${portOf(server.address())}/purges?apiVersion=1.0`);
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new Error('the server does not listen on a port');
  return address.port;
}

function sender(timeouts: Partial<HttpTimeouts> = {}) {
  const telemetry = createRecordingTelemetry();
  const agent = createAgent({ ...TIMEOUTS, ...timeouts });
  agents.push(agent);
  return { send: createHttpSender(agent, 'x-correlation-id', telemetry), telemetry };
}

const post = (url: URL) => ({
  method: 'POST' as const,
  url,
  headers: { authorization: 'canary' },
  body: '{"a":"首"}',
});
const get = (url: URL) => ({ method: 'GET' as const, url, headers: {}, body: undefined });

describe('an answer', () => {
  it('comes with its status, its headers by lower-case name, and its text', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(429, {
        'X-Correlation-Id': 'c-1',
        'Retry-After': '7',
        'Set-Cookie': ['a=1', 'b=2'],
      });
      response.end('你好');
    });
    const result = await sender().send(get(url));
    expect(result).toMatchObject({ kind: 'answered', status: 429, text: '你好' });
    const headers = result.kind === 'answered' ? result.headers : new Map();
    expect(headers.get('x-correlation-id')).toBe('c-1');
    expect(headers.get('retry-after')).toBe('7');
    expect(headers.get('set-cookie')).toBe('a=1, b=2');
  });

  it('is to the request as it was described, in UTF-8', async () => {
    const url = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.end(
          JSON.stringify([
            request.method,
            request.url,
            request.headers.authorization,
            Buffer.concat(chunks).toString('utf8'),
          ]),
        );
      });
    });
    const result = await sender().send(post(url));
    expect(result.kind === 'answered' && JSON.parse(result.text)).toEqual([
      'POST',
      '/purges?apiVersion=1.0',
      'canary',
      '{"a":"首"}',
    ]);
  });

  it.each([301, 302, 307, 308])('that redirects by %i is not followed', async (status) => {
    let elsewhere = 0;
    const other = await listen((_request, response) => {
      elsewhere += 1;
      response.end();
    });
    const url = await listen((_request, response) => {
      response.writeHead(status, { location: other.href }).end();
    });
    expect(await sender().send(post(url))).toMatchObject({ kind: 'answered', status });
    expect(elsewhere).toBe(0);
  });

  it('uses the connection of the one before', async () => {
    const sockets = new Set<unknown>();
    const url = await listen((request, response) => {
      sockets.add(request.socket);
      response.end();
    });
    const { send } = sender();
    await send(get(url));
    // The connection is free once the end of the answer was seen, a turn of the event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    await send(get(url));
    expect(sockets.size).toBe(1);
  });
});

describe('no answer', () => {
  it('is told as not sent when nobody listens', async () => {
    const url = await listen(() => undefined);
    const [server] = servers.splice(0);
    server?.close();
    if (server !== undefined) await once(server, 'close');
    expect(await sender().send(post(url))).toMatchObject({
      kind: 'no-answer',
      reason: 'could-not-connect',
      sent: false,
      detail: expect.stringContaining('ECONNREFUSED'),
      began: undefined,
    });
  });

  it('is told as perhaps sent when the connection is reset', async () => {
    const url = await listen((request) => request.socket.resetAndDestroy());
    expect(await sender().send(post(url))).toMatchObject({
      kind: 'no-answer',
      reason: 'connection-lost',
      sent: true,
    });
  });

  it('is told as perhaps sent when the headers take too long', async () => {
    const url = await listen(() => undefined);
    expect(await sender({ headersMs: 50 }).send(post(url))).toMatchObject({
      kind: 'no-answer',
      reason: 'timed-out',
      sent: true,
    });
  });

  it('keeps the headers of an answer whose body takes too long', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(202, { 'x-correlation-id': 'c-1' });
      response.write('{');
    });
    const result = await sender({ bodyMs: 50 }).send(post(url));
    expect(result).toMatchObject({
      kind: 'no-answer',
      reason: 'timed-out',
      sent: true,
      began: { status: 202 },
    });
    expect(result.kind === 'no-answer' && result.began?.headers.get('x-correlation-id')).toBe('c-1');
  });

  it('keeps the headers of an answer that breaks off', async () => {
    const url = await listen((request, response) => {
      response.writeHead(202, { 'x-correlation-id': 'c-1', 'content-length': '100' });
      response.write('{', () => request.socket.destroy());
    });
    const result = await sender().send(post(url));
    expect(result).toMatchObject({ kind: 'no-answer', reason: 'connection-lost', sent: true });
    expect(result.kind === 'no-answer' && result.began?.headers.get('x-correlation-id')).toBe('c-1');
  });

  it('is made of an answer that is far too long', async () => {
    const url = await listen((_request, response) => {
      const chunk = Buffer.alloc(256 * 1024, 'x');
      for (let sent = 0; sent < 5 * 1024 * 1024; sent += chunk.length) response.write(chunk);
      response.end();
    });
    expect(await sender().send(get(url))).toMatchObject({ kind: 'no-answer', reason: 'connection-lost' });
  });

  it('is made of an answer that is no HTTP', async () => {
    const url = await listen((request) => request.socket.end('220 smtp.example.cn\r\n\r\n'));
    expect(await sender().send(get(url))).toMatchObject({ kind: 'no-answer', reason: 'connection-lost' });
  });
});

describe('the span of a call', () => {
  it('is a client span with the correlation id, and without what signs', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(202, { 'x-correlation-id': 'c-1' }).end('{}');
    });
    const { send, telemetry } = sender();
    await send(post(url));
    expect(telemetry.spans).toEqual([
      {
        name: `POST ${url.host}`,
        kind: 'client',
        attributes: {
          'http.request.method': 'POST',
          'url.full': url.href,
          'server.address': '127.0.0.1',
          'http.response.status_code': 202,
          correlationId: 'c-1',
        },
        failure: undefined,
      },
    ]);
    expect(JSON.stringify(telemetry.spans)).not.toContain('canary');
  });

  it('is without a query that lets one read', async () => {
    const url = await listen((_request, response) => response.end());
    url.search = '?c=canary';
    const { send, telemetry } = sender();
    await send({ ...get(url), hasSecretQuery: true });
    expect(telemetry.spans[0]?.attributes['url.full']).toBe(`${url.origin}/purges`);
    expect(JSON.stringify(telemetry.spans)).not.toContain('canary');
  });

  it.each([400, 503])('failed when the status is %i', async (status) => {
    const url = await listen((_request, response) => response.writeHead(status).end());
    const { send, telemetry } = sender();
    await send(get(url));
    expect(telemetry.spans[0]?.failure).toBe(`status ${status}`);
  });

  it('failed when there is no answer, and has the correlation id of one that broke off', async () => {
    const url = await listen((request, response) => {
      response.writeHead(202, { 'x-correlation-id': 'c-1', 'content-length': '100' });
      response.write('{', () => request.socket.destroy());
    });
    const { send, telemetry } = sender();
    await send(get(url));
    expect(telemetry.spans[0]).toMatchObject({
      failure: 'connection-lost',
      attributes: { correlationId: 'c-1', 'http.response.status_code': 202 },
    });
  });
});
