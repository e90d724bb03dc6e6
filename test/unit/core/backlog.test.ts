// What waits: merged by target, and written so that no flush undoes what another wrote.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  applyChanges,
  CAUSES_MAX,
  dueEntries,
  EMPTY_BACKLOG,
  entriesCovered,
  keyOf,
  NO_CHANGES,
  type Backlog,
  type BacklogChanges,
  type Joining,
  type Look,
  type Waiting,
} from '../../../src/lib/core/backlog.ts';
import { createCoverage } from '../../../src/lib/core/coalesce.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { aFailure, aJoiningRequest, aJoiningTarget, aStay, aTarget } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const later = (ms: number) => instant(START_AT + ms);

const change = (backlog: Backlog, changes: Partial<BacklogChanges>, at = START_AT): Backlog =>
  applyChanges(backlog, { ...NO_CHANGES, ...changes }, at);

const withJoined = (...joining: readonly Joining[]): Backlog => change(EMPTY_BACKLOG, { joining });

/** The entries in order. */
const entriesOf = ({ entries }: Backlog): readonly Waiting[] => [...entries.values()];

const only = (backlog: Backlog): Waiting => {
  const [entry, ...others] = entriesOf(backlog);
  if (entry === undefined || others.length > 0) throw new Error('not one entry');
  return entry;
};

/** Keys with revisions. */
const orderOf = ({ entries }: Backlog) => [...entries].map(([key, { revision }]) => [key, revision]);

/** What their keys end with. */
const namesOf = (entries: readonly Waiting[]) => entries.map((entry) => keyOf(entry).split('/').at(-1));

const eventIds = (entry: Waiting | undefined): readonly string[] =>
  entry?.type === 'target'
    ? entry.causes.flatMap((cause) => (cause.type === 'change' ? [cause.eventId] : []))
    : [];

describe('what joins', () => {
  it('stands as it is, with a revision', () => {
    const joining = aJoiningTarget('/media/a', { since: later(-5) });
    expect(only(withJoined(joining))).toEqual({ ...joining, revision: expect.any(Number) });
  });

  it('stands apart from other targets, other kinds and other CDNs, in the order of joining', () => {
    const targets = [
      aTarget('/d/'),
      aTarget('/d/', { kind: 'file' }),
      aTarget('/d/', { cdn: 'second' }),
      aTarget('/d/a'),
    ];
    const backlog = withJoined(...targets.map((target) => aJoiningTarget('/d/', { target })));
    expect(entriesOf(backlog).map((entry) => entry.type === 'target' && entry.target)).toEqual(targets);
  });

  it('merges with what waits for the same target: all its changes, and the older of their ages', () => {
    const first = aJoiningTarget('/a', {
      eventId: 'e-1',
      since: later(0),
      changes: 3,
      ...aStay({ reason: 'transient', until: later(10_000), failedAttempts: 4 }),
    });
    const second = aJoiningTarget('/a', {
      eventId: 'e-2',
      since: later(5_000),
      changes: 1,
      ...aStay({ reason: 'throttled', until: later(60_000), failedAttempts: 1 }),
    });
    expect(only(change(withJoined(first), { joining: [second] }))).toMatchObject({
      since: later(0),
      changes: 4,
      causes: [...first.causes, ...second.causes],
      reason: 'throttled',
      until: later(60_000),
      failedAttempts: 4,
    });
  });

  it('merges within one flush as it does over two', () => {
    const joining = [
      aJoiningTarget('/a', { eventId: 'e-1', since: later(9) }),
      aJoiningTarget('/a', { eventId: 'e-2', since: later(3) }),
    ];
    expect(only(withJoined(...joining))).toMatchObject({ changes: 2, since: later(3) });
  });

  it('keeps the newest message of each path, for the poison queue', () => {
    const backlog = withJoined(
      aJoiningTarget('/a', { messages: [{ path: 'media/a', text: 'old' }] }),
      aJoiningTarget('/a', { messages: [{ path: 'media/a b', text: 'renamed' }] }),
      aJoiningTarget('/a', { messages: [{ path: 'media/a', text: 'new' }] }),
    );
    expect(only(backlog)).toMatchObject({
      messages: [
        { path: 'media/a b', text: 'renamed' },
        { path: 'media/a', text: 'new' },
      ],
    });
  });

  it('keeps the causes of the newest changes, and counts all', () => {
    const joining = Array.from({ length: 30 }, (_, index) => aJoiningTarget('/a', { eventId: `e-${index}` }));
    const entry = only(withJoined(...joining));
    expect(entry).toMatchObject({ changes: 30 });
    expect(eventIds(entry)).toEqual(
      Array.from({ length: CAUSES_MAX }, (_, index) => `e-${30 - CAUSES_MAX + index}`),
    );
  });

  it('is one entry for a request, however often it joins', () => {
    const backlog = withJoined(
      aJoiningRequest('r-1', { since: later(0), failedAttempts: 3 }),
      aJoiningRequest('r-1', { since: later(9), failedAttempts: 1, until: later(99) }),
      aJoiningRequest('r-2'),
    );
    expect(entriesOf(backlog)).toMatchObject([
      { requestId: 'r-1', since: later(0), failedAttempts: 3, until: later(99) },
      { requestId: 'r-2' },
    ]);
  });
});

