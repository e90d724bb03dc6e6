// npm run replay: puts the poison queue back into the buffer, from a machine that has the storage connection string.

import { instant } from '../../core/instant.ts';
import { createStorageClients } from '../../storage/clients.ts';
import { noTelemetry } from '../../telemetry/no-telemetry.ts';
import { formatLine } from '../../format-line.ts';
import type { LogDetails } from '../../use-cases/ports.ts';
import { replayPoison } from '../../use-cases/replay-poison.ts';
import { createStoragePoisonQueue } from '../storage-queue-buffer.ts';

/** An entry whose replay broke off shows itself again after this. */
const VISIBILITY_MS = 30_000;

const connection = process.env['PURGE_STORAGE'] ?? '';
const queueName = process.env['PURGE_QUEUE'] ?? 'purge-buffer';

const print = (message: string, details?: LogDetails): void => console.log(formatLine(message, details));

if (connection === '') {
  console.error(
    'Set PURGE_STORAGE to the connection string of the app’s storage account (and PURGE_QUEUE, if it is not purge-buffer).',
  );
  process.exitCode = 2;
} else {
  const { queues } = createStorageClients(connection);
  const places = {
    buffer: queues.getQueueClient(queueName),
    poison: queues.getQueueClient(`${queueName}-poison`),
  };
  const log = { debug: () => undefined, info: print, warn: print, error: print };
  const clock = { now: () => instant(Date.now()) };
  const run = { log, telemetry: noTelemetry, traceparent: undefined };
  const replay = await replayPoison(createStoragePoisonQueue(places, VISIBILITY_MS), clock, run);
  process.exitCode = replay.interrupted ? 1 : 0;
}
