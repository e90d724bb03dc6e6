// The caching edge: answers GET and HEAD by host and path, from memory where it can, else from the origin.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { splitTarget } from '../emulator/http-server.ts';
import type { LogSink } from '../emulator/log-sink.ts';
import { decodePath } from './decode-path.ts';
import type { CacheKey, EdgeCache } from './edge-cache.ts';
import type { EdgeHost } from './edge-host.ts';
import type { FetchOrigin, OriginAnswer, OriginRequest } from './origin.ts';

export interface EdgePorts {
  readonly hosts: readonly EdgeHost[];
  readonly cache: EdgeCache;
  readonly fetchOrigin: FetchOrigin;
  /** How the edge names what it caches: takes the parts of a URL as CacheKey has them, the path not decoded. */
  readonly keyOf: (address: CacheKey) => CacheKey | undefined;
  /** Called before each answer: lets purges whose time has come take effect. */
  readonly settleDue: () => void;
  readonly log: LogSink;
}

export interface Edge {
  readonly listener: RequestListener;
  /** Fetches a path into the cache, as a preload does; true if the origin answered 200. */
  preload(host: string, path: string, query: string): Promise<boolean>;
}

export function createEdge(ports: EdgePorts): Edge {
  return {
    listener: (incoming, outgoing) => void answer(ports, incoming, outgoing),
    async preload(host, path, query) {
      const served = serve(ports.hosts, host, path);
      const key = ports.keyOf({ host, path, query });
      if (served === undefined || key === undefined) return false;
      try {
        return (await loadBlob(ports, key, served)).status === 200;
      } catch {
        return false;
      }
    },
  };
}

async function answer(ports: EdgePorts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    await answerOrThrow(ports, incoming, outgoing);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    ports.log({ source: 'cdn-edge', level: 'error', event: 'edge-origin-failed', message: reason });
    sendText(outgoing, 502, 'The edge cannot reach the origin.');
  }
}

async function answerOrThrow(
  ports: EdgePorts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  ports.settleDue();
  const { method } = incoming;
  if (method !== 'GET' && method !== 'HEAD') {
    outgoing.setHeader('allow', 'GET, HEAD');
    sendText(outgoing, 405, 'The edge answers GET and HEAD.');
    return;
  }
  const { host, path, query } = addressOf(incoming);
  const key = ports.keyOf({ host, path, query });
  const decodedPath = decodePath(path);
  if (key === undefined || decodedPath === undefined || /(?:^|\/)\.{1,2}(?:\/|$)/u.test(decodedPath)) {
    sendText(outgoing, 400, 'The path has broken percent-encoding or a dot segment.');
    return;
  }
  if (!ports.hosts.some((known) => known.host.toLowerCase() === host)) {
    const hosts = ports.hosts.map((known) => known.host).join(', ');
    sendText(outgoing, 404, `No such host at this edge. Set Host to one of: ${hosts}.`);
    return;
  }
  const respond = (found: OriginAnswer, cached: 'HIT' | 'MISS'): void => {
    ports.log({
      source: 'cdn-edge',
      level: 'debug',
      event: cached === 'HIT' ? 'edge-hit' : 'edge-miss',
      message: `${cached} ${found.status} ${host}${path}`,
      host,
      path,
      status: found.status,
    });
    // The length stays true for HEAD: the origin's own answer to HEAD has no body to measure.
    const length = method === 'HEAD' && found.body.byteLength === 0 ? {} : lengthOf(found);
    outgoing.writeHead(found.status, { ...found.headers, ...length, 'x-cache': cached });
    outgoing.end(method === 'HEAD' ? undefined : found.body);
  };

  const range = parseRange(incoming.headers.range);
  const hit = incoming.headers.range === undefined ? ports.cache.get(key) : undefined;
  if (hit !== undefined) {
    respond(hit, 'HIT');
    return;
  }
  const served = serve(ports.hosts, host, path);
  if (method === 'GET' && incoming.headers.range === undefined) {
    respond(await loadBlob(ports, key, served), 'MISS');
    return;
  }
  const request: OriginRequest = range === undefined ? { method } : { method, range };
  respond(await fetchBlob(ports, served, request), 'MISS');
}

function lengthOf(found: OriginAnswer): Readonly<Record<string, number>> {
  return { 'content-length': found.body.byteLength };
}

interface ServedBlob {
  readonly container: string;
  readonly name: string;
}

/** Which blob a host's path means, if it can mean one. */
function serve(hosts: readonly EdgeHost[], host: string, path: string): ServedBlob | undefined {
  const served = hosts.find((known) => known.host.toLowerCase() === host);
  const decoded = decodePath(path);
  if (served === undefined || decoded === undefined) return undefined;
  const withIndex =
    served.indexDocument !== undefined && decoded.endsWith('/') ? decoded + served.indexDocument : decoded;
  if (served.container !== '*') {
    const name = withIndex.slice(1);
    return name === '' ? undefined : { container: served.container, name };
  }
  const groups = /^\/(?<container>\$web|\$root|[a-z0-9](?:-?[a-z0-9])+)\/(?<name>.+)$/su.exec(
    withIndex,
  )?.groups;
  if (groups === undefined) return undefined;
  return { container: groups['container'] ?? '', name: groups['name'] ?? '' };
}

function loadBlob(ports: EdgePorts, key: CacheKey, served: ServedBlob | undefined): Promise<OriginAnswer> {
  return ports.cache.load(key, () => fetchBlob(ports, served, { method: 'GET' }));
}

async function fetchBlob(
  ports: EdgePorts,
  served: ServedBlob | undefined,
  request: OriginRequest,
): Promise<OriginAnswer> {
  if (served === undefined) return { status: 404, headers: {}, body: new Uint8Array() };
  return await ports.fetchOrigin(served.container, served.name, request);
}

function addressOf(incoming: IncomingMessage): {
  readonly host: string;
  readonly path: string;
  readonly query: string;
} {
  const { path: target, rawQuery } = splitTarget(incoming.url);
  // `curl -x http://127.0.0.1:7080 http://www.contoso.localhost/` sends the whole URL as its target.
  const absolute = /^https?:\/\/(?<authority>[^/]+)(?<path>\/.*)?$/isu.exec(target)?.groups;
  const authority = absolute?.['authority'] ?? incoming.headers.host ?? '';
  return {
    host: authority.toLowerCase().replace(/:\d*$/u, ''),
    path: absolute === undefined ? target : (absolute['path'] ?? '/'),
    query: rawQuery === '' ? '' : `?${rawQuery}`,
  };
}

/** A single range with a start, the only form that Blob Storage takes; anything else means all bytes. */
function parseRange(header: string | undefined): OriginRequest['range'] {
  const groups = /^bytes=(?<start>\d+)-(?<end>\d*)$/u.exec(header ?? '')?.groups;
  if (groups === undefined) return undefined;
  const start = Number(groups['start']);
  const { end = '' } = groups;
  if (end === '') return { start };
  return Number(end) < start ? undefined : { start, end: Number(end) };
}

function sendText(outgoing: ServerResponse, status: number, text: string): void {
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  outgoing.end(`${text}\n`);
}
