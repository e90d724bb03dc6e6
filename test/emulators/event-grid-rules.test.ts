// Event Grid's rules as tables: what is a write, what a batch deleted, when an event is tried again.
import { describe, expect, test } from 'vitest';
import { deletedInBatch } from '../../dev/event-grid/batch-response.ts';
import { blobWriteOf, type StorageRequest } from '../../dev/event-grid/blob-write.ts';
import { decideDelivery, isExpired } from '../../dev/event-grid/delivery-schedule.ts';
import { blobEvent, type BlobEventInput } from '../../dev/event-grid/event.ts';
import { printable } from '../../dev/event-grid/printable.ts';
import { createSequencer } from '../../dev/event-grid/sequencer.ts';

const account = 'devstoreaccount1';

function write(
  method: string,
  target: string,
  headers: StorageRequest['headers'] = {},
  response: { status?: number; headers?: StorageRequest['headers'] } = {},
): ReturnType<typeof blobWriteOf> {
  return blobWriteOf(
    { method, target, headers },
    { status: response.status ?? 201, headers: { etag: '"0x1"', ...response.headers } },
    account,
  );
}

describe('a request to storage', () => {
  const block = { 'x-ms-blob-type': 'BlockBlob', 'content-length': '3' };
  const source = { 'x-ms-copy-source': 'http://127.0.0.1/x/y/z' };

  test.each([
    ['Put Blob', 'PUT', '', block, { kind: 'created', api: 'PutBlob', facts: { contentLength: 3 } }],
    [
      'Put Blob of pages',
      'PUT',
      '',
      { 'x-ms-blob-type': 'PageBlob', 'content-length': '0', 'x-ms-blob-content-length': '512' },
      { api: 'PutBlob', facts: { contentLength: 512, blobType: 'PageBlob' } },
    ],
    [
      'Put Blob in chunks, whose size only storage knows',
      'PUT',
      '',
      { 'x-ms-blob-type': 'BlockBlob', 'transfer-encoding': 'chunked' },
      { api: 'PutBlob', facts: undefined },
    ],
    ['Put Block List', 'PUT', '?comp=blocklist', {}, { kind: 'created', api: 'PutBlockList' }],
    ['Put Blob From URL', 'PUT', '', { ...block, ...source }, { api: 'PutBlob', facts: undefined }],
    ['Copy Blob', 'PUT', '', source, { kind: 'created', api: 'CopyBlob' }],
    ['Delete Blob', 'DELETE', '', {}, { kind: 'deleted' }],
    [
      'Delete Blob with its snapshots',
      'DELETE',
      '',
      { 'x-ms-delete-snapshots': 'include' },
      { kind: 'deleted' },
    ],
  ])('%s is a change', (_operation, method, query, headers, expected) => {
    expect(write(method, `/${account}/c/a.txt${query}`, headers)).toMatchObject({
      ...expected,
      blob: { container: 'c', name: 'a.txt' },
    });
  });

  test('Copy Blob that goes on is only the start of a change', () => {
    const pending = write('PUT', `/${account}/c/a.txt`, source, {
      headers: { 'x-ms-copy-status': 'pending' },
    });

    expect(pending).toEqual({ kind: 'copy-started', blob: { container: 'c', name: 'a.txt' } });
  });

  test.each([
    ['Put Block', 'PUT', '/c/a?comp=block&blockid=AA%3D%3D', {}],
    ['Put Block From URL', 'PUT', '/c/a?comp=block&blockid=AA', source],
    ['Append Block', 'PUT', '/c/a?comp=appendblock', {}],
    ['Put Page', 'PUT', '/c/a?comp=page', {}],
    ['Set Blob Metadata', 'PUT', '/c/a?comp=metadata', {}],
    ['Set Blob Properties', 'PUT', '/c/a?comp=properties', {}],
    ['Set Blob Tier', 'PUT', '/c/a?comp=tier', {}],
    ['Set Blob Tags', 'PUT', '/c/a?comp=tags', {}],
    ['Lease Blob', 'PUT', '/c/a?comp=lease', {}],
    ['Snapshot Blob', 'PUT', '/c/a?comp=snapshot', {}],
    ['Undelete Blob', 'PUT', '/c/a?comp=undelete', {}],
    ['Abort Copy Blob', 'PUT', '/c/a?comp=copy&copyid=1', {}],
    ['Delete of a snapshot', 'DELETE', '/c/a?snapshot=2026-11-22T00:00:00.0000000Z', {}],
    ['Delete of a version', 'DELETE', '/c/a?versionid=2026-11-22T00:00:00.0000000Z', {}],
    ['Delete of snapshots only', 'DELETE', '/c/a', { 'x-ms-delete-snapshots': 'Only' }],
    ['Delete of an immutability policy', 'DELETE', '/c/a?comp=immutabilityPolicies', {}],
    ['Create Container', 'PUT', '/c?restype=container', {}],
    ['Delete Container', 'DELETE', '/c?restype=container', {}],
    ['Get Blob', 'GET', '/c/a', {}],
    ['Query Blob', 'POST', '/c/a?comp=query', {}],
  ])('%s is none', (_operation, method, target, headers) => {
    expect(write(method, `/${account}${target}`, headers)).toBeUndefined();
  });

  test.each([304, 400, 403, 404, 409, 412, 500, 503])('that failed with %i is none', (status) => {
    expect(write('PUT', `/${account}/c/a`, block, { status })).toBeUndefined();
    expect(write('POST', `/${account}?comp=batch`, {}, { status })).toBeUndefined();
  });

  test('to another account is none', () => {
    expect(write('PUT', '/other/c/a', block)).toBeUndefined();
    expect(write('PUT', `/${account}-secondary/c/a`, block)).toBeUndefined();
  });

  test.each([
    [`/${account}/c/a%20b`, 'c', 'a b'],
    [`/${account}/c/a+b`, 'c', 'a+b'],
    [`/${account}/c/a%2Bb%2520`, 'c', 'a+b%20'],
    [`/${account}/c//a//b/`, 'c', '/a//b/'],
    [`/${account}/c/a%2Fb`, 'c', 'a/b'],
    [`/${account}/c/a%5Cb`, 'c', 'a/b'],
    [`/${account}/c/../a`, 'c', '../a'],
    [`/${account}/c/%E4%B8%AD%F0%9F%90%BC`, 'c', '中🐼'],
    [`/${account}/c/100%`, 'c', '100%'],
    [`/${account}/%24web/index.html`, '$web', 'index.html'],
    [`/${account}/robots.txt`, '$root', 'robots.txt'],
    [`/${account}/$root/robots.txt`, '$root', 'robots.txt'],
  ])('%s is about %s and %s', (target, container, name) => {
    expect(write('PUT', target, block)).toMatchObject({ blob: { container, name } });
  });

  test('with the account in the host has none in the path', () => {
    const headers = { ...block, host: `${account}.blob.localhost:10000` };

    expect(write('PUT', '/c/a/b', headers)).toMatchObject({ blob: { container: 'c', name: 'a/b' } });
  });
});

