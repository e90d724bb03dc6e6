// The backlog in blob storage: everything that waits comes back as it was, and no writer undoes another's work.

import { gunzipSync, gzipSync } from 'node:zlib';

import type { ContainerClient } from '@azure/storage-blob';
import { beforeEach, describe, expect, inject, test } from 'vitest';

import { encodeMessage } from '../../src/lib/buffer/message.schema.ts';
import {
  applyChanges,
  EMPTY_BACKLOG,
  keyOf,
  type Backlog,
  type BacklogChanges,
  type Joining,
  type WaitingTarget,
} from '../../src/lib/core/backlog.ts';
import { rereadCdnUrl } from '../../src/lib/core/cdn-url.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { createBlobBacklog } from '../../src/lib/records/blob-backlog.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { StorageTrouble, type BacklogStore } from '../../src/lib/use-cases/ports.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';
import { aChange, aFailure, aMessage, aRefusal, aTarget, TRACEPARENT } from '../support/builders.ts';
import { START_AT } from '../support/fake-clock.ts';

const places = azuritePlaces();
const PATH = 'backlog/backlog.jsonl.gz';
const later = instant(START_AT + 3_600_000);

let container: ContainerClient;
let store: BacklogStore;

beforeEach(() => {
  container = places.freshContainer();
  store = createBlobBacklog(container);
});

const NO_CHANGES: BacklogChanges = {
  leaving: [],
  staying: [],
  joining: [],
  holds: new Map(),
  throttlings: new Map(),
};

const waiting = (joining: readonly Joining[], parts: Partial<BacklogChanges> = {}): Backlog =>
  applyChanges(EMPTY_BACKLOG, { ...NO_CHANGES, joining, ...parts }, START_AT);

function aWait(
  path: string,
  parts: Partial<Omit<WaitingTarget, 'revision'>> = {},
): Omit<WaitingTarget, 'revision'> {
  return {
    type: 'target',
    target: aTarget(path),
    since: START_AT,
    until: later,
    reason: 'quota-exhausted',
    failedAttempts: 0,
    changes: 1,
    causes: [{ type: 'change', eventId: `event ${path}`, eventAt: START_AT, traceparent: TRACEPARENT }],
    messages: [{ path: `media${path}`, text: encodeMessage(aMessage()) }],
    ...parts,
  };
}

/** Saves it, and reads it as another process would. */
async function roundTrip(backlog: Backlog): Promise<Backlog> {
  const { version } = await store.load();
  expect(await store.save(backlog, version)).toBe(true);
  return (await createBlobBacklog(container).load()).backlog;
}

const storedBytes = (): Promise<Buffer> => container.getBlobClient(PATH).downloadToBuffer();

async function put(bytes: Buffer): Promise<void> {
  await container.createIfNotExists();
  await container.getBlockBlobClient(PATH).upload(bytes, bytes.length);
}

describe('what waits', () => {
  const odd = rereadCdnUrl('http://www.example.cn/ä "ö" %41/中文 🎉.txt')?.url;
  if (odd === undefined) throw new Error('no URL of a purge');

  test.each<{ what: string; joining: readonly Joining[] }>([
    { what: 'nothing', joining: [] },
    { what: 'a file', joining: [aWait('/media/a.txt')] },
    { what: 'a directory and the file of the same name', joining: [aWait('/media/a/'), aWait('/media/a')] },
    {
      what: 'a URL that is spelled raw',
      joining: [aWait('/x', { target: { ...aTarget('/x'), url: odd } })],
    },
    {
      what: 'a target whose endpoint is not known, and its twins at other places',
      joining: [
        aWait('/a', { target: aTarget('/a', { endpointId: undefined }) }),
        aWait('/a', { target: aTarget('/a', { cdn: 'other' }) }),
        aWait('/b', { target: aTarget('/b', { site: 'another' }) }),
        aWait('/c', { target: aTarget('/c', { host: 'media.example.cn', scheme: 'https' }) }),
      ],
    },
    {
      what: 'a target with many changes of several paths, one of them without a trace',
      joining: [
        aWait('/a', {
          changes: 4_000,
          causes: [
            { type: 'change', eventId: 'e1', eventAt: START_AT, traceparent: undefined },
            { type: 'change', eventId: 'e2', eventAt: later, traceparent: TRACEPARENT },
          ],
          messages: [
            { path: 'media/a', text: encodeMessage(aMessage(aChange({ name: 'a "quoted"\n\\ name' }))) },
            {
              path: 'media/中文 🎉\u2028',
              text: encodeMessage(aMessage(aChange({ name: '中文 🎉\u2028' }))),
            },
          ],
        }),
      ],
    },
    {
      what: 'a target that a person’s request and the tracker’s need',
      joining: [
        aWait('/a', {
          causes: [
            {
              type: 'request',
              requestId: 'r1',
              askedAt: START_AT,
              origin: undefined,
              traceparent: undefined,
            },
            { type: 'request', requestId: 'r2', askedAt: later, origin: 'tracker', traceparent: TRACEPARENT },
          ],
          messages: [],
        }),
      ],
    },
    {
      what: 'a request',
      joining: [
        {
          type: 'request',
          requestId: 'r1',
          traceparent: undefined,
          since: START_AT,
          until: later,
          reason: 'throttled',
          failedAttempts: 3,
        },
      ],
    },
    {
      what: 'a request that is named like a target, and a target',
      joining: [
        {
          type: 'request',
          requestId: keyOf(aWait('/a')),
          traceparent: TRACEPARENT,
          since: START_AT,
          until: later,
          reason: 'out-of-time',
          failedAttempts: 0,
        },
        aWait('/a'),
      ],
    },
    {
      what: 'each reason',
      joining: (
        [
          'throttled',
          'quota-exhausted',
          'item-refused',
          'request-refused',
          'credentials-refused',
          'endpoint-unusable',
          'transient',
          'unknown',
          'out-of-time',
        ] as const
      ).map((reason) => aWait(`/${reason}`, { reason, failedAttempts: 7 })),
    },
  ])('comes back as it was, in its order: $what', async ({ joining }) => {
    const backlog = waiting(joining, { holds: new Map([['endpoint x', undefined]]) });

    const back = await roundTrip(backlog);

    expect(back).toEqual(backlog);
    expect([...back.entries.keys()]).toEqual([...backlog.entries.keys()]);
  });

  test.each([
    { what: 'as the app writes it', text: encodeMessage(aMessage()) },
    { what: 'without its padding', text: Buffer.from('{"v":1}').toString('base64').replace(/=+$/u, '') },
    { what: 'in the alphabet of URLs', text: '_-8_-w==' },
    { what: 'with a line break', text: `${encodeMessage(aMessage())}\n` },
    { what: 'that is no UTF-8', text: Buffer.from([0xff, 0xfe, 0x00]).toString('base64') },
    { what: 'that is no base64', text: 'plain “text” \u0000 \ud83c\udf89' },
    { what: 'that is empty', text: '' },
  ])('keeps each character of a message, $what', async ({ text }) => {
    const backlog = waiting([aWait('/a', { messages: [{ path: 'media/a', text }] })]);
    expect(await roundTrip(backlog)).toEqual(backlog);
  });
});

