// Purge records, request records and idempotency claims on real blob storage, with others writing beside.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { ContainerClient } from '@azure/storage-blob';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';

import { instant, type Instant } from '../../src/lib/core/instant.ts';
import type { EndedPurge, OpenPurge } from '../../src/lib/core/purge-record.ts';
import { beginTracking } from '../../src/lib/core/purge-tracking.ts';
import type { RequestPurge, RequestRecord } from '../../src/lib/core/purge-request.ts';
import { createBlobRecords } from '../../src/lib/records/blob-records.ts';
import { createStorageClients } from '../../src/lib/storage/clients.ts';
import { StorageTrouble, type IdempotencyClaim, type PurgeRecords } from '../../src/lib/use-cases/ports.ts';
import { startCountingProxy } from '../support/azurite-counting-proxy.ts';
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
  version: 2,
  id,
  origin: 'person',
  repurges: 0,
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
  state: 'accepted',
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

const newPurge = (acceptedAt: Instant = askedAt, id = `20260304-${randomUUID()}`): OpenPurge =>
  beginTracking(
    {
      id,
      acceptedAt,
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
    },
    [15_000],
    undefined,
  );

const endOf = ({ nextPollAt: _next, ...purge }: OpenPurge): EndedPurge => ({
  ...purge,
  state: 'failed',
  polls: 3,
  endedAt: at('2026-03-05T00:02:00.000Z'),
  failedUrls: purge.files,
  repurges: [{ requestId: 'request-2', urls: purge.files, times: 1 }],
});

describe('a purge', () => {
  const purge = newPurge();

  test('is on record among the open ones, as JSON that a person can read, in a container that is made for it', async () => {
    await records.savePurge(purge);

    const blob = container.getBlobClient(`open-purges/${purge.id}.json`);
    const { contentType, metadata } = await blob.getProperties();
    expect([contentType, metadata]).toEqual([
      'application/json',
      {
        acceptedat: '2026-03-04T23:59:59.999Z',
        nextpollat: '2026-03-05T00:00:14.999Z',
        state: 'accepted',
        cdn: 'china',
      },
    ]);
    expect(JSON.parse((await blob.downloadToBuffer()).toString())).toEqual({
      ...purge,
      acceptedAt: '2026-03-04T23:59:59.999Z',
      nextPollAt: '2026-03-05T00:00:14.999Z',
      causes: [
        { type: 'change', eventId: 'event-1', eventAt: '2026-03-04T23:59:59.999Z', traceparent },
        { type: 'request', requestId: 'request-1', askedAt: '2026-03-04T23:59:59.999Z' },
      ],
    });
  });

  test('is saved by one storage call, once the container is there', async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const counted = createBlobRecords(
      createStorageClients(proxy.connectionString).blobs.getContainerClient(container.containerName),
    );
    await container.create();

    await counted.savePurge(purge);
    expect(proxy.calls()).toHaveLength(1);
    expect(await counted.findDuePurges(purge.nextPollAt, 10)).toEqual([purge.id]);
    expect(proxy.calls()).toHaveLength(2);
    await proxy.close();
  });

  test('finds the container made, when many are the first at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => createBlobRecords(container).savePurge(newPurge())));

    expect(await namesIn(container)).toHaveLength(6);
  });

  test('is read by its id alone, open and ended', async () => {
    await records.savePurge(purge);
    expect(await records.readPurge(purge.id)).toEqual(purge);

    await records.closePurge(endOf(purge));

    expect(await records.readPurge(purge.id)).toEqual(endOf(purge));
    expect(await namesIn(container)).toEqual([`purges/2026-03-04/${purge.id}.json`]);
  });

  test.each([
    { what: 'nobody saved', id: `20260304-${randomUUID()}` },
    { what: 'has another shape', id: '../configuration/x' },
  ])('whose id $what is undefined, container or no container', async ({ id }) => {
    expect(await records.readPurge(id)).toBeUndefined();
    expect(await records.readOpenPurge(id)).toBeUndefined();
    await container.create();
    expect(await records.readPurge(id)).toBeUndefined();
  });
});

const due = (iso: string, most = 10): Promise<readonly string[]> => records.findDuePurges(at(iso), most);

