// What files took of a day before this process began.

import { describe, expect, it } from 'vitest';

import { cdnUrl } from '../../../src/lib/core/cdn-url.ts';
import type { QuotaPolicy } from '../../../src/lib/core/quota-ledger.ts';
import { createDaySpending, pacedReset } from '../../../src/lib/use-cases/day-spending.ts';
import { StorageTrouble } from '../../../src/lib/use-cases/ports.ts';
import { recallSpending } from '../../../src/lib/use-cases/recall-spending.ts';
import { aQuota, aRequest, aTarget, aUrlAsk, CDN } from '../../support/builders.ts';
import { createPlanningWorld, overwritten, type PlanningWorld } from '../../support/planning-world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const HOT = 'live/hot.json';
const HOT_URL = 'http://www.example.cn/media/live/hot.json';
const QUOTA = aQuota({ limits: { files: 60, directories: 5 }, manualReserve: { files: 0, directories: 0 } });

const worldOf = (quota: QuotaPolicy = QUOTA): Promise<PlanningWorld> =>
  createPlanningWorld({ standing: [HOT], planner: { never: ['www.example.cn/**'] }, quota });

async function rewritten(world: PlanningWorld, times: number, everyMs = MINUTE_MS): Promise<void> {
  for (let time = 1; time <= times; time += 1) {
    await world.buffered(...overwritten(world, [HOT], world.clock.now()));
    await world.flush();
    world.clock.advance(everyMs);
  }
}

const timesOf = ({ cdn }: PlanningWorld) => cdn.purgedUrls().filter((one) => one === HOT_URL).length;
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];

/** What a process that begins now finds that the hot file took. */
async function recalled(
  { ports, clock, cdn, run }: PlanningWorld,
  { cdns = [CDN], quota = QUOTA, matching = undefined as Parameters<typeof aTarget>[1] } = {},
): Promise<number> {
  const spending = createDaySpending();
  const known = { spending, matchingOf: () => matching?.matching };
  await recallSpending(known, { subscription: cdn.subscription, cdns: new Set(cdns) }, quota, ports, run);
  return spending.spent(aTarget('/media/live/hot.json', matching), pacedReset(clock.now(), quota));
}

describe('after a restart', () => {
  it('a hot file goes on by the clock', async () => {
    const world = await worldOf();
    await rewritten(world, 60);
    const before = timesOf(world);
    expect(before).toBeGreaterThan(8);
    expect(before).toBeLessThan(40);
    world.restart();
    await rewritten(world, 5);
    expect(timesOf(world)).toBe(before);
    expect(waiting(world)).toMatchObject([{ target: { url: HOT_URL }, reason: 'saves-quota' }]);
  });

  it.each([
    ['is known', QUOTA],
    ['is not known', { ...QUOTA, resetUtcOffsetHours: undefined }],
  ])('each purge of the day counts once, when the hour of the reset %s', async (_what, quota) => {
    const world = await worldOf(quota);
    await rewritten(world, 6);
    expect(await recalled(world, { quota })).toBe(6);
  });

  it('nothing of the day before counts', async () => {
    const world = await worldOf();
    await rewritten(world, 6);
    world.clock.advance(24 * HOUR_MS);
    expect(await recalled(world)).toBe(0);
    await rewritten(world, 2);
    expect(await recalled(world)).toBe(2);
  });

  it('what the CDN takes for the same is the same', async () => {
    const world = await worldOf();
    await rewritten(world, 3);
    const ignoring = { ignoresCase: true, ignoresQuery: true, ignoresScheme: false, reachesBelow: true };
    expect(await recalled(world, { matching: { matching: ignoring } })).toBe(3);
  });

  it('purges of other CDNs do not count', async () => {
    const world = await worldOf();
    await rewritten(world, 3);
    expect(await recalled(world, { cdns: ['other'] })).toBe(0);
  });

  it('what people ask for does not count', async () => {
    const world = await worldOf();
    await world.records.createRequest(
      aRequest({
        id: 'request-1',
        ask: aUrlAsk({ files: [cdnUrl('http', 'www.example.cn', '/media/live/hot.json')] }),
      }),
    );
    await world.buffer.add({ type: 'request', requestId: 'request-1', failedAttempts: 0 });
    await world.flush();
    expect(timesOf(world)).toBe(1);
    expect(await recalled(world)).toBe(0);
  });
});

const withRecords = (world: PlanningWorld, find: PlanningWorld['ports']['records']['findPurgesSince']) => ({
  ...world.ports,
  records: { ...world.ports.records, findPurgesSince: find },
});

describe('the records of a day', () => {
  it('are read once for a subscription', async () => {
    const world = await worldOf();
    let readings = 0;
    const ports = withRecords(world, async () => {
      readings += 1;
      return [];
    });
    const known = { spending: createDaySpending(), matchingOf: () => undefined };
    for (const subscription of ['a', 'b', 'a', 'b']) {
      await recallSpending(known, { subscription, cdns: new Set([CDN]) }, QUOTA, ports, world.run);
    }
    expect(readings).toBe(2);
  });

  it('count once, even if they are read twice at the same time', async () => {
    const world = await worldOf();
    await rewritten(world, 2);
    const known = { spending: createDaySpending(), matchingOf: () => undefined };
    const share = { subscription: world.cdn.subscription, cdns: new Set([CDN]) };
    const recall = () => recallSpending(known, share, QUOTA, world.ports, world.run);
    await Promise.all([recall(), recall()]);
    const reset = pacedReset(world.clock.now(), QUOTA);
    expect(known.spending.spent(aTarget('/media/live/hot.json'), reset)).toBe(2);
  });

  it('that cannot be read are read again the next time, with a warning', async () => {
    const world = await worldOf();
    await rewritten(world, 2);
    const known = { spending: createDaySpending(), matchingOf: () => undefined };
    const share = { subscription: world.cdn.subscription, cdns: new Set([CDN]) };
    const ports = withRecords(world, async () => {
      throw new StorageTrouble('storage could not read a record: 503');
    });
    await recallSpending(known, share, QUOTA, ports, world.run);
    expect(world.log.at('warn').map(({ message }) => message)).toContain(
      'The records of the day cannot be read: what changes all day long may take more of the quota.',
    );
    await recallSpending(known, share, QUOTA, world.ports, world.run);
    const reset = pacedReset(world.clock.now(), QUOTA);
    expect(known.spending.spent(aTarget('/media/live/hot.json'), reset)).toBe(2);
  });
});
