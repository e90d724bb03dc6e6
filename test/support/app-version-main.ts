// One version of the app: its own source, with other versions of the formats put into it while Node loads it.
//
// node test/support/app-version-main.ts --version next --take '["a.txt"]' --flushes 3

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import * as z from 'zod';

import { loadMutated } from '../simulation/mutate.ts';
import { VERSIONS, type Version } from './app-version.ts';

const SHIPPED = `message: { writes: 1, reads: [1] },
  backlog: { writes: 1, reads: [1] },
  ledger: { writes: 1, reads: [1] },
  record: { writes: 2, reads: [2] },`;
const NEXT = `message: { writes: 2, reads: [1, 2] },
  backlog: { writes: 2, reads: [1, 2] },
  ledger: { writes: 2, reads: [1, 2] },
  record: { writes: 3, reads: [2, 3] },`;
const REPLACEMENTS: Readonly<Record<Version, string>> = {
  shipped: SHIPPED,
  prepared: NEXT.replaceAll('writes: 2,', 'writes: 1,').replace('writes: 3,', 'writes: 2,'),
  next: NEXT,
  'next, but the ledger': NEXT.replace('ledger: { writes: 2,', 'ledger: { writes: 1,'),
};

const { values } = parseArgs({
  options: {
    version: { type: 'string' },
    take: { type: 'string', default: '[]' },
    flushes: { type: 'string', default: '1' },
  },
});
const version = z.enum(VERSIONS).parse(values.version);
const names = z.array(z.string()).parse(JSON.parse(values.take));
const flushes = values.flushes === 'until empty' ? undefined : Number(values.flushes);

const loading = loadMutated({
  name: version,
  file: 'src/lib/storage/format-versions.ts',
  find: SHIPPED,
  replace: REPLACEMENTS[version],
});
if (!loading.ok) throw new Error(loading.error);

const { createApp } = await import('../../src/lib/app.ts');
const { flushPurges } = await import('../../src/lib/use-cases/flush-purges.ts');
const { createStorageClients } = await import('../../src/lib/storage/clients.ts');
const { aChange, aMessage } = await import('./builders.ts');
const { createRecordingLog } = await import('./recording-log.ts');
const { instant } = await import('../../src/lib/core/instant.ts');

const services = await createApp(process.env).services();
if (!loading.value.wasLoaded()) throw new Error('the app does not load the versions of its formats');
const { queues } = createStorageClients(process.env['PURGE_STORAGE'] ?? '');
const queue = queues.getQueueClient(process.env['PURGE_QUEUE'] ?? '');
const log = createRecordingLog();

for (const name of names) {
  await services.buffer.add(
    aMessage(aChange({ name, container: 'web', eventId: `event of ${name}`, eventAt: instant(Date.now()) })),
  );
}
for (let flushed = 0; flushes === undefined ? await isAnythingLeft() : flushed < flushes; flushed += 1) {
  await flushPurges(services.flushPorts, services.flushLimits, {
    log,
    telemetry: services.telemetry,
    traceparent: undefined,
  });
  await pause(200);
}
process.stdout.write(JSON.stringify({ warnings: log.at('warn', 'error').map(({ message }) => message) }));
// Agents of the CDN's connections stay open for a while.
process.exit(0);

async function isAnythingLeft(): Promise<boolean> {
  const { approximateMessagesCount = 0 } = await queue.getProperties();
  return approximateMessagesCount > 0 || (await services.flushPorts.backlog.load()).backlog.entries.size > 0;
}
