// The planner on the local stack: what was listed and then published anew goes as one directory purge.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';

import type { Child } from '../../dev/processes/child.ts';
import { FREE_PORTS, startStack, type Stack } from '../../dev/stack.ts';
import { startLane, type Lane } from '../support/stack-lane.ts';

const HOST = 'files.contoso.localhost';
const COUNT = 40;
const names = Array.from({ length: COUNT }, (_, index) => `news/${index}.txt`);
const paths = names.map((name) => `/docs/${name}`);

let stack: Stack;
let lane: Lane;
const children: Child[] = [];

beforeAll(async () => {
  stack = await startStack({ ports: FREE_PORTS, host: 'none' });
  lane = await startLane(stack, {
    settings: { PURGE_CONFIG: withPlanner(stack.appSettings['PURGE_CONFIG'] ?? '') },
    onChild: (child) => children.push(child),
  });
  // A purge takes effect at the next look at the edge.
  await lane.changeCdn({ fileTaskMs: 0, directoryTaskMs: 0 });
  await lane.blobs.getContainerClient('docs').create();
});

afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await stack.stop();
});

function withPlanner(document: string): string {
  return JSON.stringify({ ...z.looseObject({}).parse(JSON.parse(document)), planner: {} });
}

async function publish(content: string): Promise<void> {
  for (const name of names) await lane.write('docs', name, content);
}

async function atTheEdge(): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(paths.map((path) => lane.edge(HOST, path)));
  return new Set(answers.map(({ cache, text }) => `${cache} ${text}`));
}

test('40 overwritten blobs of a directory that was listed go as one purge, and the edge is fresh for all', async () => {
  await lane.write('docs', 'other/unchanged.txt', 'unchanged');
  await publish('first');
  await lane.deliverAndFlush();
  const before = await lane.purges();
  // Nothing was listed yet, so nobody knows what a directory purge would evict.
  expect(before.flatMap(({ directories }) => directories)).toEqual([]);
  expect(before.flatMap(({ files }) => files)).toHaveLength(COUNT + 1);

  expect(await lane.refreshInventory()).toBe(202);
  expect(await atTheEdge()).toEqual(new Set(['MISS first']));
  await lane.edge(HOST, '/docs/other/unchanged.txt');
  await publish('second');
  expect(await atTheEdge()).toEqual(new Set(['HIT first']));
  await lane.deliverAndFlush();

  const purges = (await lane.purges()).slice(before.length);
  expect(purges.map(({ files, directories }) => ({ files, directories }))).toEqual([
    { files: [], directories: [`http://${HOST}/docs/news/`] },
  ]);
  expect(await atTheEdge()).toEqual(new Set(['MISS second']));
  expect(await lane.edge(HOST, '/docs/other/unchanged.txt')).toMatchObject({ cache: 'HIT' });
  expect(await lane.buffered()).toBe(0);
  expect(await lane.backlog()).toEqual([]);
});
