// npm run replay: what failed for good is tried again, from a machine that has the storage connection string.
//
// The poison queue goes back into the buffer. Dead letters that stayed are only made unread: the app reads them at its
// next tick, by the configuration that it works by, which this machine need not have.

import { instant } from '../../core/instant.ts';
import { DEFAULT_RECORDS_CONTAINER } from '../../config/environment.ts';
import { createStorageClients } from '../../storage/clients.ts';
import { noTelemetry } from '../../telemetry/no-telemetry.ts';
import { formatLine } from '../../format-line.ts';
import type { LogDetails } from '../../use-cases/ports.ts';
import { releaseDeadLetters } from '../../use-cases/release-dead-letters.ts';
import { replayPoison } from '../../use-cases/replay-poison.ts';
import { deadLetterBlobs } from '../dead-letter-blobs.ts';
import { createStoragePoisonQueue } from '../storage-queue-buffer.ts';

/** An entry whose replay broke off shows itself again after this. */
const VISIBILITY_MS = 30_000;

const setting = (name: string): string | undefined => {
  const value = process.env[name];
  return value === '' ? undefined : value;
};
const connection = setting('PURGE_STORAGE');
const queueName = setting('PURGE_QUEUE') ?? 'purge-buffer';
const recordsContainer = setting('PURGE_RECORDS_CONTAINER') ?? DEFAULT_RECORDS_CONTAINER;
const deadLetterContainer = setting('PURGE_DEAD_LETTER_CONTAINER');

const print = (message: string, details?: LogDetails): void => console.log(formatLine(message, details));

if (connection === undefined) {
  console.error(
    'Set PURGE_STORAGE to the connection string of the app’s storage account, and PURGE_QUEUE, PURGE_RECORDS_CONTAINER and PURGE_DEAD_LETTER_CONTAINER where the app has them.',
  );
  process.exitCode = 2;
} else {
  const { blobs, queues } = createStorageClients(connection);
  const places = {
    buffer: queues.getQueueClient(queueName),
    poison: queues.getQueueClient(`${queueName}-poison`),
    records: blobs.getContainerClient(recordsContainer),
  };
  const log = { debug: () => undefined, info: print, warn: print, error: print };
  const clock = { now: () => instant(Date.now()) };
  const run = { log, telemetry: noTelemetry, traceparent: undefined };
  const replay = await replayPoison(createStoragePoisonQueue(places, VISIBILITY_MS), clock, run);
  const released =
    deadLetterContainer === undefined
      ? undefined
      : await releaseDeadLetters(deadLetterBlobs(blobs.getContainerClient(deadLetterContainer)), run);
  process.exitCode = replay.interrupted || released?.interrupted === true ? 1 : 0;
}
