// GET /api/purges: the purges of a day, as JSON that a person reads.

import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { handleForgetting } from '../../../src/lib/handlers/forget-records.ts';
import { handlePurgeList } from '../../../src/lib/handlers/list-purges.ts';
import { aChange, CDN, ENDPOINT } from '../../support/builders.ts';
import { callHttp, createInvocation } from '../../support/in-memory-invocation.ts';
import { createInMemoryOldRecords } from '../../support/in-memory-old-records.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const LIST = 'https://app.example.cn/api/purges';

const get = (world: World, query: Record<string, string> = {}, invocation = createInvocation()) =>
  callHttp(
    handlePurgeList(async () => world.services),
    { method: 'GET', url: LIST, query },
    invocation,
  );

const Page = z.object({
  purges: z.array(z.object({ id: z.string() })),
  next: z.string().startsWith(`${LIST}?day=2024-01-15&top=2&after=`).optional(),
});

/** So many purges, a minute apart. */
async function withPurges(count: number): Promise<World> {
  const world = createWorld();
  for (let index = 0; index < count; index += 1) {
    await world.buffered(aChange({ name: `${index}.txt`, eventId: `event-${index}` }));
    await world.flush();
    world.clock.advance(60_000);
  }
  return world;
}

describe('the list of purges', () => {
  it('is that of today without a day, with what each of them was', async () => {
    const world = await withPurges(1);
    const [purge] = world.records.purges();

    const answer = await get(world);

    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(answer.json).toEqual({
      day: '2024-01-15',
      purges: [
        {
          id: purge?.id,
          acceptedAt: '2024-01-15T08:09:10.000Z',
          cdn: CDN,
          endpointId: ENDPOINT,
          state: 'accepted',
          files: 1,
          directories: 0,
          correlationId: purge?.correlationId,
          taskId: purge?.taskId,
          causes: 1,
        },
      ],
    });
  });

  it('is empty for a day without purges', async () => {
    expect((await get(await withPurges(1), { day: '2024-01-14' })).json).toEqual({
      day: '2024-01-14',
      purges: [],
    });
  });

  it('goes on from page to page by the link of each, newest first, also after midnight', async () => {
    const world = await withPurges(5);
    const ids = world.records.purges().map(({ id }) => id);
    const seen: string[][] = [];
    let next: string | undefined = `${LIST}?top=2&code=secret`;
    while (next !== undefined) {
      const { json, text } = await get(world, Object.fromEntries(new URL(next).searchParams));
      expect(text).not.toContain('secret');
      world.clock.advance(24 * 3_600_000);
      const page = Page.parse(json);
      seen.push(page.purges.map(({ id }) => id));
      ({ next } = page);
    }
    expect(seen).toEqual([[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]);
  });

  it('takes the day of the purge that it goes on behind', async () => {
    const world = await withPurges(2);
    const [first, second] = world.records.purges().map(({ id }) => id);
    world.clock.advance(24 * 3_600_000);
    expect((await get(world, { after: second ?? '' })).json).toMatchObject({
      day: '2024-01-15',
      purges: [{ id: first }],
    });
  });

  it('says when a day has more than can be listed, and shows what a newer version wrote', async () => {
    const world = await withPurges(1);
    const history = {
      ...world.services.history,
      findPurgesOf: async (day: string) => ({
        ...(await world.services.history.findPurgesOf(day)),
        isComplete: false,
      }),
      readFound: async () => 'unreadable' as const,
    };
    const [purge] = world.records.purges();

    const answer = await callHttp(
      handlePurgeList(async () => ({ ...world.services, history })),
      { method: 'GET', url: LIST },
    );

    expect(answer.json).toEqual({
      day: '2024-01-15',
      purges: [{ id: purge?.id, unreadable: expect.any(String) }],
      isComplete: false,
    });
  });

  it.each([
    ['a day that is none', { day: '2024-02-30' }, 'day is a day'],
    ['a day that is no ISO date', { day: '15.1.2024' }, 'day is a day'],
    ['an empty day', { day: '' }, 'day is a day'],
    ['no number', { top: 'ten' }, 'top is a number from 1 to 1000'],
    ['a number that is none of these', { top: '1e2' }, 'top is a number'],
    ['too few', { top: '0' }, 'top is a number'],
    ['too many', { top: '1001' }, 'top is a number'],
    ['an id that is none', { after: 'x' }, 'after is the id of a purge'],
    [
      'a purge of another day',
      { day: '2024-01-15', after: '20240114-00000000-0000-4000-8000-000000000001' },
      'of another day',
    ],
    [
      'a purge that is not there',
      { after: '20240114-00000000-0000-4000-8000-000000000001' },
      'begin anew without after',
    ],
    ['a misspelt parameter', { Day: '2024-01-15' }, String.raw`no query parameter \"Day\"`],
  ])('refuses %s', async (_what, query, detail) => {
    const answer = await get(await withPurges(1), query);
    expect(answer).toMatchObject({
      status: 400,
      headers: { 'content-type': 'application/problem+json' },
    });
    expect(answer.text).toContain(detail);
  });

  it('refuses a parameter that is given twice', async () => {
    const world = createWorld();
    const answer = await callHttp(
      handlePurgeList(async () => world.services),
      { method: 'GET', url: `${LIST}?day=2024-01-15&day=2024-01-16` },
    );
    expect(answer.text).toContain('day is given once');
  });

  it.each(['list-day', 'read-purge'] as const)('is 503 while storage is out for %s', async (call) => {
    const world = await withPurges(1);
    world.journal.failBy(storageOutFor([call]));
    const invocation = createInvocation();
    expect(await get(world, {}, invocation)).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
    expect(invocation.lines).toEqual([expect.stringMatching(/^error Storage is out/u)]);
  });
});

describe('the timer of old records', () => {
  it('deletes what is past the days of the setting', async () => {
    const world = createWorld();
    const oldRecords = createInMemoryOldRecords();
    oldRecords.put('purges', 'purge-1', world.clock.now());
    const invocation = createInvocation();
    const handler = handleForgetting(async () => ({ ...world.services, retention: { oldRecords, days: 2 } }));
    const timer = { isPastDue: false, schedule: { adjustForDST: false } };
    const tick = { ...timer, scheduleStatus: { last: '', next: '', lastUpdated: '' } };

    world.clock.advance(2 * 24 * 3_600_000);
    await handler(tick, invocation.context);
    expect(oldRecords.names()).toEqual(['purge-1']);

    world.clock.advance(24 * 3_600_000);
    await handler(tick, invocation.context);
    expect(oldRecords.names()).toEqual([]);
    expect(invocation.lines).toEqual([expect.stringMatching(/^information Forgot old records\. /u)]);
  });
});
