// Asking the China CDN how far its task is.

import { describe, expect, it } from 'vitest';

import {
  describeProgress,
  readProgressAnswer,
} from '../../../../src/lib/providers/azure-china-cdn/progress.ts';
import type { HttpResult } from '../../../../src/lib/providers/http/send.ts';
import { aCdn, ENDPOINT, SUBSCRIPTION } from '../../../support/builders.ts';
import { START_AT } from '../../../support/fake-clock.ts';

const read = (body: unknown, status = 200, headers: readonly (readonly [string, string])[] = []) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const result: HttpResult = { kind: 'answered', status, headers: new Map(headers), text };
  return readProgressAnswer(result, START_AT);
};
const A = 'http://www.example.cn/a';
const DIR = 'http://www.example.cn/dir/';

describe('the question', () => {
  it('is a GET of the task, without a body', () => {
    const { method, url, body } = describeProgress(aCdn(), {
      endpointId: ENDPOINT,
      taskId: 'b520c544-ec34-4ac4-86f5-5394363919c3',
    });
    expect([method, body]).toEqual(['GET', undefined]);
    expect(url.href).toBe(
      `https://restapi.cdn.azure.cn/subscriptions/${SUBSCRIPTION}/endpoints/${ENDPOINT}/purges/b520c544-ec34-4ac4-86f5-5394363919c3?apiVersion=1.0`,
    );
  });

  it.each([
    ['in lower case, on which all readings of the signature agree', 'ABC-1', '/purges/abc-1'],
    ['escaped: what the CDN calls a task cannot leave its place', 'a/b?c#d', '/purges/a%2Fb%3Fc%23d'],
  ])('has the id of the task %s', (_what, taskId, end) => {
    const { url } = describeProgress(aCdn(), { endpointId: ENDPOINT, taskId });
    expect(url.pathname.endsWith(end)).toBe(true);
    expect(url.search).toBe('?apiVersion=1.0');
  });
});

describe('the answer', () => {
  it.each([
    ['Succeed', 'succeeded'],
    ['Succeeded', 'succeeded'],
    ['succeeded', 'succeeded'],
    ['Failed', 'failed'],
    ['Running', 'running'],
    ['Waiting', 'running'],
    ['Processing', 'running'],
    ['Verifying', 'running'],
    ['', 'running'],
    [null, 'running'],
  ])('calls an item with the status %s %s', (status, progress) => {
    expect(read({ Files: [{ Url: A, Status: status }], Directories: [] })).toEqual({
      ok: true,
      value: { items: [{ url: A, status: progress }] },
    });
  });

  it.each([
    [
      'both lists',
      { Files: [{ Url: A, Status: 'Running' }], Directories: [{ Url: DIR, Status: 'Succeed' }] },
    ],
    [
      'more than is documented',
      {
        Files: [{ Url: A, Status: 'Running', Took: 1 }],
        Directories: [{ Url: DIR, Status: 'Succeed' }],
        Region: 'x',
      },
    ],
  ])('is read from %s', (_what, body) => {
    expect(read(body)).toEqual({
      ok: true,
      value: {
        items: [
          { url: A, status: 'running' },
          { url: DIR, status: 'succeeded' },
        ],
      },
    });
  });

  it.each([
    ['one list', { Files: [{ Url: A, Status: 'Failed' }] }],
    ['null for the other', { Files: [{ Url: A, Status: 'Failed' }], Directories: null }],
  ])('may have %s', (_what, body) => {
    expect(read(body)).toEqual({ ok: true, value: { items: [{ url: A, status: 'failed' }] } });
  });

  it.each([
    ['a page of a gateway', '<html>', 502],
    ['an empty body', '', 200],
    ['no list', {}, 200],
    ['an item without a URL', { Files: [{ Status: 'Succeed' }] }, 200],
    ['a refusal without a type', { Succeeded: false }, 200],
    ['another status', { Files: [], Directories: [] }, 202],
  ])('says nothing of the task when it is %s', (_what, body, status) => {
    expect(read(body, status)).toMatchObject({
      ok: false,
      error: { kind: 'failed', reason: 'unreadable-answer' },
    });
  });

  it.each([404, 200])('may be a refusal, with status %i: a task that the CDN does not know', (status) => {
    const body = { Succeeded: false, ErrorInfo: { Type: 'ParameterInvalid', Message: 'No such id.' } };
    expect(read(body, status, [['retry-after', '7']])).toMatchObject({
      ok: false,
      error: { kind: 'refused', errorType: 'ParameterInvalid', retryAfterMs: 7_000 },
    });
  });

  it('may not come', () => {
    const result: HttpResult = { kind: 'no-answer', reason: 'timed-out', sent: true, detail: 'slow' };
    expect(readProgressAnswer(result, START_AT)).toMatchObject({
      ok: false,
      error: { kind: 'failed', reason: 'timed-out' },
    });
  });
});
