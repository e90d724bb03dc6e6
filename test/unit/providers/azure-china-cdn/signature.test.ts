// Signatures, step by step, by the vectors on which every official sample agrees.

import { readFileSync } from 'node:fs';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { instant } from '../../../../src/lib/core/instant.ts';
import {
  describeEndpointList,
  describePurge,
} from '../../../../src/lib/providers/azure-china-cdn/request.ts';
import {
  queryLine,
  requestDate,
  sign,
  signRequest,
  stringToSign,
} from '../../../../src/lib/providers/azure-china-cdn/signature.ts';
import { aCdn, aTarget, ENDPOINT, SUBSCRIPTION } from '../../../support/builders.ts';
import { START_AT } from '../../../support/fake-clock.ts';

const Method = z.enum(['GET', 'POST']);
const Vectors = z.object({
  key: z.object({ keyId: z.string(), keyValue: z.string() }),
  accept: z.array(
    z.object({
      name: z.string(),
      method: Method,
      url: z.string(),
      date: z.string(),
      stringToSign: z.string(),
      authorization: z.string(),
    }),
  ),
  reject: z.array(
    z.object({
      name: z.string(),
      of: z.string().optional(),
      method: Method.optional(),
      url: z.string().optional(),
      date: z.string().optional(),
      hex: z.string(),
      correct: z.string().optional(),
    }),
  ),
});

const { key, accept, reject } = Vectors.parse(
  JSON.parse(
    readFileSync(new URL('../../../fixtures/azure-china-cdn-signatures.json', import.meta.url), 'utf8'),
  ),
);

/** The instant of a vector's date, whose parts may lack their zeros. */
function instantOf(date: string): ReturnType<typeof instant> {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = date.split(/[- :]/u).map(Number);
  return instant(Date.UTC(year, month - 1, day, hour, minute, second));
}

describe('the published signatures', () => {
  it.each(accept)('$name: the string to sign', ({ method, url, date, stringToSign: expected }) => {
    expect(stringToSign({ method, url: new URL(url) }, date)).toBe(expected);
  });

  it.each(accept)('$name: the signature', ({ stringToSign: text, authorization }) => {
    expect(`AzureCDN ${key.keyId}:${sign(text, key.keyValue)}`).toBe(authorization);
  });

  it.each(accept.filter(({ name }) => name !== 'V12'))(
    '$name: the headers',
    ({ method, url, date, authorization }) => {
      const apiKey = { id: key.keyId, value: key.keyValue };
      expect(signRequest({ method, url: new URL(url) }, apiKey, instantOf(date))).toEqual({
        authorization,
        'x-azurecdn-request-date': date,
      });
    },
  );

  it.each(reject)('$name: never made', ({ of, method = 'GET', url, date = '', hex, correct }) => {
    const accepted = accept.find(({ name }) => name === of);
    const request = { method: accepted?.method ?? method, url: new URL(accepted?.url ?? url ?? '') };
    const made = sign(stringToSign(request, accepted?.date ?? date), key.keyValue);
    expect(made).not.toBe(hex);
    expect(made).toBe(correct ?? accepted?.authorization.split(':')[1]);
  });
});

describe('the date', () => {
  it.each([
    [Date.UTC(2024, 0, 5, 3, 4, 5), '2024-01-05 03:04:05'],
    [Date.UTC(2024, 0, 15, 0, 0, 0), '2024-01-15 00:00:00'],
    [Date.UTC(2024, 0, 15, 12, 0, 0), '2024-01-15 12:00:00'],
    [Date.UTC(2024, 0, 15, 13, 0, 0), '2024-01-15 13:00:00'],
    [Date.UTC(2024, 11, 31, 23, 59, 59, 999), '2024-12-31 23:59:59'],
    [Date.UTC(2024, 1, 29, 12, 0, 0), '2024-02-29 12:00:00'],
  ])('has 24 hours, in UTC: %i is %s', (ms, date) => {
    expect(requestDate(instant(ms))).toBe(date);
  });
});

describe('the query line', () => {
  it.each([
    ['', ''],
    ['apiVersion=1.0', 'apiVersion:1.0'],
    ['b=2&a=1', 'a:1, b:2'],
    ['Zeta=1&apiVersion=1.0&beta=2', 'Zeta:1, apiVersion:1.0, beta:2'],
    ['endTime=2024-01-02T00%3A00%3A00Z', 'endTime:2024-01-02T00:00:00Z'],
  ])('of ?%s is "%s"', (query, line) => {
    expect(queryLine(new URLSearchParams(query))).toBe(line);
  });
});

describe('any signature', () => {
  const anyKey = fc.record({ id: fc.uuid(), value: fc.string({ minLength: 1, maxLength: 44 }) });
  const anyInstant = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }).map(instant);
  const request = describePurge(aCdn(), { endpointId: ENDPOINT, files: [], directories: [] });

  it('is the same for the same request, key and second', () => {
    fc.assert(
      fc.property(anyKey, anyInstant, fc.nat(999), (apiKey, at, ms) => {
        const second = at - (at % 1000);
        expect(signRequest(request, apiKey, instant(second + ms))).toEqual(
          signRequest(request, apiKey, instant(second)),
        );
      }),
    );
  });

  it('is 64 upper-case hexadecimal digits behind the key id, and never holds the key', () => {
    fc.assert(
      fc.property(anyKey, anyInstant, (apiKey, at) => {
        const { authorization } = signRequest(request, apiKey, at);
        expect(authorization.startsWith(`AzureCDN ${apiKey.id}:`)).toBe(true);
        expect(authorization.slice(`AzureCDN ${apiKey.id}:`.length)).toMatch(/^[0-9A-F]{64}$/u);
      }),
    );
  });

  it('differs by the second, the key, the method and the path', () => {
    const apiKey = { id: key.keyId, value: key.keyValue };
    const signatures = [
      signRequest(request, apiKey, START_AT),
      signRequest(request, apiKey, instant(START_AT + 1000)),
      signRequest(request, { ...apiKey, value: `${key.keyValue} ` }, START_AT),
      signRequest({ ...request, method: 'GET' }, apiKey, START_AT),
      signRequest(describeEndpointList(aCdn()), apiKey, START_AT),
    ];
    expect(new Set(signatures.map(({ authorization }) => authorization)).size).toBe(signatures.length);
  });
});

describe('a described request', () => {
  it('purges files and directories in one body', () => {
    const files = [aTarget('/a').url, aTarget('/%E9%A6%96').url];
    const directories = [aTarget('/b/').url];
    expect(describePurge(aCdn(), { endpointId: ENDPOINT, files, directories })).toEqual({
      method: 'POST',
      url: new URL(
        `https://restapi.cdn.azure.cn/subscriptions/${SUBSCRIPTION}/endpoints/${ENDPOINT}/purges?apiVersion=1.0`,
      ),
      body: '{"Files":["http://www.example.cn/a","http://www.example.cn/%E9%A6%96"],"Directories":["http://www.example.cn/b/"]}',
    });
  });

  it('lists the endpoints without a body', () => {
    expect(describeEndpointList(aCdn())).toEqual({
      method: 'GET',
      url: new URL(`https://restapi.cdn.azure.cn/subscriptions/${SUBSCRIPTION}/endpoints?apiVersion=1.0`),
      body: undefined,
    });
  });

  it('keeps the path of an API base URL', () => {
    const { url } = describeEndpointList(aCdn({ apiBaseUrl: 'http://127.0.0.1:7081/api' }));
    expect(url.href).toBe(`http://127.0.0.1:7081/api/subscriptions/${SUBSCRIPTION}/endpoints?apiVersion=1.0`);
  });
});
