// Failures on order: what each fault does to the request that meets it, and which requests those are.
import { request } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { errorTypes } from '../../dev/cdn-emulator/api-error.ts';
import {
  at,
  callApi,
  fetchEdge,
  present,
  purge,
  startCdn,
  wildcardEndpoint,
  writeKey,
} from './cdn-support.ts';

const lists = { Files: ['http://www.contoso.localhost/a.txt'] };

describe('a fault before acting: nothing is purged, nothing counted', () => {
  it.each(errorTypes)('error %s', async (type) => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'error', type });

    const met = await purge(cdn, lists);
    const next = await purge(cdn, lists);

    expect(met.json).toMatchObject({ Succeeded: false, ErrorInfo: { Type: type } });
    expect(met.headers['x-correlation-id']).toBeDefined();
    expect(next.status).toBe(202);
    expect(cdn.emulator.control.purges()).toHaveLength(1);
    expect(cdn.emulator.control.quota().spent).toMatchObject([{ files: 1 }]);
  });

  it('error with a status of choice', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'error', type: 'InternalError', status: 503, retryAfter: 2 });

    const answer = await purge(cdn, lists);

    expect(answer).toMatchObject({
      status: 503,
      errorType: 'InternalError',
      headers: { 'retry-after': '2' },
    });
  });

  it.each([
    { retryAfter: undefined, header: undefined },
    { retryAfter: 7, header: '7' },
    { retryAfter: 'Mon, 15 Jan 2024 08:10:10 GMT', header: 'Mon, 15 Jan 2024 08:10:10 GMT' },
  ])('throttle with Retry-After $header', async ({ retryAfter, header }) => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'throttle', retryAfter });

    const answer = await purge(cdn, lists);

    expect(answer).toMatchObject({ status: 429, errorType: 'RequestThrottled' });
    expect(answer.headers['retry-after']).toBe(header);
    expect(cdn.emulator.control.purges()).toEqual([]);
  });

  it.each([502, 503, 504] as const)('a gateway page %i: HTML, no correlation id', async (status) => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'gateway', status });

    const answer = await purge(cdn, lists);

    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['x-correlation-id']).toBeUndefined();
    expect(answer.json).toBeUndefined();
    expect(cdn.emulator.control.purges()).toEqual([]);
  });

  it('a reset of the connection', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'reset-before-acting' });

    await expect(purge(cdn, lists)).rejects.toThrow(/ECONNRESET|other side closed/u);
    expect(cdn.emulator.control.purges()).toEqual([]);
    expect(cdn.emulator.control.requests()).toMatchObject([
      { outcome: 'fault:reset-before-acting', status: null },
    ]);
  });

  it('a refusal with status 200', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'refused-with-200', type: 'RequestThrottled' });

    const answer = await purge(cdn, lists);

    expect(answer).toMatchObject({ status: 200, json: { Succeeded: false }, errorType: 'RequestThrottled' });
    expect(cdn.emulator.control.purges()).toEqual([]);
  });

  it('a redirect, whose follower shows in the log', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'redirect' });

    const answer = await purge(cdn, lists);
    const location = String(answer.headers['location']);
    await request(cdn.emulator.apiUrl + location, { method: 'POST' });

    expect(answer.status).toBe(307);
    expect(cdn.emulator.control.requests()).toMatchObject([
      { outcome: 'fault:redirect' },
      { outcome: 'not-found', target: location },
    ]);
  });
});

