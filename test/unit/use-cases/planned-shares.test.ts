// Several sites under one quota: what each may spend, and whose turn it is.

import { describe, expect, it } from 'vitest';

import type { QuotaPolicy, SiteShare } from '../../../src/lib/core/quota-ledger.ts';
import { aConfiguration, aQuota, aRule, aRuleHost } from '../../support/builders.ts';
import {
  createPlanningWorld,
  namesIn,
  overwritten,
  type PlanningWorld,
} from '../../support/planning-world.ts';

const url = (name: string): string => `http://www.example.cn/media/${name}`;
const shopUrl = (name: string): string => `http://shop.example.cn/media/${name}`;

const isShop = (name: string): boolean => name.startsWith('shop/');
const SITES = aConfiguration({
  rules: [
    aRule({ includes: (name) => !isShop(name) }),
    aRule({ site: 'shop', hosts: [aRuleHost({ host: 'shop.example.cn' })], includes: isShop }),
  ],
});

const FREE = { files: 0, directories: 0 };
const NO_MAX = { files: Infinity, directories: Infinity };
const share = (parts: Partial<SiteShare>): SiteShare => ({
  priority: 50,
  reserve: FREE,
  max: NO_MAX,
  ...parts,
});

const quotaOf = (files: number, sites: Readonly<Record<string, Partial<SiteShare>>>): QuotaPolicy =>
  aQuota({
    limits: { files, directories: 5 },
    manualReserve: FREE,
    sites: new Map(Object.entries(sites).map(([name, parts]) => [name, share(parts)])),
  });

/** Fifteen of the twenty files of `dir` change. */
async function afterFifteen(quota: QuotaPolicy, planner = {}): Promise<PlanningWorld> {
  const world = await createPlanningWorld({
    standing: [...namesIn('dir', 20), ...namesIn('shop/dir', 20)],
    configuration: SITES,
    quota,
    planner,
  });
  await world.buffered(...overwritten(world, namesIn('dir', 15)));
  await world.flush();
  return world;
}

const filesOf = ({ cdn }: PlanningWorld) => cdn.purges.flatMap(({ files }) => files);
const directoriesOf = ({ cdn }: PlanningWorld) => cdn.purges.flatMap(({ directories }) => directories);
const waiting = ({ backlog }: PlanningWorld) => [...backlog.stored().entries.values()];

describe('a plan within the shares of sites', () => {
  it.each<[string, Readonly<Record<string, Partial<SiteShare>>>]>([
    ['has files for all', {}],
    [
      'has files for all, of which some are guaranteed to the site itself',
      { www: { reserve: { files: 20, directories: 0 } } },
    ],
  ])('purges files while the quota %s', async (_what, sites) => {
    const world = await afterFifteen(quotaOf(40, sites));
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world)).toHaveLength(15);
  });

  it.each<[string, Readonly<Record<string, Partial<SiteShare>>>]>([
    [
      'a site that has nothing due is guaranteed the others',
      { shop: { reserve: { files: 50, directories: 0 } } },
    ],
    ['its maximum allows fewer', { www: { max: { files: 14, directories: 5 } } }],
  ])('folds files where %s', async (_what, sites) => {
    const world = await afterFifteen(quotaOf(40, sites));
    expect(directoriesOf(world)).toEqual([url('dir/')]);
    expect(filesOf(world)).toEqual([]);
    expect(waiting(world)).toEqual([]);
  });

  it('leaves to an idle site what it is guaranteed, in directories too', async () => {
    const world = await afterFifteen(quotaOf(4, { shop: { reserve: { files: 0, directories: 8 } } }), {
      maxStalenessMinutes: 0,
    });
    expect(directoriesOf(world)).toEqual([]);
    expect(filesOf(world)).toHaveLength(4);
    expect(waiting(world)).toHaveLength(11);
    await world.buffered(...overwritten(world, namesIn('shop/dir', 20)));
    await world.flush();
    expect(directoriesOf(world)).toEqual([shopUrl('shop/dir/')]);
  });
});

const prioritised = (www: number, shop: number) => ({
  ...SITES,
  sites: new Map([
    ['www', { name: 'www', priority: www }],
    ['shop', { name: 'shop', priority: shop }],
  ]),
});

describe('when not all can go', () => {
  it.each([
    [90, 50, 'shop.example.cn'],
    [50, 90, 'www.example.cn'],
  ])('sites of priorities %i and %i: the lower one waits', async (www, shop, waits) => {
    const quota = quotaOf(10, { www: { priority: www }, shop: { priority: shop } });
    const world = await createPlanningWorld({
      standing: [...namesIn('a', 20), ...namesIn('shop/a', 20)],
      planner: { never: ['www.example.cn/**', 'shop.example.cn/**'] },
      configuration: prioritised(www, shop),
      quota,
    });
    for (const index of Array.from({ length: 8 }, (_, at) => at)) {
      await world.buffered(...overwritten(world, [`a/${index}.txt`, `shop/a/${index}.txt`]));
      world.clock.advance(1_000);
    }
    await world.flush();
    expect(filesOf(world)).toHaveLength(10);
    expect(waiting(world)).toHaveLength(6);
    for (const entry of waiting(world)) expect(entry).toMatchObject({ target: { host: waits } });
  });

  it('the oldest goes first where priorities are equal', async () => {
    const world = await createPlanningWorld({
      standing: namesIn('a', 20),
      planner: { never: ['www.example.cn/**'] },
      quota: quotaOf(5, {}),
    });
    for (const index of Array.from({ length: 8 }, (_, at) => at)) {
      await world.buffered(...overwritten(world, [`a/${7 - index}.txt`]));
      world.clock.advance(60_000);
    }
    await world.flush();
    expect(new Set(filesOf(world))).toEqual(new Set(namesIn('a', 5, 3).map(url)));
  });
});