describe('a blob batch', () => {
  const request = [
    '--b1',
    'Content-Type: application/http',
    'Content-ID: 0',
    '',
    `DELETE /${account}/c/a%20b HTTP/1.1`,
    'x-ms-client-request-id: mine',
    'Content-Length: 0',
    '',
    '--b1',
    'Content-Type: application/http',
    'Content-ID: 1',
    '',
    `DELETE /${account}/c/missing HTTP/1.1`,
    'Content-Length: 0',
    '',
    '--b1',
    'Content-Type: application/http',
    'Content-ID: 2',
    '',
    `DELETE /${account}/c/snapshots HTTP/1.1`,
    'x-ms-delete-snapshots: only',
    'Content-Length: 0',
    '',
    '--b1',
    'Content-Type: application/http',
    'Content-ID: 3',
    '',
    `DELETE /${account}/c/%E4%B8%AD HTTP/1.1`,
    'Content-Length: 0',
    '',
    '--b1--',
    '',
  ];
  // As documented, in another order, with a body that looks like headers.
  const answer = [
    '--b2',
    'Content-Type: application/http',
    'Content-ID: 3',
    '',
    'HTTP/1.1 202 Accepted',
    'x-ms-request-id: r3',
    '',
    '--b2',
    'Content-Type: application/http',
    'Content-ID: 1',
    '',
    'HTTP/1.1 404 The specified blob does not exist.',
    'x-ms-request-id: r1',
    'Content-Type: application/xml',
    '',
    '<?xml version="1.0"?>',
    'HTTP/1.1 202 Accepted',
    '--b2',
    'Content-Type: application/http',
    'Content-ID: 2',
    '',
    'HTTP/1.1 202 Accepted',
    '',
    '--b2',
    'Content-Type: application/http',
    'Content-ID: 0',
    '',
    'HTTP/1.1 202 Accepted',
    'x-ms-request-id: r0',
    '',
    '--b2--',
  ];

  test.each([
    ['CRLF', '\r\n'],
    ['LF', '\n'],
  ])('deleted what its answers by Content-ID say (%s)', (_name, lineEnd) => {
    const deletions = deletedInBatch(
      { contentType: 'multipart/mixed; boundary=b1', body: request.join(lineEnd) },
      { contentType: 'multipart/mixed; boundary="b2"', body: answer.join(lineEnd) },
      '127.0.0.1:10000',
      account,
    );

    expect(deletions).toEqual({
      ok: true,
      value: [
        { blob: { container: 'c', name: 'a b' }, requestId: 'r0', clientRequestId: 'mine' },
        { blob: { container: 'c', name: '中' }, requestId: 'r3', clientRequestId: undefined },
      ],
    });
  });

  test('that was refused as a whole deleted nothing', () => {
    const refused = ['--b2', 'Content-Type: application/http', '', 'HTTP/1.1 400 Bad', '', '--b2--'];

    expect(
      deletedInBatch(
        { contentType: 'multipart/mixed; boundary=b1', body: request.join('\r\n') },
        { contentType: 'multipart/mixed; boundary=b2', body: refused.join('\r\n') },
        '127.0.0.1',
        account,
      ),
    ).toEqual({ ok: true, value: [] });
  });

  test('without a boundary is an error, not an exception', () => {
    const unreadable = deletedInBatch(
      { contentType: 'multipart/mixed; boundary=b1', body: request.join('\r\n') },
      { contentType: 'text/plain', body: 'what?' },
      '127.0.0.1',
      account,
    );

    expect(unreadable).toMatchObject({ ok: false, error: expect.stringContaining('answer') });
  });
});

