// What becomes of what a flush could not send: it stands in the backlog, with why and until when.

import { describe, expect, it } from 'vitest';

import {
  applyChanges,
  EMPTY_BACKLOG,
  NO_CHANGES,
  type Backlog,
  type BacklogChanges,
  type Joining,
  type Waiting,
} from '../../../src/lib/core/backlog.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import type { Cause } from '../../../src/lib/core/purge-record.ts';
import { targetKey } from '../../../src/lib/core/purge-target.ts';
import type { FlushOwner } from '../../../src/lib/use-cases/claim-targets.ts';
import { loadBacklog, planStays, saveBacklog } from '../../../src/lib/use-cases/keep-waiting.ts';
import type { BacklogStore, ReadableMessage } from '../../../src/lib/use-cases/ports.ts';
import type { Left, Stop } from '../../../src/lib/use-cases/progress.ts';
import {
  aChange,
  aFailure,
  aJoiningRequest,
  aJoiningTarget,
  aMessage,
  anItemRefusal,
  aRefusal,
  aStay,
  aTarget,
  TRACEPARENT,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const later = (ms: number) => instant(START_AT + ms);
const BUFFERED_AT = later(-60_000);

const received = (name: string): ReadableMessage => ({
  kind: 'readable',
  receipt: { messageId: `message of ${name}`, popReceipt: 'receipt' },
  bufferedAt: BUFFERED_AT,
  text: `text of ${name}`,
  message: aMessage(aChange({ name })),
  isRepeated: false,
});

const cause: Cause = { type: 'change', eventId: 'e-1', eventAt: START_AT };

/** A rename of `b` to `a`: each makes a target of its own. */
const paths = new Map([
  [targetKey(aTarget('/media/a')), 'media/a'],
  [targetKey(aTarget('/media/b')), 'media/b'],
]);

const aChangeOwner = (failedAttempts = 0): FlushOwner => ({
  causes: [cause],
  changes: 1,
  bufferedAt: BUFFERED_AT,
  failedAttempts,
  from: { kind: 'change', received: received('a'), paths },
});

const aRequestOwner = (failedAttempts = 0): FlushOwner => ({
  causes: [{ type: 'request', requestId: 'r-1', askedAt: START_AT, traceparent: TRACEPARENT }],
  changes: 0,
  requestId: 'r-1',
  bufferedAt: BUFFERED_AT,
  failedAttempts,
  from: { kind: 'request', received: received('r-1'), requestId: 'r-1' },
});

/** Of an entry that stands in a backlog. */
const aWaitingOwner = (joining: Joining): FlushOwner => {
  const entry = waitingOf(joining);
  const { since: bufferedAt, failedAttempts, revision: waited } = entry;
  const requestId = entry.type === 'request' ? entry.requestId : undefined;
  const from = { kind: 'waiting', entry } as const;
  return { causes: [cause], changes: 1, requestId, waited, bufferedAt, failedAttempts, from };
};

const waitingOf = (joining: Joining): Waiting => {
  const [entry] = applyChanges(
    EMPTY_BACKLOG,
    { ...NO_CHANGES, joining: [joining] },
    START_AT,
  ).entries.values();
  if (entry === undefined) throw new Error('nothing joined');
  return entry;
};

const held = (parts: Partial<Stop> = {}): Stop => ({
  tried: false,
  outcome: aRefusal(),
  until: later(30_000),
  ...parts,
});
const tried = (parts: Partial<Stop> = {}): Stop => ({ ...held(parts), tried: true });

const quotaSpent = {
  outcome: aFailure({ reason: 'quota-spent', outcomeClass: 'quota-exhausted', sent: false }),
};

const plan = (owner: FlushOwner, ...left: readonly Left[]) => planStays(new Map([[owner, left]]), START_AT);

const target = aTarget('/media/a');

describe('what is left of a change', () => {
  it.each<[string, Stop | undefined, number, ReturnType<typeof aStay>]>([
    [
      'whose turn did not come is due at once',
      undefined,
      2,
      { reason: 'out-of-time', until: START_AT, failedAttempts: 2 },
    ],
    [
      'that was held back waits for the hold, without an attempt',
      held(),
      2,
      { reason: 'throttled', until: later(30_000), failedAttempts: 2 },
    ],
    [
      'that was held back by a hold without an end is due at once',
      held({ until: undefined }),
      0,
      { reason: 'throttled', until: START_AT, failedAttempts: 0 },
    ],
    [
      'that was tried waits as its class says, with an attempt more',
      tried({ outcome: aFailure({ outcomeClass: 'transient' }), until: undefined }),
      2,
      { reason: 'transient', until: later(40_000), failedAttempts: 3 },
    ],
    [
      'that was tried waits for a longer hold',
      tried({ outcome: aFailure({ outcomeClass: 'transient' }), until: later(90_000) }),
      0,
      { reason: 'transient', until: later(90_000), failedAttempts: 1 },
    ],
    [
      'that was tried does not go with a shorter hold',
      tried({ until: later(1) }),
      3,
      { reason: 'throttled', until: later(80_000), failedAttempts: 4 },
    ],
    [
      'whose directory was refused is due at once, on its own',
      held({ outcome: anItemRefusal(), until: undefined }),
      1,
      { reason: 'item-refused', until: START_AT, failedAttempts: 1 },
    ],
  ])('%s', (_what, stop, failedAttempts, stay) => {
    const owner = aChangeOwner(failedAttempts);
    const { joining, staying, joined, tried: failures } = plan(owner, { target, stop });
    expect(joining).toEqual([
      {
        type: 'target',
        target,
        since: BUFFERED_AT,
        causes: [cause],
        changes: 1,
        messages: [{ path: 'media/a', text: 'text of a' }],
        ...stay,
      },
    ]);
    expect(joined).toEqual([received('a')]);
    expect([staying, failures]).toEqual([[], []]);
  });

  it('joins target by target, each with its own wait, and its message once', () => {
    const other = aTarget('/media/b');
    const { joining, joined } = plan(
      aChangeOwner(),
      { target, stop: held({ until: later(1) }) },
      { target: other, stop: tried({ until: undefined }) },
    );
    const text = 'text of a';
    expect(joining).toMatchObject([
      { target, until: later(1), failedAttempts: 0, messages: [{ path: 'media/a', text }] },
      { target: other, until: later(10_000), failedAttempts: 1, messages: [{ path: 'media/b', text }] },
    ]);
    expect(joined).toHaveLength(1);
  });
});

describe('what is left of a request', () => {
  it('is one entry by its id, with its trace; its targets are on its record', () => {
    const { joining, joined } = plan(aRequestOwner(), { target, stop: held() });
    expect(joining).toEqual([
      {
        type: 'request',
        requestId: 'r-1',
        traceparent: TRACEPARENT,
        since: BUFFERED_AT,
        reason: 'throttled',
        until: later(30_000),
        failedAttempts: 0,
      },
    ]);
    expect(joined).toEqual([received('r-1')]);
  });

  it('comes again when the first of its parts may go', () => {
    const { joining } = plan(
      aRequestOwner(),
      { target, stop: held({ until: later(90_000) }) },
      { target: aTarget('/b'), stop: held({ until: later(20_000), outcome: aFailure() }) },
      { target: aTarget('/c'), stop: held({ until: later(50_000) }) },
    );
    expect(joining).toMatchObject([{ until: later(20_000), reason: 'unknown' }]);
  });

  it.each([
    ['in half an hour at the latest', 12 * 3_600_000, 1_800_000],
    ['at the reset where that is sooner', 1_200_000, 1_200_000],
  ])('that waits for the quota is looked at again %s', (_what, resetMs, untilMs) => {
    const { joining } = plan(aRequestOwner(), {
      target,
      stop: held({ ...quotaSpent, until: later(resetMs) }),
    });
    expect(joining).toMatchObject([{ reason: 'quota-exhausted', until: later(untilMs) }]);
  });

  it('that waits for something else is not looked at before', () => {
    const { joining } = plan(aRequestOwner(), { target, stop: held({ until: later(7_200_000) }) });
    expect(joining).toMatchObject([{ reason: 'throttled', until: later(7_200_000) }]);
  });

  it('tells what was answered to the part that was tried, wherever it is', () => {
    const refusal = aRefusal({ message: 'this one' });
    const { tried: failures } = plan(
      aRequestOwner(),
      { target, stop: undefined },
      { target: aTarget('/b'), stop: held() },
      { target: aTarget('/c'), stop: tried({ outcome: refusal }) },
    );
    expect(failures).toEqual([{ requestId: 'r-1', outcome: refusal }]);
  });

  it('tells nothing of what was only held back', () => {
    expect(plan(aRequestOwner(), { target, stop: held() }).tried).toEqual([]);
  });

  it('tells what was answered also when it waited in the backlog', () => {
    const refusal = aRefusal();
    const owner = aWaitingOwner(aJoiningRequest('r-1'));
    expect(plan(owner, { target, stop: tried({ outcome: refusal }) }).tried).toEqual([
      { requestId: 'r-1', outcome: refusal },
    ]);
  });
});

const entryOf = (owner: FlushOwner) => (owner.from.kind === 'waiting' ? owner.from.entry : undefined);

describe('what has waited already', () => {
  it('stays, with its next wait and an attempt more', () => {
    const owner = aWaitingOwner(aJoiningTarget('/media/a', aStay({ failedAttempts: 3, until: START_AT })));
    const outcome = aFailure({ outcomeClass: 'transient' });
    const { staying, joining, joined } = plan(owner, { target, stop: tried({ outcome, until: undefined }) });
    expect(staying).toEqual([
      { entry: entryOf(owner), stay: { reason: 'transient', until: later(80_000), failedAttempts: 4 } },
    ]);
    expect([joining, joined]).toEqual([[], []]);
  });

  it.each<[string, Partial<ReturnType<typeof aStay>>, Stop | undefined, number]>([
    ['the same reason and the same time', { reason: 'throttled', until: later(30_000) }, held(), 0],
    ['another time', { reason: 'throttled', until: later(20_000) }, held(), 1],
    ['another reason', { reason: 'transient', until: later(30_000) }, held(), 1],
    ['an attempt more', { reason: 'throttled', until: later(30_000) }, tried(), 1],
    ['being due at once, as it was', { reason: 'out-of-time', until: later(-9_000) }, undefined, 0],
    [
      'the quota, until the same reset',
      { reason: 'quota-exhausted', until: later(3_600_000) },
      held({ ...quotaSpent, until: later(3_600_000) }),
      0,
    ],
  ])('is written only if that says something new: %s', (_what, parts, stop, written) => {
    const owner = aWaitingOwner(aJoiningTarget('/media/a', aStay({ failedAttempts: 1, ...parts })));
    expect(plan(owner, { target, stop }).staying).toHaveLength(written);
  });
});

const somebodyJoins = async (store: BacklogStore, path: string): Promise<void> => {
  const { backlog, version } = await store.load();
  const joining = [aJoiningTarget(path)];
  await store.save(applyChanges(backlog, { ...NO_CHANGES, joining }, START_AT), version);
};

const save = async (world: World, store: BacklogStore, what: BacklogChanges) =>
  saveBacklog(await world.backlog.load(), what, { backlog: store, clock: world.clock }, world.run);

const urlsIn = (backlog: Backlog | undefined) =>
  [...(backlog?.entries.values() ?? [])].map((entry) => entry.type === 'target' && entry.target.url);

describe('saving the backlog', () => {
  const changes: BacklogChanges = { ...NO_CHANGES, joining: [aJoiningTarget('/mine')] };

  it('writes what was changed and gives it', async () => {
    const world = createWorld();
    const saved = await save(world, world.backlog, changes);
    expect(urlsIn(saved)).toEqual([aTarget('/mine').url]);
    expect(urlsIn(world.backlog.stored())).toEqual(urlsIn(saved));
  });

  it('writes nothing when nothing was changed', async () => {
    const world = createWorld();
    expect(await save(world, world.backlog, NO_CHANGES)).toEqual(EMPTY_BACKLOG);
    expect(world.journal.count('save-backlog')).toBe(0);
  });

  it('writes over what others wrote meanwhile, and keeps it', async () => {
    const world = createWorld();
    let others = 0;
    const store: BacklogStore = {
      ...world.backlog,
      async save(backlog, version) {
        if (others < 3) await somebodyJoins(world.backlog, `/other-${(others += 1)}`);
        return world.backlog.save(backlog, version);
      },
    };
    const saved = await save(world, store, changes);
    expect(urlsIn(saved)).toEqual(
      ['/other-1', '/other-2', '/other-3', '/mine'].map((path) => aTarget(path).url),
    );
    expect(urlsIn(world.backlog.stored())).toEqual(urlsIn(saved));
    expect(world.log.lines).toEqual([]);
  });

  it('gives up when others write each time, and says so', async () => {
    const world = createWorld();
    let tries = 0;
    const store: BacklogStore = {
      ...world.backlog,
      async save() {
        tries += 1;
        return false;
      },
    };
    expect(await save(world, store, changes)).toBeUndefined();
    expect(tries).toBe(8);
    expect(world.log.at('warn').map(({ details }) => details)).toEqual([
      { error: 'the backlog was changed by others 8 times in a row' },
    ]);
  });

  it.each(['save-backlog', 'load-backlog'] as const)(
    'tells of storage trouble and gives nothing: everything is where it was (%s)',
    async (call) => {
      const world = createWorld();
      const loaded = await world.backlog.load();
      await somebodyJoins(world.backlog, '/other');
      world.journal.failBy(storageOutFor([call]));
      const ports = { backlog: world.backlog, clock: world.clock };
      expect(await saveBacklog(loaded, changes, ports, world.run)).toBeUndefined();
      expect(urlsIn(world.backlog.stored())).toEqual([aTarget('/other').url]);
      expect(world.log.at('warn')).toHaveLength(1);
    },
  );

  it('does not hide a bug', async () => {
    const world = createWorld();
    world.journal.failBy(({ call }) => (call === 'save-backlog' ? new TypeError('a bug') : undefined));
    await expect(save(world, world.backlog, changes)).rejects.toThrow('a bug');
  });
});

describe('loading the backlog', () => {
  it('gives nothing where it cannot be read, and says so', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['load-backlog']));
    expect(await loadBacklog(world.backlog, world.run)).toBeUndefined();
    expect(world.log.at('warn').map(({ details }) => details)).toEqual([
      { error: 'no storage for load-backlog' },
    ]);
  });

  it('does not hide a bug', async () => {
    const world = createWorld();
    world.journal.failBy(({ call }) => (call === 'load-backlog' ? new TypeError('a bug') : undefined));
    await expect(loadBacklog(world.backlog, world.run)).rejects.toThrow('a bug');
  });
});
