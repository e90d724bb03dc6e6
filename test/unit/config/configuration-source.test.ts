// Which configuration is in force: a faulty new version never replaces a good one.

import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/lib/config/configuration-error.ts';
import {
  blobConfiguration,
  fixedConfiguration,
  type BlobConfigurationOptions,
  type ConfigurationBlob,
} from '../../../src/lib/config/configuration-source.ts';
import { parseConfiguration } from '../../../src/lib/config/configuration.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { aDocument, site } from './documents.ts';
import { taken } from './outcome.ts';

const documentFor = (host: string): string =>
  JSON.stringify(aDocument({ sites: { www: { ...site, hosts: [host] } } }));
const ONE = documentFor('one.example.cn');
const TWO = documentFor('two.example.cn');
const FAULTY = JSON.stringify({ ...aDocument(), extra: 1, more: 2 });

describe('a document that cannot change', () => {
  it('is always the same configuration', async () => {
    const configuration = taken(parseConfiguration(aDocument()));
    const source = fixedConfiguration(configuration);
    expect(await source.current()).toBe(configuration);
  });
});

describe('a document in a blob', () => {
  it('is read once a minute at most, by its ETag, and stays the same object while it does not change', async () => {
    const world = aWorld({ blob: version(ONE, 'e1') });
    const first = await world.source.current();
    world.passMs(59_999);
    await world.source.current();
    expect(world.reads).toEqual([undefined]);

    world.passMs(1);
    expect(await world.source.current()).toBe(first);
    expect(world.reads).toEqual([undefined, 'e1']);
    expect(world.told).toEqual(['taken e1']);
  });

  it('is read once for all callers that come at the same time', async () => {
    const world = aWorld({ blob: version(ONE, 'e1') });
    const all = await Promise.all([1, 2, 3].map(() => world.source.current()));
    expect(new Set(all).size).toBe(1);
    expect(world.reads).toHaveLength(1);
  });

  it('comes into force when a new version is good, and is kept durably', async () => {
    const world = aWorld({ blob: version(ONE, 'e1') });
    expect(await world.hosts()).toEqual(['one.example.cn']);
    world.blob = version(TWO, 'e2');
    world.passMs(60_000);
    expect(await world.hosts()).toEqual(['two.example.cn']);
    expect(world.lastGood).toBe(TWO);
    expect(world.told).toEqual(['taken e1', 'taken e2']);
  });

  it('is refused whole when a new version is faulty: the good one stays, and it is told once', async () => {
    const world = aWorld({ blob: version(ONE, 'e1') });
    const good = await world.source.current();
    world.blob = version(FAULTY, 'e2');
    for (let minute = 0; minute < 3; minute += 1) {
      world.passMs(60_000);
      expect(await world.source.current()).toBe(good);
    }
    expect(world.lastGood).toBe(ONE);
    expect(world.reads).toEqual([undefined, 'e1', 'e2', 'e2']);
    expect(world.told).toEqual(['taken e1', 'refused e2: extra, more']);

    world.blob = version(FAULTY, 'e3');
    world.passMs(60_000);
    await world.source.current();
    world.blob = version(TWO, 'e4');
    world.passMs(60_000);
    expect(await world.hosts()).toEqual(['two.example.cn']);
    expect(world.told.slice(2)).toEqual(['refused e3: extra, more', 'taken e4']);
  });

  it('is refused when it lacks what the app requires beside its shape', async () => {
    const world = aWorld({
      blob: version(ONE, 'e1'),
      check: (configuration) =>
        configuration.hosts.has('two.example.cn') ? [{ path: 'cdns.china.keys.id', message: 'not set' }] : [],
    });
    await world.source.current();
    world.blob = version(TWO, 'e2');
    world.passMs(60_000);
    expect(await world.hosts()).toEqual(['one.example.cn']);
    expect(world.told).toEqual(['taken e1', 'refused e2: cdns.china.keys.id']);
  });

  it.each([
    ['storage is in trouble', 'trouble', 'unreadable: the configuration blob could not be read'],
    ['the blob was deleted', 'missing', 'unreadable: the configuration blob does not exist'],
  ] as const)('stays in force while %s, which is told once until it recovers', async (_, state, expected) => {
    const world = aWorld({ blob: version(ONE, 'e1') });
    const good = await world.source.current();
    for (const blob of [state, state, version(ONE, 'e1'), state] as const) {
      world.blob = blob;
      world.passMs(60_000);
      expect(await world.source.current()).toBe(good);
    }
    expect(world.told).toEqual(['taken e1', expected, expected]);
  });

  it('is in force although its copy could not be kept, which is tried again', async () => {
    const world = aWorld({ blob: version(ONE, 'e1'), keepFails: true });
    expect(await world.hosts()).toEqual(['one.example.cn']);
    world.passMs(60_000);
    await world.source.current();
    expect(world.told).toEqual(['taken e1', 'not kept']);

    world.keepFails = false;
    world.passMs(60_000);
    await world.source.current();
    expect(world.lastGood).toBe(ONE);
  });
});

