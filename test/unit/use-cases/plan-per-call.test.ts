// A CDN without a daily quota that takes so many paths a call, and one call at a time.

import { describe, expect, it } from 'vitest';

import {
  aConfiguration,
  anItemRefusal,
  anAcceptance,
  aRule,
  aRuleHost,
  LIMITS,
} from '../../support/builders.ts';
import {
  createPlanningWorld,
  namesIn,
  overwritten,
  type PlanningWorld,
} from '../../support/planning-world.ts';

const CALLS = {
  budgets: [{ perFile: 1, perDirectory: 1, limit: 100, per: 'call' }],
  capabilities: { hosts: 'listed', purgesInFlight: 1 },
  limits: { ...LIMITS, urlsPerRequest: 100 },
} as const;

const HOUR_MS = 3_600_000;

const url = (name: string): string => `http://www.example.cn/media/${name}`;
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];
const sent = ({ cdn }: PlanningWorld) =>
  cdn.purges.map(({ files, directories }) => [files.length, directories]);

describe('a CDN that takes so many paths a call', () => {
  it('gets a directory in place of what a call cannot take', async () => {
    const world = await createPlanningWorld({ standing: namesIn('dir', 255), quota: 'none', cdn: CALLS });
    await world.buffered(...overwritten(world, namesIn('dir', 250)));
    await world.flush();
    expect(sent(world)).toEqual([[0, [url('dir/')]]]);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.stored()).toEqual([]);
    expect(world.records.purges()[0]?.planned).toMatchObject([{ covers: 250, evicts: 5 }]);
  });

  it('gets files while they fit into a call', async () => {
    const world = await createPlanningWorld({ standing: namesIn('dir', 105), quota: 'none', cdn: CALLS });
    await world.buffered(...overwritten(world, namesIn('dir', 100)));
    await world.flush();
    expect(sent(world)).toEqual([[100, []]]);
  });

  it('gets a full call where nothing may go as a directory, and the rest waits for its turn', async () => {
    const names = Array.from({ length: 50 }, (_, index) => namesIn(`dir-${index}`, 5)).flat();
    const world = await createPlanningWorld({
      standing: names,
      planner: { never: ['www.example.cn/**'] },
      quota: 'none',
      cdn: CALLS,
    });
    await world.buffered(...overwritten(world, names));
    await world.flush();
    expect(sent(world)).toEqual([[100, []]]);
    expect(waiting(world)).toHaveLength(150);
    for (const entry of waiting(world))
      expect(entry).toMatchObject({ reason: 'in-flight', failedAttempts: 0 });
    expect(world.buffer.stored()).toEqual([]);
  });

  it('counts a path once for all of its hosts', async () => {
    const hosts = ['www.example.cn', 'cdn.example.cn'].map((host) => aRuleHost({ host }));
    const world = await createPlanningWorld({
      standing: namesIn('dir', 105),
      configuration: aConfiguration({ rules: [aRule({ hosts })] }),
      quota: 'none',
      cdn: CALLS,
    });
    await world.buffered(...overwritten(world, namesIn('dir', 100)));
    await world.flush();
    expect(sent(world)).toEqual([[200, []]]);
    expect(waiting(world)).toEqual([]);
  });

  it('gets a group that is larger than a call in several', async () => {
    const world = await createPlanningWorld({
      standing: namesIn('hls/film', 130),
      planner: { groups: ['www.example.cn/media/hls/*'], never: ['www.example.cn/**'] },
      quota: 'none',
      cdn: CALLS,
    });
    await world.buffered(...overwritten(world, namesIn('hls/film', 130)));
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(100);
    expect(waiting(world)).toHaveLength(30);
  });

  it('has nothing planned or counted for it while a call is under way', async () => {
    const world = await createPlanningWorld({
      standing: [...namesIn('dir', 255), 'first.txt'],
      planner: { recountHours: 1 },
      quota: 'none',
      cdn: CALLS,
    });
    world.clock.advance(2 * HOUR_MS);
    await world.buffered(...overwritten(world, ['first.txt']));
    await world.flush();
    await world.buffered(...overwritten(world, namesIn('dir', 250)));
    const before = world.accounts.asked.length;
    await world.flush();
    expect(world.accounts.asked).toHaveLength(before);
    expect(waiting(world)).toHaveLength(250);
    for (const entry of waiting(world))
      expect(entry).toMatchObject({ reason: 'in-flight', failedAttempts: 0 });
    world.clock.advance(2 * HOUR_MS);
    await world.flush();
    expect(world.accounts.asked.length).toBeGreaterThan(before);
    expect(sent(world)).toEqual([
      [1, []],
      [0, [url('dir/')]],
    ]);
  });

  it('is not asked again and again for a directory that it refuses: its files go as files', async () => {
    const world = await createPlanningWorld({
      standing: [...namesIn('dir', 20), ...namesIn('other', 9)],
      quota: 'none',
      cdn: CALLS,
    });
    world.cdn.answerBy(({ directories }) => (directories.length > 0 ? anItemRefusal() : anAcceptance()));
    await world.buffered(...overwritten(world, namesIn('dir', 20)));
    for (let minutes = 0; minutes < 60; minutes += 1) {
      await world.flush();
      world.clock.advance(60_000);
    }
    expect(new Set(world.cdn.purgedUrls())).toEqual(new Set(namesIn('dir', 20).map(url)));
    expect(world.cdn.purges.filter(({ directories }) => directories.length > 0)).toHaveLength(1);
    expect(waiting(world)).toEqual([]);
    expect(world.buffer.poisoned).toEqual([]);
  });
});
