// npm run bench: measures the app, one file a question. Numbers only: nothing here passes or fails by time.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';

import { measureCoalescing } from './coalescing.ts';
import { measureEvents } from './events.ts';
import { measureFlush } from './flush.ts';
import { measureLatency } from './latency.ts';
import { rounded, timeMs } from './measure.ts';
import { measureStartup } from './startup.ts';

type Answer = Readonly<Record<string, unknown>>;
type Question = () => Answer | Promise<Answer>;

const questions: ReadonlyMap<string, Question> = new Map<string, Question>([
  ['events', measureEvents],
  ['flush', measureFlush],
  ['coalescing', measureCoalescing],
  ['latency', measureLatency],
  ['startup', measureStartup],
]);

const { values: options } = parseArgs({
  options: {
    /** Prints one JSON object, keyed by question. */
    json: { type: 'boolean', default: false },
    /** Asks only this question; may be given again. */
    only: { type: 'string', multiple: true, default: [...questions.keys()] },
  },
});

for (const name of options.only) {
  if (questions.has(name)) continue;
  console.error(
    `--only ${name}: there is no such question. Choose from ${[...questions.keys()].join(', ')}.`,
  );
  process.exit(1);
}
const answers: Record<string, Answer> = {};
for (const [name, ask] of questions) {
  if (!options.only.includes(name)) continue;
  const tookMs = await timeMs(async () => {
    answers[name] = await ask();
  });
  console.error(`${name}: ${rounded(tookMs / 1000, 1)} s`);
}
const results = { node: process.version, cpus: availableParallelism(), ...answers };
console.log(options.json ? JSON.stringify(results) : asTable(results));

function asTable(values: Answer): string {
  const table = new Table({ style: { head: [], border: [] }, wordWrap: true, colWidths: [56, 60] });
  table.push(...rowsOf(values, ''));
  return table.toString();
}

function rowsOf(values: object, path: string): [string, string][] {
  return Object.entries(values).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const name = path === '' ? key : `${path}.${key}`;
    if (Array.isArray(value)) return [[name, value.join(', ')]];
    if (typeof value === 'object' && value !== null) return rowsOf(value, name);
    return [[name, String(value)]];
  });
}
