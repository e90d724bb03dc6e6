// npm run demo: the whole way on real parts, told step by step. Exits 0 only if every changed URL became fresh.

import { BlobServiceClient } from '@azure/storage-blob';
import Table from 'cli-table3';
import colors from 'picocolors';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import * as z from 'zod';

import { localConnectionString } from '../azurite/account.ts';
import { makeSecrets, parseProvider } from '../local-settings.ts';
import type { LogEntry } from '../processes/log-entry.ts';
import { FREE_PORTS, startStack, type Stack } from '../stack.ts';
import { DEMO_CDNS, type Purge } from './cdns.ts';
import { describeUrl, edgeClient, urlsOf, type EdgeAnswer, type SiteUrl } from './edge-client.ts';
import { percentile } from './percentile.ts';
import { CONTAINERS, siteBlobs, siteChanges, type DemoBlob, type DemoChange } from './site.ts';
import { shorten, tellStory, type Story } from './story.ts';

const { values: options } = parseArgs({
  options: {
    /** Prints one JSON object as the last line. */
    json: { type: 'boolean', default: false },
    /** The CDN: azure-china-cdn or azure-front-door. */
    provider: { type: 'string', default: 'azure-china-cdn' },
    /** Gives the app a wrong key or identity: every purge is refused, and the demo must notice. */
    'break-signing': { type: 'boolean', default: false },
    /** How long the purges may take. */
    'wait-seconds': { type: 'string', default: '60' },
  },
});

const provider = parseProvider(options.provider);
const cdn = DEMO_CDNS[provider];

type Changed = DemoChange & { readonly url: SiteUrl; readonly changedAt: number };

type Outcome = {
  readonly ok: boolean;
  readonly changes: number;
  readonly purgeCalls: number;
  readonly urlsPurged: number;
  readonly staleBefore: number;
  readonly freshAfter: number;
  readonly lost: number;
  readonly acceptedMs: { readonly p50: number | null; readonly p95: number | null };
};

async function runDemo(tell: Story): Promise<Outcome> {
  tell.title('A blob changes, the CDN forgets it');
  tell.step(`Starting the local stack: ${cdn.stackIs}`);
  const startedAt = performance.now();
  const live = watchPurges(tell);
  const secrets = makeSecrets();
  const stack = await startStack({
    ports: FREE_PORTS,
    host: 'embedded',
    provider,
    secrets,
    settings: options['break-signing'] ? cdn.broken : {},
    onEntry: live.onEntry,
  });
  const agent = new Agent({ connections: 16 });
  try {
    tell.good(`up in ${seconds(performance.now() - startedAt)}`);
    tell.line(`blob storage  ${stack.blobUrl}`);
    tell.line(`CDN edge      ${stack.edgeUrl}`);
    tell.line(`CDN API       ${stack.cdnApiUrl}`);
    tell.line(`functions     ${stack.functionsUrl}  (flush every 10 seconds)`);
    for (const aside of cdn.asides) tell.line(aside);
    return await playSite(stack, edgeClient(stack.edgeUrl, agent), live, tell);
  } finally {
    await agent.close();
    await stack.stop();
  }
}

async function playSite(
  stack: Stack,
  read: (url: SiteUrl) => Promise<EdgeAnswer>,
  live: PurgeWatch,
  tell: Story,
): Promise<Outcome> {
  const storage = BlobServiceClient.fromConnectionString(stack.connectionString);
  await uploadSite(stack, tell);

  tell.step('Visitors read it: the edge caches every page');
  const changes = siteChanges();
  const changedUrls = changes.flatMap((change) => urlsOf(change).map((url) => ({ change, url })));
  const first = await readAll(changedUrls, read);
  const second = await readAll(changedUrls, read);
  for (const index of [0, 3, 12]) showPage(changedUrls[index], [first[index], second[index]], tell);
  tell.good(
    `${count(first, 'MISS')} × MISS, then ${count(second, 'HIT')} × HIT (pages that are not there yet as 404)`,
  );

  tell.step(`${changes.length} changes: blobs overwritten, deleted and added`);
  live.announce();
  const changed = await makeChanges(changes, storage, tell);
  const stale = await readAll(changed, read);
  const staleBefore = stale.filter(({ cache, body, status }, index) => {
    const before = second[index];
    return cache === 'HIT' && before?.body === body && before.status === status;
  }).length;
  showPage(changedUrls[0], [stale[0]], tell);
  tell.line(`${staleBefore} of ${changed.length} URLs are stale now: the edge still gives what it had`);

  tell.step('The app purges them at its next tick');
  const deadline = performance.now() + Number(options['wait-seconds']) * 1000;
  const purges = await waitForPurges(stack, changed, deadline);
  const checks = await checkFreshness(changed, stack, read, deadline);

  tell.step('Visitors read it again');
  for (const index of [0, 3, 12])
    showPage(changedUrls[index], [checks[index]?.first, checks[index]?.second], tell);
  const fresh = checks.filter(({ verdict }) => verdict === 'fresh').length;
  for (const check of checks.filter(({ verdict }) => verdict !== 'fresh').slice(0, 10)) {
    tell.bad(`${shorten(describeUrl(check.url), 60)}: ${check.verdict}`);
  }
  const eventStates = await readJson(`${stack.eventGridUrl}/events`, z.array(z.looseObject({})));
  const result = summarise(changed, changes.length, staleBefore, checks, purges);
  const text = `${fresh} of ${changed.length} URLs are fresh: MISS, then the bytes that storage has (or 404)`;
  if (result.ok) tell.good(text);
  else tell.bad(text);
  console.log(`\n${closingTable(result, eventStates.length, purges)}\n`);
  if (!result.ok)
    console.log(`${colors.red('Not everything became fresh.')} Step 5 tells what the app met.\n`);
  return result;
}

