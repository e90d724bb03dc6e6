// Groups of files that go in one request or wait together, such as a manifest and its parts.

import { describe, expect, it } from 'vitest';

import { nextReset } from '../../../src/lib/core/quota-days.ts';
import { reserveQuota } from '../../../src/lib/use-cases/reserve-quota.ts';
import type { Owner } from '../../../src/lib/use-cases/owner.ts';
import type { LocatedTarget } from '../../../src/lib/core/purge-plan.ts';
import { aCoalesced, aQuota, aTarget, ENDPOINT, LIMITS } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { createWorld } from '../../support/in-memory-world.ts';
import {
  createPlanningWorld,
  namesIn,
  overwritten,
  type PlanningWorld,
  type PlanningWorldOptions,
} from '../../support/planning-world.ts';

const url = (name: string): string => `http://www.example.cn/media/${name}`;
const urls = (names: readonly string[]) => new Set(names.map(url));
const FILM = 'hls/film';
const filmOf = (count: number) => namesIn(FILM, count);

const quotaOf = (files: number, directories = 5) =>
  aQuota({ limits: { files, directories }, manualReserve: { files: 0, directories: 0 } });

const GROUPS = { groups: ['www.example.cn/media/hls/*'] };
/** What is a group, and nothing goes as a directory. */
const FILES_ONLY = { ...GROUPS, never: ['www.example.cn/**'] };

const worldOf = ({ planner = FILES_ONLY, ...options }: PlanningWorldOptions): Promise<PlanningWorld> =>
  createPlanningWorld({
    standing: [...filmOf(20), ...namesIn('page', 20)],
    cdn: { limits: { ...LIMITS, urlsPerRequest: 5 } },
    planner,
    ...options,
  });

const requestsOf = ({ cdn }: PlanningWorld) => cdn.purges.map(({ files }) => files.length);
const ofFilm = (files: readonly string[]) => files.filter((one) => one.includes(FILM));
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];
const messages = ({ log }: PlanningWorld) => log.at('info').map(({ message }) => message);

async function changed(world: PlanningWorld, ...names: readonly string[]): Promise<void> {
  await world.buffered(...overwritten(world, names));
  world.clock.advance(1_000);
}

describe('the due files of a group', () => {
  it('go in one request, though others are older and leave only a part of it', async () => {
    const world = await worldOf({});
    await changed(world, ...namesIn('page', 4));
    await changed(world, ...filmOf(3));
    await world.flush();
    expect(requestsOf(world)).toEqual([4, 3]);
  });

  it('go in one request, though others changed in between', async () => {
    const world = await worldOf({});
    for (const index of [0, 1, 2, 3]) await changed(world, `${FILM}/${index}.txt`, `page/${index}.txt`);
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(8);
    expect(world.cdn.purges.map(({ files }) => ofFilm(files).length)).toEqual(expect.arrayContaining([0, 4]));
  });

  it('go as they come where the configuration names no groups', async () => {
    const world = await worldOf({ planner: { never: ['www.example.cn/**'] } });
    await changed(world, ...namesIn('page', 4));
    await changed(world, ...filmOf(3));
    await world.flush();
    expect(requestsOf(world)).toEqual([5, 2]);
  });

  it('wait as a whole when the quota leaves room for some only, and say so', async () => {
    const world = await worldOf({ quota: quotaOf(6) });
    await changed(world, ...namesIn('page', 3));
    await world.flush();
    await changed(world, ...filmOf(4));
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(3);
    expect(waiting(world)).toHaveLength(4);
    for (const entry of waiting(world)) {
      expect(entry).toMatchObject({ reason: 'quota-exhausted', failedAttempts: 0 });
      expect(entry.why).toContain('others of its group');
      expect(entry.why).toContain('/media/hls/film/');
    }
  });

  it('go together after the reset when they had to wait', async () => {
    const quota = quotaOf(6);
    const world = await worldOf({ quota });
    await changed(world, ...namesIn('page', 3));
    await world.flush();
    await changed(world, ...filmOf(4));
    await world.flush();
    world.clock.advance(nextReset(world.clock.now(), quota) - world.clock.now());
    await world.flush();
    expect(new Set(world.cdn.purges.at(-1)?.files)).toEqual(urls(filmOf(4)));
    expect(waiting(world)).toEqual([]);
  });

  it('wait for the others, though one changes that there would be room for', async () => {
    const world = await worldOf({ quota: quotaOf(6) });
    await changed(world, ...namesIn('page', 3));
    await world.flush();
    await changed(world, ...filmOf(4));
    await world.flush();
    await changed(world, `${FILM}/9.txt`);
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(3);
    expect(waiting(world)).toHaveLength(5);
  });

  it('leave their room to files of no group while they wait', async () => {
    const world = await worldOf({ quota: quotaOf(8) });
    await changed(world, ...namesIn('page', 5));
    await world.flush();
    await changed(world, ...filmOf(4));
    await changed(world, 'page/7.txt');
    await world.flush();
    expect(new Set(world.cdn.purges.at(-1)?.files)).toEqual(urls(['page/7.txt']));
    expect(waiting(world)).toHaveLength(4);
  });
});

