// Which signatures the CDN emulator takes, and which it refuses: published vectors, dates and path cases.
import { describe, expect, it } from 'vitest';
import { parseRequestDate } from '../../dev/cdn-emulator/signature-check.ts';
import {
  at,
  authorizationOf,
  callApi,
  present,
  purge,
  startCdn,
  subscription,
  vectors,
  webEndpoint,
  writeKey,
  type ApiAnswer,
  type TestCdn,
} from './cdn-support.ts';

const file = JSON.stringify({ Files: ['http://www.contoso.localhost/a.png'] });
const v1 = present(
  vectors.accept.find(({ name }) => name === 'V1'),
  'V1',
);
const modes = ['strict', 'csharp', 'either'] as const;

interface Signed {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly date: string;
  readonly authorization: string;
}

function send(cdn: TestCdn, { method, url, date, authorization }: Signed): Promise<ApiAnswer> {
  const { pathname, search } = new URL(url);
  return callApi(cdn, {
    method,
    target: pathname + search,
    date,
    headers: { authorization },
    ...(method === 'POST' ? { body: file } : {}),
  });
}

/** The moment that a request date names. */
function instantOf(date: string): string {
  return present(parseRequestDate(date), date).toISOString();
}

describe('published signatures', () => {
  const cases = vectors.accept.flatMap((vector) => modes.map((pathCase) => ({ ...vector, pathCase })));

  it.each(cases)('takes $name when the path case is $pathCase', async ({ pathCase, ...vector }) => {
    const cdn = await startCdn({
      behaviour: { pathCase },
      newTaskId: () => 'b520c544-ec34-4ac4-86f5-5394363919c3',
    });
    cdn.setNow(instantOf(vector.date));
    await purge(cdn, { Files: ['http://www.contoso.localhost/'] }, { date: vector.date });

    const answer = await send(cdn, vector);

    expect(answer.text).not.toContain('ErrorInfo');
    expect(answer.status).toBe(vector.method === 'POST' ? 202 : 200);
  });

  it.each(modes.flatMap((pathCase) => vectors.reject.map((vector) => ({ ...vector, pathCase }))))(
    'refuses "$name" when the path case is $pathCase',
    async ({ pathCase, ...vector }) => {
      const { method = v1.method, url = v1.url, date = v1.date } = vector;
      const cdn = await startCdn({ behaviour: { pathCase } });
      cdn.setNow(instantOf(date));

      const answer = await send(cdn, { method, url, date, authorization: authorizationHeader(vector.hex) });

      expect(answer).toMatchObject({ status: 401, errorType: 'WrongSignature' });
    },
  );

  it('takes the same unsorted query when it is signed sorted', async () => {
    const unsorted = present(
      vectors.reject.find(({ correct }) => correct !== undefined),
      'the unsorted vector',
    );
    const { method = 'GET', url = '', date = '', correct = '' } = unsorted;
    const cdn = await startCdn();
    cdn.setNow(instantOf(date));

    const answer = await send(cdn, { method, url, date, authorization: authorizationHeader(correct) });

    expect(answer.status).toBe(501);
  });

  it('refuses a 12-hour date as expired, although its signature is right (V2b)', async () => {
    const cdn = await startCdn();
    cdn.setNow('2024-12-31T23:59:59Z');
    const hex = '9EE1D9958EA00822F52721AAEA8F46017A0046DEBA516F65C49682BF830EAF32';

    const answer = await send(cdn, {
      ...v1,
      date: '2024-12-31 11:59:59',
      authorization: authorizationHeader(hex),
    });

    expect(answer.errorType).toBe('AuthorizationHeaderExpired');
  });

  it.each([
    { acceptLowerCaseHex: false, status: 401, errorType: 'WrongSignature' },
    { acceptLowerCaseHex: true, status: 202, errorType: undefined },
  ])(
    'answers $status to a lower-case digest when acceptLowerCaseHex is $acceptLowerCaseHex',
    async ({ acceptLowerCaseHex, status, errorType }) => {
      const cdn = await startCdn({ behaviour: { acceptLowerCaseHex } });
      const [scheme = '', digest = ''] = v1.authorization.split(':');

      const answer = await send(cdn, { ...v1, authorization: `${scheme}:${digest.toLowerCase()}` });

      expect(answer).toMatchObject({ status, errorType });
    },
  );
});