describe('what is due', () => {
  test('is nothing where nothing was ever purged', async () => {
    expect(await due('2026-03-05T00:00:00.000Z')).toEqual([]);
  });

  test('is what is open and whose time has come: longest due first, no more than asked for', async () => {
    const [first, second, third] = [
      newPurge(at('2026-03-04T12:00:00.000Z'), `20260304-f${randomUUID().slice(1)}`),
      newPurge(at('2026-03-04T12:00:01.000Z'), `20260304-a${randomUUID().slice(1)}`),
      newPurge(at('2026-03-04T12:10:00.000Z'), `20260304-0${randomUUID().slice(1)}`),
    ];
    const ended = newPurge(at('2026-03-04T11:00:00.000Z'));
    await Promise.all([first, second, third, ended].map((one) => records.savePurge(one)));
    await records.closePurge(endOf(ended));

    expect(await due('2026-03-04T12:00:14.999Z')).toEqual([]);
    expect(await due('2026-03-04T12:00:15.000Z')).toEqual([first.id]);
    expect(await due('2026-03-04T12:00:16.000Z')).toEqual([first.id, second.id]);
    expect(await due('2026-03-04T13:00:00.000Z', 2)).toEqual([first.id, second.id]);
    expect(await due('2026-03-04T13:00:00.000Z')).toEqual([first.id, second.id, third.id]);
  });

  test('moves on with the record, and is at once for an end that is not closed yet', async () => {
    const purge = newPurge(at('2026-03-04T12:00:00.000Z'));
    await records.savePurge(purge);
    const open = await records.readOpenPurge(purge.id);
    const later = { ...purge, polls: 1, nextPollAt: at('2026-03-04T18:00:00.000Z') };

    expect(await records.updateOpenPurge(later, open?.version ?? '')).toBe(true);

    expect(await due('2026-03-04T17:59:59.999Z')).toEqual([]);
    expect(await due('2026-03-04T18:00:00.000Z')).toEqual([purge.id]);
    const reread = await records.readOpenPurge(purge.id);
    await records.updateOpenPurge(endOf(purge), reread?.version ?? '');
    expect(await due('2026-03-05T00:02:00.000Z')).toEqual([purge.id]);
    expect(await records.readOpenPurge(purge.id)).toMatchObject({ record: endOf(purge) });
  });

  test('is also an open record whose time somebody lost', async () => {
    const purge = newPurge();
    await records.savePurge(purge);
    await container.getBlobClient(`open-purges/${purge.id}.json`).setMetadata({});

    expect(await due('2026-03-04T00:00:00.000Z')).toEqual([purge.id]);
  });
});

const factsOf = ({ id, cdn, acceptedAt, nextPollAt }: OpenPurge) => ({ id, cdn, acceptedAt, nextPollAt });

describe('what is open', () => {
  test('is nothing where nothing was ever purged', async () => {
    expect(await records.findOpenPurges()).toEqual([]);
  });

  test('is what has not ended, closed or not, and is found by one storage call', async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const counted = createBlobRecords(
      createStorageClients(proxy.connectionString).blobs.getContainerClient(container.containerName),
    );
    const [open, ended, closed] = [{ ...newPurge(), cdn: '中 国' }, newPurge(), newPurge()];
    await Promise.all([open, ended, closed].map((one) => records.savePurge(one)));
    const read = await records.readOpenPurge(ended.id);
    await records.updateOpenPurge(endOf(ended), read?.version ?? '');
    await records.closePurge(endOf(closed));

    expect(await counted.findOpenPurges()).toEqual([factsOf(open)]);
    expect(proxy.calls()).toHaveLength(1);
    await proxy.close();
  });

  test('is also what an older version wrote, but not what a newer one did without saying', async () => {
    const [open, ended, newer] = [newPurge(), newPurge(), newPurge()];
    await Promise.all([open, ended].map((one) => records.savePurge(one)));
    const read = await records.readOpenPurge(ended.id);
    await records.updateOpenPurge(endOf(ended), read?.version ?? '');
    for (const { id } of [open, ended]) {
      await container.getBlobClient(`open-purges/${id}.json`).setMetadata({ acceptedat: 'x' });
    }
    const text = fixture('purge-v2-open').replace('"version": 2', '"version": 3');
    await container.getBlockBlobClient(`open-purges/${newer.id}.json`).upload(text, Buffer.byteLength(text));

    expect(await records.findOpenPurges()).toEqual([factsOf(open)]);
  });
});

const since = async (
  earliest: number,
  known: readonly string[] = [],
  most = 10,
): Promise<readonly string[]> => {
  const found = await records.findPurgesSince(instant(earliest), most, (id) => known.includes(id));
  return found.map(({ id }) => id);
};
/** Storage notes its own time of a writing, in whole seconds. */
const thisSecond = (): number => Math.floor(Date.now() / 1000);
const anHourAgo = (): number => Date.now() - 3_600_000;
const acceptedNow = (): OpenPurge => {
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  return newPurge(instant(Date.now()), `${day}-${randomUUID()}`);
};

