// How long from an event to its accepted purge, and from a person's request to its acceptance?
//
// Through the whole local stack: an upload with the Azure SDK, Event Grid, the Functions host, Azurite, the CDN.

import { BlobServiceClient } from '@azure/storage-blob';
import { request } from 'undici';
import * as z from 'zod';

import { FREE_PORTS, startStack, type Stack } from '../dev/stack.ts';
import { readAcceptedPurges } from './local-parts.ts';
import { spreadOf, type Spread } from './measure.ts';

const MANUAL_REQUESTS = 50;
const CONTAINER = 'downloads';
const HOST = 'http://files.contoso.localhost';
/** Beyond the longest schedule: what is not accepted by then is lost. */
const PATIENCE_MS = 30_000;
const POLL_MS = 250;

export async function measureLatency(): Promise<Record<string, unknown>> {
  const byDefault = await withStack({}, (stack) => changesToAccepted(stack, { uploads: 40, everyMs: 500 }));
  const bySecond = await withStack({ PURGE_SCHEDULE: '* * * * * *' }, async (stack) => ({
    eventToAcceptedMs: await changesToAccepted(stack, { uploads: 40, everyMs: 210 }),
    manualToAcceptedMs: await requestsToAccepted(stack),
  }));
  return {
    rounds: 1,
    eventToAcceptedMs: { everyTenSeconds: byDefault, everySecond: bySecond.eventToAcceptedMs },
    manualToAcceptedMs: bySecond.manualToAcceptedMs,
    note: 'events spread evenly over several ticks: the wait for the tick is in the time',
  };
}

async function withStack<T>(
  settings: Readonly<Record<string, string>>,
  work: (stack: Stack) => Promise<T>,
): Promise<T> {
  const stack = await startStack({ ports: FREE_PORTS, host: 'embedded', settings });
  try {
    return await work(stack);
  } finally {
    await stack.stop();
  }
}

/** From the end of an upload to the CDN's acceptance of a purge that names its URL, by the CDN's own log. */
async function changesToAccepted(
  stack: Stack,
  { uploads, everyMs }: { readonly uploads: number; readonly everyMs: number },
): Promise<Spread> {
  const container = BlobServiceClient.fromConnectionString(stack.connectionString).getContainerClient(
    CONTAINER,
  );
  await container.create();
  const changedAt = new Map<string, number>();
  for (let index = 0; index < uploads; index += 1) {
    const name = `latency-${index}.bin`;
    await container.getBlockBlobClient(name).upload('new', 3);
    changedAt.set(`${HOST}/${CONTAINER}/${name}`, Date.now());
    await pause(everyMs);
  }
  const acceptedAt = await waitForPurges(stack, changedAt);
  return spreadOf([...changedAt].map(([url, at]) => (acceptedAt.get(url) ?? Number.NaN) - at));
}

async function waitForPurges(
  { cdnApiUrl }: Stack,
  wanted: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const acceptedAt = new Map<string, number>();
    for (const { at, files } of await readAcceptedPurges(cdnApiUrl)) {
      for (const url of files) if (!acceptedAt.has(url)) acceptedAt.set(url, Date.parse(at));
    }
    if ([...wanted.keys()].every((url) => acceptedAt.has(url))) return acceptedAt;
    if (performance.now() > deadline) throw new Error('some changes were not purged in time');
    await pause(POLL_MS);
  }
}

const Answer = z.object({ state: z.string() });

/** From the POST to its answer that the CDN has accepted, one request after the other. */
async function requestsToAccepted({ functionsUrl, secrets }: Stack): Promise<Spread> {
  const times: number[] = [];
  // The first opens connections and makes the records' container.
  for (let index = -1; index < MANUAL_REQUESTS; index += 1) {
    const startedAt = performance.now();
    const { statusCode, body } = await request(`${functionsUrl}/api/purges`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-functions-key': secrets.functionKey },
      body: JSON.stringify({ files: [`${HOST}/${CONTAINER}/manual-${index}.bin`], reason: 'measured' }),
    });
    const answer = Answer.parse(await body.json());
    const tookMs = performance.now() - startedAt;
    if (statusCode !== 202 || answer.state !== 'accepted') {
      throw new Error(`a purge was answered ${statusCode} ${answer.state}, not 202 accepted`);
    }
    if (index >= 0) times.push(tookMs);
  }
  return spreadOf(times);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
