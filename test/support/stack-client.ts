// What a test does with a running stack: write blobs, look at the edge, flush, and ask the emulators what they saw.

import { text as readText } from 'node:stream/consumers';

import { BlobServiceClient } from '@azure/storage-blob';
import { QueueServiceClient, type QueueClient } from '@azure/storage-queue';
import { getGlobalDispatcher } from 'undici';
import { expect, vi } from 'vitest';
import * as z from 'zod';

/** How long a test waits for what must come. */
const deadlineMs = 30_000;

export interface StackAddresses {
  readonly connectionString: string;
  readonly edgeUrl: string;
  readonly cdnApiUrl: string;
  readonly eventGridUrl: string;
  readonly functionsUrl: string;
  readonly masterKey: string;
  readonly queueName: string;
}

export interface EdgeAnswer {
  readonly status: number;
  readonly cache: 'HIT' | 'MISS' | undefined;
  readonly text: string;
}

export type EmulatedPurge = z.infer<typeof EmulatedPurge>;
const EmulatedPurge = z.object({
  endpointId: z.string(),
  files: z.array(z.string()),
  directories: z.array(z.string()),
  correlationId: z.string(),
  taskId: z.string(),
});

export type EmulatedRequest = z.infer<typeof EmulatedRequest>;
const EmulatedRequest = z.object({
  operation: z.string().nullable(),
  outcome: z.string(),
  status: z.number().nullable(),
  correlationId: z.string(),
});

export type DeliveredEvent = z.infer<typeof DeliveredEvent>;
const DeliveredEvent = z.object({
  id: z.string(),
  eventType: z.string(),
  subject: z.string(),
  state: z.string(),
  attempts: z.number(),
});

const EventGridState = z.object({ undelivered: z.number(), subscription: z.string() });

/** A message of the buffer as it stands in the queue; only what tests look at. */
export type BufferedMessage = z.infer<typeof BufferedMessage>;
const BufferedMessage = z.looseObject({
  type: z.string(),
  attempts: z.number(),
  name: z.string().optional(),
});

export interface StackClient {
  readonly blobs: BlobServiceClient;
  readonly write: (container: string, name: string, content: string) => Promise<void>;
  /** Undefined where there is no such blob. */
  readonly read: (container: string, name: string) => Promise<string | undefined>;
  /** `path` goes on the wire as it stands. */
  readonly edge: (host: string, path: string) => Promise<EdgeAnswer>;
  /** Waits until Event Grid has delivered all that happened so far. */
  readonly delivered: () => Promise<void>;
  readonly events: () => Promise<readonly DeliveredEvent[]>;
  /** Delivers events exactly as given. */
  readonly publish: (...events: readonly unknown[]) => Promise<void>;
  /** Runs the flush now, gives the host's status: 202 when it ended well. */
  readonly flush: () => Promise<number>;
  /** Runs the tracker now, gives the host's status as `flush` does. */
  readonly track: () => Promise<number>;
  /** Lists the containers now, gives the host's status as `flush` does. */
  readonly refreshInventory: () => Promise<number>;
  /** Waits until all is delivered, then flushes. */
  readonly deliverAndFlush: () => Promise<void>;
  /** Flushes again and again until the expectations hold: messages that were put back come only later. */
  readonly flushUntil: (expectations: () => Promise<void>) => Promise<void>;
  readonly purges: () => Promise<readonly EmulatedPurge[]>;
  readonly requests: () => Promise<readonly EmulatedRequest[]>;
  /** Orders a fault of the CDN emulator. */
  readonly order: (fault: unknown) => Promise<void>;
  readonly changeCdn: (settings: unknown) => Promise<void>;
  /** At most 32 messages that are visible now. */
  readonly waiting: () => Promise<readonly BufferedMessage[]>;
  /** How many messages the buffer holds, hidden ones included. */
  readonly buffered: () => Promise<number>;
  /** How many entries the poison queue holds. */
  readonly poisoned: () => Promise<number>;
}

