// HTTP trigger for administrators: puts the poison queue back into the buffer.

import type { HttpHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { replayPoison } from '../use-cases/replay-poison.ts';
import { runOf } from './context-run.ts';

/** `POST /api/poison/replay` */
export function handleReplay(services: ServicesLoader): HttpHandler {
  return async (_request, context) => {
    const { poison, flushPorts, telemetry } = await services();
    const replay = await replayPoison(poison, flushPorts.clock, runOf(context, telemetry));
    return {
      status: replay.interrupted ? 503 : 200,
      headers: { 'cache-control': 'no-store' },
      jsonBody: replay,
    };
  };
}
