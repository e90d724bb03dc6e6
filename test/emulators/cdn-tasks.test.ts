// The CDN emulator's asynchronous answers: purges, preloads and operations on their way, and the endpoints.
import { describe, expect, it } from 'vitest';
import {
  at,
  callApi,
  fetchEdge,
  present,
  purge,
  readKey,
  startCdn,
  subscription,
  webEndpoint,
  wildcardEndpoint,
  type TestCdn,
} from './cdn-support.ts';

const fileUrl = 'http://www.contoso.localhost/dir/a.txt';
const directoryUrl = 'http://www.contoso.localhost/dir/';
const both = { Files: [fileUrl], Directories: [directoryUrl] };

async function startPurge(cdn: TestCdn, lists: Parameters<typeof purge>[1] = both): Promise<string> {
  return present((await purge(cdn, lists)).taskId, 'the task id');
}

async function read(cdn: TestCdn, collection: string): Promise<unknown> {
  return (await callApi(cdn, { target: at(collection), key: readKey })).json;
}

describe('a purge', () => {
  it('runs, files for a short and directories for a longer time, and then succeeded', async () => {
    const cdn = await startCdn({ behaviour: { fileTaskMs: 300, directoryTaskMs: 800 } });
    const taskId = await startPurge(cdn);
    const seen: unknown[] = [await read(cdn, `purges/${taskId}`)];
    for (const ms of [299, 1, 499, 1]) {
      cdn.passMs(ms);
      seen.push(await read(cdn, `purges/${taskId}`));
    }

    expect(seen).toEqual(
      [
        ['Running', 'Running'],
        ['Running', 'Running'],
        ['Succeed', 'Running'],
        ['Succeed', 'Running'],
        ['Succeed', 'Succeed'],
      ].map(([file, directory]) => ({
        Files: [{ Url: fileUrl, Status: file }],
        Directories: [{ Url: directoryUrl, Status: directory }],
      })),
    );
  });

  it.each([{ itemSuccessWord: 'Succeed' as const }, { itemSuccessWord: 'Succeeded' as const }])(
    'ends in the word $itemSuccessWord',
    async ({ itemSuccessWord }) => {
      const cdn = await startCdn({ behaviour: { itemSuccessWord } });
      const taskId = await startPurge(cdn, { Files: [fileUrl] });
      cdn.passMs(1_000);

      expect(await read(cdn, `purges/${taskId}`)).toEqual({
        Files: [{ Url: fileUrl, Status: itemSuccessWord }],
        Directories: [],
      });
    },
  );

  it('waits first when told to, as preloads do', async () => {
    const cdn = await startCdn({ behaviour: { purgeItemsWait: true, fileTaskMs: 300 } });
    const taskId = await startPurge(cdn, { Files: [fileUrl] });

    const first = await read(cdn, `purges/${taskId}`);
    cdn.passMs(200);
    const second = await read(cdn, `purges/${taskId}`);

    expect([first, second]).toMatchObject([
      { Files: [{ Status: 'Waiting' }] },
      { Files: [{ Status: 'Running' }] },
    ]);
  });

  it.each([
    { collection: 'purges/b520c544-ec34-4ac4-86f5-5394363919c3' },
    { collection: 'preloads/b520c544-ec34-4ac4-86f5-5394363919c3' },
    { collection: 'operations/b520c544-ec34-4ac4-86f5-5394363919c3' },
  ])('that nobody started is not found at $collection', async ({ collection }) => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { target: at(collection) });

    expect(answer).toMatchObject({ status: 404, errorType: 'ParameterInvalid' });
  });

  it('is found at its own endpoint only, and not among preloads', async () => {
    const cdn = await startCdn();
    const taskId = await startPurge(cdn);

    const elsewhere = await callApi(cdn, { target: at(`purges/${taskId}`, wildcardEndpoint) });
    const asPreload = await callApi(cdn, { target: at(`preloads/${taskId}`) });

    expect([elsewhere.status, asPreload.status]).toEqual([404, 404]);
  });
});

describe('an operation', () => {
  it('has the one overall status and the times that the purge query lacks', async () => {
    const cdn = await startCdn({ behaviour: { fileTaskMs: 300, directoryTaskMs: 800 } });
    const taskId = await startPurge(cdn);

    const running = await read(cdn, `operations/${taskId}`);
    cdn.passMs(800);
    const ended = await read(cdn, `operations/${taskId}`);

    const constant = {
      Id: taskId,
      Type: 'Purge',
      Message: null,
      Start: '2024-01-15T08:09:10.000Z',
      EndpointId: webEndpoint,
      SubscriptionId: subscription,
    };
    expect(running).toEqual({ ...constant, Status: 'Processing', End: null });
    expect(ended).toEqual({ ...constant, Status: 'Succeeded', End: '2024-01-15T08:09:10.800Z' });
  });

  it('failed if one of its items failed', async () => {
    const cdn = await startCdn();
    cdn.emulator.control.addFaults({ fault: 'failing-items', failing: 'b.txt' });
    const taskId = await startPurge(cdn, { Files: [fileUrl, 'http://www.contoso.localhost/b.txt'] });
    cdn.passMs(1_000);

    expect(await read(cdn, `operations/${taskId}`)).toMatchObject({ Status: 'Failed' });
    expect(await read(cdn, `purges/${taskId}`)).toMatchObject({
      Files: [{ Status: 'Succeed' }, { Status: 'Failed' }],
    });
  });
});

