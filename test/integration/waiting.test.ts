// Waiting at scale: a hundred thousand targets over three resets, on real blob storage behind a proxy that counts.

import { randomUUID } from 'node:crypto';

import { expect, inject, test } from 'vitest';

import { decodeMessage, encodeMessage } from '../../src/lib/buffer/message.schema.ts';
import { dueEntries } from '../../src/lib/core/backlog.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { quotaDays } from '../../src/lib/core/quota-days.ts';
import { spentInDay } from '../../src/lib/core/quota-ledger.ts';
import { createBlobBacklog } from '../../src/lib/records/blob-backlog.ts';
import { createBlobLedgers } from '../../src/lib/records/blob-ledgers.ts';
import { createBlobRecords } from '../../src/lib/records/blob-records.ts';
import { createBlobLease } from '../../src/lib/storage/blob-lease.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { noTelemetry } from '../../src/lib/telemetry/no-telemetry.ts';
import { flushPurges, type FlushPorts } from '../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../src/lib/use-cases/holds.ts';
import { oneAtATime } from '../../src/lib/use-cases/one-at-a-time.ts';
import { RECEIVE_MAX, type PurgeBuffer, type ReceivedMessage } from '../../src/lib/use-cases/ports.ts';
import { createLooks } from '../../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../../src/lib/use-cases/recent-purges.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces } from '../support/azurite-places.ts';
import { aChange, aConfiguration, aMessage, aQuota, CDN } from '../support/builders.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createScriptedProvider } from '../support/in-memory-provider.ts';
import { createJournal } from '../support/recording-journal.ts';
import { createRecordingLog } from '../support/recording-log.ts';

const TARGETS = 100_000;
const SUBSCRIPTION = 'subscription-1';
const quota = aQuota({
  limits: { files: 34_000, directories: 500 },
  manualReserve: { files: 0, directories: 0 },
});
const TICK_MS = 10_000;
const HOUR_MS = 3_600_000;

type FifoBuffer = PurgeBuffer & { readonly calls: () => number; readonly left: () => number };

/** Messages in their order, each received once; whatever it does takes the same time however many wait. */
function createFifoBuffer(texts: readonly string[], clock: FakeClock): FifoBuffer {
  const bufferedAt = clock.now();
  const left = new Set(texts.keys());
  let next = 0;
  let calls = 0;
  return {
    calls: () => calls,
    left: () => left.size,
    async receive() {
      calls += 1;
      const from = next;
      next = Math.min(from + RECEIVE_MAX, texts.length);
      return texts.slice(from, next).map((text, index): ReceivedMessage => {
        const decoded = decodeMessage(text);
        if (!decoded.ok) throw new Error('a message of this test cannot be read');
        const receipt = { messageId: `${from + index}`, popReceipt: '' };
        return {
          kind: 'readable',
          receipt,
          text,
          bufferedAt: instant(bufferedAt + from + index),
          message: decoded.value,
          isRepeated: false,
        };
      });
    },
    async complete({ messageId }) {
      calls += 1;
      left.delete(Number(messageId));
    },
    add: never,
    hide: never,
    putBack: never,
    poison: never,
    deadLetter: never,
  };
}

function never(): never {
  throw new Error('nothing of this kind happens here');
}

