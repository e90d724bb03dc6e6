// Two keys and two clocks: what is sent again, with which key and at which time, and who is told.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createClockOffset } from '../../../../src/lib/providers/azure-china-cdn/clock-offset.ts';
import { describePurge } from '../../../../src/lib/providers/azure-china-cdn/request.ts';
import { signedCalls } from '../../../../src/lib/providers/azure-china-cdn/signed-calls.ts';
import type { HttpRequest, HttpResult } from '../../../../src/lib/providers/http/send.ts';
import { aCdn, aTarget, ENDPOINT } from '../../../support/builders.ts';
import { createFakeClock, START_AT } from '../../../support/fake-clock.ts';

const FIRST = { id: 'first-id', value: 'canary-first' };
const SECOND = { id: 'second-id', value: 'canary-second' };
const REQUEST = describePurge(aCdn(), {
  endpointId: ENDPOINT,
  files: [aTarget('/a').url],
  directories: [],
});
const MINUTE_MS = 60_000;

type Headers = Readonly<Record<string, string>>;

const answered = (status: number, body: unknown, headers: Headers = {}): HttpResult => ({
  kind: 'answered',
  status,
  headers: new Map(Object.entries(headers)),
  text: typeof body === 'string' ? body : JSON.stringify(body),
});
const taken = answered(202, { Succeeded: true, AsyncInfo: { TaskTrackId: 'task-1' } });
const refused = (errorType: string, status = 401, headers: Headers = {}): HttpResult =>
  answered(status, { Succeeded: false, ErrorInfo: { Type: errorType, Message: 'Words.' } }, headers);
const lost: HttpResult = { kind: 'no-answer', reason: 'timed-out', sent: true, detail: 'silence' };
const expired = (date: string | undefined): HttpResult =>
  refused('AuthorizationHeaderExpired', 401, date === undefined ? {} : { date });
const headerOf = (atMs: number): string => new Date(atMs).toUTCString();

type Answer = (request: {
  readonly key: string;
  readonly atMs: number;
  readonly number: number;
}) => HttpResult;

function calls(answer: Answer, { second = SECOND, offset = createClockOffset() } = {}) {
  const clock = createFakeClock();
  const keys: string[] = [];
  const times: number[] = [];
  const reports: (string | number)[] = [];
  let answering = answer;
  const sender = async ({ headers }: HttpRequest): Promise<HttpResult> => {
    const key = /^AzureCDN (?<id>[^:]+):/u.exec(headers['authorization'] ?? '')?.groups?.['id'] ?? '';
    const atMs = Date.parse(`${headers['x-azurecdn-request-date']?.replace(' ', 'T')}Z`);
    keys.push(key);
    times.push(atMs - clock.now());
    return answering({ key, atMs, number: keys.length });
  };
  const note = (report: string | number): void => {
    reports.push(report);
  };
  const call = signedCalls({ first: FIRST, second }, sender, clock, offset, {
    onKeySlot: note,
    onClockOffset: note,
  });
  return {
    clock,
    /** Key ids, in the order of the requests. */
    keys,
    /** How far each signature's date was ahead of our clock. */
    times,
    reports,
    offset,
    call: () => call(REQUEST),
    answerBy: (next: Answer): void => {
      answering = next;
    },
  };
}

const never = (): never => expect.fail('nothing is to be told');

const onlyTakes =
  (id: string): Answer =>
  ({ key }) =>
    key === id ? taken : refused('ApiKeyNotFound');

