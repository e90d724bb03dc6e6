// What the API's answers come to. They are parsed, never trusted.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readEndpointList, readPurgeAnswer } from '../../../../src/lib/providers/azure-china-cdn/answer.ts';
import { classOfFailure } from '../../../../src/lib/providers/azure-china-cdn/outcome-classes.ts';
import type { HttpResult } from '../../../../src/lib/providers/http/send.ts';
import { ENDPOINT, HOST } from '../../../support/builders.ts';
import { START_AT } from '../../../support/fake-clock.ts';

const CORRELATION = 'b520c544-ec34-4ac4-86f5-5394363919c3';

function answered(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResult {
  return {
    kind: 'answered',
    status,
    headers: new Map(Object.entries({ 'x-correlation-id': CORRELATION, ...headers })),
    text: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

const read = (result: HttpResult) => readPurgeAnswer(result, START_AT);

const TAKEN = {
  Succeeded: true,
  IsAsync: true,
  AsyncInfo: { TaskTrackId: 'task-1', TaskStatus: 'Processing' },
};

const refusal = (type: string, message: unknown = 'Words.') => ({
  Succeeded: false,
  ErrorInfo: { Type: type, Message: message },
});

describe('a purge is accepted', () => {
  it.each([
    ['as documented', TAKEN],
    ['without Succeeded', { AsyncInfo: { TaskTrackId: 'task-1' } }],
    ['with fields that nobody knows', { ...TAKEN, Extra: [1, { a: null }] }],
    ['with an empty ErrorInfo', { ...TAKEN, ErrorInfo: null }],
  ])('by a 202 %s', (_what, body) => {
    expect(read(answered(202, body))).toEqual({
      kind: 'accepted',
      taskId: 'task-1',
      correlationId: CORRELATION,
    });
  });

  it('also where the correlation id is missing', () => {
    const result: HttpResult = {
      kind: 'answered',
      status: 202,
      headers: new Map(),
      text: JSON.stringify(TAKEN),
    };
    expect(read(result)).toEqual({ kind: 'accepted', taskId: 'task-1', correlationId: undefined });
  });
});

describe('a purge is not accepted', () => {
  it.each([
    ['a 202 without a task id', 202, { Succeeded: true, IsAsync: true, AsyncInfo: {} }],
    ['a 202 with an empty task id', 202, { ...TAKEN, AsyncInfo: { TaskTrackId: '' } }],
    ['a 202 with a number for a task id', 202, { ...TAKEN, AsyncInfo: { TaskTrackId: 7 } }],
    ['a 202 without AsyncInfo', 202, { Succeeded: true }],
    ['a 202 that did not succeed but does not say why', 202, { ...TAKEN, Succeeded: false }],
    ['a 200 with the body of a 202', 200, TAKEN],
    ['an empty body', 202, ''],
    ['an empty object', 202, {}],
    ['an array', 202, [TAKEN]],
    ['null', 202, null],
    ['a string', 202, '"ok"'],
    ['a cut body', 202, '{"Succeeded":true,"AsyncInfo":{"Task'],
    ['a page of a gateway', 502, '<html><body>502 Bad Gateway</body></html>'],
    ['a redirect', 302, ''],
    ['an error without a type', 500, { Succeeded: false, ErrorInfo: { Message: 'Words.' } }],
    ['an error with an empty type', 500, refusal('')],
    ['an error without ErrorInfo', 400, { Succeeded: false, ErrorInfo: null }],
    ['not found', 404, ''],
  ])('by %s', (_what, status, body) => {
    expect(read(answered(status, body))).toEqual({
      kind: 'failed',
      reason: 'unreadable-answer',
      detail: `status ${status}: not the answer that a purge has`,
      sent: true,
      outcomeClass: classOfFailure('unreadable-answer', status),
      status,
      retryAfterMs: undefined,
      correlationId: CORRELATION,
    });
  });

  it('never quotes a body that it cannot read', () => {
    const outcome = read(answered(502, '<html>secret-token</html>'));
    expect(JSON.stringify(outcome)).not.toContain('secret-token');
  });
});

describe('a refusal', () => {
  it.each([
    ['CredentialInvalid', 401, 'credentials-refused'],
    ['ParameterMissing', 400, 'request-refused'],
    ['ParameterInvalid', 400, 'item-refused'],
    ['MissingAuthorizationHeader', 401, 'request-refused'],
    ['InvalidRequestDateHeader', 400, 'request-refused'],
    ['MissingRequestDateHeader', 400, 'request-refused'],
    ['AuthorizationHeaderExpired', 401, 'request-refused'],
    ['InvalidAuthorizationHeader', 401, 'request-refused'],
    ['ApiKeyNotFound', 401, 'credentials-refused'],
    ['InvalidApiKey', 401, 'credentials-refused'],
    ['WrongSignature', 401, 'credentials-refused'],
    ['SubscriptionNotFound', 404, 'request-refused'],
    ['EndpointDoesNotBelongToSubscription', 403, 'endpoint-unusable'],
    ['EndpointNotInActiveState', 409, 'endpoint-unusable'],
    ['EndpointNotFound', 404, 'endpoint-unusable'],
    ['MaliciousItemPathDetected', 400, 'item-refused'],
    ['PermissionDenied', 403, 'credentials-refused'],
    ['RequestThrottled', 429, 'throttled'],
    ['InternalError', 500, 'transient'],
    ['SomethingNobodyDocumented', 418, 'request-refused'],
  ])(
    '%s is told in the words of the CDN, on its status and on 200 and 202',
    (errorType, status, outcomeClass) => {
      for (const any of [status, 200, 202]) {
        expect(read(answered(any, refusal(errorType)))).toEqual({
          kind: 'refused',
          errorType,
          message: 'Words.',
          status: any,
          outcomeClass,
          retryAfterMs: undefined,
          correlationId: CORRELATION,
        });
      }
    },
  );

  it.each([
    ['no message', { Succeeded: false, ErrorInfo: { Type: 'InternalError' } }],
    ['null for a message', refusal('InternalError', null)],
  ])('may have %s', (_what, body) => {
    expect(read(answered(500, body))).toMatchObject({ kind: 'refused', message: '' });
  });

  it('is known by its ErrorInfo, also where Succeeded is missing', () => {
    expect(read(answered(401, { ErrorInfo: { Type: 'WrongSignature', Message: '' } }))).toMatchObject({
      kind: 'refused',
      errorType: 'WrongSignature',
    });
  });

  it('is kept short', () => {
    const outcome = read(answered(400, refusal('T'.repeat(9_000), 'm'.repeat(9_000))));
    expect(JSON.stringify(outcome).length).toBeLessThan(1_500);
  });
});

describe('Retry-After', () => {
  it.each([
    ['seconds', '120', 120_000],
    ['zero', '0', 0],
    ['more than an hour, cut to one', '86400', 3_600_000],
    ['more than any number of seconds, cut to an hour', '9'.repeat(400), 3_600_000],
    ['a date', 'Mon, 15 Jan 2024 08:10:10 GMT', 60_000],
    ['a date that is past', 'Mon, 15 Jan 2024 08:00:00 GMT', 0],
    ['nothing', '', undefined],
    ['words', 'soon', undefined],
    ['words with a number', 'in 5 minutes', undefined],
    ['a negative number', '-5', undefined],
    ['a fraction', '1.5', undefined],
    ['a list', '120, 60', undefined],
    ['a date that is none', 'Mon, 99 Foo 2024 08:10:10 GMT', undefined],
  ])('is %s', (_what, text, retryAfterMs) => {
    const headers = { 'retry-after': text };
    expect(read(answered(429, refusal('RequestThrottled'), headers))).toMatchObject({ retryAfterMs });
    expect(read(answered(503, 'busy', headers))).toMatchObject({ retryAfterMs });
  });
});

describe('no answer', () => {
  it.each([
    ['could-not-connect', false, 'transient'],
    ['timed-out', true, 'unknown'],
    ['connection-lost', true, 'unknown'],
  ] as const)('is a failure: %s', (reason, sent, outcomeClass) => {
    expect(read({ kind: 'no-answer', reason, sent, detail: 'why' })).toEqual({
      kind: 'failed',
      reason,
      detail: 'why',
      sent,
      outcomeClass,
      status: undefined,
      retryAfterMs: undefined,
      correlationId: undefined,
    });
  });

  it('keeps the correlation id of an answer that broke off', () => {
    const began = { status: 202, headers: new Map([['x-correlation-id', CORRELATION]]) };
    const result: HttpResult = {
      kind: 'no-answer',
      reason: 'connection-lost',
      sent: true,
      detail: 'why',
      began,
    };
    expect(read(result)).toMatchObject({ kind: 'failed', status: 202, correlationId: CORRELATION });
  });
});

describe('whatever is answered', () => {
  it('has an outcome that keeps the correlation id, and is accepted only with a task id', () => {
    const body = fc.oneof(fc.json({ maxDepth: 3 }), fc.string());
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), body, (status, text) => {
        const outcome = read(answered(status, text));
        expect(outcome.correlationId).toBe(CORRELATION);
        expect(outcome.kind).not.toBe('accepted');
        expect(readEndpointList(answered(status, text), START_AT)).toHaveProperty('ok');
      }),
    );
  });
});

