// A reverse proxy that changes no byte: it passes requests to storage as received, and tells what was answered.
//
// `node:http` with the raw path and headers, not a URL-parsing client: SharedKey signatures cover the path, and
// names like `a//b`, `%2F` or `..` must arrive as they were sent.
import { Agent, createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isBatch } from './blob-write.ts';

/** A name of 1,024 Chinese characters is 9 KiB percent-encoded, and a copy has two of them. */
const maxHeaderBytes = 64 * 1024;
/** Blob batch's own limit is 4 MiB; its answer is smaller. */
const maxBatchBytes = 8 * 1024 * 1024;
const storageSilenceLimitMs = 120_000;
const clientKeepAliveMs = 120_000;

export interface Exchange {
  readonly request: IncomingMessage;
  /** Its body is not read yet (except of a batch). */
  readonly answer: IncomingMessage;
  /** Both bodies of a blob batch. */
  readonly batch: { readonly request: Buffer; readonly answer: Buffer } | undefined;
}

export interface StorageProxySettings {
  /** Where storage listens; only host and port are used. */
  readonly storageUrl: URL;
  /** Awaited before the client gets the answer. Must not reject. */
  readonly onAnswered: (exchange: Exchange) => Promise<void>;
  /** For requests that are not for storage: true if it took this one. */
  readonly intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Storage could not be reached, or broke off. */
  readonly onStorageError: (error: Error, request: IncomingMessage) => void;
}

export interface StorageProxy {
  readonly server: Server;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

export function createStorageProxy(settings: StorageProxySettings): StorageProxy {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes, requestTimeout: 0, keepAliveTimeout: clientKeepAliveMs },
    (request, response) => {
      if (!settings.intercept(request, response)) forward(request, response, agent, settings);
    },
  );
  return {
    server,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
      agent.destroy();
    },
  };
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  agent: Agent,
  { storageUrl, onAnswered, onStorageError }: StorageProxySettings,
): void {
  const upstream = sendRequest({
    host: storageUrl.hostname,
    port: storageUrl.port,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: requestHeaders(request),
    maxHeaderSize: maxHeaderBytes,
    agent,
  });
  upstream.setTimeout(storageSilenceLimitMs, () => {
    upstream.destroy(new Error(`storage was silent for ${storageSilenceLimitMs / 1_000} s`));
  });

  const requestBody = keepBatchBody(request);
  let answered = false;
  let told = false;
  upstream.on('error', (error) => {
    request.unpipe(upstream);
    // Reading on, so that a client in the middle of an upload gets to see the answer.
    request.resume();
    if (answered || response.destroyed) return;
    onStorageError(error, request);
    answerUnavailable(response);
  });
  upstream.on('response', (answer) => {
    answered = true;
    answer.on('error', () => response.destroy());
    void (async () => {
      const answerBody = requestBody === undefined ? undefined : await readAll(answer, maxBatchBytes);
      const asked = requestBody?.();
      const batch = asked && answerBody ? { request: asked, answer: answerBody } : undefined;
      await onAnswered({ request, answer, batch });
      told = true;
      if (response.destroyed) {
        upstream.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
      if (answerBody === undefined) answer.pipe(response);
      else response.end(answerBody);
    })().catch((error: unknown) => {
      onStorageError(error instanceof Error ? error : new Error(String(error)), request);
      response.destroy();
      upstream.destroy();
    });
  });

  request.on('error', () => undefined);
  response.on('error', () => undefined);
  response.on('close', () => {
    // A write that storage has in full may still succeed, and then it is an event, client or no client.
    if (!request.complete || (told && !response.writableFinished)) upstream.destroy();
  });
  request.pipe(upstream);
}

/** Headers that belong to one connection, and `Expect`, which the server has met already by reading on. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
  'expect',
]);

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (!hopByHop.has(name.toLowerCase())) kept.push(name, rawHeaders[index + 1] ?? '');
  }
  return kept;
}

function requestHeaders(request: IncomingMessage): string[] {
  const headers = endToEnd(request.rawHeaders);
  const hasBodyHeader =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  const wantsBody = request.method === 'PUT' || request.method === 'POST';
  // Otherwise node would send an empty body in chunks, a framing that the client did not choose.
  return hasBodyHeader || !wantsBody ? headers : [...headers, 'Content-Length', '0'];
}

/** For a blob batch: a function that gives the body once the answer is there; undefined if it was too large. */
function keepBatchBody(request: IncomingMessage): (() => Buffer | undefined) | undefined {
  if (!isBatch({ method: request.method ?? '', target: request.url ?? '' })) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBatchBytes) chunks.push(chunk);
  });
  return () => (bytes <= maxBatchBytes ? Buffer.concat(chunks) : undefined);
}

async function readAll(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`a batch answer over ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What storage itself answers when it is too busy: SDKs retry it. */
function answerUnavailable(response: ServerResponse): void {
  const body =
    '<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code><Message>Azurite cannot be reached.</Message></Error>';
  response.writeHead(503, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
    'x-ms-error-code': 'ServerBusy',
    'retry-after': '1',
  });
  response.end(body);
}