describe('with two keys', () => {
  it('the first alone is used while it works', async () => {
    const { call, keys, reports } = calls(() => taken);
    expect(await call()).toBe(taken);
    await call();
    expect(keys).toEqual([FIRST.id, FIRST.id]);
    expect(reports).toEqual([]);
  });

  it.each(['CredentialInvalid', 'ApiKeyNotFound', 'InvalidApiKey', 'WrongSignature', 'PermissionDenied'])(
    'the second takes over when the first is refused by %s, and is told of once, by its slot',
    async (errorType) => {
      const { call, keys, reports } = calls(({ key }) => (key === SECOND.id ? taken : refused(errorType)));
      expect(await call()).toBe(taken);
      expect(await call()).toBe(taken);
      expect(keys).toEqual([FIRST.id, SECOND.id, SECOND.id]);
      expect(reports).toEqual(['second']);
    },
  );

  it('the first takes over again when the second is refused and the first works', async () => {
    const { call, keys, reports, answerBy } = calls(onlyTakes(SECOND.id));
    await call();
    answerBy(onlyTakes(FIRST.id));
    expect(await call()).toBe(taken);
    await call();
    expect(keys).toEqual([FIRST.id, SECOND.id, SECOND.id, FIRST.id, FIRST.id]);
    expect(reports).toEqual(['second', 'first']);
  });

  it('the refusal of the one in use is the answer when both are refused, and nothing changes', async () => {
    const { call, keys, reports } = calls(({ key }) =>
      refused(key === FIRST.id ? 'InvalidApiKey' : 'ApiKeyNotFound'),
    );
    expect(await call()).toEqual(refused('InvalidApiKey'));
    await call();
    expect(keys).toEqual([FIRST.id, SECOND.id, FIRST.id, SECOND.id]);
    expect(reports).toEqual([]);
  });

  it.each([
    ['nothing', lost],
    ['a gateway’s page', answered(502, '<html>')],
    ['an internal error', refused('InternalError', 500)],
    ['a refusal from before the key is looked at', refused('MissingRequestDateHeader', 400)],
  ])('the second is not said to work when it is answered by %s', async (_what, answer) => {
    const { call, keys, reports } = calls(({ key }) =>
      key === SECOND.id ? answer : refused('ApiKeyNotFound'),
    );
    expect(await call()).toBe(answer);
    await call();
    expect(keys.slice(2)).toEqual([FIRST.id, SECOND.id]);
    expect(reports).toEqual([]);
  });

  it.each([
    ['an item', refused('ParameterInvalid', 400)],
    ['the endpoint', refused('EndpointNotFound', 404)],
    ['the pace', refused('RequestThrottled', 429)],
  ])('the second is known to work when %s is what the CDN refuses', async (_what, answer) => {
    const { call, reports } = calls(({ key }) => (key === SECOND.id ? answer : refused('ApiKeyNotFound')));
    expect(await call()).toBe(answer);
    expect(reports).toEqual(['second']);
  });

  it('a change is told once, though many calls found it at the same time', async () => {
    const { call, reports } = calls(onlyTakes(SECOND.id));
    await Promise.all([call(), call(), call()]);
    expect(reports).toEqual(['second']);
  });

  it.each([
    ['refused for anything else', refused('EndpointNotFound', 404)],
    ['not answered', lost],
  ])('the second is not tried when the first is %s', async (_what, answer) => {
    const { call, keys } = calls(() => answer);
    expect(await call()).toBe(answer);
    expect(keys).toEqual([FIRST.id]);
  });
});

describe('with one key', () => {
  it('a refused key is not tried again', async () => {
    const keys: string[] = [];
    const sender = async (): Promise<HttpResult> => {
      keys.push('sent');
      return refused('ApiKeyNotFound');
    };
    const reports = { onKeySlot: never, onClockOffset: never };
    const one = { first: FIRST, second: undefined };
    const call = signedCalls(one, sender, createFakeClock(), createClockOffset(), reports);
    expect(await call(REQUEST)).toEqual(refused('ApiKeyNotFound'));
    expect(keys).toHaveLength(1);
  });
});

