// Load: 10,000 blob writes go the whole way of the local stack, and a purge that the CDN accepted later covers each.
// On the way at most 500 changes wait, and the app's process does not grow.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerSASPermissions } from '@azure/storage-blob';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';

import type { Child } from '../../dev/processes/child.ts';
import { FREE_PORTS, startStack, type Stack } from '../../dev/stack.ts';
import { pathOf } from '../support/stack-client.ts';
import { startLane, type Lane } from '../support/stack-lane.ts';

const changes = 10_000;
/** They go first and are checked like the others, but their memory does not count: a process grows as it warms up. */
const warmUpChanges = 500;
/** Not yet delivered, or in the queue: Azurite slows with the depth of its queue. */
const mostWaiting = 500;
const mostGrowth = 1.2;
/** No quota holds changes back here. */
const quota = { files: 1_000_000, directories: 1_000_000 };
const parallelWrites = 16;
const betweenSamplesMs = 100;
/**
 * The engine lets garbage pile up to several times of what is in use, and gives little of the room for it back. Where
 * the room is small and garbage goes every second, the process has what it holds on to.
 */
const collectingOften =
  '--max-semi-space-size=2 --expose-gc --import=data:text/javascript,setInterval(gc,1000).unref()';
/** Flushes for each look at the open purges. */
const flushesPerTracking = 10;
/** Several times what it takes on two cores that do nothing else. */
const deadlineMs = 420_000;

let folder: string;
let stack: Stack;
let lane: Lane;
let eventGridUrl: string;
/** By container: the URL by which anybody may write there for a while. */
const writableUrls = new Map<string, string>();
const children: Child[] = [];

beforeAll(async () => {
  // In memory, Azurite keeps an extent for each message and once a minute takes those of deleted messages away one by
  // one: after some 10,000 it answers nobody for minutes. In a folder many messages share an extent.
  folder = await mkdtemp(join(tmpdir(), 'blob-cdn-purge-load-'));
  stack = await startStack({ ports: FREE_PORTS, host: 'none', location: folder });
  lane = await startLane(stack, {
    settings: {
      PURGE_CONFIG: withQuota(stack.appSettings['PURGE_CONFIG'] ?? ''),
      // What trouble leaves hidden shows itself again before the deadline.
      PURGE_VISIBILITY_SECONDS: '60',
      NODE_OPTIONS: collectingOften,
    },
    onChild: (child) => children.push(child),
  });
  eventGridUrl = z.object({ controlUrl: z.string() }).parse(children[0]?.ready).controlUrl;
  await lane.changeCdn({
    filesPerDay: quota.files,
    directoriesPerDay: quota.directories,
  });
});

afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

test(
  `${changes} changes are purged after they happened, ${mostWaiting} wait at most, and the host does not grow`,
  { timeout: deadlineMs + 60_000 },
  async ({ annotate }) => {
    const load = await withinDeadline(sendLoad);

    const { missing, urlsPurged } = await findMissing(load.writes);
    const memory = memoryByTenth(load.samples);
    await annotate(
      `${load.writes.length} changes in ${load.tookSeconds} s, ${urlsPurged} URLs purged, ` +
        `${load.deepest} waiting at most, memory by tenths ${memory.join(' ')} MiB`,
    );
    expect(load.writes).toHaveLength(warmUpChanges + changes);
    expect(missing).toEqual([]);
    expect(load.deepest).toBeLessThanOrEqual(mostWaiting);
    // Windows tells no process's memory without a program for it.
    if (process.platform === 'win32') return;
    const [first = NaN, last = NaN] = [memory.at(0), memory.at(-1)];
    expect(last / first, `MiB by tenths: ${memory.join(' ')}`).toBeLessThanOrEqual(mostGrowth);
  },
);

interface Write {
  readonly container: string;
  readonly name: string;
  readonly eTag: string;
}

interface Sample {
  readonly written: number;
  readonly bytes: number;
}

interface Load {
  readonly writes: Write[];
  readonly samples: Sample[];
  /** Most changes that were seen waiting. */
  deepest: number;
  tookSeconds: number;
}

