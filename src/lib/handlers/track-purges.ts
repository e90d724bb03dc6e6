// Timer trigger: one look at the purges that the CDN has accepted and not ended.

import type { TimerHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { trackPurges } from '../use-cases/track-purges.ts';
import { runOf } from './context-run.ts';

export function handleTracking(services: ServicesLoader): TimerHandler {
  return async (_timer, context) => {
    const { flushPorts, telemetry } = await services();
    await trackPurges(flushPorts, runOf(context, telemetry));
  };
}
