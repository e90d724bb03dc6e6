// Timer trigger: one heartbeat.

import type { TimerHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { beat } from '../use-cases/beat.ts';
import { runOf } from './context-run.ts';

export function handleHeartbeat(services: ServicesLoader): TimerHandler {
  return async (_timer, context) => {
    const { flushPorts, queues, deadLetters, inventory, activity, telemetry } = await services();
    const ports = { ...flushPorts, queues, deadLetters, inventory: inventory.store, activity };
    await beat(ports, runOf(context, telemetry));
  };
}
