// Azurite's blob and queue services as one child process of the local stack, in memory or in a folder.
//
// Its servers are loaded directly and not through its command line: that starts in half the time, without the
// table service and its SQL drivers, leaves telemetry off (the command line is what turns it on), and keeps
// stdout for our log lines.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import blobConfiguration from 'azurite/dist/src/blob/BlobConfiguration.js';
import blobServer from 'azurite/dist/src/blob/BlobServer.js';
import queueConfiguration from 'azurite/dist/src/queue/QueueConfiguration.js';
import queueServer from 'azurite/dist/src/queue/QueueServer.js';
import { announceReady, describeListenError, failToStart, stopWhenTold } from '../processes/ready-line.ts';
import { parsePort } from '../processes/port.ts';
import { localAccount } from './account.ts';

const usage =
  'node dev/azurite/main.ts [--blob-port 10000] [--queue-port 10001] [--location DIR] [--certificate PEM --key PEM] [--exit-with-stdin]';

/**
 * Azurite's own 5 s closes connections that SDK clients are about to use again: a lost request now and then.
 * Longer than any client keeps an idle connection.
 */
const keepAliveTimeoutSeconds = 120;

const options = readOptions();
const inMemory = options.location === undefined;
const folder = options.location ?? '';
if (!inMemory) await mkdir(folder, { recursive: true });

const blob = new blobServer.default(
  new blobConfiguration.default(...configurationOf('blob', options.blobPort)),
);
const queue = new queueServer.default(
  new queueConfiguration.default(...configurationOf('queue', options.queuePort)),
);
await startOrFail(blob, options.blobPort, '--blob-port');
await startOrFail(queue, options.queuePort, '--queue-port');

stopWhenTold(async () => {
  // Closing writes what is not yet on disk.
  await Promise.all([blob.close(), queue.close()]);
}, options.exitWithStdin);
announceReady({
  blobUrl: `${blob.getHttpServerAddress()}/${localAccount.name}`,
  queueUrl: `${queue.getHttpServerAddress()}/${localAccount.name}`,
});

interface Options {
  readonly blobPort: number;
  readonly queuePort: number;
  readonly location: string | undefined;
  /** Files of both: https, where tokens of Microsoft Entra are taken too. Azurite believes any signature of theirs. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  readonly exitWithStdin: boolean;
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        'blob-port': { type: 'string', default: '10000' },
        'queue-port': { type: 'string', default: '10001' },
        location: { type: 'string' },
        certificate: { type: 'string' },
        key: { type: 'string' },
        'exit-with-stdin': { type: 'boolean', default: false },
      },
    });
    const { certificate, key } = values;
    if ((certificate === undefined) !== (key === undefined)) {
      throw new Error('--certificate and --key belong together.');
    }
    return {
      blobPort: parsePort(values['blob-port'], '--blob-port'),
      queuePort: parsePort(values['queue-port'], '--queue-port'),
      location: values.location,
      tls: certificate === undefined || key === undefined ? undefined : { certificate, key },
      exitWithStdin: values['exit-with-stdin'],
    };
  } catch (error) {
    return failToStart(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}`);
  }
}

function configurationOf(service: 'blob' | 'queue', port: number): AzuriteConfigurationArguments {
  const extentLocation = {
    locationId: 'Default',
    // The file names are those of Azurite's command line, so that a folder can be opened by either.
    locationPath: join(folder, `__${service}storage__`),
    maxConcurrency: service === 'blob' ? 50 : 1,
  };
  return [
    '127.0.0.1',
    port,
    keepAliveTimeoutSeconds,
    join(folder, `__azurite_db_${service}__.json`),
    join(folder, `__azurite_db_${service}_extent__.json`),
    [extentLocation],
    false,
    undefined,
    false,
    undefined,
    false,
    // The SDKs are newer than Azurite's list of API versions.
    true,
    options.tls?.certificate ?? '',
    options.tls?.key ?? '',
    '',
    options.tls && 'basic',
    false,
    inMemory,
  ];
}

async function startOrFail(server: AzuriteServer, port: number, option: string): Promise<void> {
  try {
    await server.start();
  } catch (error) {
    failToStart(describeListenError(error, port, option));
  }
}