/** Straight to Azurite: the site stood there before anybody watched it, so it makes no events. */
async function uploadSite({ azuriteBlobUrl, queueUrl }: Stack, tell: Story): Promise<void> {
  const blobs = siteBlobs();
  tell.step(`A small site: ${blobs.length} blobs in ${CONTAINERS.join(', ')}, odd names among them`);
  const storage = BlobServiceClient.fromConnectionString(localConnectionString(azuriteBlobUrl, queueUrl));
  for (const name of CONTAINERS) await storage.getContainerClient(name).createIfNotExists();
  await Promise.all(blobs.map((blob) => upload(storage, blob, 'version 1')));
  for (const blob of blobs.slice(7, 14)) tell.line(`${blob.container}/${blob.name}`);
  tell.line('…');
}

async function upload(
  storage: BlobServiceClient,
  { container, name }: DemoBlob,
  version: string,
): Promise<void> {
  const text = `${version} of ${container}/${name}`;
  await storage.getContainerClient(container).getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
}

async function makeChanges(
  changes: readonly DemoChange[],
  storage: BlobServiceClient,
  tell: Story,
): Promise<readonly Changed[]> {
  const changed: Changed[] = [];
  for (const [index, change] of changes.entries()) {
    const { container, name, kind } = change;
    if (kind === 'delete') await storage.getContainerClient(container).deleteBlob(name);
    else await upload(storage, change, kind === 'add' ? 'version 1' : 'version 2');
    const changedAt = Date.now();
    for (const url of urlsOf(change)) changed.push({ ...change, url, changedAt });
    if (index % 6 === 0) tell.line(`${kind.padEnd(9)}  ${shorten(`${container}/${name}`, 80)}`);
  }
  tell.line('…');
  return changed;
}

/** The CDN's own log of accepted purges, once it names every changed URL, or at the deadline. */
async function waitForPurges(
  { cdnApiUrl }: Stack,
  changed: readonly Changed[],
  deadline: number,
): Promise<readonly Purge[]> {
  for (;;) {
    const purges = await readJson(`${cdnApiUrl}/_emulator/purges`, cdn.purges);
    const all = changed.every((one) => acceptedAt(one, purges) !== undefined);
    if (all || performance.now() > deadline) return purges;
    await pause(200);
  }
}

/** When the first purge that names the URL was accepted after its change. */
function acceptedAt({ url, changedAt }: Changed, purges: readonly Purge[]): number | undefined {
  const purge = purges.find(({ at, names }) => Date.parse(at) >= changedAt && names(url));
  return purge === undefined ? undefined : Date.parse(purge.at);
}

type Check = {
  readonly url: SiteUrl;
  readonly verdict: 'fresh' | 'never purged: still the old answer' | 'the answer is not what storage has';
  readonly first: EdgeAnswer;
  readonly second: EdgeAnswer;
};

/** Reads until the edge has to ask the origin, and compares what it then gives with what storage has. */
function checkFreshness(
  changed: readonly Changed[],
  stack: Stack,
  read: (url: SiteUrl) => Promise<EdgeAnswer>,
  deadline: number,
): Promise<readonly Check[]> {
  const storage = BlobServiceClient.fromConnectionString(
    localConnectionString(stack.azuriteBlobUrl, stack.queueUrl),
  );
  return Promise.all(
    changed.map(async (one): Promise<Check> => {
      const { url } = one;
      let first = await read(url);
      while (first.cache === 'HIT' && performance.now() < deadline) {
        await pause(200);
        first = await read(url);
      }
      const second = await read(url);
      if (first.cache === 'HIT') return { url, verdict: 'never purged: still the old answer', first, second };
      const expected = await readStorage(storage, one);
      const same = [first, second].every(
        ({ status, body }) => status === expected.status && (status === 404 || body === expected.body),
      );
      return { url, verdict: same ? 'fresh' : 'the answer is not what storage has', first, second };
    }),
  );
}