describe('a revision', () => {
  it('is given once: to whatever joins, also to what was there before', () => {
    const first = withJoined(aJoiningTarget('/a'), aJoiningTarget('/b'));
    const second = change(first, { joining: [aJoiningTarget('/a')] });
    const [a, b] = entriesOf(second).map(({ revision }) => revision);
    const before = entriesOf(first).map(({ revision }) => revision);
    expect(b).toBe(before[1]);
    expect(before).not.toContain(a);
  });

  it('does not come again when what had it has left', () => {
    const first = withJoined(aJoiningTarget('/a'));
    const emptied = change(first, { leaving: entriesOf(first) });
    const again = change(emptied, { joining: [aJoiningTarget('/a')] });
    expect(only(again).revision).toBeGreaterThan(only(first).revision);
  });

  it('does not come again when somebody has deleted the backlog', () => {
    const joining = [aJoiningTarget('/a')];
    const lost = change(EMPTY_BACKLOG, { joining }, START_AT);
    expect(only(change(EMPTY_BACKLOG, { joining }, later(1))).revision).toBeGreaterThan(only(lost).revision);
  });

  it('grows also when the clock of the next flush is behind', () => {
    const first = withJoined(aJoiningTarget('/a'));
    const second = change(first, { joining: [aJoiningTarget('/b')] }, later(-3_600_000));
    const [a = 0, b = 0] = entriesOf(second).map(({ revision }) => revision);
    expect(b).toBeGreaterThan(a);
  });
});

describe('what leaves', () => {
  it('is gone, and the others stay', () => {
    const backlog = withJoined(aJoiningTarget('/a'), aJoiningTarget('/b'), aJoiningRequest('r-1'));
    const [a, , request] = entriesOf(backlog);
    const leaving = [a, request].flatMap((entry) => entry ?? []);
    expect(entriesOf(change(backlog, { leaving }))).toMatchObject([{ target: aTarget('/b') }]);
  });

  it('stays when a newer change has joined it meanwhile', () => {
    const backlog = withJoined(aJoiningTarget('/a', { eventId: 'old' }));
    const joined = change(backlog, { joining: [aJoiningTarget('/a', { eventId: 'new' })] });
    expect(change(joined, { leaving: entriesOf(backlog) }).entries).toEqual(joined.entries);
  });

  it('stays when it left and joined anew meanwhile', () => {
    const backlog = withJoined(aJoiningTarget('/a'));
    const leaving = entriesOf(backlog);
    const anew = change(change(backlog, { leaving }), { joining: [aJoiningTarget('/a')] });
    expect(change(anew, { leaving }).entries).toEqual(anew.entries);
  });

  it('may be gone already', () => {
    const backlog = withJoined(aJoiningTarget('/a'));
    const leaving = entriesOf(backlog);
    expect(entriesOf(change(change(backlog, { leaving }), { leaving }))).toEqual([]);
  });

  it('leaves before the rest of the same flush joins: what joins is not lost', () => {
    const backlog = withJoined(aJoiningTarget('/a', { eventId: 'old' }));
    const joining = [aJoiningTarget('/a', { eventId: 'new' })];
    expect(eventIds(only(change(backlog, { leaving: entriesOf(backlog), joining })))).toEqual(['new']);
  });
});

