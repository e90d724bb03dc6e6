// The histories can fail: a fault in the app is seen.

import { describe, expect, it } from 'vitest';

import { MUTANTS, type Mutant } from '../../simulation/mutants.ts';
import { mutate } from '../../simulation/mutate.ts';
import { deadlineMs, runSeeds } from '../../simulation/run-processes.ts';

const SEEDS = { from: 1, to: 2_000 };

describe(`an app that has a fault is caught within ${SEEDS.to} histories`, () => {
  it.each(MUTANTS)('one that $name', { timeout: deadlineMs(SEEDS) }, async ({ name, seenFrom }) => {
    const { histories } = await runSeeds({ ...SEEDS, from: seenFrom ?? 1 }, { mutant: name });
    expect(histories, 'no history saw the fault').toHaveLength(1);
    expect(histories[0]?.violations).not.toEqual([]);
  });
});

describe('a mutant', () => {
  const mutant: Mutant = { name: 'is wrong', file: 'src/lib/app.ts', find: 'right', replace: 'wrong' };

  it('changes the text that it names', () => {
    expect(mutate('all is right here', mutant)).toEqual({ ok: true, value: 'all is wrong here' });
  });

  it.each([
    ['is not there', 'all is well', 'nowhere'],
    ['is there more than once', 'right, right', '2 times'],
  ])('does not fit a module where its text %s', (_how, source, why) => {
    expect(mutate(source, mutant)).toEqual({ ok: false, error: expect.stringContaining(why) });
  });

  it('whose file is not that of a fault is not taken for one that was not caught', async () => {
    await expect(runSeeds(SEEDS, { mutant: 'that nobody wrote' })).rejects.toThrow(/no mutant/u);
  });
});
