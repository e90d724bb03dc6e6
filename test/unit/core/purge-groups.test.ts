// Groups stand together on their way, and a request holds a group as a whole where it can.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { planBatches, type LocatedTarget } from '../../../src/lib/core/purge-plan.ts';
import { groupRuns, groupsTogether } from '../../../src/lib/core/purge-groups.ts';
import { aLocated, CAPABILITIES, LIMITS } from '../../support/builders.ts';

const one = (id: number, group?: string) => ({ id, group });
const located = (path: string, group?: string): LocatedTarget<string> => ({ ...aLocated(path), group });
const idsOf = (targets: readonly { readonly id: number }[]) => targets.map(({ id }) => id);

describe('groups together', () => {
  it('stand where the first of them stood, in their order', () => {
    const targets = [one(0), one(1, 'a'), one(2), one(3, 'b'), one(4, 'a'), one(5), one(6, 'b')];
    expect(idsOf(groupsTogether(targets))).toEqual([0, 1, 4, 2, 3, 6, 5]);
  });

  it('leave all as it is where there are none', () => {
    const targets = [one(2), one(0), one(1)];
    expect(groupsTogether(targets)).toBe(targets);
  });

  it('are runs: each group is one, and each of none stands alone', () => {
    const runs = groupRuns([one(0), one(1), one(2, 'a'), one(3, 'a'), one(4, 'b'), one(5)]);
    expect(runs.map(idsOf)).toEqual([[0], [1], [2, 3], [4], [5]]);
  });

  it('lose nothing, add nothing, and are one run each', () => {
    const group = fc.constantFrom(undefined, 'a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(group), (groups) => {
        const targets = groups.map((name, id) => one(id, name));
        const runs = groupRuns(groupsTogether(targets));
        expect(idsOf(runs.flat()).toSorted((a, b) => a - b)).toEqual(idsOf(targets));
        const named = runs.flatMap(([first]) => first?.group ?? []);
        expect(new Set(named).size).toBe(named.length);
      }),
    );
  });
});

describe('batches', () => {
  it('hold a group as a whole that fits into one, and a larger one in consecutive ones', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(undefined, 'a', 'b', 'c'), fc.nat(3)), { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        (files, urlsPerRequest) => {
          const targets = groupsTogether(
            files.map(([group], index) => located(`/media/${group ?? 'none'}/${index}.txt`, group)),
          );
          const batches = planBatches(targets, { ...LIMITS, urlsPerRequest }, CAPABILITIES);
          expect(batches.flatMap((batch) => batch.targets)).toEqual(targets);
          for (const group of ['a', 'b', 'c']) {
            const counts = batches.map((batch) => batch.targets.filter((t) => t.group === group).length);
            const size = counts.reduce((sum, count) => sum + count, 0);
            const used = counts.flatMap((count, index) => (count > 0 ? [index] : []));
            const span = used.length === 0 ? 0 : (used.at(-1) ?? 0) - (used[0] ?? 0) + 1;
            expect(span).toBe(used.length);
            expect(used.length <= 1 || size > urlsPerRequest).toBe(true);
          }
        },
      ),
    );
  });

  it('may be cut by bytes: a group too long for a body goes in several', () => {
    const long = Array.from({ length: 4 }, (_, index) => located(`/media/a/${'x'.repeat(300)}${index}`, 'a'));
    const batches = planBatches(long, { ...LIMITS, bytesPerRequest: 1_000 }, CAPABILITIES);
    expect(batches.map((batch) => batch.targets.length)).toEqual([2, 2]);
  });
});
