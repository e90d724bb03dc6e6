// How many purges do 10,000 events cost, beside one purge for each?
//
// Every event goes the app's whole way: handler, Azurite queue, flush, CDN emulator. A round is what one tick finds.
// Repeats as edits have them: 2,000 blobs, the k-th most changed in proportion to 1/k (Zipf), seeded.

import { startAppInProcess, type AppInProcess } from './app-in-process.ts';
import { blobEvent, blobName } from './blob-events.ts';
import { readAcceptedPurges, startLocalParts, type LocalParts } from './local-parts.ts';
import { rounded } from './measure.ts';
import { seededRandom, zipf } from './seeded-random.ts';
import { forEachLimited } from '../src/lib/use-cases/for-each-limited.ts';
import { mapToTargets } from '../src/lib/core/url-mapping.ts';

const ROUNDS = 20;
const EVENTS = 500;
/** Once a minute Azurite sweeps what was deleted, and answers nobody for minutes after much of it. */
const ROUNDS_PER_AZURITE = 5;
const BLOBS = 2_000;
const SEED = 20_261_122;
/** Event Grid delivers side by side. */
const PARALLEL_DELIVERIES = 16;

export async function measureCoalescing(): Promise<Record<string, unknown>> {
  const changes = makeChanges();
  const buffered = { requests: 0, urls: 0 };
  const single = { requests: 0, urls: 0 };
  for (let at = 0; at < changes.length; at += ROUNDS_PER_AZURITE * EVENTS) {
    const parts = await startLocalParts();
    try {
      const app = await startAppInProcess(parts.settings);
      const inParts = changes.slice(at, at + ROUNDS_PER_AZURITE * EVENTS);
      addTo(single, await countOnePurgeAnEvent(inParts, app));
      addTo(buffered, await countPurges(inParts, app, parts));
    } finally {
      await parts.stop();
    }
  }
  return {
    rounds: ROUNDS,
    events: changes.length,
    distinctBlobs: new Set(changes.map(({ container, name }) => `${container}/${name}`)).size,
    distribution: `Zipf, exponent 1, over ${BLOBS} blobs of 3 containers; seed ${SEED}`,
    purgeRequests: buffered.requests,
    urls: buffered.urls,
    onePurgeAnEvent: { purgeRequests: single.requests, urls: single.urls },
    requestsSavedPercent: rounded(100 * (1 - buffered.requests / single.requests), 1),
    urlsSavedPercent: rounded(100 * (1 - buffered.urls / single.urls), 1),
  };
}

type Cost = { readonly requests: number; readonly urls: number };

function addTo(sum: { requests: number; urls: number }, { requests, urls }: Cost): void {
  sum.requests += requests;
  sum.urls += urls;
}

async function countPurges(
  changes: readonly Change[],
  app: AppInProcess,
  { cdnApiUrl }: LocalParts,
): Promise<Cost> {
  for (let at = 0; at < changes.length; at += EVENTS) {
    await forEachLimited(
      changes.slice(at, at + EVENTS),
      PARALLEL_DELIVERIES,
      ({ kind, container, name, index }) => app.deliver(blobEvent(kind, container, name, index)),
    );
    await app.flush();
  }
  const purges = await readAcceptedPurges(cdnApiUrl);
  return {
    requests: purges.length,
    urls: purges.reduce((sum, { files, directories }) => sum + files.length + directories.length, 0),
  };
}

type Change = {
  readonly kind: 'created' | 'deleted';
  readonly container: string;
  readonly name: string;
  readonly index: number;
};

const CONTAINERS = ['$web', '$web', 'media', 'downloads'];

function makeChanges(): readonly Change[] {
  const random = seededRandom(SEED);
  const nextBlob = zipf(BLOBS, random);
  return Array.from({ length: ROUNDS * EVENTS }, (_, index) => {
    const blob = nextBlob();
    return {
      kind: random() < 0.1 ? 'deleted' : 'created',
      container: CONTAINERS[blob % CONTAINERS.length] ?? '$web',
      name: blobName(blob),
      index,
    };
  });
}

/** What an app without a buffer sends: for every event its URLs, one request for each endpoint that serves them. */
async function countOnePurgeAnEvent(changes: readonly Change[], { services }: AppInProcess): Promise<Cost> {
  const { rules } = await services.configuration.current();
  let requests = 0;
  let urls = 0;
  for (const { container, name } of changes) {
    const targets = mapToTargets({ account: 'devstoreaccount1', container, name, extent: 'blob' }, rules);
    urls += targets.length;
    // The local hosts without an endpoint's id are all served by the one wildcard endpoint.
    requests += new Set(targets.map(({ endpointId }) => endpointId ?? 'wildcard')).size;
  }
  return { requests, urls };
}