describe('what stays', () => {
  const stay = aStay({ reason: 'quota-exhausted', until: later(3_600_000), failedAttempts: 5 });

  it('has its new reason, time and attempts, and is otherwise what it was', () => {
    const backlog = withJoined(aJoiningTarget('/a'));
    const entry = only(backlog);
    expect(only(change(backlog, { staying: [{ entry, stay }] }))).toEqual({ ...entry, ...stay });
  });

  it('keeps its place and its revision', () => {
    const backlog = withJoined(aJoiningTarget('/a'), aJoiningTarget('/b'));
    const staying = entriesOf(backlog)
      .slice(0, 1)
      .map((entry) => ({ entry, stay }));
    expect(orderOf(change(backlog, { staying }))).toEqual(orderOf(backlog));
  });

  it('is left alone where a newer change has joined it, or it has left', () => {
    const backlog = withJoined(aJoiningTarget('/a'));
    const staying = [{ entry: only(backlog), stay }];
    const joined = change(backlog, { joining: [aJoiningTarget('/a', aStay({ reason: 'throttled' }))] });
    expect(only(change(joined, { staying }))).toMatchObject({ reason: 'throttled', failedAttempts: 1 });
    const gone = change(backlog, { leaving: entriesOf(backlog) });
    expect(entriesOf(change(gone, { staying }))).toEqual([]);
  });

  it('takes a change of the same flush into itself', () => {
    const backlog = withJoined(aJoiningTarget('/a', { eventId: 'old' }));
    const staying = [{ entry: only(backlog), stay }];
    const joining = [aJoiningTarget('/a', { eventId: 'new', ...aStay({ failedAttempts: 0 }) })];
    const entry = only(change(backlog, { staying, joining }));
    expect(eventIds(entry)).toEqual(['old', 'new']);
    expect(entry.failedAttempts).toBe(5);
  });
});

describe('holds and throttlings', () => {
  const hold = { until: later(10_000), times: 1, outcome: aFailure() };
  const throttling = { times: 2, probeAt: later(20_000) };

  it('are put, and lifted by their keys', () => {
    const put = change(EMPTY_BACKLOG, {
      holds: new Map([
        ['a', hold],
        ['b', hold],
      ]),
      throttlings: new Map([['files s', throttling]]),
    });
    expect(put.holds).toEqual(
      new Map([
        ['a', hold],
        ['b', hold],
      ]),
    );
    expect(put.throttlings).toEqual(new Map([['files s', throttling]]));
    const lifted = change(put, {
      holds: new Map([['a', undefined]]),
      throttlings: new Map([['files s', undefined]]),
    });
    expect([lifted.holds, lifted.throttlings]).toEqual([new Map([['b', hold]]), new Map()]);
  });

  it('are kept by whoever changes nothing of them', () => {
    const put = change(EMPTY_BACKLOG, { holds: new Map([['a', hold]]) });
    expect(change(put, { joining: [aJoiningTarget('/a')] }).holds).toEqual(new Map([['a', hold]]));
  });
});

describe('changes', () => {
  it('that change nothing give the same object: nothing has to be written', () => {
    const backlog = withJoined(aJoiningTarget('/a'));
    expect(applyChanges(backlog, NO_CHANGES, later(5))).toBe(backlog);
  });

  it('leave the backlog that they are made to as it was', () => {
    const backlog = withJoined(aJoiningTarget('/a'));
    const before = structuredClone(backlog);
    change(backlog, { leaving: entriesOf(backlog), joining: [aJoiningTarget('/b')] });
    expect(backlog).toEqual(before);
  });
});

describe('due', () => {
  const backlog = withJoined(
    aJoiningTarget('/past', aStay({ until: later(-1) })),
    aJoiningTarget('/now', aStay({ until: later(0) })),
    aJoiningTarget('/later', aStay({ until: later(1) })),
    aJoiningTarget('/quota', aStay({ until: later(3_600_000), reason: 'quota-exhausted' })),
    aJoiningRequest('r-1', aStay({ until: later(3_600_000), reason: 'quota-exhausted' })),
    aJoiningRequest('r-2', aStay({ until: later(0) })),
  );

  it.each<[string, Look, readonly string[]]>([
    ['what has waited for as long as it had to', 'due', ['past', 'now', 'request r-2']],
    [
      'also what waits for the quota, when somebody looks at that; a request costs a call, and waits for its time',
      'quota',
      ['past', 'now', 'quota', 'request r-2'],
    ],
    [
      'everything, when what was waited for may have been mended',
      'all',
      ['past', 'now', 'later', 'quota', 'request r-1', 'request r-2'],
    ],
  ])('is %s', (_what, look, names) => {
    expect(namesOf(dueEntries(backlog, START_AT, look))).toEqual(names);
  });
});

