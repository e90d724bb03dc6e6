// Timer trigger: one deletion of the records that are past their time.

import type { TimerHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { forgetRecords } from '../use-cases/forget-records.ts';
import { runOf } from './context-run.ts';

export function handleForgetting(services: ServicesLoader): TimerHandler {
  return async (_timer, context) => {
    const { flushPorts, retention, telemetry } = await services();
    await forgetRecords({ ...retention, clock: flushPorts.clock }, runOf(context, telemetry));
  };
}
