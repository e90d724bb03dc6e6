// Runs histories by their seeds, up to the first that breaks a promise, and tells of it in lines of JSON.
//
// node test/simulation/run.ts --from 1 --to 500 [--mutant <name>] [--print] [--exit-with-stdin]

import { parseArgs } from 'node:util';

import { MUTANTS } from './mutants.ts';
import { loadMutated } from './mutate.ts';
import type { Told } from './told.schema.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: '100' },
    /** Puts this fault into the app. */
    mutant: { type: 'string' },
    /** Tells of every history, not only of one that breaks a promise. */
    print: { type: 'boolean', default: false },
    /** Ends with the process that holds its input. */
    'exit-with-stdin': { type: 'boolean', default: false },
  },
});

if (values['exit-with-stdin']) process.stdin.on('end', () => process.exit(1)).resume();
await runSeeds(Number(values.from), Number(values.to));
process.stdin.pause();

async function runSeeds(from: number, to: number): Promise<void> {
  const loading = values.mutant === undefined ? undefined : loadMutated(mutantCalled(values.mutant));
  if (loading?.ok === false) return tell({ kind: 'misfit', reason: loading.error });
  const { runHistory } = await import('./history.ts');
  if (loading?.value.wasLoaded() === false) {
    return tell({ kind: 'misfit', reason: 'the histories do not load the file of the mutant' });
  }
  let seed = from;
  for (let isWell = true; isWell && seed <= to; seed += 1) {
    const { violations, lines } = await runHistory(seed);
    isWell = violations.length === 0;
    if (values.print || !isWell)
      tell({ kind: 'history', seed, violations: [...violations], lines: [...lines()] });
    // Input and signals are heard between two histories.
    await new Promise((resolve) => setImmediate(resolve));
  }
  tell({ kind: 'end', ran: seed - from });
}

function mutantCalled(name: string): (typeof MUTANTS)[number] {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`);
  return mutant;
}

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