const listed = (...bodies: readonly unknown[]) => readEndpointList(answered(200, bodies), START_AT);

describe('a list of endpoints', () => {
  const usable = { id: ENDPOINT, customDomain: HOST, usable: true };
  const observed = {
    EndpointId: ENDPOINT,
    Settings: { CustomDomain: HOST, Host: 'origin.example.cn', ICP: 'x', AllowedScheme: 'Http' },
    Status: {
      Enabled: true,
      IcpVerifyStatus: 'IcpVerified',
      LifetimeStatus: 'Normal',
      CNameConfigured: true,
    },
  };

  it.each([
    ['observed', observed],
    [
      'documented',
      {
        EndpointID: ENDPOINT.toUpperCase(),
        Setting: { CustomDomain: 'WWW.Example.CN' },
        Status: { Enabled: 'true', IcpVerifyStatus: 'IcpVerified', LifetimeStatus: 'Normal' },
      },
    ],
    ['without a status', { EndpointId: ENDPOINT, Settings: { CustomDomain: HOST } }],
    ['with nulls in its status', { ...observed, Status: { Enabled: null, LifetimeStatus: null } }],
    ['with the other spelling as null', { ...observed, EndpointID: null, Setting: null }],
  ])('is read in the shape %s', (_what, endpoint) => {
    expect(listed(endpoint)).toEqual({ ok: true, value: [usable] });
  });

  it.each([
    ['disabled', { Enabled: false }],
    ['disabled, in words', { Enabled: 'False' }],
    ['being made', { LifetimeStatus: 'Creating' }],
    ['being deleted', { LifetimeStatus: 'Deleting' }],
    ['not verified', { IcpVerifyStatus: 'IcpVerifying' }],
    ['refused its verification', { IcpVerifyStatus: 'IcpVerifyFailed' }],
  ])('says that an endpoint is not usable which is %s', (_what, status) => {
    expect(listed({ ...observed, Status: { ...observed.Status, ...status } })).toEqual({
      ok: true,
      value: [{ ...usable, usable: false }],
    });
  });

  it.each([
    ['null', null],
    ['words', 'endpoint'],
    ['settings that are none', { ...observed, Settings: 'none' }],
    ['a domain that is none', { ...observed, Settings: { CustomDomain: null } }],
    ['an id that would climb', { ...observed, EndpointId: '../../other' }],
    ['a status that is none', { ...observed, Status: [] }],
  ])('is read although an entry has %s', (_what, odd) => {
    const result = listed(odd, observed);
    expect(result.ok && result.value.filter((one) => one.usable && one.id !== undefined)).toEqual([usable]);
  });

  it.each([
    ['no list', 200, { value: [] }],
    ['no JSON', 200, 'busy'],
    ['another status', 202, []],
  ])('is a failure when it is %s', (_what, status, body) => {
    expect(readEndpointList(answered(status, body), START_AT)).toMatchObject({
      ok: false,
      error: { kind: 'failed', reason: 'unreadable-answer', correlationId: CORRELATION },
    });
  });

  it('is a refusal when the API refuses', () => {
    expect(readEndpointList(answered(401, refusal('ApiKeyNotFound')), START_AT)).toMatchObject({
      ok: false,
      error: { kind: 'refused', errorType: 'ApiKeyNotFound' },
    });
  });
});