describe('the purges since a time', () => {
  test('are none where nothing was ever purged, container or no container', async () => {
    expect(await since(anHourAgo())).toEqual([]);
    await container.create();
    expect(await since(anHourAgo())).toEqual([]);
  });

  test('are open and ended ones, as they stand', async () => {
    const [open, ended] = [acceptedNow(), acceptedNow()];
    await Promise.all([open, ended].map((one) => records.savePurge(one)));
    await records.closePurge(endOf(ended));

    const found = await records.findPurgesSince(instant(anHourAgo()), 10, () => false);

    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([open, endOf(ended)]));
  });

  test('are found on both sides of midnight, wherever in the hour it was', async () => {
    const midnight = at('2026-03-05T00:00:00.000Z');
    const [before, after] = [
      newPurge(instant(midnight - 1), `20260304-${randomUUID()}`),
      newPurge(midnight, `20260305-${randomUUID()}`),
    ];
    await Promise.all([before, after].map((one) => records.savePurge(one)));
    await Promise.all([before, after].map((one) => records.closePurge(endOf(one))));

    const both = [before.id, after.id].toSorted();
    expect((await since(midnight - 3_599_000)).toSorted()).toEqual(both);
    expect((await since(midnight - 1_000)).toSorted()).toEqual(both);
    expect(await since(midnight)).toEqual([after.id]);
  });

  test('come the newest first, no more than asked for', async () => {
    const [first, second, third] = [acceptedNow(), acceptedNow(), acceptedNow()];
    for (const one of [first, second, third]) {
      const before = thisSecond();
      await vi.waitUntil(() => thisSecond() > before, { timeout: 10_000, interval: 50 });
      await records.savePurge(one);
    }
    expect(await since(anHourAgo())).toEqual([third.id, second.id, first.id]);
    expect(await since(anHourAgo(), [], 2)).toEqual([third.id, second.id]);
    // What is known counts, too: an older one is not read in its stead.
    expect(await since(anHourAgo(), [third.id], 2)).toEqual([second.id]);
  });

  test('are not those that were written before', async () => {
    await records.savePurge(acceptedNow());
    expect(await since(Date.now() + 3_600_000)).toEqual([]);
  });

  test('cost three listings, and a reading of each that is not known', async () => {
    const { blobUrl, queueUrl } = inject('azurite');
    const proxy = await startCountingProxy(blobUrl, queueUrl);
    const counted = createBlobRecords(
      createStorageClients(proxy.connectionString).blobs.getContainerClient(container.containerName),
    );
    const [known, unknown] = [acceptedNow(), acceptedNow()];
    await Promise.all([known, unknown].map((one) => records.savePurge(one)));

    await counted.findPurgesSince(instant(anHourAgo()), 10, (id) => id === known.id);

    expect(proxy.calls().filter((call) => call.includes('.json'))).toEqual([
      `GET /devstoreaccount1/${container.containerName}/open-purges/${unknown.id}.json 200`,
    ]);
    expect(proxy.calls()).toHaveLength(4);
    await proxy.close();
  });

  test('are found beside one that a newer version wrote', async () => {
    const purge = acceptedNow();
    await records.savePurge(purge);
    await put(
      `open-purges/20260304-${randomUUID()}.json`,
      fixture('purge-v2-open').replace('"version": 2', '"version": 3'),
    );

    expect(await since(anHourAgo())).toEqual([purge.id]);
  });
});

describe('trackers at the same time', () => {
  test('write the next state once: of several only one goes on', async () => {
    const purge = newPurge();
    await records.savePurge(purge);
    const open = await records.readOpenPurge(purge.id);

    const written = await Promise.all(
      [1, 2, 3, 4].map((polls) =>
        createBlobRecords(container).updateOpenPurge({ ...purge, polls }, open?.version ?? ''),
      ),
    );

    expect(written.filter((one) => one)).toHaveLength(1);
    expect((await records.readOpenPurge(purge.id))?.record.polls).toBe(written.indexOf(true) + 1);
  });

  test('take an ended purge out once, and its record stays whole', async () => {
    const purge = newPurge();
    await records.savePurge(purge);

    const closed = await Promise.all(
      [1, 2, 3, 4].map(() => createBlobRecords(container).closePurge(endOf(purge))),
    );

    expect(closed.filter((one) => one)).toHaveLength(1);
    expect(await records.readPurge(purge.id)).toEqual(endOf(purge));
    expect(await namesIn(container)).toEqual([`purges/2026-03-04/${purge.id}.json`]);
  });

  test('write nothing to a purge that another has closed', async () => {
    const purge = newPurge();
    await records.savePurge(purge);
    const open = await records.readOpenPurge(purge.id);
    await records.closePurge(endOf(purge));

    expect(await records.updateOpenPurge({ ...purge, polls: 9 }, open?.version ?? '')).toBe(false);
    expect(await records.readPurge(purge.id)).toEqual(endOf(purge));
  });

  test('go on where one died between its two steps: the ended record was written, the open one not deleted', async () => {
    const purge = newPurge();
    await records.savePurge(purge);
    const open = await records.readOpenPurge(purge.id);
    await records.updateOpenPurge(endOf(purge), open?.version ?? '');
    const text = await textOf(`open-purges/${purge.id}.json`);
    await container
      .getBlockBlobClient(`purges/2026-03-04/${purge.id}.json`)
      .upload(text, Buffer.byteLength(text));

    expect(await records.closePurge(endOf(purge))).toBe(true);

    expect(await namesIn(container)).toEqual([`purges/2026-03-04/${purge.id}.json`]);
  });
});