describe('ids in upper case', () => {
  // V7 of the vectors' description: the same path signed as sent, and lower-cased as the C# sample does.
  const target = at('purges', webEndpoint.toUpperCase());
  const asSent = authorizationHeader('F03DE4BD2EB237079C814B51F705019ECF0BE512587C1D4F6E755C1D26807E01');
  const lowered = v1.authorization;

  it.each([
    { pathCase: 'strict', signed: 'as sent', authorization: asSent, status: 202 },
    { pathCase: 'strict', signed: 'lower-cased', authorization: lowered, status: 401 },
    { pathCase: 'csharp', signed: 'as sent', authorization: asSent, status: 401 },
    { pathCase: 'csharp', signed: 'lower-cased', authorization: lowered, status: 202 },
    { pathCase: 'either', signed: 'as sent', authorization: asSent, status: 202 },
    { pathCase: 'either', signed: 'lower-cased', authorization: lowered, status: 202 },
  ] as const)(
    'signed $signed get $status when the path case is $pathCase',
    async ({ pathCase, authorization, status }) => {
      const cdn = await startCdn({ behaviour: { pathCase } });

      const answer = await callApi(cdn, { method: 'POST', target, body: file, headers: { authorization } });

      expect(answer.status).toBe(status);
    },
  );
});

describe('the signature covers', () => {
  const target = at('purges');
  const date = '2024-01-15 08:09:10';

  it.each([
    { part: 'the method', signed: authorizationOf('GET', target, date, writeKey) },
    { part: 'the path', signed: authorizationOf('POST', at('preloads'), date, writeKey) },
    { part: 'the query', signed: authorizationOf('POST', target.replace('1.0', '2.0'), date, writeKey) },
    { part: 'the date', signed: authorizationOf('POST', target, '2024-01-15 08:09:11', writeKey) },
    { part: 'the key', signed: authorizationOf('POST', target, date, { ...writeKey, value: 'another' }) },
  ])('$part', async ({ signed }) => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, {
      method: 'POST',
      target,
      date,
      body: file,
      headers: { authorization: signed },
    });

    expect(answer.errorType).toBe('WrongSignature');
  });
});

describe('the request date', () => {
  it.each(['2024-1-15 8:9:10', '2024-01-15 08:09:10', '2024-01-15 8:9:10'])('takes %s', async (date) => {
    const cdn = await startCdn();

    const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/a'] }, { date });

    expect(answer.status).toBe(202);
  });

  it.each([
    '2024-01-15T08:09:10Z',
    '2024-01-15 08:09:10Z',
    '2024-01-15 08:09',
    '2024-02-30 08:09:10',
    '2024-01-15 24:00:00',
    '2024-01-15 08:60:00',
    'Mon, 15 Jan 2024 08:09:10 GMT',
    '1705306150',
  ])('refuses %s', async (date) => {
    const cdn = await startCdn();

    const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/a'] }, { date });

    expect(answer).toMatchObject({ status: 400, errorType: 'InvalidRequestDateHeader' });
  });

  it.each([
    { clock: '2024-01-15T08:24:10Z', errorType: undefined },
    { clock: '2024-01-15T08:24:11Z', errorType: 'AuthorizationHeaderExpired' },
    { clock: '2024-01-15T07:54:10Z', errorType: undefined },
    { clock: '2024-01-15T07:54:09Z', errorType: 'AuthorizationHeaderExpired' },
  ])('sent at 08:09:10 gets $errorType when the clock says $clock', async ({ clock, errorType }) => {
    const cdn = await startCdn();
    cdn.setNow(clock);

    const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/a'] });

    expect(answer.errorType).toBe(errorType);
  });

  it('has a window that can be set', async () => {
    const cdn = await startCdn({ behaviour: { dateSkewSeconds: 60 } });
    cdn.passMs(61_000);

    const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/a'] });

    expect(answer.errorType).toBe('AuthorizationHeaderExpired');
  });

  it('expires a replayed request, which is genuine as long as the window is open', async () => {
    const cdn = await startCdn();

    const first = await send(cdn, v1);
    const replayed = await send(cdn, v1);
    cdn.passMs(16 * 60_000);
    const late = await send(cdn, v1);

    expect([first.status, replayed.status]).toEqual([202, 202]);
    expect(late.errorType).toBe('AuthorizationHeaderExpired');
  });
});

it('never keeps the Authorization header', async () => {
  const cdn = await startCdn();

  await purge(cdn, { Files: ['http://www.contoso.localhost/a'] });
  await callApi(cdn, { target: `/subscriptions/${subscription}/endpoints?apiVersion=2.0` });

  const kept = JSON.stringify([cdn.emulator.control.requests(), cdn.emulator.control.purges(), cdn.logged]);
  expect(cdn.emulator.control.requests()).toHaveLength(2);
  expect(kept).not.toMatch(/[0-9A-F]{64}/u);
  expect(kept).not.toContain(writeKey.value);
});

function authorizationHeader(hex: string): string {
  return `AzureCDN ${writeKey.id}:${hex}`;
}