async function readStorage(
  storage: BlobServiceClient,
  { container, name }: DemoBlob,
): Promise<{ status: number; body: string }> {
  const blob = storage.getContainerClient(container).getBlobClient(name);
  if (!(await blob.exists())) return { status: 404, body: '' };
  return { status: 200, body: (await blob.downloadToBuffer()).toString('utf8') };
}

function readAll(
  urls: readonly { readonly url: SiteUrl }[],
  read: (url: SiteUrl) => Promise<EdgeAnswer>,
): Promise<readonly EdgeAnswer[]> {
  return Promise.all(urls.map(({ url }) => read(url)));
}

function summarise(
  changed: readonly Changed[],
  changes: number,
  staleBefore: number,
  checks: readonly Check[],
  purges: readonly Purge[],
): Outcome {
  const freshAfter = checks.filter(({ verdict }) => verdict === 'fresh').length;
  const lost = checks.length - freshAfter;
  const latencies = changed.flatMap((one) => {
    const at = acceptedAt(one, purges);
    return at === undefined ? [] : [at - one.changedAt];
  });
  return {
    ok: lost === 0 && staleBefore === changed.length && latencies.length === changed.length,
    changes,
    purgeCalls: purges.length,
    urlsPurged: purges.reduce((sum, { items }) => sum + items, 0),
    staleBefore,
    freshAfter,
    lost,
    acceptedMs: { p50: percentile(latencies, 50), p95: percentile(latencies, 95) },
  };
}

function closingTable(result: Outcome, events: number, purges: readonly Purge[]): string {
  const table = new Table({ style: { head: [], border: [] } });
  const { p50, p95 } = result.acceptedMs;
  table.push(
    ['changes', result.changes],
    ['events', events],
    ['purge calls', result.purgeCalls],
    [cdn.itemsAre, result.urlsPurged],
    ['upload to accepted purge', `p50 ${seconds(p50)}   p95 ${seconds(p95)}`],
    ['stale before / fresh after / lost', `${result.staleBefore} / ${result.freshAfter} / ${result.lost}`],
    ['correlation ids', purges.map(({ correlationId }) => correlationId).join('\n') || 'none'],
  );
  return table.toString();
}

function showPage(
  page: { readonly change: DemoChange; readonly url: SiteUrl } | undefined,
  answers: readonly (EdgeAnswer | undefined)[],
  tell: Story,
): void {
  if (page === undefined) return;
  const told = answers.map((answer) => {
    if (answer === undefined) return '';
    const cache = answer.cache === 'HIT' ? colors.yellow('HIT ') : colors.green('MISS');
    return `${cache} ${answer.status} ${answer.status === 404 ? '' : `"${answer.body.slice(0, 'version 1'.length)}"`}`;
  });
  tell.line(`${shorten(describeUrl(page.url), 52).padEnd(52)}  ${told.join('  then ')}`);
}

type PurgeWatch = { readonly onEntry: (entry: LogEntry) => void; readonly announce: () => void };

/** Tells events and purges as they happen, from the moment of the changes on. */
function watchPurges(tell: Story): PurgeWatch {
  let since: number | undefined;
  return {
    announce() {
      since = performance.now();
    },
    onEntry(entry) {
      if (since === undefined) return;
      const at = `+${seconds(performance.now() - since)}`.padStart(8);
      if (entry.source === 'cdn-api' && entry.event === 'purge-accepted') {
        tell.good(`${at}  CDN ${entry.message}, correlation id ${String(entry['correlationId'])}`);
      } else if (entry.source === 'cdn-api' && entry.event === 'purge-ended') {
        tell.line(`  ${at}  CDN ${entry.message}`);
      } else if (entry.source === 'functions' && (entry.level === 'warn' || entry.level === 'error')) {
        tell.bad(`${at}  ${entry.message}`);
      }
    },
  };
}

async function readJson<T>(url: string, shape: z.ZodType<T>): Promise<T> {
  const { body } = await request(url, { headersTimeout: 10_000, bodyTimeout: 10_000 });
  return shape.parse(await body.json());
}

function count(answers: readonly EdgeAnswer[], cache: EdgeAnswer['cache']): number {
  return answers.filter((answer) => answer.cache === cache).length;
}

function seconds(ms: number | null): string {
  return ms === null ? '-' : `${(ms / 1000).toFixed(1)} s`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

const story = tellStory((line) => console.log(line));
const outcome = await runDemo(story);
if (options.json) console.log(JSON.stringify(outcome));
process.exitCode = outcome.ok ? 0 : 1;
