// How many messages a second does the app flush, beside the bare SDK that only receives and deletes them?
//
// The app does its whole work: receive, map, coalesce, sign, send to the CDN emulator over HTTP, record, delete.
// Same queue, same Azurite, same messages, same SDK client settings; the contestants take turns in every round.
// The bare SDK counts at the best of its ways: deletes in parallel, as received or after all receives.

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
const PARALLEL_DELETES = [1, 8, 32];
const PARALLEL_RECEIVES = 4;
const PARALLEL_FILL = 32;

type Contestant = {
  readonly name: string;
  readonly drain: () => Promise<void>;
  readonly perSecond: number[];
  readonly cpuMicrosecondsPerMessage: number[];
};

export async function measureFlush(): Promise<Record<string, unknown>> {
  const parts = await startLocalParts();
  try {
    const app = await startAppInProcess(parts.settings);
    const queue = createStorageClients(parts.storageConnection).queues.getQueueClient('purge-buffer');
    const appContestant = contestant('app', app.flush);
    const bare = PARALLEL_DELETES.flatMap((parallel) => [
      contestant(`inTurn${parallel}`, () => deleteAsReceived(queue, parallel)),
      contestant(`receiveFirst${parallel}`, () => receiveThenDelete(queue, parallel)),
    ]);
    const all = [appContestant, ...bare];
    // The first is not counted: connections, the endpoint's id, the engine's compiler.
    for (let round = -1; round < ROUNDS; round += 1) {
      const first = Math.max(round, 0) % all.length;
      for (const one of [...all.slice(first), ...all.slice(0, first)]) {
        await fill(app);
        await run(one, queue, round >= 0);
      }
    }
    return await describe(appContestant, bare, parts);
  } finally {
    await parts.stop();
  }
}

const contestant = (name: string, drain: () => Promise<void>): Contestant => ({
  name,
  drain,
  perSecond: [],
  cpuMicrosecondsPerMessage: [],
});

async function fill({ services }: AppInProcess): Promise<void> {
  const at = Date.now();
  await forEachLimited(
    Array.from({ length: MESSAGES }, (_, index) => index),
    PARALLEL_FILL,
    async (index) => {
      await services.buffer.add({
        type: 'change',
        change: {
          kind: 'created',
          account: 'devstoreaccount1',
          // Served by one site of the local configuration: one URL a message, every one another.
          blob: { container: 'downloads', name: blobName(index) },
          eventId: `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
          eventAt: instant(at),
          eTag: `0x8D${index.toString(16).padStart(13, '0')}`,
          sequencer: index.toString(16).padStart(48, '0'),
          traceparent: `00-${'ab'.repeat(16)}-${index.toString(16).padStart(16, '0')}-01`,
        },
        failedAttempts: 0,
      });
    },
  );
}

async function run(one: Contestant, queue: QueueClient, counted: boolean): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await one.drain();
  const tookMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  const { approximateMessagesCount: left } = await queue.getProperties();
  if (left !== 0) throw new Error(`${one.name} left ${left} messages in the queue`);
  if (!counted) return;
  one.perSecond.push((MESSAGES * 1000) / tookMs);
  one.cpuMicrosecondsPerMessage.push((user + system) / MESSAGES);
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

async function describe(
  app: Contestant,
  bare: readonly Contestant[],
  { cdnApiUrl }: LocalParts,
): Promise<Record<string, unknown>> {
  const purges = await readAcceptedPurges(cdnApiUrl);
  const urls = purges.reduce((sum, { files }) => sum + files.length, 0);
  if (urls !== MESSAGES * (ROUNDS + 1)) throw new Error(`the CDN accepted ${urls} URLs: not one a message`);
  const rates = bare.map(({ name, perSecond }) => ({ name, perSecond: median(perSecond) }));
  const best = rates.reduce((most, one) => (one.perSecond > most.perSecond ? one : most));
  const appPerSecond = median(app.perSecond);
  return {
    rounds: ROUNDS,
    messagesPerRound: MESSAGES,
    ratio: rounded(appPerSecond / best.perSecond, 2),
    appMessagesPerSecond: rounded(appPerSecond),
    bareMessagesPerSecond: rounded(best.perSecond),
    bareBest: best.name,
    bareByWayAndParallelDeletes: Object.fromEntries(
      rates.map(({ name, perSecond }) => [name, rounded(perSecond)]),
    ),
    appCpuMicrosecondsPerMessage: rounded(median(app.cpuMicrosecondsPerMessage)),
    bareCpuMicrosecondsPerMessage: rounded(
      Math.min(...bare.map(({ cpuMicrosecondsPerMessage }) => median(cpuMicrosecondsPerMessage))),
    ),
    appRounds: app.perSecond.map((rate) => rounded(rate)),
    provider: 'CDN emulator over HTTP, its own process: signing, sending and recording are in the time',
  };
}
