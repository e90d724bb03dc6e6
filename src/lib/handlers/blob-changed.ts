// Event Grid trigger: a delivery to buffered changes.

import type { EventGridHandler } from '@azure/functions';

import { parseBlobEvents } from '../event-grid/parse-blob-events.ts';
import { bufferBlobChanges } from '../use-cases/buffer-blob-changes.ts';
import type { ServicesLoader } from '../services.ts';
import { runOf } from './context-run.ts';

/** What this throws makes the host answer 500, and Event Grid delivers again. */
export function handleBlobChanged(services: ServicesLoader): EventGridHandler {
  return async (delivery: unknown, context) => {
    const { configuration, buffer, own, telemetry } = await services();
    const run = runOf(context, telemetry);
    const inForce = await configuration.current();
    const events = parseBlobEvents(delivery, inForce.accounts, run.traceparent);
    await bufferBlobChanges(events, inForce, own, buffer, run);
  };
}
