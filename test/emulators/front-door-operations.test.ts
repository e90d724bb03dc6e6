// The asynchronous protocol: what a 202 says, how a purge is asked about, and in which order purges run.
import { describe, expect, it } from 'vitest';
import {
  callArm,
  operationUrl,
  purge,
  purgeTarget,
  startFrontDoor,
  web,
  type ArmAnswer,
} from './front-door-support.ts';

const inProgress = { status: 'InProgress', error: { code: 'None', message: null } };
const succeeded = { status: 'Succeeded', error: { code: 'None', message: null } };
const read = ({ text }: ArmAnswer): unknown => JSON.parse(text);

it('accepts with an empty 202, two long signed URLs and the ids of Azure', async () => {
  const frontDoor = await startFrontDoor();
  const headers = { 'x-ms-client-request-id': 'mine', 'x-ms-return-client-request-id': 'true' };

  const answer = await purge(frontDoor, { contentPaths: ['/a'], domains: [web] }, { headers });

  expect(answer).toMatchObject({ status: 202, text: '' });
  expect(answer.headers).toMatchObject({
    'retry-after': '10',
    'x-ms-client-request-id': 'mine',
    'x-ms-request-id': expect.any(String),
    'x-ms-correlation-request-id': expect.any(String),
    'x-ms-routing-request-id': expect.any(String),
    'x-ms-ratelimit-remaining-subscription-resource-requests': '799',
    'x-ms-operation-identifier': expect.stringContaining('objectId='),
  });
  const url = operationUrl(answer);
  expect(url.length).toBeGreaterThan(4_096);
  expect(url).toContain('/resourcegroups/rg-Local/providers/Microsoft.Cdn/operationresults/');
  expect(operationUrl(answer, 'location')).toContain('/profileresults/afd-local/afdendpointresults/contoso?');
  const [logged] = frontDoor.emulator.control.purges();
  expect(logged).toMatchObject({
    clientRequestId: 'mine',
    correlationId: answer.headers['x-ms-correlation-request-id'],
  });
  expect(url).toContain(logged?.operationId);
});

it('sends no Retry-After where that is switched off, and one with a poll where that is switched on', async () => {
  const frontDoor = await startFrontDoor({
    behaviour: { retryAfterSeconds: null, pollRetryAfterSeconds: 30 },
  });

  const answer = await purge(frontDoor, { contentPaths: ['/a'] });
  const poll = await callArm(frontDoor, operationUrl(answer));

  expect(answer.headers['retry-after']).toBeUndefined();
  expect(poll.headers['retry-after']).toBe('30');
});

it('says InProgress until the time of the purge has passed, then Succeeded', async () => {
  const frontDoor = await startFrontDoor();
  const answer = await purge(frontDoor, { contentPaths: ['/a'] });
  const location = operationUrl(answer, 'location');

  frontDoor.passMs(119_999);
  expect(read(await callArm(frontDoor, operationUrl(answer)))).toEqual(inProgress);
  expect(await callArm(frontDoor, location)).toMatchObject({ status: 202, text: '' });
  frontDoor.passMs(1);
  expect(read(await callArm(frontDoor, operationUrl(answer)))).toEqual(succeeded);
  expect((await callArm(frontDoor, location)).status).toBe(200);
});

