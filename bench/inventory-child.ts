// Lists the stub's container to its end, in several runs, and says what memory that took.
//
// node --expose-gc bench/inventory-child.ts --endpoint URL --directories COUNT

import { parseArgs } from 'node:util';

import { siteOf } from '../src/lib/core/inventory/served-containers.ts';
import { evictionsOf } from '../src/lib/core/inventory/inventory.ts';
import { instant } from '../src/lib/core/instant.ts';
import { createBlobClient } from '../src/lib/storage/clients.ts';
import { createBlobLister } from '../src/lib/storage/list-blobs.ts';
import { loadInventory } from '../src/lib/use-cases/know-inventory.ts';
import { refreshInventory } from '../src/lib/use-cases/refresh-inventory.ts';
import { ACCOUNT, aConfiguration, aRule, CDN, HOST } from '../test/support/builders.ts';
import { createRecordingLog } from '../test/support/recording-log.ts';
import { createRecordingTelemetry } from '../test/support/recording-telemetry.ts';
import { createGzippedInventory } from './gzipped-inventory.ts';
import { directoryName } from './listing-stub.ts';
import { rounded } from './measure.ts';

const { values } = parseArgs({
  options: { endpoint: { type: 'string' }, directories: { type: 'string', default: '50000' } },
});
const { endpoint = '' } = values;
const directories = Number(values.directories);
const MEBIBYTE = 2 ** 20;
const PAGES_PER_RUN = 200;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('start with --expose-gc');
const heapMb = (): number => {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return rounded((heapUsed + arrayBuffers) / MEBIBYTE, 1);
};

const client = createBlobClient(
  `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${Buffer.from('no key').toString('base64')};BlobEndpoint=${endpoint}`,
);
const configuration = aConfiguration({ rules: [aRule()] });
let now = Date.now();
let pages = 0;
const lister = createBlobLister(new Map([[ACCOUNT, client]]));
const { store, storedBytes, forgetRead } = createGzippedInventory();
const ports = {
  configuration: { current: async () => configuration },
  inventory: store,
  lister: {
    ...lister,
    listPage: async (...given: Parameters<typeof lister.listPage>) => {
      pages += 1;
      // The run's time is over now and then, so that the listing goes on from what was stored.
      if (pages % PAGES_PER_RUN === 0) now += 120_000;
      return lister.listPage(...given);
    },
  },
  own: { account: ACCOUNT, recordsContainer: 'purge-records' },
  clock: { now: () => instant(now) },
};
const run = { log: createRecordingLog(), telemetry: createRecordingTelemetry(), traceparent: undefined };

// One page first: the SDK's own modules and caches are no part of the inventory.
await lister.listPage({ account: ACCOUNT, container: 'site' }, { most: 1 });
const heapBeforeMb = heapMb();
let runs = 0;
const startedAt = performance.now();
for (let isOver = false; !isOver; runs += 1) {
  isOver = !(await refreshInventory(ports, { relistAfterMs: 3_600_000_000 }, run)).interrupted;
}
const listedMs = performance.now() - startedAt;
const heapListedMb = heapMb();
forgetRead();

const loadedAt = performance.now();
const site = siteOf(CDN, 'http', HOST);
const inventory = await loadInventory(configuration, [site], store);
const loadedMs = performance.now() - loadedAt;
const heapKeptMb = heapMb();

const due = Array.from({ length: 25_000 }, (_, index) => ({
  site,
  path: `/site/${directoryName(index % directories)}page-000000.html`,
}));
const askedAt = performance.now();
const evictions = evictionsOf(due, inventory);
let evicted = 0;
for (let index = 0; index < Math.min(directories, 25_000); index += 1) {
  evicted += evictions(site, `/site/${directoryName(index)}`)?.evicts ?? Number.NaN;
}
const askedMs = performance.now() - askedAt;

process.stdout.write(
  JSON.stringify({
    objects: inventory.of({ account: ACCOUNT, container: 'site' })?.objectsBelow('')?.objects,
    evicted,
    warnings: run.log.at('warn', 'error').length,
    pages,
    runs,
    listedSeconds: rounded(listedMs / 1000, 1),
    storedKilobytes: rounded(storedBytes() / 1024),
    loadedMs: rounded(loadedMs),
    ms25000DueAsked: rounded(askedMs),
    heapKeptAfterListingMb: rounded(heapListedMb - heapBeforeMb, 1),
    heapKeptByLoadedInventoryMb: rounded(heapKeptMb - heapBeforeMb, 1),
    heapTotalMb: heapKeptMb,
    peakRssMb: rounded(process.resourceUsage().maxRSS / 1024),
  }),
);