/** Writes as many blobs at a time as may wait, while the app flushes those before them. Ends when all is purged. */
async function sendLoad(load: Load): Promise<void> {
  const startedAt = Date.now();
  const { writes, samples } = load;
  const { pid } = lane.host();
  const sampling = setInterval(() => {
    samples.push({ written: writes.length, bytes: residentBytes(pid) });
  }, betweenSamplesMs);
  try {
    await Promise.all(['$web', 'media', 'docs'].map(makeContainer));
    // The app makes its queue when it first needs it.
    await writeBlobs(writes, 1);
    await lane.delivered();
    let waiting = await countWaiting();
    for (let flushes = 1; !(await isDone(writes, waiting)); flushes += 1) {
      const left = warmUpChanges + changes - writes.length;
      const room = Math.max(Math.min(mostWaiting - parallelDeliveries - waiting, left), 0);
      const [status] = await Promise.all([lane.flush(), writeBlobs(writes, room)]);
      if (status !== 202) throw new Error(`a flush ended with status ${status}: ${await describe(load)}`);
      if (flushes % flushesPerTracking === 0) await runTracker();
      waiting = await countWaiting();
      load.deepest = Math.max(load.deepest, waiting);
    }
    load.tookSeconds = Math.round((Date.now() - startedAt) / 1000);
  } finally {
    clearInterval(sampling);
  }
}

/** Also what waits in the backlog, and no more in the queue, must be purged. */
async function isDone(writes: readonly Write[], waiting: number): Promise<boolean> {
  if (writes.length < warmUpChanges + changes || waiting > 0) return false;
  return (await findMissing(writes)).missing.length === 0;
}

/** Fails with what stands where, if the work goes on for longer. */
async function withinDeadline(work: (load: Load) => Promise<void>): Promise<Load> {
  const load: Load = { writes: [], samples: [], deepest: 0, tookSeconds: NaN };
  const over = new AbortController();
  const deadline = delay(deadlineMs, undefined, { signal: over.signal }).then(async () => {
    throw new Error(`after ${deadlineMs / 1000} s: ${await describe(load)}`);
  });
  // The work's end aborts it: that is no failure.
  deadline.catch(() => undefined);
  try {
    await Promise.race([work(load), deadline]);
    return load;
  } finally {
    over.abort();
  }
}

async function writeBlobs(writes: Write[], count: number): Promise<void> {
  const until = writes.length + count;
  let next = writes.length;
  const work = async (): Promise<void> => {
    while (next < until) {
      next += 1;
      writes.push(await writeBlob(next - 1));
    }
  };
  await Promise.all(Array.from({ length: parallelWrites }, work));
}

/** By plain HTTP: the SDK's client would need as much of the CPU as the app. It repeats what storage was too busy for. */
async function writeBlob(index: number, attempt = 1): Promise<Write> {
  const { container, name } = blobOf(index);
  const url = new URL(writableUrls.get(container) ?? '');
  url.pathname += pathOf(name);
  const { statusCode, headers, body } = await request(url, {
    method: 'PUT',
    headers: { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'text/plain' },
    body: `version ${index}`,
  });
  await body.dump();
  if (statusCode === 503 && attempt < mostAttempts) return writeBlob(index, attempt + 1);
  if (statusCode !== 201) throw new Error(`storage answered ${statusCode} to a write`);
  return { container, name, eTag: z.string().parse(headers['etag']).replaceAll('"', '') };
}

const mostAttempts = 5;

async function makeContainer(name: string): Promise<void> {
  const container = lane.blobs.getContainerClient(name);
  await container.create();
  const expiresOn = new Date(Date.now() + 2 * deadlineMs);
  const permissions = ContainerSASPermissions.parse('cw');
  writableUrls.set(name, await container.generateSasUrl({ permissions, expiresOn }));
}

/** Most blobs are new; of ten writes one is of the blob just written, and two are of blobs from long before. */
function blobOf(index: number): Pick<Write, 'container' | 'name'> {
  switch (index % 10) {
    case 9:
      return blobOf(index - 1);
    case 3:
    case 6:
      return blobOf(Math.floor(index / 20) * 10);
    case 0:
      return { container: '$web', name: `section-${index % 37}/page-${index}/index.html` };
    case 1:
    case 5:
      return { container: 'media', name: `产品/图片 ${index}.jpg` };
    case 2:
      return { container: 'docs', name: `annual reports/report ${index}.pdf` };
    default:
      return { container: 'docs', name: `section-${index % 211}/file-${index}.bin` };
  }
}

/** Every URL under which the edge serves the blob. */
function urlsOf({ container, name }: Write): readonly string[] {
  const onFiles = `http://files.contoso.localhost${pathOf(`${container}/${name}`)}`;
  switch (container) {
    case '$web':
      return [name, name.replace(/index\.html$/, '')].map(
        (one) => `http://www.contoso.localhost${pathOf(one)}`,
      );
    case 'media':
      return [`http://media.contoso.localhost${pathOf(name)}`, onFiles];
    default:
      return [onFiles];
  }
}

