// npm run bench:planner: replays published sites' histories under every method, or proves all that must hold of ours.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';

import { drawMethods, drawTradeOff } from './charts.ts';
import { compare, METHODS_WITHOUT_PRICES, type Comparison } from './compare.ts';
import { generatedTrace } from './generated-trace.ts';
import { prove, type Claim } from './prove.ts';
import type { Rules } from './replay.ts';
import { thisPlanner } from './this-planner.ts';
import { readTrace, type Trace } from './trace.ts';
import { replayMix, replayOne, type Workload } from './workload.ts';
import { defaultOnlineSettings } from '../../src/lib/core/planner/online.ts';

const USAGE = `usage:
  bench:planner -- [--trace FILE] [--per-day N] [--days D]
  bench:planner -- --mix FILE:HOSTS,FILE:HOSTS [--per-day N] [--days D] [--seed S]
  bench:planner -- --prove LARGE,SMALL [--most N] [--charts FOLDER]
  all: [--skip 20] [--files 2000] [--directories 500] [--stale-cost N] [--allow-root] [--json]
Without a trace, a small made-up site is replayed.
FILE: one JSON line a deployment, oldest first, plain or gzipped: {"put": [paths], "del": [paths]}`;

const { values: options } = parseArgs({
  options: {
    trace: { type: 'string' },
    mix: { type: 'string' },
    /** Two traces: a large site, and a small one. */
    prove: { type: 'string' },
    'per-day': { type: 'string', default: '1' },
    days: { type: 'string' },
    seed: { type: 'string', default: '1' },
    skip: { type: 'string', default: '20' },
    files: { type: 'string', default: '2000' },
    directories: { type: 'string', default: '500' },
    'stale-cost': { type: 'string' },
    'allow-root': { type: 'boolean', default: false },
    most: { type: 'string', default: '50' },
    charts: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const policy: Rules['policy'] = {
  isAllowed: (_site, directory) => options['allow-root'] || directory !== '/',
  smallestDirectory: 2,
  mostEvicted: Infinity,
};

if (options.prove === undefined) replayAll();
else proveAll(options.prove);

function replayAll(): void {
  const limits = {
    files: count('files', options.files),
    directories: count('directories', options.directories),
  };
  const settings =
    options['stale-cost'] === undefined
      ? defaultOnlineSettings
      : { ...defaultOnlineSettings, staleCost: number('stale-cost', options['stale-cost']) };
  const workload = workloadAsked();
  const comparison = compare(workload, { limits, policy }, [
    ...METHODS_WITHOUT_PRICES,
    thisPlanner(settings),
  ]);
  console.log(
    options.json ? JSON.stringify({ limits, settings, ...comparison }) : comparisonTable(comparison),
  );
}

function workloadAsked(): Workload {
  const perDay = count('per-day', options['per-day']);
  const skip = count('skip', options.skip);
  const days = options.days === undefined ? undefined : count('days', options.days);
  if (options.trace !== undefined) return replayOne(traceAt(options.trace), { perDay, skip, days });
  if (options.mix === undefined) {
    return replayOne(generatedTrace(count('seed', options.seed)), { perDay, skip, days });
  }
  const parts = options.mix.split(',').map((part) => {
    const colon = part.lastIndexOf(':');
    return { trace: traceAt(part.slice(0, colon)), hosts: count('mix', part.slice(colon + 1)) };
  });
  const fitting = parts.map(({ trace }) => Math.floor((trace.deployments.length - skip) / perDay));
  const seed = count('seed', options.seed);
  return replayMix(parts, { perDay, days: days ?? Math.min(...fitting), skip, seed });
}

function proveAll(files: string): void {
  const [large, small] = files.split(',');
  if (large === undefined || small === undefined) return fail('--prove takes two traces: LARGE,SMALL');
  const proof = prove(traceAt(large), traceAt(small), {
    skip: count('skip', options.skip),
    seed: count('seed', options.seed),
    most: count('most', options.most),
    policy,
    progress: (message) => console.error(message),
  });
  if (options.charts !== undefined) {
    writeFileSync(join(options.charts, 'planner-methods.svg'), drawMethods(proof.mixes));
    writeFileSync(join(options.charts, 'planner-trade-off.svg'), drawTradeOff(proof.tradeOff));
  }
  console.log(options.json ? JSON.stringify(proof) : claimsTable(proof.claims));
  if (!proof.claims.every(({ holds }) => holds)) process.exitCode = 1;
}

function claimsTable(claims: readonly Claim[]): string {
  const table = new Table({
    head: ['', 'claim', 'found'],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [8, 60, 50],
  });
  for (const { what, holds, found } of claims) {
    const numbers = Object.entries(found).map(([name, value]) => `${name} ${value}`);
    table.push([holds ? 'holds' : 'FAILS', what, numbers.join('\n')]);
  }
  return table.toString();
}

function comparisonTable({ workload, days, methods, bound }: Comparison): string {
  const table = new Table({
    head: ['method', 'files', 'dirs', 'evicted', 'waiting', 'stale h', 'p95', 'longest', 'plan ms'],
    style: { head: [], border: [] },
  });
  for (const [name, score] of Object.entries(methods)) {
    const { fileUnits, directoryUnits, unchangedEvicted, waitingOverReset, staleHours, planning } = score;
    table.push([
      name,
      fileUnits,
      directoryUnits,
      unchangedEvicted,
      waitingOverReset,
      staleHours.sum,
      staleHours.p95,
      staleHours.longest,
      planning.sumMs,
    ]);
  }
  const { fileUnits, directoryUnits, unchangedEvicted, waitingOverReset, planning } = bound;
  table.push([
    'bound',
    fileUnits,
    directoryUnits,
    unchangedEvicted,
    waitingOverReset,
    '',
    '',
    '',
    planning.sumMs,
  ]);
  return `${workload}, ${days} days\n${table.toString()}`;
}

function traceAt(file: string): Trace {
  try {
    return readTrace(file);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function count(option: string, text: string): number {
  const value = number(option, text);
  return Number.isSafeInteger(value) ? value : fail(`--${option} ${text}: a whole number is needed`);
}

function number(option: string, text: string): number {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) && value >= 0
    ? value
    : fail(`--${option} ${text}: a number from 0 up is needed`);
}

function fail(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(1);
}
