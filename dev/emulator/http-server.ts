// A loopback HTTP server that can be started on a port of choice and stopped at once.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

export interface RunningServer {
  readonly url: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** A port that an emulator could not listen on; `cause` is the system's error. */
export class PortUnavailableError extends Error {
  /** The command-line option that chooses the port. */
  readonly option: string;
  readonly port: number;

  constructor(option: string, port: number, cause: unknown) {
    super(`cannot listen on port ${port} (${option})`, { cause });
    this.name = 'PortUnavailableError';
    this.option = option;
    this.port = port;
  }
}

/** Listens on 127.0.0.1 only; port 0 means any free one. @throws PortUnavailableError, naming the option. */
export async function listenOnLoopback(
  listener: RequestListener,
  port: number,
  option: string,
): Promise<RunningServer> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener);
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new PortUnavailableError(option, port, error);
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The request target split at `?`, as UTF-8 and otherwise as received: nothing decoded, nothing resolved. */
export function splitTarget(target: string | undefined): {
  readonly path: string;
  readonly rawQuery: string;
} {
  // Node gives the raw bytes of the request line as Latin-1.
  const text = Buffer.from(target ?? '/', 'latin1').toString('utf8');
  const mark = text.indexOf('?');
  return mark < 0
    ? { path: text, rawQuery: '' }
    : { path: text.slice(0, mark), rawQuery: text.slice(mark + 1) };
}