describe('what is held back', () => {
  test.each([
    aRefusal({ outcomeClass: 'credentials-refused', errorType: 'Forbidden', correlationId: undefined }),
    aRefusal({ outcomeClass: 'throttled', retryAfterMs: 60_000 }),
    aRefusal({ outcomeClass: 'request-refused', message: 'a “quoted” 中文 text' }),
    aFailure({ reason: 'could-not-connect', outcomeClass: 'transient', sent: false }),
    aFailure({ reason: 'timed-out', outcomeClass: 'unknown' }),
    aFailure({ reason: 'connection-lost' }),
    aFailure({ reason: 'unreadable-answer', outcomeClass: 'transient', status: 502, correlationId: 'c1' }),
    aFailure({ reason: 'endpoint-not-found', outcomeClass: 'endpoint-unusable', sent: false }),
    aFailure({ reason: 'quota-spent', outcomeClass: 'quota-exhausted', sent: false }),
    aFailure({ reason: 'throttled', outcomeClass: 'throttled', sent: false }),
    aFailure({ reason: 'no-ledger', outcomeClass: 'transient', sent: false }),
    aFailure({ reason: 'not-recorded', outcomeClass: 'transient' }),
  ])('keeps what the CDN answered: $kind $outcomeClass $errorType $reason', async (outcome) => {
    const key = 'endpoint china aaaabbbb __proto__';
    const backlog = waiting([], { holds: new Map([[key, { until: later, times: 2, outcome }]]) });
    expect(await roundTrip(backlog)).toEqual(backlog);
  });

  test('keeps how it is throttled, before and after the quota counts as spent', async () => {
    const throttlings = new Map([
      ['subscription files', { since: undefined, times: 0, probeAt: START_AT, spentUntil: undefined }],
      ['subscription directories', { since: START_AT, times: 9, probeAt: later, spentUntil: later }],
    ]);
    const backlog = waiting([], { throttlings });
    expect(await roundTrip(backlog)).toEqual(backlog);
  });
});