it('runs the purges of a profile one after the other, and those of another profile meanwhile', async () => {
  const frontDoor = await startFrontDoor({ behaviour: { purgeMs: 20 * 60_000 } });
  await purge(frontDoor, { contentPaths: ['/first'] });
  frontDoor.passMs(5 * 60_000);
  await purge(frontDoor, { contentPaths: ['/queued'] }, { target: purgeTarget('other') });
  await purge(frontDoor, { contentPaths: ['/elsewhere'] }, { target: purgeTarget('second', 'afd-second') });

  const statusesAfter = (ms: number): readonly string[] => {
    frontDoor.passMs(ms);
    return frontDoor.emulator.control.operations().map(({ status }) => status);
  };
  expect(statusesAfter(15 * 60_000)).toEqual(['Succeeded', 'InProgress', 'InProgress']);
  expect(statusesAfter(5 * 60_000)).toEqual(['Succeeded', 'InProgress', 'Succeeded']);
  expect(statusesAfter(15 * 60_000)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
});

it('runs as fast as it is told, and ends a purge without being asked', async () => {
  const ended = Promise.withResolvers<string>();
  const frontDoor = await startFrontDoor({
    speed: 10_000,
    now: () => new Date(),
    log: ({ event, message }) => {
      if (event === 'purge-ended') ended.resolve(message);
    },
  });

  await purge(frontDoor, { contentPaths: ['/a'] });

  expect(await ended.promise).toContain('Succeeded, after 120 s of virtual time');
});

it('changes its speed from that moment on', async () => {
  const frontDoor = await startFrontDoor();
  const { control } = frontDoor.emulator;
  const startedAt = control.clock().virtualNow;

  frontDoor.passRealMs(1_000);
  expect(control.clock()).toEqual({ virtualNow: startedAt, speed: 0 });
  control.changeClock({ speed: 60 });
  frontDoor.passRealMs(1_000);
  expect(Date.parse(control.clock().virtualNow) - Date.parse(startedAt)).toBe(60_000);
});

it.each(['Failed', 'Canceled'] as const)('tells why a purge is %s, and purges nothing', async (status) => {
  const frontDoor = await startFrontDoor();
  const { control } = frontDoor.emulator;
  control.addFaults({ fault: 'ends-in', status, code: 'PurgeFailed', message: 'no' });
  const answer = await purge(frontDoor, { contentPaths: ['/*'] });
  expect(read(await callArm(frontDoor, operationUrl(answer)))).toEqual(inProgress);

  frontDoor.passMs(120_000);

  expect(read(await callArm(frontDoor, operationUrl(answer)))).toEqual({
    status,
    error: { code: 'PurgeFailed', message: 'no' },
  });
  expect(frontDoor.logged).not.toContainEqual(expect.objectContaining({ event: 'evicted' }));
});

describe('an operation URL', () => {
  it.each([
    { what: 'without its query', change: (url: string) => url.replace(/&t=.*/u, ''), status: 400 },
    { what: 'with another signature', change: (url: string) => url.replace(/&s=./u, '&s=_'), status: 403 },
    { what: 'with another time', change: (url: string) => url.replace(/&t=6/u, '&t=5'), status: 403 },
    {
      what: 'of an unknown operation',
      change: (url: string) => url.replace(/operationresults\/........-/u, 'operationresults/00000000-'),
      status: 404,
    },
  ])('$what is refused', async ({ change, status }) => {
    const frontDoor = await startFrontDoor();
    const url = operationUrl(await purge(frontDoor, { contentPaths: ['/a'] }));

    expect((await callArm(frontDoor, change(url))).status).toBe(status);
  });

  it('needs a token, and the role to read', async () => {
    const frontDoor = await startFrontDoor();
    const url = operationUrl(await purge(frontDoor, { contentPaths: ['/a'] }));

    expect((await callArm(frontDoor, url, { headers: { authorization: null } })).status).toBe(401);
    frontDoor.emulator.control.changeSettings({ missingActions: ['Microsoft.Cdn/operationresults/read'] });
    expect((await callArm(frontDoor, url)).code).toBe('AuthorizationFailed');
  });

  it('lapses where that is switched on', async () => {
    const frontDoor = await startFrontDoor({ behaviour: { operationLapsesAfterMs: 60_000 } });
    const url = operationUrl(await purge(frontDoor, { contentPaths: ['/a'] }));

    frontDoor.passMs(180_000);
    expect((await callArm(frontDoor, url)).status).toBe(200);
    frontDoor.passMs(1);
    expect((await callArm(frontDoor, url)).status).toBe(404);
  });
});
