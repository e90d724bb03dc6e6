// Where the CDN tells of a task is a secret: it stands in the record of the open purge, and nowhere else.

import { describe, expect, it } from 'vitest';

import { handlePurgeList } from '../../../src/lib/handlers/list-purges.ts';
import { handlePurgeRequest } from '../../../src/lib/handlers/purge-request.ts';
import { handlePurgeStatus } from '../../../src/lib/handlers/purge-status.ts';
import { err, ok } from '../../../src/lib/core/result.ts';
import { trackPurges } from '../../../src/lib/use-cases/track-purges.ts';
import { aChange, aFailure, anAcceptance } from '../../support/builders.ts';
import { callHttp, createInvocation, type RequestParts } from '../../support/in-memory-invocation.ts';
import type { TaskScript } from '../../support/in-memory-provider.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';

const CANARY = 'canary-4f1d';
const OPERATION_URL = `https://cdn.example/operationresults/1?t=639000000000000000&s=${CANARY}`;

const running: TaskScript = (urls) => ok(urls.map((url) => ({ url, status: 'running' })));
const ends: readonly (readonly [string, TaskScript])[] = [
  ['succeeds', (urls) => ok(urls.map((url) => ({ url, status: 'succeeded' })))],
  ['fails', (urls) => ok({ items: urls.map((url) => ({ url, status: 'failed' })), failure: 'No.' })],
];

const get = (path: string, parts: RequestParts = {}) => ({
  method: 'GET',
  url: `https://app.example.cn/api/${path}`,
  ...parts,
});

/** Everything that leaves the app about purges and the request, and all that it tells of itself. */
async function toldBy(world: World): Promise<string> {
  const invocation = createInvocation();
  const services = async () => world.services;
  const answers = [await callHttp(handlePurgeList(services), get('purges'), invocation)];
  for (const { id } of [...world.records.purges(), ...world.records.requests()]) {
    answers.push(await callHttp(handlePurgeStatus(services), get(`purges/${id}`, { params: { id } })));
  }
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  return JSON.stringify([
    answers.map(({ headers, text }) => ({ headers, text })),
    world.telemetry.events,
    world.telemetry.spans,
    world.log.lines,
    world.records.requests(),
  ]);
}

async function withOpenPurges(): Promise<World> {
  const world = createWorld();
  world.cdn.answerBy((_purge, number) =>
    anAcceptance({ taskId: `task-${number}`, operationUrl: OPERATION_URL }),
  );
  await world.buffered(aChange());
  await world.flush();
  const answer = await callHttp(
    handlePurgeRequest(async () => world.services),
    {
      body: JSON.stringify({ files: ['http://www.example.cn/media/b.txt'] }),
      headers: { 'content-type': 'application/json' },
    },
    createInvocation(),
  );
  expect(answer.status).toBe(202);
  expect(answer.text).not.toContain(CANARY);
  return world;
}

async function poll(world: World): Promise<void> {
  world.clock.advance(60_000);
  await trackPurges(world.ports, world.run);
}

describe('the address of an operation', () => {
  it('is in the record of the purge while it is open, and is told to nobody', async () => {
    const world = await withOpenPurges();
    world.cdn.followBy(running);
    await poll(world);
    world.cdn.followBy(() => err(aFailure()));
    await poll(world);
    expect(world.records.purges().map(({ operationUrl }) => operationUrl)).toEqual([
      OPERATION_URL,
      OPERATION_URL,
    ]);
    expect(await toldBy(world)).not.toContain(CANARY);
  });

  it.each(ends)('is nowhere any more once the purge %s', async (_what, script) => {
    const world = await withOpenPurges();
    world.cdn.followBy(script);
    await poll(world);
    expect(world.records.openIds()).toEqual([]);
    expect(world.records.texts().join()).not.toContain(CANARY);
    expect(await toldBy(world)).not.toContain(CANARY);
  });
});

describe('the words of a CDN on a failure', () => {
  it('are in the record, the log and the event of the end', async () => {
    const world = await withOpenPurges();
    world.cdn.followBy((urls) =>
      ok({ items: urls.map((url) => ({ url, status: 'failed' })), failure: 'InternalServerError: No.' }),
    );
    await poll(world);
    const failure = 'InternalServerError: No.';
    expect(world.records.purges()).toMatchObject([{ failure }, { failure }]);
    expect(world.telemetry.named('purge-ended')).toMatchObject([{ failure }, { failure }]);
    expect(world.log.at('warn').map(({ details }) => details)).toMatchObject([{ failure }, { failure }]);
  });
});