describe('two writers', () => {
  test('of the first backlog: one writes, the other is told to read again', async () => {
    const other = createBlobBacklog(container);
    const [mine, theirs] = [await store.load(), await other.load()];
    expect(mine).toEqual({ backlog: EMPTY_BACKLOG, version: undefined });

    const written = await Promise.all([
      store.save(waiting([aWait('/mine')]), mine.version),
      other.save(waiting([aWait('/theirs')]), theirs.version),
    ]);

    expect(written.toSorted()).toEqual([false, true]);
    const expected = waiting([aWait(written[0] ? '/mine' : '/theirs')]);
    expect((await store.load()).backlog).toEqual(expected);
    expect((await other.load()).backlog).toEqual(expected);
  });

  test('of a backlog that is there: what was read before the other wrote is not written', async () => {
    await roundTrip(waiting([aWait('/first')]));
    const other = createBlobBacklog(container);
    const [mine, theirs] = [await store.load(), await other.load()];
    expect(await other.save(waiting([aWait('/theirs')]), theirs.version)).toBe(true);

    expect(await store.save(waiting([aWait('/mine')]), mine.version)).toBe(false);

    const reread = await store.load();
    expect(reread.backlog).toEqual(waiting([aWait('/theirs')]));
    expect(await store.save(waiting([aWait('/mine')]), reread.version)).toBe(true);
    expect((await other.load()).backlog).toEqual(waiting([aWait('/mine')]));
  });

  test('of one process: it writes again on what it has just written, without reading', async () => {
    await roundTrip(waiting([aWait('/a')]));
    const { version } = await store.load();
    expect(version).toBeDefined();
    expect(await store.save(waiting([aWait('/b')]), version)).toBe(true);
    expect(await store.save(waiting([aWait('/c')]), version)).toBe(false);
  });

  test('and one that deletes it: it is empty, and may be made anew', async () => {
    await roundTrip(waiting([aWait('/a')]));
    const { version } = await store.load();
    await container.getBlobClient(PATH).delete();

    expect(await store.save(waiting([aWait('/b')]), version)).toBe(false);
    expect(await store.load()).toEqual({ backlog: EMPTY_BACKLOG, version: undefined });
    expect(await roundTrip(waiting([aWait('/c')]))).toEqual(waiting([aWait('/c')]));
  });
});

test('reading costs one call, and none of its bytes come while nobody has written', async () => {
  const { blobUrl, queueUrl } = inject('azurite');
  const proxy = await startCountingProxy(blobUrl, queueUrl);
  const { blobs } = createStorageClients(proxy.connectionString);
  const counted = createBlobBacklog(blobs.getContainerClient(container.containerName));
  const blob = `/devstoreaccount1/${container.containerName}/${PATH}`;
  expect((await counted.load()).version).toBeUndefined();
  await roundTrip(waiting([aWait('/a')]));

  const first = await counted.load();
  const second = await counted.load();
  await counted.save(waiting([aWait('/b')]), second.version);
  await counted.load();

  expect(second.backlog).toBe(first.backlog);
  expect(proxy.calls()).toEqual([
    `GET ${blob} 404`,
    `GET ${blob} 200`,
    `GET ${blob} 304`,
    `PUT ${blob} 201`,
    `GET ${blob} 304`,
  ]);
  await proxy.close();
});

const gz = (text: string): Buffer => gzipSync(text);

describe('what this version cannot read', () => {
  const head = '{"version":1,"nextRevision":2,"places":[],"holds":{},"throttlings":{}}\n';
  test.each([
    { what: 'a newer version', bytes: gz(head.replace('"version":1', '"version":2')) },
    { what: 'no gzip', bytes: Buffer.from(head) },
    { what: 'half of it', bytes: gz(head).subarray(0, 20) },
    { what: 'nothing', bytes: Buffer.alloc(0) },
    { what: 'an empty text', bytes: gz('') },
    { what: 'no JSON', bytes: gz('backlog') },
    { what: 'an entry of no kind', bytes: gz(`${head}{}\n`) },
  ])('is trouble and stays as it is: $what', async ({ bytes }) => {
    await put(bytes);
    await expect(store.load()).rejects.toThrow(StorageTrouble);
    expect(await store.save(EMPTY_BACKLOG, undefined)).toBe(false);
    expect(await storedBytes()).toEqual(bytes);
  });

  test('is no reason to forget what was read before: it is asked for anew', async () => {
    await roundTrip(waiting([aWait('/a')]));
    await store.load();
    const good = await storedBytes();
    await put(gz('backlog'));
    await expect(store.load()).rejects.toThrow(StorageTrouble);
    await put(good);
    expect((await store.load()).backlog).toEqual(waiting([aWait('/a')]));
  });
});

test('storage that is out is trouble', async () => {
  const gone = createBlobBacklog(createStorageClients(deadStorage).blobs.getContainerClient('gone'));
  await expect(gone.load()).rejects.toThrow(StorageTrouble);
  await expect(gone.save(EMPTY_BACKLOG, undefined)).rejects.toThrow(StorageTrouble);
});

test('a hundred thousand targets are a few megabytes, and come back', { timeout: 120_000 }, async () => {
  const backlog = waiting(
    Array.from({ length: 100_000 }, (_, index) => {
      const path = `/media/products/2026/${`${index}`.padStart(6, '0')}/picture-large.webp`;
      return aWait(path, {
        messages: [
          {
            path: path.slice(1),
            text: encodeMessage(aMessage(aChange({ name: path, eventId: `event ${path}` }))),
          },
        ],
      });
    }),
  );
  const back = await roundTrip(backlog);

  expect(back.entries.size).toBe(100_000);
  expect(back.nextRevision).toBe(backlog.nextRevision);
  const samples = [...backlog.entries].filter((_, index) => index % 997 === 0);
  for (const [key, entry] of samples) expect(back.entries.get(key)).toEqual(entry);
  const bytes = await storedBytes();
  expect(bytes.length).toBeLessThan(16 * 1024 * 1024);
  expect(gunzipSync(bytes).indexOf('\n')).toBeLessThan(1_000);
});
