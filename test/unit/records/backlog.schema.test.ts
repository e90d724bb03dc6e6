// The format of the backlog. The fixture is a backlog as version 1 wrote it; it is never changed.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { applyChanges, EMPTY_BACKLOG, NO_CHANGES, type Backlog } from '../../../src/lib/core/backlog.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { decodeBacklog, encodeBacklog } from '../../../src/lib/records/backlog.schema.ts';
import {
  aFailure,
  aJoiningRequest,
  aJoiningTarget,
  aStay,
  aTarget,
  TRACEPARENT,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const FIXTURE = readFileSync(new URL('../../fixtures/backlog/backlog-v1.jsonl', import.meta.url), 'utf8');
const parsed = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line));
const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const since = Date.parse('2026-11-22T09:43:41.820Z');
const until = Date.parse('2026-11-23T00:10:00.000Z');

describe('a backlog of version 1', () => {
  it('is written as it was read', () => {
    const written = [...encodeBacklog(decodeBacklog(linesOf(FIXTURE)))];
    expect(parsed(written)).toEqual(parsed(linesOf(FIXTURE)));
  });

  it('is read: targets with their changes, requests, what is held back', () => {
    const { nextRevision, entries, holds, throttlings } = decodeBacklog(linesOf(FIXTURE));
    expect(nextRevision).toBe(since + 3);
    expect([...entries.values()]).toMatchObject([
      {
        type: 'target',
        target: {
          kind: 'file',
          url: 'http://www.example.cn/media/dir/%E9%A6%96%20%E9%A1%B5%23.html',
          cdn: 'china',
          host: 'www.example.cn',
          endpointId: 'aaaabbbb-cccc-dddd-eeee-ffff00001111',
          site: 'www',
        },
        since,
        until,
        reason: 'quota-exhausted',
        failedAttempts: 1,
        changes: 12,
        causes: [
          { type: 'change', eventId: 'event-1', eventAt: since, traceparent: TRACEPARENT },
          { type: 'request', requestId: '5d0c1b2a-7e6f-4a3b-9c8d-1e2f3a4b5c6d', origin: 'tracker' },
        ],
        messages: [
          { path: 'media/dir/首 页#.html', text: expect.stringMatching(/^eyJ2Ijox/u) },
          { path: 'media/other', text: expect.stringMatching(/\n$/u) },
        ],
      },
      { target: { kind: 'directory', endpointId: undefined, site: 'docs' }, reason: 'out-of-time' },
      {
        type: 'request',
        requestId: '43713ade-0ecf-4d1a-abf1-460febdf0bff',
        traceparent: TRACEPARENT,
        reason: 'throttled',
        failedAttempts: 2,
      },
    ]);
    expect(Object.fromEntries(holds)).toMatchObject({
      'subscription s1': {
        until,
        times: 3,
        outcome: { kind: 'refused', errorType: 'Forbidden', status: 403 },
      },
      'endpoint china e1': { outcome: { kind: 'failed', reason: 'unreadable-answer', retryAfterMs: 30_000 } },
    });
    expect(Object.fromEntries(throttlings)).toEqual({
      's1 files': { since, times: 4, probeAt: until, spentUntil: until },
      's1 directories': { since: undefined, times: 0, probeAt: until, spentUntil: undefined },
    });
  });
});

describe('what waits for purges in flight', () => {
  const written = [
    ...encodeBacklog(
      applyChanges(
        EMPTY_BACKLOG,
        {
          ...NO_CHANGES,
          joining: [
            aJoiningTarget('/a', aStay({ reason: 'in-flight' })),
            aJoiningRequest('r-1', { reason: 'in-flight' }),
          ],
        },
        START_AT,
      ),
    ),
  ];

  it('is read as it was written', () => {
    const { entries } = decodeBacklog(written);
    expect([...entries.values()].map(({ reason }) => reason)).toEqual(['in-flight', 'in-flight']);
  });

  it('has a reason that versions which know no such thing can read', () => {
    expect(parsed(written).slice(1)).toMatchObject([{ reason: 'out-of-time' }, { reason: 'out-of-time' }]);
  });
});