export function createStackClient(stack: StackAddresses): StackClient {
  const blobs = BlobServiceClient.fromConnectionString(stack.connectionString);
  const queues = QueueServiceClient.fromConnectionString(stack.connectionString);
  const queue = queues.getQueueClient(stack.queueName);
  const poison = queues.getQueueClient(`${stack.queueName}-poison`);
  const emulator = (path: string): string => `${stack.cdnApiUrl}/_emulator/${path}`;

  const delivered = async (): Promise<void> => {
    await vi.waitFor(
      async () => {
        const state = await getJson(`${stack.eventGridUrl}/state`, EventGridState);
        expect(state).toEqual({ undelivered: 0, subscription: 'validated' });
      },
      { timeout: deadlineMs, interval: 20 },
    );
  };
  const run = async (name: string): Promise<number> => {
    const answer = await fetch(`${stack.functionsUrl}/admin/functions/${name}?wait=true`, {
      method: 'POST',
      headers: { 'x-functions-key': stack.masterKey },
    });
    return answer.status;
  };
  const flush = (): Promise<number> => run('flush-purge-buffer');

  return {
    blobs,
    async write(container, name, content) {
      const client = blobs.getContainerClient(container).getBlockBlobClient(name);
      await client.upload(content, Buffer.byteLength(content));
    },
    async read(container, name) {
      const client = blobs.getContainerClient(container).getBlobClient(name);
      if (!(await client.exists())) return undefined;
      const { readableStreamBody } = await client.download();
      return readableStreamBody === undefined ? '' : readText(readableStreamBody);
    },
    async edge(host, path) {
      // By the dispatcher: `fetch` drops the Host header, and `request` would change the path.
      const answer = await getGlobalDispatcher().request({
        origin: stack.edgeUrl,
        path,
        method: 'GET',
        headers: { host },
      });
      const cache = z.enum(['HIT', 'MISS']).safeParse(answer.headers['x-cache']).data;
      return { status: answer.statusCode, cache, text: await answer.body.text() };
    },
    delivered,
    events: () => getJson(`${stack.eventGridUrl}/events`, z.array(DeliveredEvent)),
    publish: (...events) => postJson(`${stack.eventGridUrl}/publish`, events),
    flush,
    track: () => run('track-purges'),
    refreshInventory: () => run('refresh-inventory'),
    async deliverAndFlush() {
      await delivered();
      expect(await flush()).toBe(202);
    },
    async flushUntil(expectations) {
      await vi.waitFor(
        async () => {
          expect(await flush()).toBe(202);
          await expectations();
        },
        { timeout: deadlineMs, interval: 400 },
      );
    },
    purges: () => getJson(emulator('purges'), z.array(EmulatedPurge)),
    requests: () => getJson(emulator('requests'), z.array(EmulatedRequest)),
    order: (fault) => postJson(emulator('faults'), fault),
    changeCdn: (settings) => postJson(emulator('settings'), settings),
    async waiting() {
      const { peekedMessageItems } = await queue.peekMessages({ numberOfMessages: 32 });
      return peekedMessageItems.map(({ messageText }) =>
        BufferedMessage.parse(JSON.parse(Buffer.from(messageText, 'base64').toString())),
      );
    },
    buffered: () => countOf(queue),
    poisoned: async () => ((await poison.exists()) ? countOf(poison) : 0),
  };
}

async function countOf(queue: QueueClient): Promise<number> {
  return (await queue.getProperties()).approximateMessagesCount ?? 0;
}

/** How a browser asks for a blob: the slashes as they are, all else in its name escaped. */
export function pathOf(name: string): string {
  return `/${name.split('/').map(encodeURIComponent).join('/')}`;
}

async function getJson<S extends z.ZodType>(url: string, shape: S): Promise<z.output<S>> {
  const answer = await fetch(url);
  return shape.parse(await answer.json());
}

async function postJson(url: string, body: unknown): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
}
