// What stands in the poison queue goes back into the buffer as it was, once its cause is mended.

import { describe, expect, test, vi } from 'vitest';

import {
  createStoragePoisonQueue,
  createStorageQueueBuffer,
} from '../../src/lib/buffer/storage-queue-buffer.ts';
import { instant } from '../../src/lib/core/instant.ts';
import type { Clock, PoisonQueue } from '../../src/lib/use-cases/ports.ts';
import { StorageTrouble } from '../../src/lib/use-cases/ports.ts';
import { replayPoison } from '../../src/lib/use-cases/replay-poison.ts';
import { azuritePlaces } from '../support/azurite-places.ts';
import { aChange, aMessage } from '../support/builders.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry } from '../support/recording-telemetry.ts';
import { runCommand } from '../support/run-command.ts';

const places = azuritePlaces();
/** Whole seconds are all that storage keeps of a message's time: what was poisoned just now must be older. */
const later: Clock = { now: () => instant(Date.now() + 2_000) };

function open() {
  const buffer = places.freshQueue();
  const records = places.freshContainer();
  const queues = { buffer, poison: places.queues.getQueueClient(`${buffer.name}-poison`), records };
  const run = { log: createRecordingLog(), telemetry: createRecordingTelemetry(), traceparent: undefined };
  return {
    name: buffer.name,
    queues,
    run,
    buffer: createStorageQueueBuffer(queues, 60_000, later),
    poison: createStoragePoisonQueue(queues, 1_000),
  };
}

type Opened = ReturnType<typeof open>;

/** Puts a change into the poison queue, as a flush does with one whose URL the CDN refuses. Gives its text. */
async function poisonChange({ buffer }: Opened, name: string): Promise<string> {
  await buffer.add(aMessage(aChange({ name })));
  const [received] = await buffer.receive();
  if (received?.kind !== 'readable') throw new Error('nothing was received');
  const { text, bufferedAt, receipt } = received;
  await buffer.poison({
    text,
    bufferedAt,
    failedAttempts: 1,
    reason: 'refused by the CDN',
    lastError: 'no',
    url: 'u',
  });
  await buffer.complete(receipt);
  return text;
}

function poisonText({ buffer }: Opened, text: string): Promise<void> {
  return buffer.poison({
    text,
    reason: 'not a purge message',
    bufferedAt: later.now(),
    failedAttempts: 0,
  });
}

async function originalsOf({ queues }: Opened): Promise<string[]> {
  await queues.records.createIfNotExists();
  const names: string[] = [];
  for await (const { name } of queues.records.listBlobsFlat()) names.push(name);
  return names;
}

async function textsIn({ buffer }: Opened): Promise<string[]> {
  const received = await buffer.receive();
  return received.flatMap((one) => (one.kind === 'newer' ? [] : [one.text])).toSorted();
}

