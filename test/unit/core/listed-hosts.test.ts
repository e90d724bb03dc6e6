// Which targets share a request that lists its hosts, so that every path of it is purged on every one of them.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { RequestLimits } from '../../../src/lib/core/configuration.ts';
import { planBatches, type Batch, type LocatedTarget } from '../../../src/lib/core/purge-plan.ts';
import { aCoalesced, aTarget, ENDPOINT, LIMITS, OTHER_ENDPOINT } from '../../support/builders.ts';

const LISTED = { hosts: 'listed' } as const;

const located = (path: string, host: string, endpointId = ENDPOINT): LocatedTarget<string> => ({
  ...aCoalesced(aTarget(path, { host, endpointId }), path),
  endpointId,
});

/** `on('ab', '/x')`: the path, due on the hosts a.example and b.example. */
const on = (hosts: string, path: string): readonly LocatedTarget<string>[] =>
  hosts.split('').map((host) => located(path, `${host}.example`));

const pathOf = ({ target }: LocatedTarget<string>): string =>
  target.url.slice(target.url.indexOf('/', 'http://'.length));
const hostsOf = ({ targets }: Batch<string>): ReadonlySet<string> =>
  new Set(targets.map(({ target }) => target.host));
const pathsOf = ({ targets }: Batch<string>): readonly string[] => [...new Set(targets.map(pathOf))];

const upTo = (urlsPerRequest: number): RequestLimits => ({ ...LIMITS, urlsPerRequest });

/** `ab: /x /y` for each request, in order. */
const described = (targets: readonly LocatedTarget<string>[], limits = LIMITS): readonly string[] =>
  planBatches(targets, limits, LISTED).map((batch) => {
    const hosts = [...hostsOf(batch)].map((host) => host.slice(0, 1)).toSorted();
    return `${hosts.join('')}: ${pathsOf(batch).join(' ')}`;
  });

describe('a request that lists hosts', () => {
  it('names a path once, however many hosts it is due on', () => {
    expect(described(on('abc', '/x'), upTo(1))).toEqual(['abc: /x']);
  });

  it('takes files of different hosts together', () => {
    expect(described([...on('a', '/x'), ...on('b', '/y'), ...on('bc', '/z')])).toEqual(['abc: /x /y /z']);
  });

  it('takes a directory only on the hosts where it is due', () => {
    expect(described([...on('a', '/x/'), ...on('ab', '/y/'), ...on('a', '/z/')])).toEqual([
      'a: /x/ /z/',
      'ab: /y/',
    ]);
  });

  it('takes files beside directories only if they bring no host of their own', () => {
    expect(described([...on('ab', '/d/'), ...on('a', '/x'), ...on('c', '/y')])).toEqual([
      'ab: /d/ /x',
      'c: /y',
    ]);
  });

  it('keeps its room for a file that fits nowhere else', () => {
    const directories = [...on('a', '/d/'), ...on('ab', '/e/')];
    const files = [...on('a', '/x'), ...on('a', '/y'), ...on('ab', '/z')];
    expect(described([...directories, ...files], upTo(2))).toEqual(['a: /d/ /x', 'ab: /e/ /z', 'a: /y']);
    expect(described([...directories, ...on('a', '/x'), ...on('ab', '/z')], upTo(2))).toEqual([
      'a: /d/ /x',
      'ab: /e/ /z',
    ]);
  });

  it('takes a file only if the room is not needed by one with more hosts', () => {
    const targets = [...on('ab', '/d/'), ...on('bc', '/e/'), ...on('b', '/x'), ...on('ab', '/y')];
    expect(described(targets, upTo(2))).toEqual(['ab: /d/ /y', 'bc: /e/ /x']);
  });

  it('takes the oldest files first, whatever their hosts', () => {
    const targets = [...on('a', '/1'), ...on('ab', '/2'), ...on('a', '/3'), ...on('abc', '/4')];
    expect(described(targets, upTo(2))).toEqual(['ab: /1 /2', 'abc: /3 /4']);
  });

  it('is one of a single endpoint', () => {
    const targets = [located('/x', 'a.example'), located('/x', 'b.example', OTHER_ENDPOINT)];
    expect(planBatches(targets, LIMITS, LISTED).map(({ endpointId }) => endpointId)).toEqual([
      ENDPOINT,
      OTHER_ENDPOINT,
    ]);
  });

  it('has a file and a directory of one path apart', () => {
    const targets = [
      ...on('a', '/x/'),
      { ...aCoalesced(aTarget('/x/', { kind: 'file', host: 'a.example' }), 'o'), endpointId: ENDPOINT },
    ];
    expect(planBatches(targets, upTo(1), LISTED)).toHaveLength(2);
  });
});

