// What a purge means at the edge, and when.
import { describe, expect, it } from 'vitest';
import {
  azurefdHost,
  fetchEdge,
  media,
  purge,
  startFrontDoor,
  web,
  type TestFrontDoor,
} from './front-door-support.ts';

async function cached(...pages: readonly (readonly [host: string, path: string])[]): Promise<TestFrontDoor> {
  const frontDoor = await startFrontDoor();
  for (const [host, path] of pages) await fetchEdge(frontDoor, host, path);
  return frontDoor;
}

async function leftAfter(
  frontDoor: TestFrontDoor,
  order: { readonly contentPaths: readonly string[]; readonly domains?: readonly string[] },
): Promise<readonly string[]> {
  expect((await purge(frontDoor, order)).status).toBe(202);
  frontDoor.passMs(120_000);
  return frontDoor.emulator.control.cache().map(({ host, path, query }) => host + path + query);
}

it('goes MISS, HIT, stale HIT, and once the purge succeeded MISS with the new bytes', async () => {
  const frontDoor = await startFrontDoor();
  const seen: unknown[] = [];
  const look = async (): Promise<void> => {
    const { status, cache, text } = await fetchEdge(frontDoor, web, '/a.txt');
    seen.push([status, cache, text]);
  };

  frontDoor.blobs.set('$web/a.txt', 'old');
  await look();
  await look();
  frontDoor.blobs.set('$web/a.txt', 'new');
  await purge(frontDoor, { contentPaths: ['/a.txt'], domains: [web] });
  frontDoor.passMs(119_999);
  await look();
  frontDoor.passMs(1);
  await look();
  await look();

  expect(seen).toEqual([
    [200, 'MISS', 'old'],
    [200, 'HIT', 'old'],
    [200, 'HIT', 'old'],
    [200, 'MISS', 'new'],
    [200, 'HIT', 'new'],
  ]);
});

it('may still be stale for a while after the purge succeeded', async () => {
  const frontDoor = await startFrontDoor({ behaviour: { edgeDelayMs: 5_000 } });
  await fetchEdge(frontDoor, web, '/a.txt');
  await purge(frontDoor, { contentPaths: ['/a.txt'], domains: [web] });

  frontDoor.passMs(124_999);
  expect(frontDoor.emulator.control.operations()).toMatchObject([{ status: 'Succeeded' }]);
  expect((await fetchEdge(frontDoor, web, '/a.txt')).cache).toBe('HIT');
  frontDoor.passMs(1);
  expect((await fetchEdge(frontDoor, web, '/a.txt')).cache).toBe('MISS');
});

describe('a purge', () => {
  it('of a path means it in any case, encoded in any way and with any query', async () => {
    const frontDoor = await cached([web, '/Caf%C3%A9.txt'], [web, '/caf%c3%a9.TXT?v=1'], [web, '/other.txt']);

    const left = await leftAfter(frontDoor, { contentPaths: ['/CAF%C3%89.txt'], domains: [web] });

    expect(left).toEqual([`${web}/other.txt`]);
  });

  it('of /dir/* means everything below it, itself included as /dir/', async () => {
    const frontDoor = await cached(
      [web, '/Dir/'],
      [web, '/dir/a'],
      [web, '/dir/deep/b?c'],
      [web, '/dir'],
      [web, '/directory/a'],
    );

    const left = await leftAfter(frontDoor, { contentPaths: ['/dir/*'], domains: [web] });

    expect(left).toEqual([`${web}/dir`, `${web}/directory/a`]);
  });

  it('of / means that page alone, and of /* everything of the listed domains', async () => {
    const frontDoor = await cached([web, '/'], [web, '/a'], [media, '/a']);

    expect(await leftAfter(frontDoor, { contentPaths: ['/'], domains: [web] })).toEqual([
      `${web}/a`,
      `${media}/a`,
    ]);
    expect(await leftAfter(frontDoor, { contentPaths: ['/*'], domains: [web] })).toEqual([`${media}/a`]);
  });

  it('means every path on every listed domain', async () => {
    const frontDoor = await cached(
      [web, '/a'],
      [web, '/b'],
      [media, '/a'],
      [media, '/b'],
      ['berlin.shops.localhost', '/a'],
    );

    const left = await leftAfter(frontDoor, {
      contentPaths: ['/a', '/b'],
      domains: [web, media.toUpperCase()],
    });

    expect(left).toEqual(['berlin.shops.localhost/a']);
  });

  it.each([{ order: {} }, { order: { domains: [] } }])(
    'without domains means the own host of the endpoint only: $order',
    async ({ order }) => {
      const frontDoor = await cached([web, '/a'], [azurefdHost, '/a']);

      expect(await leftAfter(frontDoor, { contentPaths: ['/*'], ...order })).toEqual([`${web}/a`]);
    },
  );
});

it('keeps one answer for all queries where a route is set so', async () => {
  const frontDoor = await startFrontDoor({ behaviour: { cacheKeyQuery: 'ignored' } });

  await fetchEdge(frontDoor, web, '/a?v=1');

  expect((await fetchEdge(frontDoor, web, '/a?v=2')).cache).toBe('HIT');
});
