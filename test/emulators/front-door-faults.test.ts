// Failures on order, and the control over HTTP.
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import { askForToken, callArm, operationUrl, purge, startFrontDoor } from './front-door-support.ts';

const order = { contentPaths: ['/a.txt'] };
const hungUp = /ECONNRESET|other side closed|socket/u;

describe('a fault before the purge', () => {
  it.each([
    {
      fault: { fault: 'throttle', retryAfter: 7 } as const,
      status: 429,
      code: 'SubscriptionRequestsThrottled',
      retryAfter: '7',
    },
    {
      fault: { fault: 'throttle', by: 'provider' } as const,
      status: 429,
      code: 'TooManyRequests',
      retryAfter: undefined,
    },
    {
      fault: { fault: 'error', status: 409, code: 'Conflict' } as const,
      status: 409,
      code: 'Conflict',
      retryAfter: undefined,
    },
    {
      fault: { fault: 'error', status: 503, code: 'ServiceUnavailable' } as const,
      status: 503,
      code: 'ServiceUnavailable',
      retryAfter: undefined,
    },
    {
      fault: { fault: 'gateway', status: 502 } as const,
      status: 502,
      code: undefined,
      retryAfter: undefined,
    },
    { fault: { fault: 'redirect' } as const, status: 307, code: undefined, retryAfter: undefined },
  ])('answers $status $code once', async ({ fault, status, code, retryAfter }) => {
    const frontDoor = await startFrontDoor();
    frontDoor.emulator.control.addFaults(fault);

    const answer = await purge(frontDoor, order);

    expect(answer).toMatchObject({ status, code });
    expect(answer.headers['retry-after']).toBe(retryAfter);
    expect(frontDoor.emulator.control.purges()).toEqual([]);
    expect((await purge(frontDoor, order)).status).toBe(202);
  });

  it('resets the connection, and nothing is purged', async () => {
    const frontDoor = await startFrontDoor();
    frontDoor.emulator.control.addFaults({ fault: 'reset-before-acting' });

    await expect(purge(frontDoor, order)).rejects.toThrow(hungUp);
    expect(frontDoor.emulator.control.purges()).toEqual([]);
  });

  it('is silent until released, and nothing is purged', async () => {
    const frontDoor = await startFrontDoor();
    const { control } = frontDoor.emulator;
    control.addFaults({ fault: 'silence' });
    const answer = purge(frontDoor, order).catch((error: unknown) => error);
    await expect.poll(() => control.requests()).toHaveLength(1);

    expect(control.release()).toBe(1);

    expect(String(await answer)).toMatch(hungUp);
    expect(control.purges()).toEqual([]);
  });
});

describe('a fault after the purge', () => {
  it('loses the answer, and the purge happens', async () => {
    const frontDoor = await startFrontDoor();
    frontDoor.emulator.control.addFaults({ fault: 'reset-after-acting' });

    await expect(purge(frontDoor, order)).rejects.toThrow(hungUp);
    expect(frontDoor.emulator.control.purges()).toHaveLength(1);
  });

  it('holds the answer', async () => {
    const frontDoor = await startFrontDoor();
    const { control } = frontDoor.emulator;
    control.addFaults({ fault: 'slow-answer' });
    const answer = purge(frontDoor, order);
    await expect.poll(() => control.purges()).toHaveLength(1);

    control.release();

    expect((await answer).status).toBe(202);
  });

  it.each([
    { left: 'none' as const, headers: [] },
    { left: 'location' as const, headers: ['location'] },
    { left: 'azure-asyncoperation' as const, headers: ['azure-asyncoperation'] },
  ])('leaves of the operation URLs: $left', async ({ left, headers }) => {
    const frontDoor = await startFrontDoor();
    frontDoor.emulator.control.addFaults({ fault: 'fewer-operation-urls', left });

    const answer = await purge(frontDoor, order);

    const given = ['location', 'azure-asyncoperation'].filter((name) => answer.headers[name] !== undefined);
    expect([answer.status, given]).toEqual([202, headers]);
  });

  it('is done at once with 200, without an operation', async () => {
    const frontDoor = await startFrontDoor();
    frontDoor.emulator.control.addFaults({ fault: 'done-at-once' });

    const answer = await purge(frontDoor, order);

    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers['azure-asyncoperation']).toBeUndefined();
    expect(frontDoor.logged).toContainEqual(expect.objectContaining({ event: 'evicted' }));
    expect(frontDoor.emulator.control.operations()).toEqual([]);
  });
});

it('meets only what it is meant for', async () => {
  const frontDoor = await startFrontDoor();
  const { control } = frontDoor.emulator;
  control.addFaults(
    { fault: 'error', status: 500, match: { operation: 'poll' } },
    { fault: 'poll-says', status: 'Running' },
    { fault: 'error', status: 500, match: { operation: 'token' } },
    { fault: 'error', status: 500, match: { pathIncludes: 'b.txt' } },
  );

  const accepted = await purge(frontDoor, order);
  expect(accepted.status).toBe(202);
  expect((await callArm(frontDoor, operationUrl(accepted))).status).toBe(500);
  expect((await callArm(frontDoor, operationUrl(accepted))).text).toContain('"status":"Running"');
  expect((await askForToken(frontDoor)).status).toBe(500);
  expect((await purge(frontDoor, { contentPaths: ['/b.txt'] })).status).toBe(500);
  expect(control.faults()).toEqual([]);
});

it('is controlled over HTTP', async () => {
  const { emulator } = await startFrontDoor();
  const control = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string,
  ): Promise<unknown> => {
    const answer = await request(emulator.controlUrl + path, { method, body: body ?? null });
    return [answer.statusCode, await answer.body.json()];
  };

  expect(await control('POST', '/faults', '{"fault":"throttle","times":2}')).toEqual([
    200,
    [{ fault: 'throttle', times: 2, match: {}, by: 'resource-manager' }],
  ]);
  expect(await control('DELETE', '/faults')).toEqual([200, []]);
  expect(await control('POST', '/clock', '{"advanceMs":60000,"speed":2}')).toEqual([
    200,
    { virtualNow: '2026-01-15T08:10:10.000Z', speed: 2 },
  ]);
  expect(await control('POST', '/settings', '{"purgeMs":5}')).toMatchObject([200, { purgeMs: 5 }]);
  for (const path of ['/purges', '/requests', '/operations', '/cache', '/faults']) {
    expect(await control('GET', path)).toEqual([200, []]);
  }
  expect(await control('POST', '/settings', '{"purgems":5}')).toMatchObject([
    400,
    { error: expect.stringContaining('purgems') },
  ]);
  expect(await control('POST', '/clock', 'fast')).toMatchObject([400, { error: 'The body is not JSON.' }]);
  expect(await control('POST', '/reset')).toMatchObject([200, {}]);
  expect(await control('GET', '/settings')).toMatchObject([200, { purgeMs: 120_000 }]);
  expect(await control('GET', '/nothing')).toMatchObject([
    404,
    { controls: expect.arrayContaining(['GET /_emulator/purges']) },
  ]);
});
