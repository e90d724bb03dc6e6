// HTTP trigger for administrators: what failed for good is tried again, from the poison queue and from dead letters.

import type { HttpHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { readDeadLetters, type DeadLettersRead } from '../use-cases/read-dead-letters.ts';
import { releaseDeadLetters, type Released } from '../use-cases/release-dead-letters.ts';
import { replayPoison } from '../use-cases/replay-poison.ts';
import type { Run } from '../use-cases/ports.ts';
import { runOf } from './context-run.ts';
import { deadLetterPorts } from './read-dead-letters.ts';

/** `POST /api/poison/replay` */
export function handleReplay(services: ServicesLoader): HttpHandler {
  return async (_request, context) => {
    const ready = await services();
    const run = runOf(context, ready.telemetry);
    const replay = await replayPoison(ready.poison, ready.flushPorts.clock, run);
    const deadLetters = await replayDeadLetters(ready, run);
    const isDone = !replay.interrupted && deadLetters?.interrupted !== true;
    return {
      status: isDone ? 200 : 503,
      headers: { 'cache-control': 'no-store' },
      jsonBody: deadLetters === undefined ? replay : { ...replay, deadLetters },
    };
  };
}

async function replayDeadLetters(
  { deadLetters, ...others }: Awaited<ReturnType<ServicesLoader>>,
  run: Run,
): Promise<(Released & DeadLettersRead) | undefined> {
  if (deadLetters === undefined) return undefined;
  const released = await releaseDeadLetters(deadLetters, run);
  const read = await readDeadLetters(deadLetterPorts(deadLetters, others), run);
  return { ...released, ...read, interrupted: released.interrupted || read.interrupted };
}
