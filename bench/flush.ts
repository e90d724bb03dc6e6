// How many messages a second does the app flush, beside the bare SDK that only receives and deletes them?
//
// The app does its whole work: receive, map, coalesce, sign, send to the CDN emulator over HTTP, record, delete.
// Same Azurite, same queue, same messages, same SDK client settings; the contestants take turns in every round.
// The bare SDK counts at the best of its ways: deletes in parallel, as received or after all receives.

import { randomUUID } from 'node:crypto';

import type { QueueClient, ReceivedMessageItem } from '@azure/storage-queue';

import { startAppInProcess, type AppInProcess } from './app-in-process.ts';
import { blobName } from './blob-events.ts';
import { readAcceptedPurges, startLocalParts, type LocalParts } from './local-parts.ts';
import { median, rounded } from './measure.ts';
import { instant } from '../src/lib/core/instant.ts';
import { createStorageClients } from '../src/lib/storage/clients.ts';
import { forEachLimited } from '../src/lib/use-cases/for-each-limited.ts';
import { RECEIVE_MAX } from '../src/lib/use-cases/ports.ts';

const ROUNDS = 7;
const MESSAGES = 500;
/** Before each round, not counted: connections, the endpoint's id, the engine's compiler. */
const WARM_UP_MESSAGES = 64;
const PARALLEL_DELETES = [8, 32];
const PARALLEL_RECEIVES = 4;
const PARALLEL_FILL = 32;

type Sample = { readonly perSecond: number; readonly cpuUsPerMessage: number };
type Samples = Map<string, Sample[]>;

export async function measureFlush(): Promise<Record<string, unknown>> {
  const samples: Samples = new Map();
  for (let round = 0; round < ROUNDS; round += 1) {
    // A fresh Azurite: once a minute it sweeps what was deleted, and answers nobody for minutes after much of it.
    const parts = await startLocalParts();
    try {
      await runRound(round, parts, samples);
    } finally {
      await parts.stop();
    }
  }
  return describe(samples);
}

async function runRound(round: number, parts: LocalParts, samples: Samples): Promise<void> {
  const app = await startAppInProcess(parts.settings);
  const queue = createStorageClients(parts.storageConnection).queues.getQueueClient('purge-buffer');
  const contestants = makeContestants(app, queue);
  for (const one of contestants) {
    await fill(app, WARM_UP_MESSAGES);
    await one.drain();
  }
  const first = round % contestants.length;
  for (const { name, drain } of [...contestants.slice(first), ...contestants.slice(0, first)]) {
    await fill(app, MESSAGES);
    const sample = await measure(drain);
    samples.set(name, [...(samples.get(name) ?? []), sample]);
    const { approximateMessagesCount: left } = await queue.getProperties();
    if (left !== 0) throw new Error(`${name} left ${left} messages in the queue`);
  }
  const purges = await readAcceptedPurges(parts.cdnApiUrl);
  const urls = purges.reduce((sum, { files }) => sum + files.length, 0);
  if (urls !== WARM_UP_MESSAGES + MESSAGES) {
    throw new Error(`the CDN accepted ${urls} URLs of the app: not one a message`);
  }
}

type Contestant = { readonly name: string; readonly drain: () => Promise<void> };

const APP = 'app';

function makeContestants(app: AppInProcess, queue: QueueClient): readonly Contestant[] {
  return [
    { name: APP, drain: app.flush },
    // One by one, the two ways are the same.
    { name: 'asReceived1', drain: () => deleteAsReceived(queue, 1) },
    ...PARALLEL_DELETES.flatMap((parallel) => [
      { name: `asReceived${parallel}`, drain: () => deleteAsReceived(queue, parallel) },
      { name: `receivedFirst${parallel}`, drain: () => receiveThenDelete(queue, parallel) },
    ]),
  ];
}

async function measure(drain: () => Promise<void>): Promise<Sample> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await drain();
  const tookMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (MESSAGES * 1000) / tookMs, cpuUsPerMessage: (user + system) / MESSAGES };
}

async function fill({ services }: AppInProcess, messages: number): Promise<void> {
  const eventAt = instant(Date.now());
  const indices = Array.from({ length: messages }, (_, index) => index);
  await forEachLimited(indices, PARALLEL_FILL, async (index) => {
    const hex = index.toString(16);
    await services.buffer.add({
      type: 'change',
      change: {
        kind: 'created',
        account: 'devstoreaccount1',
        // Served by one site of the local configuration: one URL a message, every one another.
        blob: { container: 'downloads', name: blobName(index) },
        // Each another: an event that was purged for is not purged for again.
        eventId: randomUUID(),
        eventAt,
        eTag: `0x8D${hex.padStart(13, '0')}`,
        sequencer: hex.padStart(48, '0'),
        traceparent: `00-${'ab'.repeat(16)}-${hex.padStart(16, 'c')}-01`,
      },
      failedAttempts: 0,
    });
  });
}

/** What most people write: receive as many as there may be, delete them, again. */
async function deleteAsReceived(queue: QueueClient, parallel: number): Promise<void> {
  for (;;) {
    const received = await receive(queue);
    if (received.length === 0) return;
    await deleteAll(received, queue, parallel);
  }
}

/** What the app does too: several receives at once until nothing is left, then the deletes. */
async function receiveThenDelete(queue: QueueClient, parallel: number): Promise<void> {
  const received: ReceivedMessageItem[] = [];
  const drain = async (): Promise<void> => {
    for (;;) {
      const more = await receive(queue);
      received.push(...more);
      if (more.length < RECEIVE_MAX) return;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_RECEIVES }, drain));
  await deleteAll(received, queue, parallel);
}

async function receive(queue: QueueClient): Promise<readonly ReceivedMessageItem[]> {
  const answer = await queue.receiveMessages({ numberOfMessages: RECEIVE_MAX, visibilityTimeout: 300 });
  return answer.receivedMessageItems;
}

async function deleteAll(
  received: readonly ReceivedMessageItem[],
  queue: QueueClient,
  parallel: number,
): Promise<void> {
  await forEachLimited(received, parallel, async ({ messageId, popReceipt }) => {
    await queue.deleteMessage(messageId, popReceipt);
  });
}

function describe(samples: Samples): Record<string, unknown> {
  const medians = [...samples].map(([name, ofOne]) => ({
    name,
    perSecond: median(ofOne.map(({ perSecond }) => perSecond)),
    cpuUsPerMessage: median(ofOne.map(({ cpuUsPerMessage }) => cpuUsPerMessage)),
  }));
  const app = medians.find(({ name }) => name === APP);
  const [best, ...others] = medians
    .filter(({ name }) => name !== APP)
    .toSorted((a, b) => b.perSecond - a.perSecond);
  if (app === undefined || best === undefined) throw new Error('a contestant never ran');
  return {
    rounds: ROUNDS,
    messagesPerRound: MESSAGES,
    ratio: rounded(app.perSecond / best.perSecond, 2),
    appMessagesPerSecond: rounded(app.perSecond),
    bareMessagesPerSecond: rounded(best.perSecond),
    bareBest: best.name,
    bareMessagesPerSecondByWay: Object.fromEntries(
      [best, ...others].map(({ name, perSecond }) => [name, rounded(perSecond)]),
    ),
    appCpuMicrosecondsPerMessage: rounded(app.cpuUsPerMessage),
    bareCpuMicrosecondsPerMessage: rounded(best.cpuUsPerMessage),
    provider:
      'the CDN emulator over HTTP in a process of its own: signing, sending, recording are in the time',
  };
}
