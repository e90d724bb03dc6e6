// One heartbeat: what it tells, and what it does where storage does not answer.

import type { Timer } from '@azure/functions';
import { describe, expect, it } from 'vitest';

import { EMPTY_BACKLOG, applyChanges, NO_CHANGES } from '../../../src/lib/core/backlog.ts';
import { activityKey, EMPTY_ACTIVITY, withChanges } from '../../../src/lib/core/container-activity.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import { handleHeartbeat } from '../../../src/lib/handlers/heartbeat.ts';
import {
  aChange,
  aConfiguration,
  aJoiningRequest,
  aJoiningTarget,
  aPurge,
  aQuota,
  aRule,
  aStay,
  aTarget,
} from '../../support/builders.ts';
import { createInMemoryDeadLetters } from '../../support/in-memory-dead-letters.ts';
import { createInvocation } from '../../support/in-memory-invocation.ts';
import { createWorld, type World } from '../../support/in-memory-world.ts';
import { storageOutFor } from '../../support/recording-journal.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const timer: Timer = {
  isPastDue: false,
  schedule: { adjustForDST: false },
  scheduleStatus: { last: '', next: '', lastUpdated: '' },
};

const beat = (world: World): Promise<unknown> =>
  Promise.resolve(handleHeartbeat(async () => world.services)(timer, createInvocation().context));

describe('a heartbeat of an app with nothing to do', () => {
  it('is told all the same, with the state of each quota, and sent at once', async () => {
    const world = createWorld({ cdn: { quota: aQuota() } });
    await beat(world);
    expect(world.telemetry.events).toEqual([
      {
        name: 'heartbeat',
        queueMessages: 0,
        poisonMessages: 0,
        backlogTargets: 0,
        backlogRequests: 0,
        backlog: '[]',
        openPurges: 0,
        sites: '[]',
        unseen: '',
      },
      expect.objectContaining({
        name: 'quota-state',
        subscription: world.cdn.subscription,
        budget: 'files',
        limit: 2_000,
        used: 0,
        left: 2_000,
        leftForEvents: 1_800,
      }),
      expect.objectContaining({ name: 'quota-state', budget: 'directories', limit: 500 }),
    ]);
    expect(world.telemetry.flushes()).toBe(1);
  });
});

describe('a heartbeat tells', () => {
  it('how much waits in the queues, and since when', async () => {
    const world = createWorld();
    await world.buffered(aChange(), aChange({ name: 'b.txt' }));
    await world.buffer.poison({
      text: '',
      reason: 'no reason',
      bufferedAt: world.clock.now(),
      failedAttempts: 0,
    });
    world.clock.advance(5 * MINUTE_MS);
    await beat(world);
    expect(world.telemetry.named('heartbeat')).toMatchObject([
      {
        queueMessages: 2,
        queueOldestAgeMs: 5 * MINUTE_MS,
        poisonMessages: 1,
        poisonOldestAgeMs: 5 * MINUTE_MS,
      },
    ]);
  });

  it('what waits in the backlog, by site and reason, the oldest first', async () => {
    const world = createWorld();
    const now = world.clock.now();
    const ago = (minutes: number) => ({ since: instant(now - minutes * MINUTE_MS) });
    const spent = aStay({ reason: 'quota-exhausted' });
    const joining = [
      aJoiningTarget('/a', { ...spent, ...ago(10) }),
      aJoiningTarget('/b', { ...spent, ...ago(90) }),
      aJoiningTarget('/c', { target: aTarget('/c', { site: 'media' }), ...spent, ...ago(20) }),
      aJoiningRequest('request-1', { reason: 'transient', ...ago(1) }),
    ];
    await world.backlog.save(applyChanges(EMPTY_BACKLOG, { ...NO_CHANGES, joining }, now), undefined);
    await beat(world);
    const [event] = world.telemetry.named('heartbeat');
    expect(event).toMatchObject({
      backlogTargets: 3,
      backlogRequests: 1,
      backlogOldestAgeMs: 90 * MINUTE_MS,
    });
    expect(JSON.parse(event?.backlog ?? '')).toEqual([
      { site: 'www', reason: 'quota-exhausted', waiting: 2, oldestAgeMs: 90 * MINUTE_MS },
      { site: 'media', reason: 'quota-exhausted', waiting: 1, oldestAgeMs: 20 * MINUTE_MS },
      { site: '', reason: 'transient', waiting: 1, oldestAgeMs: MINUTE_MS },
    ]);
  });

  it('no more of many sites than a property holds, in whole entries', async () => {
    const world = createWorld();
    const now = world.clock.now();
    const joining = Array.from({ length: 300 }, (_, index) =>
      aJoiningTarget(`/${index}`, { target: aTarget(`/${index}`, { site: `site-${index}` }) }),
    );
    await world.backlog.save(applyChanges(EMPTY_BACKLOG, { ...NO_CHANGES, joining }, now), undefined);
    await beat(world);
    const [event] = world.telemetry.named('heartbeat');
    expect(event?.backlog?.length).toBeLessThan(8_000);
    expect(JSON.parse(event?.backlog ?? '').length).toBeGreaterThan(80);
  });

  it('how many purges are open, and since when', async () => {
    const world = createWorld();
    const acceptedAt = instant(world.clock.now() - 30 * MINUTE_MS);
    await world.records.savePurge(aPurge({ acceptedAt }));
    await beat(world);
    expect(world.telemetry.named('heartbeat')).toMatchObject([
      { openPurges: 1, openPurgesOldestAgeMs: 30 * MINUTE_MS },
    ]);
  });

  it('how many dead letters nobody has read, and of how many something stays', async () => {
    const world = createWorld();
    const deadLetters = createInMemoryDeadLetters();
    for (const name of ['a', 'b', 'c']) deadLetters.put(name, []);
    await deadLetters.keep('c', { reasons: 'x=1', at: world.clock.now() });
    const services = { ...world.services, deadLetters };
    await handleHeartbeat(async () => services)(timer, createInvocation().context);
    expect(world.telemetry.named('heartbeat')).toMatchObject([{ deadLetters: 2, deadLettersKept: 1 }]);
  });
});