test(
  'a hundred thousand targets wait three days over three resets; an idle tick costs five calls at most',
  { timeout: 300_000 },
  async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const container = createStorageClients(proxy.connectionString).blobs.getContainerClient(
      azuritePlaces().freshName('container'),
    );
    const clock = createFakeClock();
    const names = Array.from({ length: TARGETS }, (_, index) => `products/${index}/picture.webp`);
    const buffer = createFifoBuffer(
      names.map((name, index) => encodeMessage(aMessage(aChange({ name, eventId: `event-${index}` })))),
      clock,
    );
    const cdn = createScriptedProvider(createJournal(), {
      subscription: SUBSCRIPTION,
      quota,
      limits: { urlsPerRequest: 1_000, bytesPerRequest: 256 * 1024 },
    });
    const log = createRecordingLog();
    const configuration = aConfiguration();
    /** What a process has of its own is made with it. */
    const startProcess = (): FlushPorts => ({
      configuration: { current: async () => configuration },
      buffer,
      records: createBlobRecords(container),
      providersFor: () => new Map([[CDN, cdn]]),
      clock,
      endpointTurns: oneAtATime(),
      holds: createHolds(),
      backlog: createBlobBacklog(container),
      lease: createBlobLease(container, 60),
      recent: createRecentPurges(),
      looks: createLooks(),
      own: { account: 'own', recordsContainer: container.containerName },
      ledgers: createBlobLedgers(container),
      newId: randomUUID,
    });
    let ports = startProcess();
    const calls = (): number => proxy.calls().length + buffer.calls();
    const accepted = (): number => cdn.purgedUrls().length;
    /** Gives how many calls to storage the tick took. */
    const tick = async (afterMs = TICK_MS): Promise<number> => {
      clock.advance(afterMs);
      const before = calls();
      await flushPurges(
        ports,
        { takeForMs: 150_000, sendForMs: 240_000 },
        { log, telemetry: noTelemetry, traceparent: undefined },
      );
      return calls() - before;
    };
    const expectIdle = async (afterMs: number): Promise<void> => {
      const before = accepted();
      expect(await tick(afterMs)).toBeLessThanOrEqual(5);
      expect(accepted()).toBe(before);
    };
    const waiting = async (): Promise<readonly string[]> => {
      const { backlog } = await createBlobBacklog(container).load();
      return dueEntries(backlog, instant(clock.now() + 48 * HOUR_MS), 'all').flatMap((entry) =>
        entry.type === 'target' ? [entry.target.url] : [],
      );
    };
    const urls = names.map((name) => `http://www.example.cn/media/${name}`);

    // Somebody has spent the whole of today.
    await ports.ledgers.save(
      SUBSCRIPTION,
      {
        version: 1,
        days: quotaDays(clock.now(), quota).map((day) => ({
          day,
          spent: [{ site: 'www', lane: 'manual', files: 34_000, directories: 0 }],
        })),
        reservations: [],
      },
      undefined,
    );
    await tick();
    expect(accepted()).toBe(0);
    expect(buffer.left()).toBe(0);
    expect(await waiting()).toEqual(urls);

    for (const sentBefore of [0, 34_000, 68_000]) {
      // Ten minutes after midnight every day of the quota is a new one.
      const midnight = Math.ceil(clock.now() / (24 * HOUR_MS)) * 24 * HOUR_MS;
      // At the second of these it looks whether the quota has come back.
      for (const afterMs of [TICK_MS, HOUR_MS, TICK_MS]) await expectIdle(afterMs);
      // So close to the reset every purge counts on both sides of it.
      await expectIdle(midnight + TICK_MS - clock.now());
      expect(accepted()).toBe(sentBefore);
      // The second reset finds another process, which knows nothing.
      if (sentBefore === 34_000) ports = startProcess();

      await tick(midnight + 10 * 60_000 + TICK_MS - clock.now());

      const sent = Math.min(sentBefore + 34_000, TARGETS);
      expect(accepted()).toBe(sent);
      expect(await waiting()).toEqual(urls.slice(sent));
      const { ledger } = await ports.ledgers.load(SUBSCRIPTION);
      const today = quotaDays(clock.now(), quota).flatMap((day) => spentInDay(ledger, day));
      expect(today).toEqual([{ site: 'www', lane: 'events', files: sent - sentBefore, directories: 0 }]);
    }

    // Each once, the oldest first.
    expect(cdn.purgedUrls()).toEqual(urls);
    await expectIdle(TICK_MS);
    expect(new Set(log.at('warn', 'error').map(({ message }) => message))).toEqual(
      new Set(['The daily quota leaves nothing for these before its reset: they wait.']),
    );
    await proxy.close();
  },
);
