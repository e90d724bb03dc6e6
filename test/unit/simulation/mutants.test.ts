// The histories can fail: a fault put between the app and the world is seen.

import { describe, expect, it } from 'vitest';

import { runHistory, type Mutant } from '../../simulation/history.ts';
import { MUTANTS } from '../../simulation/mutants.ts';

const MOST_SEEDS = 300;

const WHAT_HAPPENS = [
  /crashes before save-purge/u,
  /crashes before complete/u,
  /crashes before save-ledger/u,
  /crashes before the answer to submit/u,
  /ended by the host/u,
  /no storage for put-back/u,
  /lost the answer to save-purge/u,
  /lost the answer to save-ledger/u,
  /CDN: item-refused/u,
  /CDN: throttled/u,
  /CDN: credentials-refused/u,
  /CDN: unknown \(acted\)/u,
  /CDN: unknown http/u,
  /answers taken/u,
  /answers known/u,
];

/** The first seed whose history sees it, undefined when none does. */
async function firstSeedThatSees(mutant: Mutant): Promise<number | undefined> {
  for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
    const { violations } = await runHistory(seed, mutant);
    if (violations.length > 0) return seed;
  }
  return undefined;
}

describe(`an app that has a fault is caught within ${MOST_SEEDS} histories`, () => {
  it.each(Object.entries(MUTANTS))('one that %s', { timeout: 60_000 }, async (_fault, mutant) => {
    expect(await firstSeedThatSees(mutant)).toBeDefined();
  });
});

describe('the histories', () => {
  it('hold what they are for', async () => {
    const lines = new Set<string>();
    for (let seed = 1; seed <= 150; seed += 1) {
      for (const line of (await runHistory(seed)).lines) lines.add(line);
    }
    const text = [...lines].join('\n');
    for (const what of WHAT_HAPPENS) expect(text).toMatch(what);
  });
});

describe('a history', () => {
  it('is the same each time it is run by its seed', async () => {
    const [first, second] = [await runHistory(7), await runHistory(7)];
    expect(second).toEqual(first);
    expect(first.lines.length).toBeGreaterThan(20);
  });
});
