// Whatever happens, in whatever order: nothing is lost, and the quota is never overspent.
//
// SIMULATION_HISTORIES=n runs the seeds 1 to n, SIMULATION_SEED=n that one alone.

import { describe, expect, it } from 'vitest';

import { deadlineMs, runSeeds, runSideBySide, type Seeds } from '../../simulation/run-processes.ts';

const DEFAULT_HISTORIES = '10000';

const WHAT_HAPPENS = [
  /crashes before save-purge/u,
  /crashes before complete/u,
  /crashes before save-ledger/u,
  /crashes before the answer to submit/u,
  /ended by the host/u,
  /crashes before save-backlog/u,
  /no storage for save-backlog/u,
  /lost the answer to save-backlog/u,
  /lost the answer to save-purge/u,
  /lost the answer to save-ledger/u,
  /CDN: item-refused/u,
  /CDN: throttled/u,
  /quota-spent by ledger/u,
  /quota-spent by cdn/u,
  /CDN: credentials-refused/u,
  /CDN: unknown \(acted\)/u,
  /CDN: unknown http/u,
  /answers taken/u,
  /answers known/u,
];

function seedsToRun(): Seeds {
  const one = process.env['SIMULATION_SEED'];
  if (one !== undefined) {
    const seed = wholeNumber('SIMULATION_SEED', one);
    return { from: seed, to: seed };
  }
  const count = process.env['SIMULATION_HISTORIES'] ?? DEFAULT_HISTORIES;
  return { from: 1, to: wholeNumber('SIMULATION_HISTORIES', count) };
}

function wholeNumber(setting: string, text: string): number {
  if (!/^[1-9]\d*$/u.test(text)) throw new Error(`${setting} must be a whole number from 1, not "${text}"`);
  return Number(text);
}

describe('every history', () => {
  const seeds = seedsToRun();
  it(
    'ends with every change purged or put aside, and never a spend over the quota',
    { timeout: deadlineMs(seeds) },
    async () => {
      const { ran, histories } = await runSideBySide(seeds);
      for (const { seed, violations, lines } of histories) {
        const how = [...lines, `Run it again: SIMULATION_SEED=${seed}`].join('\n');
        expect(violations, `history ${seed} broke a promise:\n${how}`).toEqual([]);
      }
      expect(ran).toBe(seeds.to - seeds.from + 1);
    },
  );
});

describe('the histories', () => {
  const seeds = { from: 1, to: 150 };
  it('hold what they are for', { timeout: deadlineMs(seeds) }, async () => {
    const { histories } = await runSeeds(seeds, { print: true });
    const text = histories.flatMap(({ lines }) => lines).join('\n');
    for (const what of WHAT_HAPPENS) expect(text).toMatch(what);
  });
});

describe('a history', () => {
  it('is the same each time it is run by its seed, whatever was run before it', async () => {
    const [alone, afterOthers] = await Promise.all([
      runSeeds({ from: 7, to: 7 }, { print: true }),
      runSeeds({ from: 5, to: 7 }, { print: true }),
    ]);
    expect(alone.histories).toEqual(afterOthers.histories.slice(2));
    expect(alone.histories[0]?.lines.length).toBeGreaterThan(20);
  });
});
