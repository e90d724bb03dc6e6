// npm run replay: what failed for good is tried again, from a machine that may use the app's storage.
//
// The poison queue goes back into the buffer. Dead letters that stayed are only made unread: the app reads them at its
// next tick, by the configuration that it works by, which this machine need not have.

import { instant } from '../../core/instant.ts';
import { DEFAULT_RECORDS_CONTAINER } from '../../config/environment.ts';
import { formatProblem } from '../../config/configuration-problem.ts';
import { parseStorageConnection } from '../../config/storage-by-identity.ts';
import { createTokenSources } from '../../identity/token-sources.ts';
import { connectStorage } from '../../storage/clients.ts';
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
const connection = parseStorageConnection(process.env, 'PURGE_STORAGE');
const queueName = setting('PURGE_QUEUE') ?? 'purge-buffer';
const recordsContainer = setting('PURGE_RECORDS_CONTAINER') ?? DEFAULT_RECORDS_CONTAINER;
const deadLetterContainer = setting('PURGE_DEAD_LETTER_CONTAINER');

const print = (message: string, details?: LogDetails): void => console.log(formatLine(message, details));

if (!connection.ok) {
  for (const problem of connection.error) console.error(formatProblem(problem));
  console.error(
    'Set PURGE_STORAGE, or PURGE_STORAGE__blobServiceUri and its like, as the app has them (by your own login with PURGE_STORAGE__credential=login), and PURGE_QUEUE, PURGE_RECORDS_CONTAINER and PURGE_DEAD_LETTER_CONTAINER where the app has them.',
  );
  process.exitCode = 2;
} else {
  const clock = { now: () => instant(Date.now()) };
  const tokensFor = createTokenSources({
    secret: (name) => setting(name) ?? '',
    telemetry: noTelemetry,
    now: clock.now,
  });
  const { blobs, queues } = connectStorage(connection.value, tokensFor);
  const places = {
    buffer: queues.getQueueClient(queueName),
    poison: queues.getQueueClient(`${queueName}-poison`),
    records: blobs.getContainerClient(recordsContainer),
  };
  const log = { debug: () => undefined, info: print, warn: print, error: print };
  const run = { log, telemetry: noTelemetry, traceparent: undefined };
  const replay = await replayPoison(createStoragePoisonQueue(places, VISIBILITY_MS), clock, run);
  const released =
    deadLetterContainer === undefined
      ? undefined
      : await releaseDeadLetters(deadLetterBlobs(blobs.getContainerClient(deadLetterContainer)), run);
  process.exitCode = replay.interrupted || released?.interrupted === true ? 1 : 0;
}
