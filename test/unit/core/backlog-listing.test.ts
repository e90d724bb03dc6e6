// What a person is told of the backlog.

import { describe, expect, it } from 'vitest';

import { applyChanges, EMPTY_BACKLOG, type Backlog, type Joining } from '../../../src/lib/core/backlog.ts';
import { listBacklog } from '../../../src/lib/core/backlog-listing.ts';
import { instant, type Instant } from '../../../src/lib/core/instant.ts';
import { aFailure, aRefusal, aTarget } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const after = (seconds: number): Instant => instant(START_AT + seconds * 1000);
const reset = after(10_000);

type Parts = Partial<Pick<Joining, 'since' | 'until' | 'reason' | 'failedAttempts'>> & {
  readonly site?: string;
  readonly changes?: number;
};

const aWait = (path: string, { site = 'www', changes = 1, ...parts }: Parts = {}): Joining => ({
  type: 'target',
  target: aTarget(path, { site }),
  since: START_AT,
  until: reset,
  reason: 'quota-exhausted',
  failedAttempts: 0,
  causes: [],
  messages: [],
  changes,
  ...parts,
});

const aRequest = (requestId: string, parts: Parts = {}): Joining => ({
  type: 'request',
  requestId,
  since: START_AT,
  until: reset,
  reason: 'throttled',
  failedAttempts: 2,
  ...parts,
});

const backlogOf = (joining: readonly Joining[], rest: Partial<Backlog> = {}): Backlog => {
  const { holds = new Map(), throttlings = new Map() } = rest;
  return applyChanges(EMPTY_BACKLOG, { leaving: [], staying: [], joining, holds, throttlings }, START_AT);
};

describe('an empty backlog', () => {
  it('has nothing to tell', () => {
    expect(listBacklog(EMPTY_BACKLOG, START_AT, 100)).toEqual({
      at: START_AT,
      targets: 0,
      requests: 0,
      oldestSince: undefined,
      byReason: [],
      bySite: [],
      holds: [],
      throttlings: [],
      entries: [],
    });
  });
});

describe('what waits', () => {
  it('is counted: targets and requests, by reason and by site, what there is most of first', () => {
    const backlog = backlogOf([
      aWait('/a', { site: 'docs', since: after(5), reason: 'transient', until: after(60) }),
      aWait('/b', { since: after(3), until: after(9_000) }),
      aWait('/c', { since: after(4) }),
      aRequest('r1', { since: after(1) }),
    ]);
    expect(listBacklog(backlog, after(100), 0)).toMatchObject({
      targets: 3,
      requests: 1,
      oldestSince: after(1),
      byReason: [
        { reason: 'quota-exhausted', waiting: 2, oldestSince: after(3), until: after(9_000) },
        { reason: 'throttled', waiting: 1, oldestSince: after(1), until: reset },
        { reason: 'transient', waiting: 1, oldestSince: after(5), until: after(60) },
      ],
      bySite: [
        { site: 'www', waiting: 2, oldestSince: after(3), until: after(9_000) },
        { site: 'docs', waiting: 1, oldestSince: after(5), until: after(60) },
      ],
    });
  });

  it('is named, the oldest first and no more than asked for; of the same age in the order of joining', () => {
    const backlog = backlogOf([
      aWait('/late', { since: after(9) }),
      aWait('/first', { since: after(2), changes: 40, failedAttempts: 3 }),
      aRequest('r1', { since: after(2) }),
      aWait('/dir/', { since: after(2) }),
    ]);
    expect(listBacklog(backlog, after(102.9), 3).entries).toEqual([
      {
        what: {
          type: 'target',
          url: 'http://www.example.cn/first',
          kind: 'file',
          cdn: 'china',
          site: 'www',
          changes: 40,
        },
        since: after(2),
        ageSeconds: 100,
        reason: 'quota-exhausted',
        until: reset,
        failedAttempts: 3,
      },
      {
        what: { type: 'request', requestId: 'r1' },
        since: after(2),
        ageSeconds: 100,
        reason: 'throttled',
        until: reset,
        failedAttempts: 2,
      },
      expect.objectContaining({ what: expect.objectContaining({ kind: 'directory' }) }),
    ]);
  });

  it('is never younger than now, whatever another machine’s clock said', () => {
    const backlog = backlogOf([aWait('/a', { since: after(5) })]);
    expect(listBacklog(backlog, START_AT, 1).entries[0]?.ageSeconds).toBe(0);
  });
});

describe('what is held back', () => {
  it('says what, until when, and what the CDN answered; what is over is left out', () => {
    const refused = aRefusal({ outcomeClass: 'credentials-refused', errorType: 'Forbidden', message: 'No.' });
    const backlog = backlogOf([], {
      holds: new Map([
        ['subscription s1', { until: after(60), times: 3, outcome: refused }],
        ['endpoint china e1', { until: after(30), times: 1, outcome: aFailure() }],
      ]),
    });
    expect(listBacklog(backlog, after(30), 1).holds).toEqual([
      {
        of: 'subscription s1',
        until: after(60),
        times: 3,
        outcomeClass: 'credentials-refused',
        cause: 'Forbidden: No.',
        correlationId: 'correlation-refused',
      },
    ]);
  });

  it('says what is throttled, and since when', () => {
    const throttling = { since: START_AT, times: 4, probeAt: after(60), spentUntil: reset };
    const backlog = backlogOf([], { throttlings: new Map([['s1 files', throttling]]) });
    expect(listBacklog(backlog, START_AT, 1).throttlings).toEqual([{ of: 's1 files', ...throttling }]);
  });
});
