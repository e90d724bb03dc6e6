// Purge records, request records and idempotency claims on real blob storage, with others writing beside.

import { randomUUID } from 'node:crypto';

import type { ContainerClient } from '@azure/storage-blob';
import { beforeEach, describe, expect, test } from 'vitest';

import { instant, type Instant } from '../../src/lib/core/instant.ts';
import type { PurgeRecord } from '../../src/lib/core/purge-record.ts';
import type { RequestPurge, RequestRecord } from '../../src/lib/core/purge-request.ts';
import { createBlobRecords } from '../../src/lib/records/blob-records.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { StorageTrouble, type IdempotencyClaim, type PurgeRecords } from '../../src/lib/use-cases/ports.ts';
import { azuritePlaces, deadStorage } from '../support/azurite-places.ts';

const places = azuritePlaces();
const at = (iso: string): Instant => instant(Date.parse(iso));
const askedAt = at('2026-03-04T23:59:59.999Z');
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let container: ContainerClient;
let records: PurgeRecords;

beforeEach(() => {
  container = places.freshContainer();
  records = createBlobRecords(container);
});

async function namesIn(places: ContainerClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of places.listBlobsFlat()) names.push(name);
  return names;
}

const request = (id: string): RequestRecord => ({
  version: 1,
  id,
  state: 'waiting',
  askedAt,
  reason: 'a 中文 “reason”',
  ask: {
    by: 'url',
    files: ['http://www.contoso.cn/a%20b.txt'],
    directories: ['http://www.contoso.cn/d/'],
    everything: false,
  },
  traceparent,
  targets: [{ kind: 'file', url: 'http://www.contoso.cn/a%20b.txt', cdn: 'china', site: 'www' }],
  purges: [],
});

const requestPurge = (id: string): RequestPurge => ({
  id,
  acceptedAt: askedAt,
  cdn: 'china',
  endpointId: 'e1',
  correlationId: 'c1',
  taskId: 't1',
  urls: ['http://www.contoso.cn/a%20b.txt'],
});

describe('a request', () => {
  test('is read as it was written', async () => {
    const record = request(randomUUID());
    const byBlob: RequestRecord = {
      ...record,
      id: randomUUID(),
      state: 'failed',
      ask: {
        by: 'blob',
        account: 'contoso',
        container: '$web',
        blobs: ['a #?%20+.txt'],
        prefixes: ['中文/'],
        everything: true,
      },
      purges: [requestPurge('p1')],
      lastFailure: { at: askedAt, kind: 'not-configured', detail: 'gone', correlationId: 'c2' },
    };

    await Promise.all([records.createRequest(record), records.createRequest(byBlob)]);

    expect(await records.readRequest(record.id)).toEqual(record);
    expect(await records.readRequest(byBlob.id)).toEqual(byBlob);
  });

  test('is created once, whoever else tries at the same time', async () => {
    const id = randomUUID();

    const created = await Promise.all(
      ['first', 'second', 'third', 'fourth'].map((reason) =>
        createBlobRecords(container).createRequest({ ...request(id), reason }),
      ),
    );

    const winners = ['first', 'second', 'third', 'fourth'].filter((_, index) => created[index] === true);
    expect([(await records.readRequest(id))?.reason]).toEqual(winners);
  });

  test('that nobody made is undefined, container or no container', async () => {
    expect(await records.readRequest(randomUUID())).toBeUndefined();
    await container.create();
    expect(await records.readRequest(randomUUID())).toBeUndefined();
  });

  test('keeps every one of several updates at the same time', async () => {
    const id = randomUUID();
    await records.createRequest(request(id));
    const purgeIds = ['p1', 'p2', 'p3', 'p4'];

    await Promise.all(
      purgeIds.map((purgeId) =>
        createBlobRecords(container).updateRequest(id, (record) => ({
          ...record,
          purges: [...record.purges, requestPurge(purgeId)],
        })),
      ),
    );

    const updated = await records.readRequest(id);
    expect(updated?.purges.map((purge) => purge.id).toSorted()).toEqual(purgeIds);
  });

  test('is changed on the newest version, never on the one that was lost in a race', async () => {
    const id = randomUUID();
    await records.createRequest(request(id));
    let seen = 0;
    const stateOf = async (): Promise<string | undefined> => (await records.readRequest(id))?.state;
    const other = createBlobRecords(container).updateRequest(id, (record) => ({
      ...record,
      state: 'accepted',
    }));

    await records.updateRequest(id, (record) => {
      seen += 1;
      return { ...record, reason: `seen ${seen} times` };
    });
    await other;

    expect(await stateOf()).toBe('accepted');
    expect((await records.readRequest(id))?.reason).toBe(`seen ${seen} times`);
  });

  test('that is gone cannot be updated: that is a bug, not storage trouble', async () => {
    const failed = await records
      .updateRequest(randomUUID(), (record) => record)
      .catch((error: unknown) => error);

    expect(failed).toBeInstanceOf(Error);
    expect(failed).not.toBeInstanceOf(StorageTrouble);
  });

  test('whose blob somebody else wrote is not believed', async () => {
    const id = randomUUID();
    await container.create();
    await container.getBlockBlobClient(`requests/${id}.json`).upload('{"state":"accepted"}', 20);

    await expect(records.readRequest(id)).rejects.toThrow(/invalid/iu);
  });
});

