// Whatever happens, in whatever order: nothing is lost, and the quota is never overspent.
//
// SIMULATION_HISTORIES=n runs the seeds 1 to n, SIMULATION_SEED=n that one alone.

import { describe, expect, it } from 'vitest';

import { runHistory } from '../../simulation/history.ts';

/** About 20 seconds. */
const DEFAULT_HISTORIES = '1200';
/** Many times what one takes. */
const LONGEST_HISTORY_MS = 200;

const seeds = seedsToRun();

function seedsToRun(): readonly number[] {
  const one = process.env['SIMULATION_SEED'];
  if (one !== undefined) return [wholeNumber('SIMULATION_SEED', one)];
  const count = wholeNumber('SIMULATION_HISTORIES', process.env['SIMULATION_HISTORIES'] ?? DEFAULT_HISTORIES);
  return Array.from({ length: count }, (_, index) => index + 1);
}

function wholeNumber(setting: string, text: string): number {
  if (!/^[1-9]\d*$/u.test(text)) throw new Error(`${setting} must be a whole number from 1, not "${text}"`);
  return Number(text);
}

describe('every history', () => {
  const timeout = seeds.length * LONGEST_HISTORY_MS + 20_000;
  it(
    'ends with every change purged or put aside, and never a spend over the quota',
    { timeout },
    async () => {
      for (const seed of seeds) {
        const { violations, lines } = await runHistory(seed);
        const how = [...lines, `Run it again: SIMULATION_SEED=${seed}`].join('\n');
        expect(violations, `history ${seed} broke a promise:\n${how}`).toEqual([]);
      }
    },
  );
});
