// Who is fully purged, and what stopped the others.

import { describe, expect, it } from 'vitest';

import { coalesce, type CoalescedTarget } from '../../../src/lib/core/coalesce.ts';
import { followProgress } from '../../../src/lib/use-cases/progress.ts';
import type { Owner } from '../../../src/lib/use-cases/owner.ts';
import { instant } from '../../../src/lib/core/instant.ts';
import type { SendResult } from '../../../src/lib/use-cases/send-purges.ts';
import {
  aClaim,
  aCoalesced,
  aFailure,
  anItemRefusal,
  aPurge,
  aRefusal,
  aTarget,
} from '../../support/builders.ts';
import { START_AT } from '../../support/fake-clock.ts';

const owner = (eventId: string): Owner => ({
  causes: [{ type: 'change', eventId, eventAt: START_AT }],
  changes: 1,
  bufferedAt: START_AT,
  failedAttempts: 0,
});
const [x, y, z] = [owner('x'), owner('y'), owner('z')] as const;

const record = aPurge();
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

  it('does not know what stopped a target that was never reported', () => {
    expect(followProgress([forX]).unfinished()).toEqual(
      new Map([[x, [{ target: forX.target, stop: undefined }]]]),
    );
  });

  it('knows of each target what stopped it, until when, and whether it was tried', () => {
    const progress = followProgress([forX, forXAndY, forZ]);
    const outcome = aRefusal();
    const until = instant(START_AT + 10_000);
    expect(progress.note({ kind: 'tried', targets: [forX], outcome, until })).toEqual([]);
    progress.note({ kind: 'held', targets: [forXAndY, forZ], outcome });
    const tried = { tried: true, outcome, until };
    const held = { tried: false, outcome, until: undefined };
    expect(progress.unfinished()).toEqual(
      new Map([
        [
          x,
          [
            { target: forX.target, stop: tried },
            { target: forXAndY.target, stop: held },
          ],
        ],
        [y, [{ target: forXAndY.target, stop: held }]],
        [z, [{ target: forZ.target, stop: held }]],
      ]),
    );
  });

  it('names what an owner claims, not the directory by which it would have been purged', () => {
    const [file, directory] = [aTarget('/d/a'), aTarget('/d/')];
    const targets = coalesce([aClaim(file, x), aClaim(directory, y)]);
    const progress = followProgress(targets);
    progress.note({ kind: 'held', targets, outcome: aRefusal() });
    expect([...progress.unfinished()].map(([of, left]) => [of, left.map(({ target }) => target)])).toEqual([
      [y, [directory]],
      [x, [file]],
    ]);
  });

  it('is at its end for a refused directory, but not for what the directory would have purged too', () => {
    const [file, directory] = [aTarget('/d/a'), aTarget('/d/')];
    const targets = coalesce([aClaim(file, x), aClaim(directory, y)]);
    const progress = followProgress(targets);
    const outcome = anItemRefusal();
    expect(progress.note({ kind: 'unpurgeable', targets, outcome })).toEqual([y]);
    expect(progress.unfinished()).toEqual(
      new Map([[x, [{ target: file, stop: { tried: false, outcome, until: undefined } }]]]),
    );
  });

  it('keeps an owner unfinished of which one target was purged and one was not', () => {
    const progress = followProgress([forX, forXAndY]);
    progress.note({ kind: 'tried', targets: [forX], outcome: aFailure() });
    expect(progress.note(purged(forXAndY))).toEqual([y]);
    expect([...progress.unfinished().keys()]).toEqual([x]);
  });
});
