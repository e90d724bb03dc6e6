// The storage and Event Grid children as processes: ready line, log lines, clean stops, helpful failures.
import { once } from 'node:events';

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterEach, describe, expect, inject, test } from 'vitest';
import * as z from 'zod';
import { localConnectionString } from '../../dev/azurite/account.ts';
import { startChild, type Child, type ChildOptions } from '../../dev/processes/child.ts';

const azuriteFile = join(import.meta.dirname, '../../dev/azurite/main.ts');
const eventGridFile = join(import.meta.dirname, '../../dev/event-grid/main.ts');

const children: Child[] = [];
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
});

async function start(options: Omit<ChildOptions, 'name'>): Promise<Child> {
  const child = await startChild({ name: 'the child', ...options });
  children.push(child);
  return child;
}

const StorageReady = z.strictObject({ blobUrl: z.url(), queueUrl: z.url() });
const EventGridReady = z.strictObject({ port: z.number(), blobUrl: z.url(), controlUrl: z.url() });

describe('the Event Grid child', () => {
  const args = ['--port', '0', '--azurite', inject('azurite').blobUrl];

  test('says where it listens, logs what it does as entries, and stops with code 0', async () => {
    const seen: string[] = [];
    const child = await start({ file: eventGridFile, args, onEntry: (entry) => void seen.push(entry.event) });
    const { blobUrl } = EventGridReady.parse(child.ready);
    const service = BlobServiceClient.fromConnectionString(
      localConnectionString(blobUrl, inject('azurite').queueUrl),
    );
    const container = service.getContainerClient(`p-${child.pid}`);
    await container.create();

    await container.getBlockBlobClient('新\u202E.txt').upload('x', 1);

    await expect.poll(() => seen).toContain('event-published');
    expect(child.entries().at(-1)).toMatchObject({
      source: 'event-grid',
      level: 'info',
      subject: `/blobServices/default/containers/p-${child.pid}/blobs/新\u202E.txt`,
      message: expect.stringContaining(String.raw`新\u202e.txt`),
    });
    await child.stop();
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  test('takes the webhook key from the environment, and prints it nowhere', async () => {
    const urls: string[] = [];
    const subscriber = createServer((request, response) => {
      urls.push(request.url ?? '');
      response.writeHead(401).end();
    }).listen(0, '127.0.0.1');
    await once(subscriber, 'listening');
    const address = subscriber.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const webhook = `http://127.0.0.1:${port}/runtime/webhooks/eventgrid?functionName=on-blob-changed`;
    const child = await start({
      file: eventGridFile,
      args: [...args, '--webhook', webhook, '--handshake-seconds', '0.2'],
      env: { EVENT_GRID_WEBHOOK_KEY: 'canary-webhook-key' },
    });

    await expect
      .poll(() => child.entries().map(({ event }) => event), { timeout: 10_000 })
      .toContain('subscription-failed');
    subscriber.close();

    expect(urls[0]).toContain('&code=canary-webhook-key');
    expect(child.output()).not.toContain('canary-webhook-key');
  });

  test.each([
    [[], /--azurite:.*\nUsage:/u],
    [['--azurite', 'http://127.0.0.1:1', '--port', '70000'], /--port takes a port/u],
    [['--azurite', 'http://127.0.0.1:1', '--schema', 'other'], /--schema/u],
    [['--azurite', 'http://127.0.0.1:1', '--batch', '0'], /--batch/u],
    [['--unknown'], /Unknown option '--unknown'/u],
  ])('started with %j ends with a sentence that helps', async (wrongArgs, message) => {
    await expect(start({ file: eventGridFile, args: wrongArgs })).rejects.toThrow(message);
  });
});

function clientOf(storage: Child): BlobServiceClient {
  const { blobUrl, queueUrl } = StorageReady.parse(storage.ready);
  return BlobServiceClient.fromConnectionString(localConnectionString(blobUrl, queueUrl));
}

describe('the storage child', () => {
  test('keeps in a folder what it is told to keep', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
    const args = ['--blob-port', '0', '--queue-port', '0', '--location', folder];
    const first = await start({ file: azuriteFile, args });
    const container = clientOf(first).getContainerClient('kept');
    await container.create();
    await container.getBlockBlobClient('a.txt').upload('still here', 10);
    await first.stop();

    const second = await start({ file: azuriteFile, args });
    const bytes = await clientOf(second).getContainerClient('kept').getBlobClient('a.txt').downloadToBuffer();

    expect(bytes.toString()).toBe('still here');
    await second.stop();
    await rm(folder, { recursive: true });
  });

  test('whose port is taken says which, and how to choose another', async () => {
    const taken = new URL(inject('azurite').blobUrl).port;

    await expect(
      start({ file: azuriteFile, args: ['--blob-port', taken, '--queue-port', '0'] }),
    ).rejects.toThrow(new RegExp(`Port ${taken} on 127.0.0.1 is in use.*--blob-port`, 'u'));
  });
});

describe('a child', () => {
  test('does not outlive a parent that is killed', async () => {
    // Arrange: a parent of its own, which starts the child and tells its pid
    const script = `
      import { startChild } from ${JSON.stringify(join(import.meta.dirname, '../../dev/processes/child.ts'))};
      const child = await startChild({ name: 'orphan', file: ${JSON.stringify(eventGridFile)},
        args: ${JSON.stringify(['--port', '0', '--azurite', 'http://127.0.0.1:9'])} });
      console.log(child.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line]: unknown[] = await once(parent.stdout.setEncoding('utf8'), 'data');
    const childPid = Number(line);
    expect(isAlive(childPid)).toBe(true);

    parent.kill('SIGKILL');

    await expect.poll(() => isAlive(childPid), { timeout: 10_000 }).toBe(false);
  });

  test('that is not ready in time is ended, and the error shows what it wrote', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'child-'));
    const file = join(folder, 'slow.mjs');
    const pidFile = join(folder, 'pid');
    await writeScript(file, pidFile);

    await expect(start({ file, readyTimeoutMs: 3_000 })).rejects.toThrow(
      /not ready within 3000 ms\.\nstill thinking/u,
    );

    const pid = Number(await readFile(pidFile, 'utf8'));
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    await rm(folder, { recursive: true });
  });
});

async function writeScript(file: string, pidFile: string): Promise<void> {
  await writeFile(
    file,
    `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
    console.log('still thinking');
    setInterval(() => undefined, 1_000);`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