describe('a replay', () => {
  test('puts every message back as it stood in the buffer, and leaves nothing behind', async () => {
    const opened = open();
    const texts: string[] = [];
    for (let index = 0; index < 40; index += 1) texts.push(await poisonChange(opened, `${index}.txt`));

    expect(await replayPoison(opened.poison, later, opened.run)).toEqual({
      replayed: 40,
      left: 0,
      interrupted: false,
    });

    const back = [...(await textsIn(opened)), ...(await textsIn(opened))];
    expect(back.toSorted()).toEqual(texts.toSorted());
    expect(await replayPoison(opened.poison, later, opened.run)).toEqual({
      replayed: 0,
      left: 0,
      interrupted: false,
    });
  });

  test('puts back what was too long for an entry, and what nobody can read; blobs of originals go with it', async () => {
    const opened = open();
    const long = 'x'.repeat(60_000);
    await poisonText(opened, long);
    await poisonText(opened, 'junk');
    expect(await originalsOf(opened)).toHaveLength(1);

    await replayPoison(opened.poison, later, opened.run);

    expect(await textsIn(opened)).toEqual(['junk', long].toSorted());
    expect(await originalsOf(opened)).toEqual([]);
  });

  test('of a long message that is cut off anywhere is done by the next one', async () => {
    const opened = open();
    const long = 'x'.repeat(60_000);
    await poisonText(opened, long);
    const cutOff = { ...opened.poison, remove: () => Promise.reject(new StorageTrouble('no storage')) };

    expect(await replayPoison(cutOff, later, opened.run)).toMatchObject({ interrupted: true });
    await expect
      .poll(() => replayPoison(opened.poison, later, opened.run), { timeout: 10_000, interval: 100 })
      .toMatchObject({ replayed: 1 });

    expect(await textsIn(opened)).toEqual([long, long]);
    expect(await originalsOf(opened)).toEqual([]);
  });

  test('does not take the blob from whoever has received the entry meanwhile', async () => {
    const opened = open();
    await poisonText(opened, 'x'.repeat(60_000));
    const [slow] = await opened.poison.receive();
    if (slow === undefined) throw new Error('nothing was received');
    const second = await vi.waitFor(
      async () => {
        const [entry] = await opened.poison.receive();
        if (entry === undefined) throw new Error('not visible yet');
        return entry;
      },
      { timeout: 10_000, interval: 100 },
    );

    await opened.poison.restore(slow);
    await opened.poison.remove(slow);

    expect(await opened.poison.restore(second)).toBe(true);
    await opened.poison.remove(second);
    expect(await originalsOf(opened)).toEqual([]);
  });

  test('leaves an entry of a newer version, and one whose original is gone, and puts back the others', async () => {
    const opened = open();
    await opened.queues.poison.create();
    const newer = { v: 2, deadLetteredAt: '2026-03-04T05:06:07.000Z', body: 'of tomorrow' };
    const lost = { v: 1, deadLetteredAt: '2026-03-04T05:06:07.000Z', messageBlob: 'poison-originals/1.txt' };
    for (const entry of [newer, lost]) {
      await opened.queues.poison.sendMessage(Buffer.from(JSON.stringify(entry)).toString('base64'));
    }
    await poisonText(opened, 'junk');

    expect(await replayPoison(opened.poison, later, opened.run)).toEqual({
      replayed: 1,
      left: 2,
      interrupted: false,
    });

    expect(await textsIn(opened)).toEqual(['junk']);
    expect((await opened.queues.poison.getProperties()).approximateMessagesCount).toBe(2);
  });

  test('puts back what stands in the poison queue alone, as older versions left what was too long', async () => {
    const opened = open();
    const long = 'x'.repeat(60_000);
    await opened.queues.poison.create();
    await opened.queues.poison.sendMessage(long);

    await replayPoison(opened.poison, later, opened.run);

    expect(await textsIn(opened)).toEqual([long]);
  });

  test('leaves what was poisoned after it began', async () => {
    const opened = open();
    await poisonChange(opened, 'a.txt');
    const earlier: Clock = { now: () => instant(Date.now() - 60_000) };
    expect(await replayPoison(opened.poison, earlier, opened.run)).toEqual({
      replayed: 0,
      left: 0,
      interrupted: false,
    });
  });

  test('that storage interrupts says so, and loses nothing', async () => {
    const opened = open();
    const text = await poisonChange(opened, 'a.txt');
    const failing: PoisonQueue = {
      ...opened.poison,
      remove: () => Promise.reject(new StorageTrouble('no storage')),
    };

    expect(await replayPoison(failing, later, opened.run)).toEqual({
      replayed: 0,
      left: 0,
      interrupted: true,
    });
    // The buffer has it; the entry that could not be removed comes again, which costs a repeated purge at most.
    expect(await textsIn(opened)).toEqual([text]);
  });

  test('is run by npm run replay, which needs no more than the storage account', async () => {
    const opened = open();
    const text = await poisonChange(opened, 'a.txt');
    // The command's own clock: the entry must be a second old.
    await expect
      .poll(
        async () => {
          const ended = await runCommand('src/lib/buffer/cli/replay.ts', [], 20_000, {
            PURGE_STORAGE: places.connectionString,
            PURGE_QUEUE: opened.name,
          }).ended;
          return { code: ended.code, texts: await textsIn(opened) };
        },
        { timeout: 30_000, interval: 100 },
      )
      .toEqual({ code: 0, texts: [text] });

    const unset = await runCommand('src/lib/buffer/cli/replay.ts', [], 20_000, { PURGE_STORAGE: '' }).ended;
    expect(unset).toMatchObject({ code: 2, output: expect.stringContaining('PURGE_STORAGE') });
  });
});