describe('a fault after acting: the purge is done', () => {
  it('a reset of the connection loses the answer only', async () => {
    const cdn = await startCdn();
    cdn.origin.blobs.set('$web/a.txt', 'old');
    await fetchEdge(cdn, 'www.contoso.localhost', '/a.txt');
    cdn.emulator.control.addFaults({ fault: 'reset-after-acting' });

    await expect(purge(cdn, lists)).rejects.toThrow(/ECONNRESET|other side closed/u);

    cdn.passMs(1_000);
    expect(cdn.emulator.control.purges()).toMatchObject([{ files: lists.Files }]);
    expect(cdn.emulator.control.cache()).toEqual([]);
  });

  it('a slow answer is held until it is released', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'slow-answer' });
    let answered = false;

    const answer = purge(cdn, lists).finally(() => (answered = true));
    await vi.waitFor(() => expect(cdn.emulator.control.purges()).toHaveLength(1), { timeout: 10_000 });
    const answeredWhileHeld = answered;
    await vi.waitFor(() => expect(cdn.emulator.control.release()).toBe(1), { timeout: 10_000 });

    expect(answeredWhileHeld).toBe(false);
    expect((await answer).status).toBe(202);
  });

  it('a slow answer comes by itself after the ms that were asked for', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'slow-answer', ms: 20 });

    expect((await purge(cdn, lists)).status).toBe(202);
  });

  it('an acceptance can lack its task id', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'no-task-id' });

    const answer = await purge(cdn, lists);

    expect(answer).toMatchObject({ status: 202, json: { Succeeded: true } });
    expect(answer.taskId).toBeUndefined();
    expect(cdn.emulator.control.purges()).toHaveLength(1);
  });

  it('items can have a status that no page knows', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'unknown-item-status', status: 'Verifying' });
    const taskId = present((await purge(cdn, lists)).taskId, 'the task id');

    const met = await callApi(cdn, { target: at(`purges/${taskId}`) });
    const next = await callApi(cdn, { target: at(`purges/${taskId}`) });

    expect(met.json).toMatchObject({ Files: [{ Status: 'Verifying' }] });
    expect(next.json).toMatchObject({ Files: [{ Status: 'Running' }] });
  });

  it('items can fail, and then stay at the edge', async () => {
    const cdn = await startCdn();
    cdn.origin.blobs.set('$web/a.txt', 'old');
    await fetchEdge(cdn, 'www.contoso.localhost', '/a.txt');
    cdn.emulator.control.addFaults({ fault: 'failing-items' });

    const taskId = present((await purge(cdn, lists)).taskId, 'the task id');
    cdn.passMs(1_000);

    const { json } = await callApi(cdn, { target: at(`purges/${taskId}`) });
    const served = await fetchEdge(cdn, 'www.contoso.localhost', '/a.txt');
    expect(json).toMatchObject({ Files: [{ Status: 'Failed' }] });
    expect(served.cache).toBe('HIT');
  });
});

describe('a fault meets', () => {
  it('as many requests as it is for, in the order of the queue', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults(
      { fault: 'throttle', times: 2 },
      { fault: 'error', type: 'InternalError' },
    );

    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await purge(cdn, lists)).status);

    expect(statuses).toEqual([429, 429, 500, 202]);
    expect(cdn.emulator.control.faults()).toEqual([]);
  });

  it.each([
    { match: { operation: 'query-purge' } },
    { match: { endpointId: wildcardEndpoint } },
    { match: { urlIncludes: 'b.txt' } },
  ] as const)('no request but those that match $match', async ({ match }) => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'throttle', match });

    const other = await purge(cdn, lists);

    expect(other.status).toBe(202);
    expect(cdn.emulator.control.faults()).toHaveLength(1);
  });

  it('the request that matches', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({
      fault: 'throttle',
      match: { operation: 'add-purge', endpointId: wildcardEndpoint.toUpperCase(), urlIncludes: 'b.txt' },
    });

    const url = 'http://media.contoso.localhost/b.txt';
    const answer = await purge(cdn, { Files: [url] }, { endpoint: wildcardEndpoint });

    expect(answer.status).toBe(429);
  });

  it('no request that is wrong by itself', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'throttle' });

    const wrong = await purge(cdn, lists, { key: { ...writeKey, value: 'wrong' } });
    const right = await purge(cdn, lists);

    expect([wrong.errorType, right.errorType]).toEqual(['WrongSignature', 'RequestThrottled']);
  });

  it('nobody once the queue is cleared', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'throttle', times: 100 });
    cdn.emulator.control.clearFaults();

    expect((await purge(cdn, lists)).status).toBe(202);
  });
});
