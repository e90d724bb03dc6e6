// Timer trigger: lists a part of what stands in the served containers.

import type { TimerHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { refreshInventory } from '../use-cases/refresh-inventory.ts';
import { runOf } from './context-run.ts';

export function handleRefreshInventory(services: ServicesLoader): TimerHandler {
  return async (_timer, context) => {
    const { configuration, own, flushPorts, telemetry, inventory } = await services();
    const settings = inventory.settingsOf(await configuration.current());
    if (settings === undefined) return;
    const { store, lister } = inventory;
    const ports = { configuration, own, clock: flushPorts.clock, inventory: store, lister };
    await refreshInventory(ports, settings, runOf(context, telemetry));
  };
}
