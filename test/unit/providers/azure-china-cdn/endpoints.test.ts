// Which endpoint serves a host, and how rarely the list is asked for.

import { describe, expect, it } from 'vitest';

import { err, ok } from '../../../../src/lib/core/result.ts';
import { endpointFinder, matchHost } from '../../../../src/lib/providers/azure-china-cdn/endpoints.ts';
import { aRefusal, ENDPOINT, HOST, OTHER_ENDPOINT, OTHER_HOST } from '../../../support/builders.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';

const endpoint = (customDomain: string | undefined, id: string | undefined = ENDPOINT, usable = true) => ({
  id,
  customDomain,
  usable,
});

describe('the endpoint of a host', () => {
  it.each([
    ['the one of that name', HOST, [endpoint(HOST)], ENDPOINT],
    ['none of another name', HOST, [endpoint(OTHER_HOST)], undefined],
    ['none of a name that only ends alike', 'ww.example.cn', [endpoint('www.example.cn')], undefined],
    ['the one of a wildcard', HOST, [endpoint('*.example.cn')], ENDPOINT],
    ['none of a wildcard for the name itself', 'example.cn', [endpoint('*.example.cn')], undefined],
    [
      'the exact one before a wildcard',
      HOST,
      [endpoint('*.example.cn', OTHER_ENDPOINT), endpoint(HOST)],
      ENDPOINT,
    ],
    [
      'the nearer wildcard before a farther',
      'a.b.example.cn',
      [endpoint('*.example.cn', OTHER_ENDPOINT), endpoint('*.b.example.cn')],
      ENDPOINT,
    ],
    ['a wildcard above more than one name', 'a.b.example.cn', [endpoint('*.example.cn')], ENDPOINT],
    ['none that is not usable', HOST, [endpoint(HOST, ENDPOINT, false)], undefined],
    [
      'a usable wildcard where the exact one is not',
      HOST,
      [endpoint(HOST, OTHER_ENDPOINT, false), endpoint('*.example.cn')],
      ENDPOINT,
    ],
    ['none for a name without dots', 'localhost', [endpoint('*t'), endpoint('*')], undefined],
    ['none of an empty list', HOST, [], undefined],
  ])('is %s', (_what, host, endpoints, id) => {
    expect(matchHost(host, endpoints)).toBe(id);
  });

  it('is none without an id', () => {
    expect(matchHost(HOST, [{ id: undefined, customDomain: HOST, usable: true }])).toBeUndefined();
  });
});

describe('the list of endpoints', () => {
  type Listed = Awaited<ReturnType<Parameters<typeof endpointFinder>[0]>>;

  function finderOver(first: Listed) {
    const clock = createFakeClock();
    let list = first;
    let calls = 0;
    const find = endpointFinder(async () => {
      calls += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return list;
    }, clock.now);
    return {
      clock,
      find,
      calls: () => calls,
      becomes: (next: Listed): void => {
        list = next;
      },
    };
  }

  const notFound = { ok: false, error: { kind: 'failed', reason: 'endpoint-not-found', sent: false } };

  it('is asked for once by all that ask at the same time', async () => {
    const { find, calls } = finderOver(ok([endpoint(HOST), endpoint(OTHER_HOST, OTHER_ENDPOINT)]));
    expect(await Promise.all([find(HOST), find(OTHER_HOST), find(HOST)])).toEqual([
      ok(ENDPOINT),
      ok(OTHER_ENDPOINT),
      ok(ENDPOINT),
    ]);
    expect(calls()).toBe(1);
  });

  it('is kept for ten minutes', async () => {
    const { find, calls, clock } = finderOver(ok([endpoint(HOST)]));
    await find(HOST);
    clock.advance(10 * 60_000);
    await find(HOST);
    expect(calls()).toBe(1);
    clock.advance(1);
    await find(HOST);
    expect(calls()).toBe(2);
  });

  it('is asked for again about a host that it does not have, but not within a minute', async () => {
    const { find, calls, clock, becomes } = finderOver(ok([]));
    expect(await find(HOST)).toMatchObject(notFound);
    becomes(ok([endpoint(HOST)]));
    clock.advance(60_000);
    expect(await find(HOST)).toMatchObject(notFound);
    expect(calls()).toBe(1);
    clock.advance(1);
    expect(await find(HOST)).toEqual(ok(ENDPOINT));
    expect(calls()).toBe(2);
  });

  it('is waited for by everyone who misses a host while it is asked for again', async () => {
    const { find, calls, clock, becomes } = finderOver(ok([]));
    await find(HOST);
    clock.advance(60_001);
    becomes(ok([endpoint(HOST), endpoint(OTHER_HOST, OTHER_ENDPOINT)]));
    expect(await Promise.all([find(HOST), find(OTHER_HOST)])).toEqual([ok(ENDPOINT), ok(OTHER_ENDPOINT)]);
    expect(calls()).toBe(2);
  });

  it('is asked for again after a minute when it was refused; until then the refusal stands', async () => {
    const refused = err(aRefusal({ errorType: 'ApiKeyNotFound' }));
    const { find, calls, clock, becomes } = finderOver(refused);
    expect(await find(HOST)).toEqual(refused);
    becomes(ok([endpoint(HOST)]));
    expect(await find(HOST)).toEqual(refused);
    expect(calls()).toBe(1);
    clock.advance(60_001);
    expect(await find(HOST)).toEqual(ok(ENDPOINT));
  });

  it('serves a known host from what is kept while another host makes it ask again', async () => {
    const { find, calls, clock } = finderOver(ok([endpoint(HOST)]));
    await find(HOST);
    clock.advance(60_001);
    expect(await Promise.all([find(OTHER_HOST), find(HOST)])).toMatchObject([notFound, ok(ENDPOINT)]);
    expect(calls()).toBe(2);
  });
});
