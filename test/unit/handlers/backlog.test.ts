// GET /api/backlog: what waits, as JSON that a person reads.

import { describe, expect, it } from 'vitest';

import { handleBacklog } from '../../../src/lib/handlers/backlog.ts';
import { aChange, aQuota } from '../../support/builders.ts';
import { callHttp, createInvocation } from '../../support/in-memory-invocation.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const get = (world: World, query: Record<string, string> = {}, invocation = createInvocation()) =>
  callHttp(
    handleBacklog(async () => world.services),
    { method: 'GET', url: 'https://app.example.cn/api/backlog', query },
    invocation,
  );

/** A day's quota of one file is spent: the other changes wait. */
async function withWaiting(changes: number): Promise<World> {
  const quota = aQuota({
    limits: { files: 1, directories: 1 },
    manualReserve: { files: 0, directories: 0 },
  });
  const world = createWorld({ cdn: { quota } });
  for (let index = 0; index <= changes; index += 1) {
    await world.buffered(aChange({ name: `${index}.txt`, eventId: `event-${index}` }));
  }
  await world.flush();
  return world;
}

describe('the backlog', () => {
  it('is empty while nothing waits', async () => {
    const answer = await get(createWorld());
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(answer.json).toEqual({
      at: '2024-01-15T08:09:10.000Z',
      targets: 0,
      requests: 0,
      byReason: [],
      bySite: [],
      holds: [],
      throttlings: [],
      entries: [],
    });
  });

  it('says what waits, since when, why and until when', async () => {
    const world = await withWaiting(1);
    world.clock.advance(90_000);
    const answer = await get(world);
    const group = { waiting: 1, oldestSince: '2024-01-15T08:09:10.000Z', until: '2024-01-16T00:10:00.000Z' };
    expect(answer.json).toMatchObject({
      at: '2024-01-15T08:10:40.000Z',
      targets: 1,
      requests: 0,
      oldestSince: '2024-01-15T08:09:10.000Z',
      byReason: [{ reason: 'quota-exhausted', ...group }],
      bySite: [{ site: 'www', ...group }],
      entries: [
        {
          type: 'target',
          url: 'http://www.example.cn/media/1.txt',
          kind: 'file',
          cdn: 'china',
          site: 'www',
          changes: 1,
          since: '2024-01-15T08:09:10.000Z',
          ageSeconds: 90,
          reason: 'quota-exhausted',
          until: '2024-01-16T00:10:00.000Z',
          failedAttempts: 0,
        },
      ],
    });
  });

  it.each([
    { query: {}, named: 100 },
    { query: { top: '1' }, named: 1 },
    { query: { top: '1000', code: 'function-key', clientId: 'default' }, named: 120 },
  ])('names as many entries as asked for: $query', async ({ query, named }) => {
    const world = await withWaiting(120);
    const answer = await get(world, query);
    expect(answer.json).toMatchObject({ targets: 120, entries: { length: named } });
  });

  it.each([{ top: '0' }, { top: '1001' }, { top: '-1' }, { top: '1.5' }, { top: '' }, { top: 'all' }])(
    'refuses what is no number of entries: %o',
    async (query) => {
      const answer = await get(createWorld(), query);
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({ detail: 'top is a number from 1 to 1000.' });
    },
  );

  it('refuses a parameter that nobody knows', async () => {
    const answer = await get(createWorld(), { limit: '10' });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ title: 'Unknown query parameter' });
    expect(answer.text).toContain('limit');
  });

  it('is asked for again when storage is out', async () => {
    const world = createWorld();
    const invocation = createInvocation();
    world.journal.failBy(storageOutFor(['load-backlog']));
    const answer = await get(world, {}, invocation);
    expect(answer.status).toBe(503);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '10',
    });
    expect(invocation.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
  });
});