describe('a group larger than a request', () => {
  it('goes as a directory where that is allowed, though it evicts others', async () => {
    const world = await worldOf({ planner: GROUPS });
    await changed(world, ...filmOf(8));
    await world.flush();
    expect(world.cdn.purges.map(({ files, directories }) => [files, directories])).toEqual([
      [[], [url(`${FILM}/`)]],
    ]);
    expect(messages(world)).toContain('A group is larger than a request: it goes as a directory.');
  });

  it('goes in requests one after the other where not, and says so', async () => {
    const world = await worldOf({});
    await changed(world, ...filmOf(8));
    await world.flush();
    expect(requestsOf(world)).toEqual([5, 3]);
    expect(messages(world)).toContain(
      'A group is larger than a request: it goes in several, one after the other.',
    );
  });

  it.each([
    ['the quota of a day', quotaOf(10)],
    [
      'what its site may spend a day',
      aQuota({
        sites: new Map([
          [
            'www',
            {
              priority: 50,
              reserve: { files: 0, directories: 0 },
              max: { files: 10, directories: 500 },
            },
          ],
        ]),
      }),
    ],
  ])('does not wait for ever when it is larger than %s too', async (_what, quota) => {
    const world = await worldOf({ quota });
    await changed(world, ...filmOf(14));
    await world.flush();
    expect(world.cdn.purgedUrls()).toHaveLength(10);
    world.clock.advance(nextReset(world.clock.now(), quota) - world.clock.now());
    await world.flush();
    expect(new Set(world.cdn.purgedUrls())).toEqual(urls(filmOf(14)));
    expect(waiting(world)).toEqual([]);
  });
});

describe('a slice of the quota', () => {
  const NOW = instant(START_AT);
  const located = (index: number, group?: string): LocatedTarget<Owner> => {
    const target = aTarget(`/media/${group ?? 'none'}/${index}.txt`);
    const cause = { type: 'change', eventId: `event-${index}`, eventAt: NOW } as const;
    const owner = { causes: [cause], changes: 1, bufferedAt: NOW, failedAttempts: 0 };
    return { ...aCoalesced<Owner>(target, owner), endpointId: ENDPOINT, group };
  };
  const targets = [
    ...Array.from({ length: 495 }, (_, index) => located(index)),
    ...Array.from({ length: 10 }, (_, index) => located(index, 'g')),
    located(1_000),
  ];

  it.each([
    ['takes the rest of the group along that it ends in', 600, 505],
    ['leaves out a group that there is too little for as a whole', 500, 496],
  ])('%s', async (_what, files, expected) => {
    const { ports } = createWorld();
    const { granted, others } = await reserveQuota('s', targets, quotaOf(files), ports);
    expect(granted).toHaveLength(expected);
    expect(granted.length + others.length).toBe(targets.length);
    expect([0, 10]).toContain(granted.filter(({ group }) => group === 'g').length);
  });

  it('of one URL, as a probe, is one URL of a group', async () => {
    const { ports } = createWorld();
    const { granted } = await reserveQuota('s', targets.slice(495), quotaOf(600), ports, 1);
    expect(granted).toHaveLength(1);
  });
});
