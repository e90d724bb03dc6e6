// The purge buffer on a real storage queue: nothing expires, nothing is lost, and lateness harms nobody.

import { randomUUID } from 'node:crypto';

import type { QueueClient } from '@azure/storage-queue';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';

import { createStorageQueueBuffer } from '../../src/lib/buffer/storage-queue-buffer.ts';
import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import type { BufferMessage } from '../../src/lib/core/buffer-message.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import {
  StorageTrouble,
  type PurgeBuffer,
  type ReadableMessage,
  type ReceivedEvent,
  type ReceivedMessage,
} from '../../src/lib/use-cases/ports.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';

const places = azuritePlaces();
const now = instant(Date.parse('2026-03-04T05:06:07.000Z'));
const clock = { now: () => now };
const provenance = {
  account: 'contoso',
  eventId: 'event-1',
  eventAt: now,
  eTag: '0x8D',
  sequencer: '00000000000004420000000000028963',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

let queue: QueueClient;
let poison: QueueClient;
/** Not made yet. */
const records = places.freshContainer();

beforeEach(() => {
  queue = places.freshQueue();
  poison = places.queues.getQueueClient(`${queue.name}-poison`);
});

/** Received messages stay hidden for `visibilitySeconds`. */
const bufferOf = ({ visibilitySeconds = 30 } = {}): PurgeBuffer =>
  createStorageQueueBuffer({ buffer: queue, poison, records }, visibilitySeconds * 1_000, clock);

const changed = (name: string, failedAttempts = 0): BufferMessage => ({
  type: 'change',
  change: { kind: 'created', blob: { container: '$web', name }, ...provenance },
  failedAttempts,
});

async function receiveOne(buffer: PurgeBuffer): Promise<ReadableMessage> {
  const [received, ...others] = await buffer.receive();
  expect(others).toEqual([]);
  return readable(received);
}

function readable(received: ReceivedMessage | ReceivedEvent | undefined): ReadableMessage {
  if (received?.kind !== 'readable') throw new Error(`received ${received?.kind ?? 'nothing'}`);
  return received;
}

/** Waits for what shows itself again. */
function receiveOnceVisible(buffer: PurgeBuffer): Promise<ReadableMessage> {
  return vi.waitFor(async () => receiveOne(buffer), { timeout: 10_000, interval: 50 });
}

describe('a message', () => {
  test.each([
    'plain.txt',
    'with space.txt',
    '中文/图片.png',
    '😀/👩‍👩‍👧.txt',
    'a+b%20c#d?e&f.txt',
    `quote'"<&>.txt`,
    'double//slash/',
    '\u{a0}nbsp\u{2028}line.txt',
    '长'.repeat(1_024),
  ])('comes back as it went in: a blob named %j', async (name) => {
    const buffer = bufferOf();
    await buffer.add(changed(name));

    expect((await receiveOne(buffer)).message).toEqual(changed(name));
  });

  const paths = {
    from: { container: 'media', name: 'old name #1.png' },
    to: { container: 'media', name: 'neu/ü.png' },
  };
  test.each<{ kind: string; message: BufferMessage }>([
    ...(['created', 'deleted'] as const).map((kind) => ({
      kind,
      message: ofChange({ kind, blob: { container: 'media', name: 'a.png' }, ...provenance }),
    })),
    ...(['renamed', 'directory-renamed'] as const).map((kind) => ({
      kind,
      message: ofChange({ kind, ...paths, ...provenance }),
    })),
    {
      kind: 'directory-deleted',
      message: ofChange({
        kind: 'directory-deleted',
        directory: { container: 'media', name: 'dir' },
        ...provenance,
      }),
    },
    {
      kind: 'request',
      message: { type: 'request', requestId: randomUUID(), traceparent: undefined, failedAttempts: 3 },
    },
  ])('of every kind comes back: $kind', async ({ message }) => {
    const buffer = bufferOf();
    await buffer.add(message);

    expect((await receiveOne(buffer)).message).toEqual(message);
  });

  test('never expires', async () => {
    await bufferOf().add(changed('a.txt'));

    const { peekedMessageItems } = await queue.peekMessages();

    expect(peekedMessageItems.map(({ expiresOn }) => expiresOn.getUTCFullYear())).toEqual([9999]);
  });

  test('never expires after it was put back either', async () => {
    const buffer = bufferOf();
    await buffer.add(changed('a.txt'));
    const { receipt } = await receiveOne(buffer);
    await buffer.putBack(receipt, changed('a.txt', 1), 0);

    const { peekedMessageItems } = await queue.peekMessages();

    expect(peekedMessageItems.map(({ expiresOn }) => expiresOn.getUTCFullYear())).toEqual([9999]);
  });

  test('tells when it was buffered, by the clock of storage', async () => {
    const startedAt = Date.now();
    const buffer = bufferOf();
    await buffer.add(changed('a.txt'));

    const { bufferedAt } = await receiveOne(buffer);

    // Storage tells whole seconds.
    expect(bufferedAt).toBeGreaterThanOrEqual(startedAt - 1_000);
    expect(bufferedAt).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  test('makes the queue where it is missing, also when many come at once', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, index) => bufferOf().add(changed(`${index}.txt`))));

    expect(await bufferOf().receive()).toHaveLength(10);
  });
});