describe('whatever is planned for listed hosts', () => {
  const path = fc
    .tuple(fc.nat(30), fc.constantFrom('', '/'), fc.integer({ min: 0, max: 60 }))
    .map(([id, end, length]) => `/${id}${'x'.repeat(length)}${end}`);
  const hosts = fc.constantFrom('a', 'b', 'c', 'ab', 'bc', 'ac', 'abc');
  const due = fc
    .uniqueArray(fc.tuple(hosts, path), { selector: ([, text]) => text, maxLength: 40 })
    .map((all) => all.flatMap(([names, text]) => on(names, text)));
  const limits = fc.record({
    urlsPerRequest: fc.integer({ min: 1, max: 8 }),
    bytesPerRequest: fc.integer({ min: 200, max: 2_000 }),
  });

  it('holds every target once, and purges no directory where it is not due', () => {
    fc.assert(
      fc.property(due, limits, (all, within) => {
        const batches = planBatches(all, within, LISTED);
        expect(batches.flatMap(({ targets }) => targets)).toHaveLength(all.length);
        expect(new Set(batches.flatMap(({ targets }) => targets))).toEqual(new Set(all));
        for (const batch of batches) {
          for (const directory of batch.targets.filter(({ target }) => target.kind === 'directory')) {
            const dueOn = all.filter((one) => pathOf(one) === pathOf(directory));
            expect(new Set(dueOn.map(({ target }) => target.host))).toEqual(hostsOf(batch));
          }
        }
      }),
    );
  });

  it('stays within the limits', () => {
    fc.assert(
      fc.property(due, limits, (all, within) => {
        for (const batch of planBatches(all, within, LISTED)) {
          const contentPaths = pathsOf(batch).map((text) => (text.endsWith('/') ? `${text}*` : text));
          const body = JSON.stringify({ contentPaths, domains: [...hostsOf(batch)] });
          expect(contentPaths.length).toBeLessThanOrEqual(within.urlsPerRequest);
          expect(contentPaths.length === 1 ? 0 : body.length).toBeLessThanOrEqual(within.bytesPerRequest);
        }
      }),
    );
  });

  it('begins with the oldest, and has the paths of each request in their order', () => {
    fc.assert(
      fc.property(due, limits, (all, within) => {
        const ages = new Map([...new Set(all.map(pathOf))].map((text, age) => [text, age]));
        const inOrder = planBatches(all, within, LISTED).map((batch) =>
          pathsOf(batch).map((text) => ages.get(text) ?? -1),
        );
        for (const request of inOrder) expect(request).toEqual(request.toSorted((a, b) => a - b));
        const oldest = inOrder.map(([first]) => first ?? -1);
        expect(oldest).toEqual(oldest.toSorted((a, b) => a - b));
      }),
    );
  });

  it('is at most one request more than the best way of sharing them out', () => {
    const few = fc
      .uniqueArray(fc.tuple(hosts, path), { selector: ([, text]) => text, maxLength: 9 })
      .map((all) => all.flatMap(([names, text]) => on(names, text)));
    fc.assert(
      fc.property(few, fc.integer({ min: 1, max: 3 }), (all, most) => {
        const best = fewest(all, most);
        expect(best).toBeLessThanOrEqual(planBatches(all, upTo(most), LISTED).length);
        expect(planBatches(all, upTo(most), LISTED).length).toBeLessThanOrEqual(best + 1);
      }),
    );
  });
});

/** By trying every way: the paths one by one, each in any request that takes it, or in a new one. */
function fewest(all: readonly LocatedTarget<string>[], most: number): number {
  type Path = { readonly isDirectory: boolean; readonly hosts: ReadonlySet<string> };
  const paths = [...Map.groupBy(all, pathOf)].map(([text, targets]): Path => ({
    isDirectory: text.endsWith('/'),
    hosts: new Set(targets.map(({ target }) => target.host)),
  }));
  const isRight = (request: readonly Path[]): boolean => {
    const listed = new Set(request.flatMap((one) => [...one.hosts]));
    return (
      request.length <= most && request.every((one) => !one.isDirectory || one.hosts.size === listed.size)
    );
  };
  let best = paths.length;
  const tryAll = (index: number, requests: readonly (readonly Path[])[]): void => {
    const path = paths[index];
    if (requests.length >= best && path !== undefined) return;
    if (path === undefined) {
      if (requests.every(isRight)) best = Math.min(best, requests.length);
      return;
    }
    tryAll(index + 1, [...requests, [path]]);
    requests.forEach((request, at) => {
      if (request.length < most) tryAll(index + 1, requests.with(at, [...request, path]));
    });
  };
  tryAll(0, []);
  return best;
}
