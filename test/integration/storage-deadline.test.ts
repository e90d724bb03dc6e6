// A storage service that hangs is given up, not waited for.

import { createServer, type RequestListener, type Server } from 'node:http';
import { text as readText } from 'node:stream/consumers';

import { afterEach, describe, expect, test } from 'vitest';

import { localAccount, localConnectionString } from '../../dev/azurite/account.ts';
import { createStorageClients, type StorageClients } from '../../src/lib/storage/clients.ts';
import { callStorage } from '../../src/lib/storage/trouble.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** Clients of a service that takes requests and answers as told, or never. */
async function clientsOf(listener: RequestListener): Promise<StorageClients> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => {
    started.listen(0, '127.0.0.1', resolve);
  });
  const address = started.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}/${localAccount.name}`;
  return createStorageClients(localConnectionString(url, url));
}

describe('storage that hangs', () => {
  test('before its answer is trouble, said in time', async () => {
    const { queues } = await clientsOf(() => undefined);
    const queue = queues.getQueueClient('purge-buffer');

    const call = callStorage('receive', (abortSignal) => queue.receiveMessages({ abortSignal }), 300);

    await expect(call).rejects.toBeInstanceOf(StorageTrouble);
    await expect(call).rejects.toThrow('storage could not receive: it did not answer in time');
  });

  test('in the middle of its answer is trouble as well', async () => {
    const { blobs } = await clientsOf((_request, response) => {
      response.writeHead(200, {
        'content-length': '1000',
        etag: '"1"',
        'last-modified': new Date(0).toUTCString(),
      });
      response.write('{');
    });
    const blob = blobs.getContainerClient('purge-records').getBlobClient('a');
    const read = async (abortSignal: AbortSignal): Promise<string> => {
      const { readableStreamBody } = await blob.download(0, undefined, { abortSignal });
      return readableStreamBody === undefined ? '' : readText(readableStreamBody);
    };

    await expect(callStorage('read', read, 300)).rejects.toBeInstanceOf(StorageTrouble);
  });

  test('is given up even by a call that does not heed the signal', async () => {
    const never = Promise.withResolvers<void>();
    await expect(callStorage('wait', () => never.promise, 50)).rejects.toBeInstanceOf(StorageTrouble);
  });
});