function ofChange(change: BlobChange): BufferMessage {
  return { type: 'change', change, failedAttempts: 0 };
}

describe('receiving', () => {
  test('gives nothing where the queue is missing', async () => {
    expect(await bufferOf().receive()).toEqual([]);
  });

  test('gives at most 32 messages, and the rest to the next', async () => {
    const buffer = bufferOf();
    await Promise.all(Array.from({ length: 40 }, (_, index) => buffer.add(changed(`${index}.txt`))));

    const received = [await buffer.receive(), await buffer.receive()];

    expect(received.map(({ length }) => length)).toEqual([32, 8]);
  });

  test('hides a message from others until its visibility time ends', async () => {
    const buffer = bufferOf({ visibilitySeconds: 1 });
    await buffer.add(changed('a.txt'));
    await receiveOne(buffer);

    expect(await buffer.receive()).toEqual([]);
    expect((await receiveOnceVisible(buffer)).message).toEqual(changed('a.txt'));
  });

  test('does not count as an attempt, however often it happens', async () => {
    const buffer = bufferOf({ visibilitySeconds: 1 });
    await buffer.add(changed('a.txt'));
    await receiveOne(buffer);

    expect((await receiveOnceVisible(buffer)).message.failedAttempts).toBe(0);
  });

  test('a message that was added hidden comes only later', async () => {
    const buffer = bufferOf();
    await buffer.add(changed('a.txt'), { visibleAfterMs: 1_000 });

    expect(await buffer.receive()).toEqual([]);
    expect((await receiveOnceVisible(buffer)).message).toEqual(changed('a.txt'));
  });

  test.each([
    { what: 'text that is no base64 of JSON', text: 'hello' },
    { what: 'JSON that is no message', text: base64({ hello: 'world' }) },
    { what: 'a message without its fields', text: base64({ v: 1, type: 'change' }) },
    { what: 'a message with a name that no blob has', text: base64(wireChange('a/../b')) },
  ])('tells $what apart, with the reason', async ({ text }) => {
    await queue.create();
    await queue.sendMessage(text);

    const [received] = await bufferOf().receive();

    expect(received).toMatchObject({ kind: 'unreadable', text, reason: expect.stringMatching(/\S/u) });
  });

  test('leaves a message of a newer version of the app to that version', async () => {
    await queue.create();
    await queue.sendMessage(base64({ v: 2, type: 'something new' }));

    expect(await bufferOf().receive()).toMatchObject([{ kind: 'newer', version: 2 }]);
  });
});

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

function wireChange(name: string): unknown {
  const place = { account: 'contoso', container: 'media', name };
  return { v: 1, type: 'change', kind: 'created', ...place, id: 'e', at: 0, attempts: 0 };
}

