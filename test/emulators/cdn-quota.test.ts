// The CDN emulator's daily quotas: what counts, what is refused, and when a new day begins.
import { describe, expect, it } from 'vitest';
import {
  at,
  authorizationOf,
  callApi,
  purge,
  startCdn,
  subscription,
  webEndpoint,
  wildcardEndpoint,
  type ApiAnswer,
  type TestCdn,
} from './cdn-support.ts';

const fileUrl = 'http://www.contoso.localhost/a';
const directoryUrl = 'http://www.contoso.localhost/a/';

const kinds = [
  { list: 'Files', collection: 'purges', quota: 2_000, spent: { files: 2_000 }, url: fileUrl },
  { list: 'Directories', collection: 'purges', quota: 500, spent: { directories: 500 }, url: directoryUrl },
  { list: 'Files', collection: 'preloads', quota: 2_000, spent: { preloads: 2_000 }, url: fileUrl },
] as const;

describe.each(kinds)('$quota $list a day in $collection', ({ list, collection, quota, spent, url }) => {
  const spend = (cdn: TestCdn, count: number): Promise<ApiAnswer> =>
    callApi(cdn, {
      method: 'POST',
      target: at(collection),
      body: JSON.stringify({ [list]: Array.from({ length: count }, () => url) }),
    });

  it('are taken, one by one counted, and not one more', async () => {
    const cdn = await startCdn({ behaviour: { maxUrlsPerRequest: 5_000 } });

    const all = await spend(cdn, quota);
    const oneMore = await spend(cdn, 1);

    expect(all.status).toBe(202);
    expect(oneMore).toMatchObject({ status: 429, errorType: 'RequestThrottled' });
    expect(oneMore.headers['retry-after']).toBeUndefined();
    expect(cdn.emulator.control.quota().spent).toMatchObject([{ subscription, ...spent }]);
  });

  it('are refused whole when they do not all fit, and then count nothing', async () => {
    const cdn = await startCdn({ behaviour: { maxUrlsPerRequest: 5_000 } });

    const tooMany = await spend(cdn, quota + 1);
    const all = await spend(cdn, quota);

    expect([tooMany.status, all.status]).toEqual([429, 202]);
  });
});

it('refuses a mixed request whole when one of its lists does not fit', async () => {
  const cdn = await startCdn({ behaviour: { filesPerDay: 5, directoriesPerDay: 1 } });

  const tooManyDirectories = await purge(cdn, {
    Files: [fileUrl],
    Directories: [directoryUrl, directoryUrl],
  });
  const fits = await purge(cdn, { Files: Array.from({ length: 5 }, () => fileUrl) });

  expect([tooManyDirectories.status, fits.status]).toEqual([429, 202]);
});

it('counts by subscription, not by endpoint', async () => {
  const cdn = await startCdn({ behaviour: { filesPerDay: 1 } });

  const web = await purge(cdn, { Files: [fileUrl] });
  const media = await purge(
    cdn,
    { Files: ['http://media.contoso.localhost/a'] },
    { endpoint: wildcardEndpoint },
  );

  expect([web.status, media.status]).toEqual([202, 429]);
});

it('says when to come back only if told to', async () => {
  const cdn = await startCdn({ behaviour: { filesPerDay: 0, throttleRetryAfterSeconds: 3_600 } });

  const answer = await purge(cdn, { Files: [fileUrl] });

  expect(answer.headers['retry-after']).toBe('3600');
});

describe.each([
  { zone: 'UTC', quotaDayUtcOffsetHours: 0, lastSecond: '2024-01-15 23:59:59', reset: '2024-01-16 00:00:00' },
  {
    zone: 'UTC+8',
    quotaDayUtcOffsetHours: 8,
    lastSecond: '2024-01-15 15:59:59',
    reset: '2024-01-15 16:00:00',
  },
])('a day in $zone', ({ quotaDayUtcOffsetHours, lastSecond, reset }) => {
  it(`ends after ${lastSecond} UTC`, async () => {
    const cdn = await startCdn({ behaviour: { filesPerDay: 1, quotaDayUtcOffsetHours } });
    await purge(cdn, { Files: [fileUrl] });
    const purgeAt = async (date: string): Promise<number> => {
      cdn.setNow(`${date.replace(' ', 'T')}Z`);
      return (await purge(cdn, { Files: [fileUrl] }, { date })).status;
    };

    const { resetsAt } = cdn.emulator.control.quota().spent[0] ?? {};

    expect(await purgeAt(lastSecond)).toBe(429);
    expect(await purgeAt(reset)).toBe(202);
    expect(resetsAt).toBe(`${reset.replace(' ', 'T')}.000Z`);
  });
});

it('is not spent by what is refused for another reason', async () => {
  const cdn = await startCdn({ behaviour: { filesPerDay: 1 } });

  await purge(cdn, { Files: ['http://evil.example/a'] });
  const target = at('purges', webEndpoint);
  const authorization = authorizationOf('GET', target, '2024-01-15 08:09:10', { id: 'x', value: 'y' });
  await purge(cdn, { Files: [fileUrl] }, { headers: { authorization } });

  expect((await purge(cdn, { Files: [fileUrl] })).status).toBe(202);
});
