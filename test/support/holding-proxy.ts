// Storage and the CDN behind one proxy that can stop the world at one request, so that a test ends its sender there.

import { once } from 'node:events';
import { Agent, createServer, request as sendRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

import { localAccount, localConnectionString } from '../../dev/azurite/account.ts';

export interface StopPoint {
  /** Of `METHOD /path?query`. */
  readonly request: RegExp;
  /** Before the service hears of it, or after the service did it and before the answer goes back. */
  readonly moment: 'before' | 'after';
  /** Which of those that match, from now on; default: the first. */
  readonly nth?: number;
}

/** One request is held; whatever was sent after it waits behind it. */
export interface Standstill {
  /** `METHOD /path?query` of the one that is held. */
  readonly request: string;
  /** What was sent after it and waits, in the order in which it came. */
  readonly behind: () => readonly string[];
  /** Whether its sender has gone: the connection by which it came is closed. */
  readonly isAbandoned: () => boolean;
  readonly abandoned: Promise<void>;
  /** The world goes on for who is still there. What others have sent never arrives. */
  readonly lift: () => void;
  /** The held request arrives, though nobody waits for the answer any more. Gives its status. */
  readonly arriveLate: () => Promise<number>;
}

export interface HoldingProxy {
  /** Of an account whose calls all go through here. */
  readonly connectionString: string;
  readonly cdnApiUrl: string;
  /** Resolves when the request is held. Rejects when it does not come in time, with what came instead. */
  readonly stopAt: (point: StopPoint) => Promise<Standstill>;
  readonly close: () => Promise<void>;
}

export interface HeldServices {
  readonly blobUrl: string;
  readonly queueUrl: string;
  readonly cdnApiUrl: string;
}

/** How long a point may be waited for. */
const reachLimitMs = 40_000;
/** Longer than any test: a client that reuses a connection as it is being closed would see a failure of ours. */
const clientKeepAliveMs = 120_000;

/** Takes the endpoints of Azurite and of the CDN emulator. */
export async function startHoldingProxy(services: HeldServices): Promise<HoldingProxy> {
  const gate = createGate();
  const servers: Server[] = [];
  const listenBefore = async (serviceUrl: string): Promise<string> => {
    const server = createServer({ keepAliveTimeout: clientKeepAliveMs, requestTimeout: 0 });
    server.on('request', (request, response) => {
      // Only a connection that broke ends here, and then nobody hears an answer.
      pass(new URL(serviceUrl), request, response, gate).catch(() => response.destroy());
    });
    servers.push(server);
    return listen(server);
  };
  const [blob, queue, cdnApiUrl] = await Promise.all(
    [services.blobUrl, services.queueUrl, services.cdnApiUrl].map(listenBefore),
  );
  return {
    connectionString: localConnectionString(`${blob}/${localAccount.name}`, `${queue}/${localAccount.name}`),
    cdnApiUrl: cdnApiUrl ?? '',
    stopAt: gate.stopAt,
    async close() {
      await Promise.all(
        servers.map(async (server) => {
          server.close();
          server.closeAllConnections();
          await once(server, 'close');
        }),
      );
    },
  };
}

interface Gate {
  readonly stopAt: (point: StopPoint) => Promise<Standstill>;
  /** Gives what to do with the request that the world stops at; undefined for any other, once it may go on. */
  readonly enter: (request: string) => Promise<Stop | undefined>;
}

interface Stop {
  readonly moment: StopPoint['moment'];
  /** Tells the test, waits until it lifts the standstill. */
  readonly hold: (held: Omit<Standstill, 'behind' | 'lift'>) => Promise<void>;
}

function createGate(): Gate {
  const came: string[] = [];
  let armed: { readonly point: StopPoint; readonly stop: (stop: Standstill) => void } | undefined;
  let toCome = 0;
  let standing: Promise<void> | undefined;
  return {
    stopAt(point) {
      const reached = Promise.withResolvers<Standstill>();
      armed = { point, stop: reached.resolve };
      toCome = point.nth ?? 1;
      const before = came.length;
      const timer = setTimeout(() => {
        armed = undefined;
        const instead = came.slice(before).join('\n');
        reached.reject(new Error(`no request like ${String(point.request)} came, only:\n${instead}`));
      }, reachLimitMs);
      return reached.promise.finally(() => clearTimeout(timer));
    },
    async enter(request) {
      came.push(request);
      if (armed?.point.request.test(request) === true) {
        toCome -= 1;
        if (toCome === 0) {
          const { point, stop } = armed;
          armed = undefined;
          const lifted = Promise.withResolvers<void>();
          const behind = came.length;
          standing = lifted.promise;
          const lift = (): void => {
            standing = undefined;
            lifted.resolve();
          };
          return {
            moment: point.moment,
            hold(held) {
              stop({ ...held, behind: () => came.slice(behind), lift });
              return lifted.promise;
            },
          };
        }
      }
      await standing;
      return undefined;
    },
  };
}

async function pass(
  serviceUrl: URL,
  request: IncomingMessage,
  response: ServerResponse,
  gate: Gate,
): Promise<void> {
  const closed = once(response, 'close');
  const body = await buffer(request);
  const line = `${request.method ?? ''} ${request.url ?? ''}`;
  const send = (): Promise<Answer> => forward(serviceUrl, request, body);
  const stop = await gate.enter(line);
  let answer = stop?.moment === 'after' ? await send() : undefined;
  await stop?.hold({
    request: line,
    isAbandoned: () => response.destroyed,
    abandoned: closed.then(() => undefined),
    arriveLate: async () => (await send()).status,
  });
  if (response.destroyed) return;
  answer ??= await send();
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

interface Answer {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: false });

/** The path and the headers as they came: signatures cover them. */
async function forward(serviceUrl: URL, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const upstream = sendRequest({
    host: serviceUrl.hostname,
    port: serviceUrl.port,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: endToEnd(request.rawHeaders),
    agent,
  });
  const answered = Promise.withResolvers<IncomingMessage>();
  upstream.on('response', answered.resolve).on('error', answered.reject).end(body);
  const answer = await answered.promise;
  return {
    status: answer.statusCode ?? 502,
    headers: endToEnd(answer.rawHeaders),
    body: await buffer(answer),
  };
}

/** Without those that belong to one connection. */
function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, index) => {
    if (index % 2 === 1 || /^(?:connection|keep-alive|transfer-encoding)$/iu.test(name)) return [];
    return [name, rawHeaders[index + 1] ?? ''];
  });
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return `http://127.0.0.1:${address.port}`;
}