/** Not more than Event Grid has on the way at once; these may be counted twice. */
const parallelDeliveries = 16;

/** In this order: a change on its way from one to the other is counted in both, never in none. */
async function countWaiting(): Promise<number> {
  return (await countUndelivered()) + (await lane.buffered());
}

async function countUndelivered(): Promise<number> {
  const { undelivered } = await getJson(`${eventGridUrl}/state`, z.object({ undelivered: z.number() }));
  return undelivered;
}

const AcceptedPurges = z.array(
  z.object({ at: z.iso.datetime(), files: z.array(z.string()), directories: z.array(z.string()) }),
);
const BlobEvents = z.array(
  z.object({
    event: z.object({
      subject: z.string(),
      eventTime: z.iso.datetime(),
      data: z.object({ eTag: z.string() }),
    }),
  }),
);

/** Takes writes, gives what no accepted purge covers: by the CDN's own log, and by when storage said it happened. */
async function findMissing(
  writes: readonly Write[],
): Promise<{ readonly missing: readonly string[]; readonly urlsPurged: number }> {
  const purges = await getJson(`${stack.cdnApiUrl}/_emulator/purges`, AcceptedPurges);
  const lastAcceptedAt = new Map<string, number>();
  let urlsPurged = 0;
  for (const { at, files, directories } of purges) {
    urlsPurged += files.length + directories.length;
    for (const url of [...files, ...directories]) lastAcceptedAt.set(url, Date.parse(at));
  }
  const events = await getJson(`${eventGridUrl}/events`, BlobEvents);
  const happenedAt = new Map(
    events.map(({ event: { subject, eventTime, data } }) => [
      `${subject} ${data.eTag}`,
      Date.parse(eventTime),
    ]),
  );
  const missing = writes.flatMap((write) => {
    const { container, name, eTag } = write;
    const at = happenedAt.get(`/blobServices/default/containers/${container}/blobs/${name} ${eTag}`);
    if (at === undefined) return [`no event: ${container}/${name}`];
    return urlsOf(write).filter((url) => (lastAcceptedAt.get(url) ?? -Infinity) < at);
  });
  return { missing, urlsPurged };
}

async function runTracker(): Promise<void> {
  const answer = await fetch(`${lane.functionsUrl}/admin/functions/track-purges?wait=true`, {
    method: 'POST',
    headers: { 'x-functions-key': stack.secrets.masterKey },
  });
  if (answer.status !== 202) throw new Error(`the tracker ended with status ${answer.status}`);
}

async function describe({ writes }: Load): Promise<string> {
  const complaints = lane
    .host()
    .entries()
    .filter(({ level }) => level === 'warn' || level === 'error')
    .slice(-5)
    .map(({ message }) => message);
  const { missing } = await findMissing(writes);
  return [
    `${writes.length} of ${warmUpChanges + changes} blobs written, ${await countUndelivered()} events not delivered,`,
    `${missing.length} URLs not purged (${missing.slice(0, 3).join(', ')});`,
    `the host's last complaints: ${complaints.join(' | ') || 'none'}`,
  ].join(' ');
}

/** Median of each tenth of the changes that count, in MiB. */
function memoryByTenth(samples: readonly Sample[]): readonly number[] {
  return Array.from({ length: 10 }, (_, tenth) => {
    const from = warmUpChanges + (tenth * changes) / 10;
    const within = samples
      .filter(({ written }) => written >= from && written < from + changes / 10)
      .map(({ bytes }) => bytes)
      .toSorted((a, b) => a - b);
    return Math.round((within[Math.floor(within.length / 2)] ?? NaN) / 2 ** 20);
  });
}

/** What a process has in memory; NaN where the system tells nobody. */
function residentBytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (existsSync(status)) return kibibytes(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1]);
  if (process.platform === 'win32') return NaN;
  return kibibytes(execFileSync('ps', ['-o', 'rss=', '-p', `${pid}`], { encoding: 'utf8' }));
}

const kibibytes = (text: string | undefined): number => Number(text ?? NaN) * 1024;

const Document = z.looseObject({ cdns: z.looseObject({ local: z.looseObject({}) }) });

function withQuota(configuration: string): string {
  const { cdns, ...others } = Document.parse(JSON.parse(configuration));
  return JSON.stringify({ ...others, cdns: { ...cdns, local: { ...cdns.local, quota } } });
}

async function getJson<T>(url: string, shape: z.ZodType<T>): Promise<T> {
  const answer = await fetch(url);
  return shape.parse(await answer.json());
}
