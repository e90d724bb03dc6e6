// The host's HTTP server: node:http on loopback, limits, and one way from a request to its answer.
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  bodyLimitBytes,
  loggableTarget,
  type HostAnswer,
  type HostRequest,
  type ReadBody,
} from './host-http.ts';
import type { HostLog } from './host-log.ts';
import { messageOf } from './host-start-error.ts';

export interface HostServer {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** From now on every new request gets 503. */
  refuse(): void;
  /** Lets the answers that are being sent go out, for at most the given time. */
  close(limitMs: number): Promise<void>;
}

/**
 * @param port 0: any free one.
 * @throws the error of `listen`, for instance with code EADDRINUSE.
 */
export async function startServer(
  port: number,
  answer: (request: HostRequest) => Promise<HostAnswer>,
  log: HostLog,
): Promise<HostServer> {
  let refusing = false;
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const startedAtMs = performance.now();
    const request = describeRequest(incoming, `127.0.0.1:${portOf(server)}`);
    const given = await decide(request);
    await send(given, incoming, outgoing);
    log({
      category: 'Host.Http',
      level: 'debug',
      event: 'http-request',
      message: `${request?.method ?? incoming.method} ${request === undefined ? '?' : loggableTarget(request)} ${given.status}`,
      details: { status: given.status, durationMs: Math.round(performance.now() - startedAtMs) },
    });
  };
  const decide = async (request: HostRequest | undefined): Promise<HostAnswer> => {
    if (refusing) return { status: 503, headers: { connection: 'close', 'retry-after': '1' } };
    if (request === undefined) return { status: 400 };
    try {
      return await answer(request);
    } catch (error) {
      log({
        category: 'Host.Http',
        level: 'error',
        event: 'http-request-failed',
        message: `The host could not answer ${request.method} ${loggableTarget(request)}: ${messageOf(error)}`,
      });
      return { status: 500 };
    }
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => {
      outgoing.destroy();
      log({
        category: 'Host.Http',
        level: 'error',
        event: 'http-answer-failed',
        message: `An answer could not be sent: ${messageOf(error)}`,
      });
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    refuse: () => {
      refusing = true;
    },
    close: async (limitMs) => {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), limitMs);
      await closed.finally(() => clearTimeout(timer));
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A `Host` that can stand in a URL; anything else would make the app's request object impossible. */
const plainHost = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/iu;

function describeRequest(incoming: IncomingMessage, ownHost: string): HostRequest | undefined {
  const { url: target = '', method = '' } = incoming;
  if (!target.startsWith('/')) return undefined;
  const [path = '/', ...queryParts] = target.split('?');
  const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')] as const],
  );
  const { host = ownHost } = incoming.headers;
  return {
    method: method.toUpperCase(),
    origin: `http://${plainHost.test(host) ? host : ownHost}`,
    target,
    path,
    query: new URLSearchParams(queryParts.join('?')),
    headers: Object.fromEntries(headers),
    readBody: () => readBody(incoming),
  };
}

async function readBody(incoming: IncomingMessage): Promise<ReadBody> {
  if (Number(incoming.headers['content-length'] ?? 0) > bodyLimitBytes)
    return { ok: false, error: 'too-large' };
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (!(chunk instanceof Buffer)) throw new TypeError('The body did not come as bytes.');
      length += chunk.length;
      if (length > bodyLimitBytes) return { ok: false, error: 'too-large' };
      chunks.push(chunk);
    }
  } catch {
    // The caller went away: nobody is left to be told more.
    return { ok: false, error: 'aborted' };
  }
  return { ok: true, value: Buffer.concat(chunks) };
}

async function send(answer: HostAnswer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = answer.body ?? '';
  const mayHaveBody = answer.status !== 204 && answer.status !== 304;
  const headers: Record<string, string | number> = { ...answer.headers };
  if (mayHaveBody) headers['content-length'] = Buffer.byteLength(body);
  // What is left of a body that is not wanted would have to be read to use the connection again.
  if (!incoming.complete && answer.status >= 400) headers['connection'] = 'close';
  outgoing.writeHead(answer.status, headers);
  outgoing.end(mayHaveBody && incoming.method !== 'HEAD' ? body : undefined);
  // A caller that goes away before its answer is out has nothing to be told.
  await finished(outgoing).catch(() => undefined);
}
