// Timer trigger: one flush.

import type { TimerHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { flushPurges } from '../use-cases/flush-purges.ts';
import { runOf } from './context-run.ts';

export function handleFlush(services: ServicesLoader): TimerHandler {
  return async (_timer, context) => {
    const { flushPorts, flushLimits, telemetry } = await services();
    await flushPurges(flushPorts, flushLimits, runOf(context, telemetry));
  };
}