describe('what is held back for a reason that came later', () => {
  const REASONS = ['no-token', 'purge-in-flight'] as const;
  const heldFor = (reason: (typeof REASONS)[number]): Backlog => {
    const outcome = aFailure({ reason, sent: false, outcomeClass: 'credentials-refused', detail: 'words' });
    const holds = new Map([['subscription s1', { until: instant(until), times: 1, outcome }]]);
    return applyChanges(EMPTY_BACKLOG, { ...NO_CHANGES, holds }, START_AT);
  };

  it.each(REASONS)('is read as it was written: %s', (reason) => {
    expect([...reread(heldFor(reason)).holds.values()]).toEqual([...heldFor(reason).holds.values()]);
  });

  it.each(REASONS)('has a reason that earlier versions can read: %s', (reason) => {
    const [head] = parsed([...encodeBacklog(heldFor(reason))]);
    // Those that version 1 had when it was first written.
    const known = /^(?:could-not-connect|throttled)$/u;
    expect(head).toMatchObject({
      holds: { 'subscription s1': { outcome: { reason: expect.stringMatching(known), detail: 'words' } } },
    });
  });
});

const reread = (backlog: Backlog): Backlog => decodeBacklog(encodeBacklog(backlog));

describe('targets that their CDN takes for the same', () => {
  const matching = { ignoresCase: true, ignoresQuery: true, ignoresScheme: true, reachesBelow: true };
  const join = (backlog: Backlog, path: string): Backlog =>
    applyChanges(
      backlog,
      { ...NO_CHANGES, joining: [aJoiningTarget(path, { target: aTarget(path, { matching }) })] },
      START_AT,
    );

  it('come back as they stood', () => {
    const backlog = join(join(EMPTY_BACKLOG, '/media/A'), '/media/b');
    expect(backlog.entries.size).toBe(2);
    expect([...reread(backlog).entries.keys()]).toEqual([...backlog.entries.keys()]);
    expect([...reread(backlog).entries.values()]).toMatchObject([
      { target: { matching } },
      { target: { matching } },
    ]);
  });

  it('wait as one also where one of them was read from storage', () => {
    const joined = join(reread(join(EMPTY_BACKLOG, '/media/A')), '/media/a');
    expect([...joined.entries.values()]).toMatchObject([{ changes: 2 }]);
  });

  it('wait side by side after an older version wrote them, and each can leave', () => {
    const lines = [...encodeBacklog(join(EMPTY_BACKLOG, '/media/A'))].map((line) =>
      line.replace(/,"matching":\{[^}]*\}/u, ''),
    );
    const joined = reread(join(decodeBacklog(lines), '/media/A'));
    const leaving = [...joined.entries.values()];
    expect(leaving).toHaveLength(2);
    expect(applyChanges(joined, { ...NO_CHANGES, leaving }, START_AT).entries.size).toBe(0);
  });
});

describe('what is not believed', () => {
  it.each([
    { what: 'a newer version', find: '"version":1', replace: '"version":2', says: 'version' },
    { what: 'no version', find: '"version":1,', replace: '', says: 'version' },
    {
      what: 'a revision that is none',
      find: /"nextRevision":\d+/u,
      replace: '"nextRevision":0',
      says: 'nextRevision',
    },
    { what: 'a URL that no purge may name', find: 'http://www', replace: 'ftp://www', says: 'no URL' },
    { what: 'a URL with a dot segment', find: '/media/dir/', replace: '/media/../', says: 'no URL' },
    { what: 'a place that is not listed', find: '"place":1', replace: '"place":2', says: 'no place' },
    {
      what: 'a reason that nobody knows',
      find: '"reason":"throttled"',
      replace: '"reason":"bored"',
      says: 'reason',
    },
    { what: 'a time that is none', find: `"since":${since}`, replace: '"since":"soon"', says: 'since' },
    {
      what: 'a time that no record can hold',
      find: `"since":${since}`,
      replace: '"since":-1',
      says: 'since',
    },
    { what: 'a message without a text', find: '"text":', replace: '"words":', says: 'messages' },
    { what: 'a hold without its answer', find: '"outcome":', replace: '"income":', says: 'outcome' },
    { what: 'half a line', find: /.\n$/u, replace: '\n', says: 'JSON' },
  ])('is a backlog with $what', ({ find, replace, says }) => {
    const changed = FIXTURE.replace(find, replace);
    expect(changed).not.toBe(FIXTURE);
    expect(() => decodeBacklog(linesOf(changed))).toThrow(says);
  });

  it('is a backlog without a line', () => {
    expect(() => decodeBacklog([])).toThrow('no line');
  });
});