describe('a first start', () => {
  it.each([
    ['the current version is faulty', version(FAULTY, 'e2'), ['refused e2: extra, more']],
    ['the blob is gone', 'missing', ['unreadable: the configuration blob does not exist']],
    ['storage is in trouble', 'trouble', ['unreadable: the configuration blob could not be read']],
  ] as const)('works by the last good version when %s', async (_, blob, told) => {
    const world = aWorld({ blob, lastGood: ONE });
    expect(await world.hosts()).toEqual(['one.example.cn']);
    expect(world.told).toEqual(told);
  });

  it.each([
    ['there is no last good version', undefined],
    ['the last good version is good no more', '{}'],
  ])('stops with every problem of the current version when %s', async (_, lastGood) => {
    const world = aWorld({ blob: version(FAULTY, 'e1'), lastGood });
    const failure = await failureOf(world);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).toContain('2 problems');
    expect(String(failure)).toMatch(/\n {2}extra: unknown key/u);
    expect(String(failure)).toMatch(/\n {2}more: unknown key/u);
  });

  it('stops when the blob does not exist', async () => {
    expect(String(await failureOf(aWorld({ blob: 'missing' })))).toContain(
      'the configuration blob does not exist',
    );
  });

  it('fails with what storage said when storage is in trouble', async () => {
    expect(await failureOf(aWorld({ blob: 'trouble' }))).toBe(OUTAGE);
  });

  it('tells that the last good version cannot be read, and stops with the problems of the current one', async () => {
    const world = aWorld({ blob: version(FAULTY, 'e1'), lastGoodFails: true });
    expect(await failureOf(world)).toBeInstanceOf(ConfigurationError);
    expect(world.told).toEqual([
      'unreadable: the last good configuration could not be read (none is in force)',
      'refused e1: extra, more (none is in force)',
    ]);
  });

  it('is tried again after five seconds, not at every call, and takes the mended version', async () => {
    const world = aWorld({ blob: version(FAULTY, 'e1') });
    const failure = await failureOf(world);
    world.blob = version(ONE, 'e2');
    world.passMs(4_999);
    expect(await failureOf(world)).toBe(failure);
    expect(world.reads).toHaveLength(1);
    world.passMs(1);
    expect(await world.hosts()).toEqual(['one.example.cn']);
  });

  it('that failed on a version fails on it again without another word', async () => {
    const world = aWorld({ blob: version(FAULTY, 'e1') });
    await failureOf(world);
    world.passMs(5_000);
    expect(String(await failureOf(world))).toContain('2 problems');
    expect(world.reads).toEqual([undefined, 'e1']);
    expect(world.told).toEqual(['refused e1: extra, more (none is in force)']);
  });

  it.each([
    ['the version is faulty', version(FAULTY, 'e1'), 'refused e1: extra, more (none is in force)'],
    ['the blob is gone', 'missing', 'unreadable: the configuration blob does not exist (none is in force)'],
    [
      'storage is in trouble',
      'trouble',
      'unreadable: the configuration blob could not be read (none is in force)',
    ],
  ] as const)('that failed does not tell that anything is in force when %s', async (_, blob, expected) => {
    const world = aWorld({ blob });
    await failureOf(world);
    expect(world.told).toEqual([expected]);
  });
});

const OUTAGE = new Error('no answer');

type BlobState = Exclude<ConfigurationBlob, { kind: 'unchanged' | 'missing' }> | 'missing' | 'trouble';

type World = {
  readonly source: ReturnType<typeof blobConfiguration>;
  /** The ETags that reads were made conditional on. */
  readonly reads: (string | undefined)[];
  readonly told: string[];
  readonly passMs: (ms: number) => void;
  readonly hosts: () => Promise<string[]>;
  blob: BlobState;
  lastGood: string | undefined;
  keepFails: boolean;
};

function version(text: string, etag: string): BlobState {
  return { kind: 'read', text, etag };
}

const orNone = (inForce: boolean): string => (inForce ? '' : ' (none is in force)');

/** A storage account in memory, a clock, and a source that reads from them. */
function aWorld(given: {
  readonly blob: BlobState;
  readonly lastGood?: string | undefined;
  readonly lastGoodFails?: boolean;
  readonly keepFails?: boolean;
  readonly check?: BlobConfigurationOptions['check'];
}): World {
  let nowMs = 1_700_000_000_000;
  const reads: (string | undefined)[] = [];
  const told: string[] = [];
  const source = blobConfiguration({
    readBlob: (unlessEtag) => {
      reads.push(unlessEtag);
      const { blob } = world;
      if (blob === 'trouble') return Promise.reject(OUTAGE);
      if (blob === 'missing') return Promise.resolve({ kind: 'missing' });
      return Promise.resolve(blob.etag === unlessEtag ? { kind: 'unchanged' } : blob);
    },
    readLastGood: () =>
      given.lastGoodFails === true ? Promise.reject(OUTAGE) : Promise.resolve(world.lastGood),
    writeLastGood: (text) => {
      if (world.keepFails) return Promise.reject(OUTAGE);
      world.lastGood = text;
      return Promise.resolve();
    },
    now: () => instant(nowMs),
    onTaken: (etag) => told.push(`taken ${etag}`),
    onRefused: (problems, etag, inForce) =>
      told.push(`refused ${etag}: ${problems.map(({ path }) => path).join(', ')}${orNone(inForce)}`),
    onUnreadable: (reason, _cause, inForce) => told.push(`unreadable: ${reason}${orNone(inForce)}`),
    onNotKept: () => told.push('not kept'),
    ...(given.check === undefined ? {} : { check: given.check }),
  });
  const world: World = {
    source,
    reads,
    told,
    passMs: (ms) => {
      nowMs += ms;
    },
    hosts: async () => [...(await source.current()).hosts.keys()],
    blob: given.blob,
    lastGood: given.lastGood,
    keepFails: given.keepFails ?? false,
  };
  return world;
}

async function failureOf(world: World): Promise<unknown> {
  try {
    await world.source.current();
  } catch (error) {
    return error;
  }
  return expect.fail('there is a configuration');
}