describe('an event', () => {
  const input: BlobEventInput = {
    cause: {
      kind: 'created',
      api: 'PutBlob',
      eTag: '"0x8DE"',
      facts: { blobType: 'BlockBlob', contentType: 'text/plain', contentLength: 5 },
    },
    blob: { container: '$web', name: '文 件#1?%20+.txt' },
    topic: '/subscriptions/s/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/a',
    accountUrl: 'http://127.0.0.1:10000/a',
    id: 'id-1',
    happenedAt: new Date('2026-11-22T08:00:00.123Z'),
    sequencer: '0'.repeat(48),
    requestId: 'request-1',
    clientRequestId: undefined,
    diagnosticsBatchId: 'diagnostics-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  };
  const data = {
    api: 'PutBlob',
    requestId: 'request-1',
    eTag: '0x8DE',
    contentType: 'text/plain',
    contentLength: 5,
    blobType: 'BlockBlob',
    url: 'http://127.0.0.1:10000/a/$web/文 件#1?%20+.txt',
    sequencer: '0'.repeat(48),
    storageDiagnostics: { batchId: 'diagnostics-1' },
  };
  const subject = '/blobServices/default/containers/$web/blobs/文 件#1?%20+.txt';

  test("has the members of Event Grid's own schema", () => {
    expect(blobEvent(input, 'eventgrid').wire).toEqual({
      topic: input.topic,
      subject,
      eventType: 'Microsoft.Storage.BlobCreated',
      eventTime: '2026-11-22T08:00:00.1230000Z',
      id: 'id-1',
      data,
      dataVersion: '',
      metadataVersion: '1',
    });
  });

  test('has those of CloudEvents 1.0, where a trace has its place', () => {
    expect(blobEvent(input, 'cloudevents').wire).toEqual({
      source: input.topic,
      subject,
      type: 'Microsoft.Storage.BlobCreated',
      time: '2026-11-22T08:00:00.1230000Z',
      id: 'id-1',
      data,
      specversion: '1.0',
      traceparent: input.traceparent,
    });
  });

  test('has a sequencer that grows as text, also when the clock stands still or steps back', () => {
    const clock = [1_000, 1_000, 999, 5, 1_001, 2_000_000];
    const next = createSequencer(() => clock.shift() ?? 0);

    const sequencers = Array.from({ length: 6 }, () => next());

    expect(new Set(sequencers).size).toBe(6);
    for (const [index, sequencer] of sequencers.entries()) {
      expect(sequencer).toMatch(/^[0-9a-f]{48}$/u);
      expect(sequencer > (sequencers[index - 1] ?? '')).toBe(true);
    }
  });

  test('has a name that cannot play with a terminal', () => {
    expect(printable('a\u001B[2Jb\u202Ec\nd\uD800e文🐼')).toBe(
      String.raw`a\u001b[2Jb\u202ec\u000ad\ud800e文🐼`,
    );
    expect(printable('x'.repeat(300), 10)).toBe('xxxxxxxxxx…');
  });
});

describe('after an attempt', () => {
  test.each([200, 201, 202, 203, 204])('answered %i the event is delivered', (status) => {
    expect(decideDelivery({ kind: 'answered', status }, 1, 1)).toEqual({ kind: 'delivered' });
  });

  test.each([400, 401, 403, 413])('answered %i it is a dead letter', (status) => {
    expect(decideDelivery({ kind: 'answered', status }, 1, 1)).toMatchObject({ kind: 'dead-letter' });
  });

  test.each([205, 206, 301, 302, 404, 405, 408, 409, 429, 500, 502, 503])(
    'answered %i it is tried again',
    (status) => {
      expect(decideDelivery({ kind: 'answered', status }, 1, 1)).toEqual({ kind: 'retry', delayMs: 10_000 });
    },
  );

  test.each([
    [1, 10],
    [2, 30],
    [3, 60],
    [4, 5 * 60],
    [5, 10 * 60],
    [6, 30 * 60],
    [7, 3_600],
    [8, 3 * 3_600],
    [9, 6 * 3_600],
    [10, 12 * 3_600],
    [11, 12 * 3_600],
    [29, 12 * 3_600],
  ])('number %i without an answer the next one comes %i s later', (attempts, seconds) => {
    const unanswered = { kind: 'unanswered', reason: 'connection refused' } as const;

    expect(decideDelivery(unanswered, attempts, 1)).toEqual({ kind: 'retry', delayMs: seconds * 1_000 });
    expect(decideDelivery(unanswered, attempts, 0.5)).toEqual({ kind: 'retry', delayMs: seconds * 500 });
  });

  test('number 30 it is given up', () => {
    expect(decideDelivery({ kind: 'answered', status: 500 }, 30, 1)).toMatchObject({ kind: 'dead-letter' });
  });

  test('its time to live is a day, in which the scale counts too', () => {
    const dayMs = 24 * 3_600 * 1_000;

    expect([isExpired(0, dayMs, 1), isExpired(0, dayMs + 1, 1)]).toEqual([false, true]);
    expect([isExpired(0, dayMs / 2, 0.5), isExpired(0, dayMs / 2 + 1, 0.5)]).toEqual([false, true]);
  });
});