const textOf = async (name: string): Promise<string> =>
  (await container.getBlobClient(name).downloadToBuffer()).toString();

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/records/${name}.json`, import.meta.url), 'utf8');
const put = async (path: string, text: string): Promise<void> => {
  await container.createIfNotExists();
  await container.getBlockBlobClient(path).upload(text, Buffer.byteLength(text));
};

describe('a request of a newer version', () => {
  test('is trouble that passes, and no update is written over it', async () => {
    const id = '43713ade-0ecf-4d1a-abf1-460febdf0bff';
    const text = fixture('request-v2').replace('"version": 2', '"version": 3');
    await put(`requests/${id}.json`, text);

    await expect(records.readRequest(id)).rejects.toThrow(StorageTrouble);
    await expect(records.updateRequest(id, (record) => record)).rejects.toThrow(StorageTrouble);

    expect(await textOf(`requests/${id}.json`)).toBe(text);
  });
});

describe('records of version 1', () => {
  const uuid = '9f8b6c1e-3d2a-4b5c-8d7e-6f5a4b3c2d1e';

  test('are read where they stand, and nobody asks the CDN about them', async () => {
    await put(`purges/2026-03-04/${uuid}.json`, fixture('purge-v1'));

    expect(await records.readPurge(`20260304-${uuid}`)).toMatchObject({
      id: uuid,
      state: 'accepted',
      polls: 0,
    });
    expect(await records.findDuePurges(at('2027-01-01T00:00:00.000Z'), 10)).toEqual([]);
  });

  test('of requests are read, and become this version when they change', async () => {
    const id = '43713ade-0ecf-4d1a-abf1-460febdf0bff';
    await put(`requests/${id}.json`, fixture('request-v1'));

    await records.updateRequest(id, (record) => ({ ...record, reason: 'changed' }));

    expect(await records.readRequest(id)).toMatchObject({
      version: 2,
      reason: 'changed',
      purges: [{ id: uuid, state: 'accepted' }],
    });
  });

  test.each(['open-purges', 'purges/2026-03-04'])(
    'and of a newer version are trouble that passes, in %s: they are left for that version',
    async (folder) => {
      const id = `20260304-${uuid}`;
      const text = fixture('purge-v2-open').replace('"version": 2', '"version": 3');
      await put(`${folder}/${id}.json`, text);

      await expect(records.readPurge(id)).rejects.toThrow(StorageTrouble);
      expect(await textOf(`${folder}/${id}.json`)).toBe(text);
    },
  );
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

  test('is looked up for 24 hours, and looking it up claims nothing', async () => {
    const { keyHash } = claim('first');
    expect(await records.findIdempotencyClaim(keyHash, askedAt)).toBeUndefined();
    expect(await container.exists()).toBe(false);

    await records.claimIdempotencyKey(claim('first'));

    expect(await records.findIdempotencyClaim(keyHash, at('2026-03-05T23:59:59.998Z'))).toEqual(
      claim('first'),
    );
    expect(await records.findIdempotencyClaim(keyHash, at('2026-03-05T23:59:59.999Z'))).toBeUndefined();
  });

  test('leaves no trace of the key itself: only hashes are stored', async () => {
    await records.claimIdempotencyKey(claim('first'));

    expect(await namesIn(container)).toEqual([`idempotency-keys/${'a'.repeat(64)}.json`]);
  });
});

test.each<{ what: string; call: (records: PurgeRecords) => Promise<unknown> }>([
  { what: 'reading', call: (gone) => gone.readRequest(randomUUID()) },
  { what: 'creating', call: (gone) => gone.createRequest(request(randomUUID())) },
  { what: 'looking for what is open', call: (gone) => gone.findOpenPurges() },
  { what: 'looking for what is due', call: (gone) => gone.findDuePurges(askedAt, 1) },
  { what: 'closing', call: (gone) => gone.closePurge(endOf(newPurge())) },
])('storage that is out is told apart from a bug, when $what', async ({ call }) => {
  const gone = createBlobRecords(createStorageClients(deadStorage).blobs.getContainerClient('gone'));

  await expect(call(gone)).rejects.toThrow(StorageTrouble);
});