describe('settling', () => {
  test('completes a message by the receipt of its sender or its receiver', async () => {
    const buffer = bufferOf({ visibilitySeconds: 1 });
    await buffer.complete(await buffer.add(changed('mine.txt')));
    await buffer.add(changed('theirs.txt'));
    await buffer.complete((await receiveOne(buffer)).receipt);

    const { approximateMessagesCount } = await queue.getProperties();

    expect(approximateMessagesCount).toBe(0);
  });

  test('hides a message anew, as it is, and the new receipt is the one that counts', async () => {
    const buffer = bufferOf();
    const added = await buffer.add(changed('a.txt'), { visibleAfterMs: 1_000 });

    const hidden = await buffer.hide(added, 2_000);
    await buffer.complete(added);

    expect(hidden.messageId).toBe(added.messageId);
    expect((await receiveOnceVisible(buffer)).message).toEqual(changed('a.txt'));
    await buffer.add(changed('b.txt'), { visibleAfterMs: 60_000 });
    await buffer.complete(await buffer.hide(await buffer.add(changed('c.txt')), 60_000));
    expect((await queue.getProperties()).approximateMessagesCount).toBe(2);
  });

  test('hides a message for longer than it was hidden before', async () => {
    const buffer = bufferOf();
    await buffer.hide(await buffer.add(changed('kept.txt'), { visibleAfterMs: 1_000 }), 60_000);
    await buffer.add(changed('shown.txt'), { visibleAfterMs: 2_000 });

    expect((await receiveOnceVisible(buffer)).message).toEqual(changed('shown.txt'));
    expect(await buffer.receive()).toEqual([]);
  });

  test('puts a message back with what it now carries', async () => {
    const buffer = bufferOf();
    await buffer.add(changed('a.txt'));
    const { receipt } = await receiveOne(buffer);

    await buffer.putBack(receipt, changed('a.txt', 2), 1_000);

    expect(await buffer.receive()).toEqual([]);
    expect((await receiveOnceVisible(buffer)).message).toEqual(changed('a.txt', 2));
  });

  describe('is harmless when somebody else has received the message meanwhile:', () => {
    test.each<{ what: string; settle: (buffer: PurgeBuffer, late: ReadableMessage) => Promise<void> }>([
      { what: 'completing', settle: (buffer, { receipt }) => buffer.complete(receipt) },
      {
        what: 'putting back',
        settle: (buffer, { receipt }) => buffer.putBack(receipt, changed('a.txt', 7), 0),
      },
      {
        what: 'hiding',
        settle: async (buffer, { receipt }) => {
          expect(await buffer.hide(receipt, 60_000)).toEqual(receipt);
        },
      },
    ])('$what', async ({ settle }) => {
      const late = bufferOf({ visibilitySeconds: 1 });
      await late.add(changed('a.txt'));
      const lost = await receiveOne(late);
      const theirs = await receiveOnceVisible(bufferOf());

      await settle(late, lost);

      // The message is still theirs: neither gone nor changed.
      await bufferOf().putBack(theirs.receipt, theirs.message, 0);
      expect((await receiveOne(bufferOf())).message).toEqual(changed('a.txt'));
    });

    test('completing what is gone', async () => {
      const buffer = bufferOf();
      const receipt = await buffer.add(changed('a.txt'));
      await buffer.complete(receipt);

      await expect(buffer.complete(receipt)).resolves.toBeUndefined();
      await expect(buffer.putBack(receipt, changed('a.txt'), 0)).resolves.toBeUndefined();
      await expect(buffer.hide(receipt, 60_000)).resolves.toEqual(receipt);
    });
  });
});

/** Dead-letters a text that is no message, gives what then stands in the poison queue. */
async function deadLetterText(text: string): Promise<string> {
  const buffer = bufferOf();
  await queue.create();
  await queue.sendMessage(text);
  const [received] = await buffer.receive();
  if (received?.kind !== 'unreadable') throw new Error('expected an unreadable message');
  await buffer.deadLetter(received, 'nobody can read it');
  const { peekedMessageItems } = await poison.peekMessages();
  expect(peekedMessageItems.map(({ expiresOn }) => expiresOn.getUTCFullYear())).toEqual([9999]);
  expect((await queue.getProperties()).approximateMessagesCount).toBe(0);
  return peekedMessageItems[0]?.messageText ?? '';
}

describe('a dead letter', () => {
  const PoisonEntry = z.strictObject({
    v: z.literal(1),
    reason: z.string(),
    failedAttempts: z.number(),
    bufferedAt: z.iso.datetime(),
    deadLetteredAt: z.iso.datetime(),
    message: z.string(),
  });
  const LongEntry = PoisonEntry.omit({ message: true }).extend({ messageBlob: z.string() });

  test('stands in the poison queue verbatim, with the reason and the times, and never expires', async () => {
    const entry = await deadLetterText('"a <message> of&nobody"');

    expect(PoisonEntry.parse(JSON.parse(Buffer.from(entry, 'base64').toString()))).toMatchObject({
      message: '"a <message> of&nobody"',
      reason: 'nobody can read it',
      deadLetteredAt: '2026-03-04T05:06:07.000Z',
    });
  });

  test('that is too long for an entry stands in a blob, verbatim, and the entry names it', async () => {
    const text = `\u{feff}${'"<é>'.repeat(12_000)}`;

    const entry = await deadLetterText(text);

    const { messageBlob, ...why } = LongEntry.parse(JSON.parse(Buffer.from(entry, 'base64').toString()));
    expect(why).toMatchObject({ reason: 'nobody can read it', deadLetteredAt: '2026-03-04T05:06:07.000Z' });
    expect((await records.getBlobClient(messageBlob).downloadToBuffer()).toString()).toBe(text);
  });
});

test('storage that is out is told apart from a bug, with its cause', async () => {
  const { queues } = createStorageClients(deadStorage);
  const gone = queues.getQueueClient('gone-queue');
  const buffer = createStorageQueueBuffer({ buffer: gone, poison: gone, records }, 30_000, clock);

  const trouble = await buffer.receive().catch((error: unknown) => error);

  expect(trouble).toBeInstanceOf(StorageTrouble);
  expect(trouble).toHaveProperty('cause', expect.any(Error));
});
