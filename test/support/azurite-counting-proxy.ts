// Azurite behind a proxy that counts the calls, and that a test can take away: storage that is out.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { localAccount, localConnectionString } from '../../dev/azurite/account.ts';
import { createStorageProxy, type StorageProxy } from '../../dev/event-grid/storage-proxy.ts';

export interface CountingProxy {
  /** Of an account whose calls all go through here. */
  readonly connectionString: string;
  /** Method, path and status of every call so far that was answered. */
  readonly calls: () => readonly string[];
  /** From now on nothing listens, and open connections are cut. */
  readonly takeAway: () => Promise<void>;
  /** Listens again, where it did before. */
  readonly bringBack: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Takes the endpoints of Azurite, account included. */
export async function startCountingProxy(blobUrl: string, queueUrl: string): Promise<CountingProxy> {
  const calls: string[] = [];
  const ports = { blob: await freePort(), queue: await freePort() };
  let running: readonly StorageProxy[] = [];
  const listen = async (storageUrl: string, port: number): Promise<StorageProxy> => {
    const proxy = createStorageProxy({
      storageUrl: new URL(storageUrl),
      onAnswered({ request, answer }) {
        calls.push(`${request.method ?? ''} ${request.url?.split('?')[0] ?? ''} ${answer.statusCode ?? ''}`);
        return Promise.resolve();
      },
      intercept: () => false,
      onStorageError: () => undefined,
    });
    proxy.server.listen(port, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  };
  const bringBack = async (): Promise<void> => {
    running = [await listen(blobUrl, ports.blob), await listen(queueUrl, ports.queue)];
  };
  const takeAway = async (): Promise<void> => {
    await Promise.all(running.map((proxy) => proxy.close()));
    running = [];
  };
  await bringBack();
  return {
    connectionString: localConnectionString(accountUrl(ports.blob), accountUrl(ports.queue)),
    calls: () => calls,
    takeAway,
    bringBack,
    close: takeAway,
  };
}

const accountUrl = (port: number): string => `http://127.0.0.1:${port}/${localAccount.name}`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
