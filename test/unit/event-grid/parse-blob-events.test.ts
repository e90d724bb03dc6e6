// What Event Grid delivers, and what the app reads in it.

import { readFileSync } from 'node:fs';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { affectedPaths } from '../../../src/lib/core/blob-change.ts';
import { findBlobNameFault } from '../../../src/lib/core/blob-name.ts';
import { parseBlobEvents } from '../../../src/lib/event-grid/parse-blob-events.ts';
import type { ParsedEvent } from '../../../src/lib/use-cases/buffer-blob-changes.ts';
import { ACCOUNT, TRACEPARENT } from '../../support/builders.ts';
import { anyName, ODD_NAMES, usableName } from '../../support/names.ts';

const ACCOUNTS: ReadonlySet<string> = new Set([ACCOUNT]);
const parse = (delivery: unknown, traceparent?: string) => parseBlobEvents(delivery, ACCOUNTS, traceparent);

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../fixtures/event-grid/${name}.json`, import.meta.url), 'utf8'));
}

const topicOf = (account: string): string =>
  `/subscriptions/11112222-3333-4444-5555-666677778888/resourceGroups/web/providers/Microsoft.Storage/storageAccounts/${account}`;

/** An event in Event Grid's schema, some parts replaced. */
function anEvent(parts: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    topic: topicOf(ACCOUNT),
    subject: '/blobServices/default/containers/media/blobs/a.txt',
    eventType: 'Microsoft.Storage.BlobCreated',
    id: 'event-1',
    data: { api: 'PutBlob' },
    eventTime: '2024-01-15T08:09:10Z',
    ...parts,
  };
}

const named = (name: string, container = 'media'): string =>
  `/blobServices/default/containers/${container}/blobs/${name}`;

const renamedFrom = (sourceUrl: unknown, destinationUrl: unknown, type = 'BlobRenamed') =>
  anEvent({ eventType: `Microsoft.Storage.${type}`, data: { api: 'RenameFile', sourceUrl, destinationUrl } });

/** `kind container/name` for each path of each change; `kind: reason` for what is no change. */
const described = (events: readonly ParsedEvent[]): readonly string[] =>
  events.flatMap((event) =>
    event.kind === 'change'
      ? affectedPaths(event.change).map((path) => `${event.change.kind} ${path.container}/${path.name}`)
      : [`${event.kind}: ${event.reason}`],
  );

describe('a delivery in the schema of Event Grid', () => {
  it.each([
    ['blob-created', Array.from({ length: 6 }, () => 'created media/dir/a b (1).webp')],
    ['incomplete-writes', ['ignored: incomplete-write', 'ignored: incomplete-write']],
    ['blob-deleted', Array.from({ length: 3 }, () => 'deleted $web/docs/index.html')],
    [
      'blob-renamed',
      Array.from({ length: 2 }, () => [
        'renamed media/old 首页%20#1?.txt',
        'renamed media/new#name?.txt',
      ]).flat(),
    ],
    [
      'directories',
      [
        'directory-renamed media/old#dir',
        'directory-renamed media/new dir',
        'directory-deleted media/old dir',
      ],
    ],
    ['other-types', Array.from({ length: 6 }, () => 'ignored: other-event-type')],
  ])('reads %s', (name, changes) => {
    expect(described(parse(fixture(name)))).toEqual(changes);
  });

  it('keeps what joins the change to its event, the eTag without quotes and the sequencer in lower case', () => {
    const [event] = parse(fixture('blob-created'), TRACEPARENT);
    expect(event).toEqual({
      kind: 'change',
      change: {
        kind: 'created',
        blob: { container: 'media', name: 'dir/a b (1).webp' },
        account: ACCOUNT,
        eventId: '831e1650-001e-001b-66ab-eeb76e000001',
        eventAt: Date.UTC(2024, 0, 15, 8, 9, 10, 123),
        eTag: '0x8DE2C84B394EF2A',
        sequencer: '00000000000000000000000000024bc3000000000006a0f1',
        traceparent: TRACEPARENT,
      },
    });
  });

  it('is one event or an array of them', () => {
    expect(described(parse(anEvent()))).toEqual(['created media/a.txt']);
    expect(described(parse([anEvent(), anEvent()]))).toEqual(['created media/a.txt', 'created media/a.txt']);
    expect(parse([])).toEqual([]);
  });
});

describe('a delivery of CloudEvents', () => {
  it('is one event, with its own trace and eTag', () => {
    expect(parse(fixture('cloud-event'))).toMatchObject([
      {
        kind: 'change',
        change: {
          blob: { name: '图片/party-🎉.png' },
          eTag: '0x8D4BCC2E4835CD0',
          traceparent: TRACEPARENT,
        },
      },
    ]);
  });

  it('is an array of events', () => {
    expect(described(parse(fixture('cloud-events')))).toEqual([
      'deleted media/a.txt',
      'renamed media/a',
      'renamed media/b',
    ]);
  });

  it('belongs to the trace of the invocation, where there is one', () => {
    const invocation = TRACEPARENT.replace('00f067aa0ba902b7', '1111111111111111');
    expect(parse(fixture('cloud-event'), invocation)).toMatchObject([
      { change: { traceparent: invocation } },
    ]);
  });

  it('may be mixed with the other schema', () => {
    expect(described(parse([fixture('cloud-event'), anEvent()]))).toHaveLength(2);
  });
});

describe('a blob’s name', () => {
  it.each(ODD_NAMES)('comes from the subject as it stands, with %s', (_oddity, name) => {
    const event = anEvent({
      subject: named(name),
      data: { url: 'https://contoso.blob.example/media/wrong' },
    });
    expect(described(parse(event))).toEqual([`created media/${name}`]);
  });

  it.each([
    ['blobs/ in it', 'a/blobs/b.txt'],
    ['the text of a subject in it', '/containers/other/blobs/b.txt'],
  ])('may have %s', (_what, name) => {
    expect(described(parse(anEvent({ subject: named(name) })))).toEqual([`created media/${name}`]);
  });

  it.each([
    ['', 'empty'],
    ['a/../b', 'dot-segment'],
    ['./a', 'dot-segment'],
    ['a\u0000', 'control-character'],
    ['a\nb', 'control-character'],
    ['a\uD83C', 'lone-surrogate'],
    ['party-\uFFFD\uFFFD.txt', 'replacement-character'],
    ['a'.repeat(1025), 'too-long'],
  ])('%j is refused: %s', (name, reason) => {
    expect(parse(anEvent({ subject: named(name) }))).toEqual([
      { kind: 'refused', reason, subject: named(name) },
    ]);
  });

  it('goes out as it came in', () => {
    fc.assert(
      fc.property(
        usableName,
        fc.constantFrom('BlobCreated', 'BlobDeleted', 'DirectoryDeleted'),
        (name, type) => {
          const [event] = parse(anEvent({ subject: named(name), eventType: `Microsoft.Storage.${type}` }));
          const paths = event?.kind === 'change' ? affectedPaths(event.change) : [];
          expect(paths.map((path) => path.name)).toEqual([name]);
        },
      ),
    );
  });
});

describe('the names of a rename', () => {
  it.each([
    ['the blob host', 'https://contoso.blob.core.chinacloudapi.cn/media/'],
    ['the data lake host', 'https://contoso.dfs.core.windows.net/media/'],
    ['a host in a DNS zone', 'https://contoso.z12.blob.storage.azure.net/media/'],
    ['an IPv4 address', 'http://127.0.0.1:10000/contoso/media/'],
    ['another IPv4 address', 'https://10.1.2.3/contoso/media/'],
    ['an IPv6 address', 'http://[fe80::1]:10000/contoso/media/'],
    ['a host of one label', 'http://localhost:10000/contoso/media/'],
    ['another host of one label', 'http://azurite:10000/contoso/media/'],
  ])('are what stands behind the container: %s', (_what, base) => {
    for (const [, name] of ODD_NAMES) {
      expect(described(parse(renamedFrom(`${base}${name}`, `${base}to`)))).toEqual([
        `renamed media/${name}`,
        'renamed media/to',
      ]);
    }
  });

  it('go out as they came in', () => {
    const base = 'https://contoso.dfs.core.chinacloudapi.cn/media/';
    fc.assert(
      fc.property(usableName, usableName, (from, to) => {
        expect(described(parse(renamedFrom(`${base}${from}`, `${base}${to}`)))).toEqual([
          `renamed media/${from}`,
          `renamed media/${to}`,
        ]);
      }),
    );
  });

  const HERE = 'https://contoso.blob.core.chinacloudapi.cn/media/a';

  it.each([
    ['another account', 'https://other1.blob.core.chinacloudapi.cn/media/a', 'foreign-rename-url'],
    ['another account in the path', 'http://10.1.2.3:10000/other1/media/a', 'foreign-rename-url'],
    ['a foreign host', 'https://evil.example/media/a', 'bad-rename-url'],
    ['a foreign host with a port', 'https://evil.example:443/contoso/media/a', 'bad-rename-url'],
    [
      'a foreign host that begins as an address',
      'https://10.1.2.3.evil.example/contoso/media/a',
      'bad-rename-url',
    ],
    ['credentials before a host of one label', 'https://contoso@evil/contoso/media/a', 'bad-rename-url'],
    ['a host that begins alike', 'https://contoso-x.blob.core.chinacloudapi.cn/media/a', 'bad-rename-url'],
    ['credentials before a foreign host', 'https://contoso@evil.example/media/a', 'bad-rename-url'],
    ['no URL', 'media/a', 'bad-rename-url'],
    ['no container', 'https://contoso.blob.core.chinacloudapi.cn/a', 'bad-rename-url'],
    ['a container that climbs', 'https://contoso.blob.core.chinacloudapi.cn/../a', 'bad-container'],
    ['nothing', undefined, 'bad-rename-url'],
    ['null', null, 'bad-rename-url'],
    ['a number', 7, 'bad-event-data'],
  ])('are refused for %s, on either side', (_what, url, reason) => {
    for (const type of ['BlobRenamed', 'DirectoryRenamed']) {
      expect(described(parse(renamedFrom(url, HERE, type)))).toEqual([`refused: ${reason}`]);
      expect(described(parse(renamedFrom(HERE, url, type)))).toEqual([`refused: ${reason}`]);
    }
  });
});

describe('a rename of which one name cannot be purged', () => {
  const GOOD = 'https://contoso.blob.core.chinacloudapi.cn/media/a';
  const BAD = 'https://contoso.blob.core.chinacloudapi.cn/media/../a';
  const NAMELESS = 'https://contoso.blob.core.chinacloudapi.cn/media/';

  it.each([
    ['BlobRenamed', BAD, GOOD, ['refused: dot-segment', 'created media/a']],
    ['BlobRenamed', GOOD, BAD, ['deleted media/a', 'refused: dot-segment']],
    ['BlobRenamed', NAMELESS, GOOD, ['refused: empty', 'created media/a']],
    ['DirectoryRenamed', BAD, GOOD, ['refused: dot-segment', 'directory-deleted media/a']],
    ['DirectoryRenamed', GOOD, BAD, ['directory-deleted media/a', 'refused: dot-segment']],
    ['BlobRenamed', BAD, NAMELESS, ['refused: dot-segment', 'refused: empty']],
  ])('%s purges the other: %s to %s', (type, from, to, expected) => {
    expect(described(parse(renamedFrom(from, to, type)))).toEqual(expected);
  });
});

describe('an event is believed only', () => {
  it.each([
    ['of another account', { topic: topicOf('other1') }, 'unknown-account'],
    ['of an account whose name only begins alike', { topic: topicOf('contoso2') }, 'unknown-account'],
    ['of a topic that ends in an account', { topic: '/storageAccounts/contoso' }, 'unknown-account'],
    ['of something below the account', { topic: `${topicOf(ACCOUNT)}/x` }, 'unknown-account'],
    ['of no storage', { topic: topicOf(ACCOUNT).replace('Microsoft.Storage', 'Evil') }, 'unknown-account'],
    ['of no time', { eventTime: 'yesterday' }, 'bad-event-time'],
    ['of a time that no record can hold', { eventTime: '+020000-01-01T00:00:00Z' }, 'bad-event-time'],
    ['of a queue', { subject: '/queueServices/default/queues/media/messages/a' }, 'bad-subject'],
    ['of a container', { subject: '/blobServices/default/containers/media' }, 'bad-subject'],
    ['of a container whose name is none', { subject: named('a', 'Media') }, 'bad-container'],
    ['of a container that climbs', { subject: named('a', '..') }, 'bad-container'],
    ['without data', { data: undefined }, 'bad-event-data'],
    ['with words for data', { data: 'PutBlob' }, 'bad-event-data'],
  ])('in its account, time and place, not one %s', (_what, parts, reason) => {
    expect(described(parse(anEvent(parts)))).toEqual([`refused: ${reason}`]);
  });

  it('whatever the case of the account in its topic', () => {
    expect(described(parse(anEvent({ topic: topicOf('CONTOSO').toUpperCase() })))).toEqual([
      'created media/a.txt',
    ]);
  });

  it.each([
    ['no api', {}],
    ['an api that nobody knows', { api: 'PutBlobFromMars' }],
    ['null for what deletes do not have', { api: 'PutBlob', eTag: null, sequencer: null }],
  ])('also with %s', (_what, data) => {
    expect(described(parse(anEvent({ data })))).toEqual(['created media/a.txt']);
  });
});

describe('what is no event', () => {
  it.each([
    ['null', null],
    ['words', 'BlobCreated'],
    ['a number', 7],
    ['an empty object', {}],
    ['an event without subject', anEvent({ subject: undefined })],
    ['an event without id', anEvent({ id: undefined })],
    ['an array in an array', [[anEvent()]]],
    ['a CloudEvent of another version', { ...anEvent(), specversion: '0.3', topic: undefined }],
  ])('is refused: %s', (_what, delivery) => {
    expect(described(parse(delivery))).toEqual(['refused: not-an-event']);
  });

  it('does not stop the events beside it', () => {
    expect(described(parse([null, anEvent(), 'x']))).toEqual([
      'refused: not-an-event',
      'created media/a.txt',
      'refused: not-an-event',
    ]);
  });

  it('never throws, and never lets an unusable name through, whatever is delivered', () => {
    const almost = fc
      .record(
        {
          topic: fc.oneof(fc.constant(topicOf(ACCOUNT)), fc.string()),
          subject: fc.oneof(
            anyName.map((name) => named(name)),
            anyName,
            fc.string(),
          ),
          eventType: fc.constantFrom(
            'Microsoft.Storage.BlobCreated',
            'Microsoft.Storage.BlobRenamed',
            'Microsoft.Storage.DirectoryDeleted',
          ),
          id: fc.string(),
          data: fc.oneof(
            fc.jsonValue(),
            fc.record({
              sourceUrl: anyName.map((name) => `https://contoso.blob.core.windows.net/media/${name}`),
              destinationUrl: anyName.map((name) => `https://contoso.dfs.core.windows.net/m/${name}`),
            }),
          ),
          eventTime: fc.oneof(fc.constant('2024-01-15T08:09:10Z'), fc.string()),
        },
        { requiredKeys: ['eventType'] },
      )
      .map((event): unknown => event);
    fc.assert(
      fc.property(fc.oneof(almost, fc.jsonValue(), fc.array(almost, { maxLength: 3 })), (delivery) => {
        const events = parse(delivery);
        const delivered = Array.isArray(delivery) ? delivery.length : 1;
        expect(events.length).toBeGreaterThanOrEqual(delivered);
        expect(events.length).toBeLessThanOrEqual(delivered * 2);
        const paths = events.flatMap((event) => (event.kind === 'change' ? affectedPaths(event.change) : []));
        expect(paths.filter(({ name }) => findBlobNameFault(name) !== undefined)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