const daily = (world: World, container: string) =>
  Array.from({ length: 10 }, (_, day) => day).reduce(
    (activity, day) =>
      withChanges(
        activity,
        new Map([[activityKey('contoso', container), instant(world.clock.now() - (12 - day) * DAY_MS)]]),
      ),
    EMPTY_ACTIVITY,
  );

describe('a container that usually changes', () => {
  it('is named with its sites when it is silent for longer than its habit', async () => {
    const world = createWorld({
      configuration: aConfiguration({ rules: [aRule({ site: 'shop' }), aRule({ site: 'www' })] }),
    });
    await world.services.activity.save(daily(world, 'media'), undefined);
    await beat(world);
    expect(world.telemetry.named('container-silent')).toEqual([
      {
        name: 'container-silent',
        sites: 'shop www',
        account: 'contoso',
        container: 'media',
        silentForMs: 3 * DAY_MS,
        usualMs: DAY_MS,
      },
    ]);
    const [event] = world.telemetry.named('heartbeat');
    expect(JSON.parse(event?.sites ?? '')).toEqual([
      { site: 'shop', lastChangeAgeMs: 3 * DAY_MS },
      { site: 'www', lastChangeAgeMs: 3 * DAY_MS },
    ]);
  });

  it('may be silent when no rule serves it any more', async () => {
    const world = createWorld({
      configuration: aConfiguration({ rules: [aRule({ matchesContainer: (name) => name === 'web' })] }),
    });
    await world.services.activity.save(daily(world, 'media'), undefined);
    await beat(world);
    expect(world.telemetry.named('container-silent')).toEqual([]);
  });
});

describe('storage trouble', () => {
  it('leaves a gap, and the beat says where', async () => {
    const world = createWorld({ cdn: { quota: aQuota() } });
    world.journal.failBy(storageOutFor(['load-backlog', 'load-ledger']));
    await beat(world);
    const [event, ...others] = world.telemetry.events;
    expect(event).toMatchObject({ name: 'heartbeat', queueMessages: 0, unseen: 'backlog quota' });
    expect(event).toHaveProperty('backlogTargets', undefined);
    expect(others).toEqual([]);
  });

  it('is in the log, with what storage answered', async () => {
    const world = createWorld();
    world.journal.failBy(storageOutFor(['load-backlog']));
    const { context, lines } = createInvocation();
    await handleHeartbeat(async () => world.services)(timer, context);
    expect(lines.join(' ')).toContain('backlog');
  });

  it('is all that is survived: a bug is thrown', async () => {
    const world = createWorld();
    world.journal.failBy(({ call }) => (call === 'load-backlog' ? new TypeError('a bug') : undefined));
    await expect(beat(world)).rejects.toThrow(TypeError);
  });
});
