// npm run bench [-- QUESTION]: measures the app, one file a question. Nothing here passes or fails by time.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';

import { measureCoalescing } from './coalescing.ts';
import { measureCosts } from './costs.ts';
import { measureEvents } from './events.ts';
import { measureFlush } from './flush.ts';
import { measureInventory } from './inventory.ts';
import { measureLatency } from './latency.ts';
import { measureLoad } from './load.ts';
import { rounded, timeMs } from './measure.ts';
import { measurePlannerSpeed } from './planner-speed.ts';
import { measureStartup } from './startup.ts';

type Answer = Readonly<Record<string, unknown>>;
type Question = () => Answer | Promise<Answer>;

const questions: ReadonlyMap<string, Question> = new Map<string, Question>([
  ['events', measureEvents],
  ['flush', measureFlush],
  ['coalescing', measureCoalescing],
  ['latency', measureLatency],
  ['load', measureLoad],
  ['startup', measureStartup],
  ['planner', measurePlannerSpeed],
  ['inventory', measureInventory],
  ['costs', measureCosts],
]);

/** They take minutes, or count what is not time: asked only by name. */
const slow: ReadonlySet<string> = new Set(['planner', 'inventory', 'costs']);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Prints one JSON object, keyed by question. */
    json: { type: 'boolean', default: false },
    /** Asks only this question; may be given again. The name alone does as well. */
    only: { type: 'string', multiple: true, default: [] },
  },
});

const named = [...options.only, ...positionals];
for (const name of named) {
  if (questions.has(name)) continue;
  console.error(`${name}: there is no such question. Choose from ${[...questions.keys()].join(', ')}.`);
  process.exit(1);
}
const answers: Record<string, Answer> = {};
for (const [name, ask] of questions) {
  if (named.length === 0 ? slow.has(name) : !named.includes(name)) continue;
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
