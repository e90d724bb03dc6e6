// Who is fully purged, and what stopped the others.

import { describe, expect, it } from 'vitest';

import type { CoalescedTarget } from '../../../src/lib/core/coalesce.ts';
import { beginTracking } from '../../../src/lib/core/purge-tracking.ts';
import { followProgress } from '../../../src/lib/use-cases/progress.ts';
import type { Owner } from '../../../src/lib/use-cases/owner.ts';
import type { SendResult } from '../../../src/lib/use-cases/send-purges.ts';
import { aCoalesced, aFailure, aRefusal, aTarget, CDN, ENDPOINT } from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const owner = (eventId: string): Owner => ({
  cause: { type: 'change', eventId, eventAt: START_AT },
  bufferedAt: START_AT,
  failedAttempts: 0,
});
const [x, y, z] = [owner('x'), owner('y'), owner('z')] as const;

const record = beginTracking({
  id: 'purge',
  acceptedAt: START_AT,
  cdn: CDN,
  endpointId: ENDPOINT,
  files: [],
  directories: [],
  taskId: 'task',
  attempt: 1,
  causes: [],
});
const purged = (...targets: CoalescedTarget<Owner>[]): SendResult<Owner> => ({
  kind: 'purged',
  targets,
  record,
});

const forX = aCoalesced(aTarget('/x'), x);
const forXAndY = aCoalesced(aTarget('/xy'), x, y);
const forZ = aCoalesced(aTarget('/z'), z);

describe('progress', () => {
  it('has an owner done with the last of its targets, and only then', () => {
    const progress = followProgress([forX, forXAndY, forZ]);
    expect(progress.note(purged(forXAndY))).toEqual([y]);
    expect(progress.note(purged(forX, forZ))).toEqual([x, z]);
    expect(progress.unfinished()).toEqual(new Map());
  });

  it('has an owner done once when all of its targets are in one purge', () => {
    const progress = followProgress([forX, forXAndY]);
    expect(progress.note(purged(forX, forXAndY))).toEqual([x, y]);
  });

  it('does not know what stopped an owner that was never reported', () => {
    expect(followProgress([forX]).unfinished()).toEqual(new Map([[x, undefined]]));
  });

  it('knows what stopped the others, and whether they were tried', () => {
    const progress = followProgress([forX, forZ]);
    const outcome = aRefusal();
    expect(progress.note({ kind: 'tried', targets: [forX], outcome })).toEqual([]);
    progress.note({ kind: 'held', targets: [forZ], outcome });
    expect(progress.unfinished()).toEqual(
      new Map([
        [x, { tried: true, outcome }],
        [z, { tried: false, outcome }],
      ]),
    );
  });

  it('takes one attempt among many for an attempt, in whatever order they are told', () => {
    const [refused, held] = [aRefusal(), aFailure()];
    const tried = { kind: 'tried', targets: [forX], outcome: refused } as const;
    const heldBack = { kind: 'held', targets: [forXAndY], outcome: held } as const;
    for (const order of [
      [tried, heldBack],
      [heldBack, tried],
    ]) {
      const progress = followProgress([forX, forXAndY]);
      for (const result of order) progress.note(result);
      expect(progress.unfinished().get(x)).toEqual({ tried: true, outcome: refused });
      expect(progress.unfinished().get(y)).toEqual({ tried: false, outcome: held });
    }
  });

  it('keeps an owner unfinished of which one target was purged and one was not', () => {
    const progress = followProgress([forX, forXAndY]);
    progress.note({ kind: 'tried', targets: [forX], outcome: aFailure() });
    expect(progress.note(purged(forXAndY))).toEqual([y]);
    expect([...progress.unfinished().keys()]).toEqual([x]);
  });
});