describe('a purge', () => {
  const purge: PurgeRecord = {
    version: 1,
    id: randomUUID(),
    state: 'accepted',
    acceptedAt: askedAt,
    cdn: 'china',
    endpointId: 'e1',
    files: ['http://www.contoso.cn/%E4%B8%AD.txt'],
    directories: [],
    taskId: 't1',
    correlationId: 'c1',
    attempt: 2,
    causes: [
      { type: 'change', eventId: 'event-1', eventAt: askedAt, traceparent },
      { type: 'request', requestId: 'request-1', askedAt },
    ],
  };

  test('is on record under its day, as JSON that a person can read, in a container that is made for it', async () => {
    await records.savePurge(purge);

    const blob = container.getBlobClient(`purges/2026-03-04/${purge.id}.json`);
    const { contentType } = await blob.getProperties();
    expect(contentType).toBe('application/json');
    expect(JSON.parse((await blob.downloadToBuffer()).toString())).toEqual({
      ...purge,
      acceptedAt: '2026-03-04T23:59:59.999Z',
      causes: [
        { type: 'change', eventId: 'event-1', eventAt: '2026-03-04T23:59:59.999Z', traceparent },
        { type: 'request', requestId: 'request-1', askedAt: '2026-03-04T23:59:59.999Z' },
      ],
    });
  });

  test('finds the container made, when many are the first at once', async () => {
    await Promise.all(
      Array.from({ length: 6 }, () => createBlobRecords(container).savePurge({ ...purge, id: randomUUID() })),
    );

    expect(await namesIn(container)).toHaveLength(6);
  });
});

const claim = (requestId: string, claimedAt = askedAt): IdempotencyClaim => ({
  keyHash: 'a'.repeat(64),
  bodyHash: 'b'.repeat(64),
  requestId,
  claimedAt,
});

describe('an idempotency key', () => {
  test('is the first claimant’s for 24 hours', async () => {
    await records.claimIdempotencyKey(claim('first'));

    const held = await records.claimIdempotencyKey(claim('second', at('2026-03-05T23:59:59.998Z')));

    expect(held).toEqual(claim('first'));
  });

  test('is free again after 24 hours', async () => {
    const later = claim('second', at('2026-03-05T23:59:59.999Z'));
    await records.claimIdempotencyKey(claim('first'));

    expect(await records.claimIdempotencyKey(later)).toEqual(later);
    expect(await records.claimIdempotencyKey(claim('third', at('2026-03-06T00:00:00.000Z')))).toEqual(later);
  });

  test.each([
    { when: 'that is new', before: undefined },
    { when: 'whose last claim is over', before: claim('old', at('2026-03-01T00:00:00.000Z')) },
  ])('$when goes to one of several who claim it at once, and all hear of that one', async ({ before }) => {
    if (before !== undefined) await records.claimIdempotencyKey(before);

    const held = await Promise.all(
      ['r1', 'r2', 'r3', 'r4'].map((requestId) =>
        createBlobRecords(container).claimIdempotencyKey(claim(requestId)),
      ),
    );

    expect(new Set(held.map(({ requestId }) => requestId)).size).toBe(1);
    expect(['r1', 'r2', 'r3', 'r4']).toContain(held[0]?.requestId);
  });

  test('leaves no trace of the key itself: only hashes are stored', async () => {
    await records.claimIdempotencyKey(claim('first'));

    expect(await namesIn(container)).toEqual([`idempotency-keys/${'a'.repeat(64)}.json`]);
  });
});

test.each<{ what: string; call: (records: PurgeRecords) => Promise<unknown> }>([
  { what: 'reading', call: (gone) => gone.readRequest(randomUUID()) },
  { what: 'creating', call: (gone) => gone.createRequest(request(randomUUID())) },
])('storage that is out is told apart from a bug, when $what', async ({ call }) => {
  const gone = createBlobRecords(createStorageClients(deadStorage).blobs.getContainerClient('gone'));

  await expect(call(gone)).rejects.toThrow(StorageTrouble);
});