describe('a preload', () => {
  it('waits, runs, fills the edge, and fails for what the origin does not have', async () => {
    const cdn = await startCdn({ behaviour: { preloadTaskMs: 300 } });
    cdn.origin.blobs.set('$web/dir/a.txt', 'content');
    const missing = 'http://www.contoso.localhost/missing';
    const started = await callApi(cdn, {
      method: 'POST',
      target: at('preloads'),
      body: JSON.stringify({ Files: [fileUrl, missing] }),
    });
    const collection = `preloads/${present(started.taskId, 'the task id')}`;

    const first = await read(cdn, collection);
    cdn.passMs(150);
    const second = await read(cdn, collection);
    cdn.passMs(150);
    await read(cdn, collection);
    const last = await read(cdn, collection);
    const served = await fetchEdge(cdn, 'www.contoso.localhost', '/dir/a.txt');

    const items = (there: string, gone: string): unknown => ({
      Files: [
        { Url: fileUrl, Status: there },
        { Url: missing, Status: gone },
      ],
    });
    expect(started.status).toBe(202);
    expect([first, second, last]).toEqual([
      items('Waiting', 'Waiting'),
      items('Running', 'Running'),
      items('Succeed', 'Failed'),
    ]);
    expect(served).toMatchObject({ cache: 'HIT', text: 'content' });
  });

  it('has no directories', async () => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, {
      method: 'POST',
      target: at('preloads'),
      body: JSON.stringify({ Directories: [directoryUrl] }),
    });

    expect(answer.errorType).toBe('ParameterMissing');
  });
});

describe('endpoints', () => {
  const list = `/subscriptions/${subscription}/endpoints?apiVersion=1.0`;
  const one = `/subscriptions/${subscription}/endpoints/${webEndpoint}?apiVersion=1.0`;

  it('are listed as a bare array, those of the subscription only, in the shape that was observed', async () => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { target: list });

    expect(answer.json).toMatchObject([
      { EndpointId: webEndpoint, Settings: { CustomDomain: 'www.contoso.localhost' } },
      { EndpointId: wildcardEndpoint, Settings: { CustomDomain: '*.contoso.localhost' } },
      { Settings: { CustomDomain: 'old.fabrikam.localhost' }, Status: { Enabled: false } },
    ]);
  });

  it('have, observed, EndpointId, Settings and booleans', async () => {
    const cdn = await startCdn({ behaviour: { endpointShape: 'observed' } });

    const answer = await callApi(cdn, { target: one });

    expect(answer.json).toMatchObject({
      EndpointId: webEndpoint,
      Settings: { CustomDomain: 'www.contoso.localhost', CName: 'www.contoso.localhost.mschcdn.com' },
      Status: {
        Enabled: true,
        CNameConfigured: true,
        LifetimeStatus: 'Normal',
        IcpVerifyStatus: 'IcpVerified',
      },
    });
    expect(answer.json).not.toHaveProperty('EndpointID');
  });

  it('have, documented, EndpointID, Setting and booleans as strings', async () => {
    const cdn = await startCdn({ behaviour: { endpointShape: 'documented' } });

    const answer = await callApi(cdn, { target: one });

    expect(answer.json).toMatchObject({
      EndpointID: webEndpoint,
      Setting: { CustomDomain: 'www.contoso.localhost', ServiceType: 'Web' },
      Status: { Enabled: 'true', CNameConfigured: 'true', FreeTrialExpired: 'false' },
    });
    expect(answer.json).not.toHaveProperty('Settings');
    expect(answer.json).not.toHaveProperty('Setting.CName');
  });

  it('never name the origin as the host that is accelerated', async () => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { target: one });

    expect(answer.json).toMatchObject({ Settings: { Host: 'origin-www.contoso.localhost' } });
  });
});

it('adds members that no page documents when told to', async () => {
  const cdn = await startCdn({ behaviour: { extraAnswerMembers: true } });

  const answer = await purge(cdn, both);

  expect(answer.json).toMatchObject({ Succeeded: true, ServerRegion: 'local' });
});