describe('what waits for purges in flight', () => {
  const inFlight = (ms: number) => aStay({ reason: 'in-flight', until: later(ms) });
  const backlog = withJoined(
    aJoiningTarget('/first', inFlight(60_000)),
    aJoiningTarget('/second', inFlight(90_000)),
    aJoiningRequest('/request', inFlight(90_000)),
    aJoiningTarget('/other', aStay({ until: later(90_000) })),
  );

  it.each<[string, number, Look, readonly string[]]>([
    ['not before the first of it', 59_999, 'due', []],
    ['all with the first of it', 60_000, 'due', ['first', 'second', 'request']],
    ['all with what is new', 0, 'quota', ['first', 'second', 'request']],
  ])('is due %s', (_what, ms, look, names) => {
    expect(namesOf(dueEntries(backlog, later(ms), look))).toEqual(names);
  });
});

describe('what a purge covered', () => {
  it('is the target itself and what is below a purged directory, due or not; never a request', () => {
    const backlog = withJoined(
      aJoiningTarget('/d/a', aStay({ until: later(3_600_000) })),
      aJoiningTarget('/d/'),
      aJoiningTarget('/b'),
      aJoiningTarget('/c'),
      aJoiningRequest('r-1'),
    );
    const purged = createCoverage();
    purged.add(aTarget('/d/'));
    purged.add(aTarget('/b'));
    expect(entriesCovered(backlog, purged).map((entry) => entry.type === 'target' && entry.target)).toEqual([
      aTarget('/d/a'),
      aTarget('/d/'),
      aTarget('/b'),
    ]);
  });
});

describe('whatever two flushes do to one backlog at once', () => {
  const path = fc.constantFrom('/a', '/b', '/c', '/d');
  /** What one flush does: of what it read something leaves and something stays, and changes join. */
  const flush = fc.record({
    leaves: fc.array(path, { maxLength: 3 }),
    stays: fc.array(path, { maxLength: 3 }),
    joins: fc.array(path, { maxLength: 4 }),
    /** Of how many saves before its own it does not know. */
    behind: fc.nat(3),
  });

  it('no join is lost but to a purge of a flush that had read it, and no revision is given twice', () => {
    fc.assert(
      fc.property(fc.array(flush, { minLength: 1, maxLength: 8 }), (flushes) => {
        const versions: Backlog[] = [EMPTY_BACKLOG];
        /** By revision, all the changes that the entry stands for: it keeps the causes of the newest only. */
        const standsFor = new Map<number, readonly string[]>();
        const owed = new Map<string, string>();
        let events = 0;
        for (const { leaves, stays, joins, behind } of flushes) {
          const current = versions.at(-1) ?? EMPTY_BACKLOG;
          const read = versions[Math.max(versions.length - 1 - behind, 0)] ?? EMPTY_BACKLOG;
          const at = (names: readonly string[]) =>
            [...new Set(names)].flatMap((name) => read.entries.get(keyOf(aJoiningTarget(name))) ?? []);
          const leaving = at(leaves);
          const staying = at(stays)
            .filter((entry) => !leaving.includes(entry))
            .map((entry) => ({ entry, stay: aStay({ failedAttempts: 9 }) }));
          const joining = joins.map((name) => aJoiningTarget(name, { eventId: `e-${(events += 1)}` }));
          const next = change(current, { leaving, staying, joining });

          const gone = new Set(leaving.map(({ revision }) => revision));
          for (const revision of gone)
            for (const eventId of standsFor.get(revision) ?? []) owed.delete(eventId);
          for (const [key, ofKey] of Map.groupBy(joining, keyOf)) {
            const joined = ofKey.flatMap(({ causes }) =>
              causes.flatMap((cause) => (cause.type === 'change' ? [cause.eventId] : [])),
            );
            for (const eventId of joined) owed.set(eventId, key);
            const before = current.entries.get(key)?.revision ?? 0;
            const revision = next.entries.get(key)?.revision ?? 0;
            expect([...standsFor.keys()]).not.toContain(revision);
            standsFor.set(revision, [...(gone.has(before) ? [] : (standsFor.get(before) ?? [])), ...joined]);
          }
          versions.push(next);
        }
        const end = versions.at(-1) ?? EMPTY_BACKLOG;
        for (const [eventId, key] of owed) {
          expect(standsFor.get(end.entries.get(key)?.revision ?? 0)).toContain(eventId);
        }
      }),
    );
  });
});