describe('a signature that has expired', () => {
  /** A CDN whose clock is so far ahead of ours, with a tolerance of a minute. */
  const clockAhead =
    (aheadMs: number, ourMs: () => number): Answer =>
    ({ atMs }) =>
      Math.abs(atMs - (ourMs() + aheadMs)) > MINUTE_MS ? expired(headerOf(ourMs() + aheadMs)) : taken;

  it.each([
    ['ahead', 20 * MINUTE_MS],
    ['behind', -20 * MINUTE_MS],
    ['a year ahead', 365 * 24 * 60 * MINUTE_MS],
  ])('is made once more at the CDN’s time, which stays: %s', async (_what, aheadMs) => {
    const world = calls(() => taken);
    world.answerBy(clockAhead(aheadMs, () => world.clock.now()));
    expect(await world.call()).toBe(taken);
    world.clock.advance(MINUTE_MS);
    expect(await world.call()).toBe(taken);
    expect(world.times).toEqual([0, aheadMs, aheadMs]);
    expect(world.reports).toEqual([aheadMs]);
  });

  it('is told of again when the clocks drift apart anew', async () => {
    const world = calls(() => taken);
    world.answerBy(clockAhead(2 * MINUTE_MS, () => world.clock.now()));
    await world.call();
    world.answerBy(clockAhead(-3 * MINUTE_MS, () => world.clock.now()));
    await world.call();
    expect(world.reports).toEqual([2 * MINUTE_MS, -3 * MINUTE_MS]);
  });

  it('is told of once, though many calls found it at the same time', async () => {
    const world = calls(() => taken);
    world.answerBy(clockAhead(20 * MINUTE_MS, () => world.clock.now()));
    await Promise.all([world.call(), world.call(), world.call()]);
    expect(world.reports).toEqual([20 * MINUTE_MS]);
  });

  it('has an offset that outlives a change of the configuration', async () => {
    const offset = createClockOffset();
    const before = calls(() => taken, { offset });
    before.answerBy(clockAhead(20 * MINUTE_MS, () => before.clock.now()));
    await before.call();
    const after = calls(() => taken, { offset });
    await after.call();
    expect(after.times).toEqual([20 * MINUTE_MS]);
    expect(after.reports).toEqual([]);
  });

  it.each([
    ['there is none', undefined],
    ['it is empty', ''],
    ['it is words', 'yesterday'],
    ['it is a number', '1'],
    ['it is another form of date', '2024-01-15T08:09:10Z'],
    ['it is no day', 'Mon, 99 Foo 2024 08:10:10 GMT'],
  ])('is the answer when the Date header says nothing: %s', async (_what, date) => {
    const { call, keys, reports } = calls(() => expired(date));
    expect(await call()).toEqual(expired(date));
    expect(keys).toHaveLength(1);
    expect(reports).toEqual([]);
  });

  it('is the answer when the CDN does not keep to its own Date header, and that offset is dropped', async () => {
    const world = calls(() => expired(headerOf(START_AT + 20 * MINUTE_MS)));
    await world.call();
    await world.call();
    expect(world.times).toEqual([0, 20 * MINUTE_MS, 0, 20 * MINUTE_MS]);
    expect(world.reports).toEqual([]);
  });

  it('and a refused key are both mended within three requests', async () => {
    const world = calls(() => taken);
    const late = START_AT + 20 * MINUTE_MS;
    world.answerBy(({ key, atMs }) =>
      atMs < late ? expired(headerOf(late)) : key === SECOND.id ? taken : refused('InvalidApiKey'),
    );
    expect(await world.call()).toBe(taken);
    expect(world.keys).toEqual([FIRST.id, FIRST.id, SECOND.id]);
    expect(world.reports).toEqual([20 * MINUTE_MS, 'second']);
  });
});

describe('whatever is answered', () => {
  const answers = fc.constantFrom(
    taken,
    lost,
    expired(undefined),
    expired('Mon, 15 Jan 2024 09:09:10 GMT'),
    expired('Mon, 15 Jan 2024 07:09:10 GMT'),
    refused('WrongSignature'),
    refused('InvalidApiKey'),
    refused('RequestThrottled', 429),
    answered(502, '<html>'),
  );

  it('one call is at most three requests, and no report holds a key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(answers, { minLength: 30, maxLength: 30 }), async (script) => {
        const { call, keys, reports } = calls(({ number }) => script[number - 1] ?? taken);
        for (let turn = 0; turn < 5; turn += 1) {
          const before = keys.length;
          await call();
          expect(keys.length - before).toBeLessThanOrEqual(3);
        }
        expect(JSON.stringify(reports)).not.toMatch(/canary|-id/u);
      }),
    );
  });
});
