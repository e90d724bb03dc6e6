// The host is killed at every step of the pipeline. Each step is held open; the host that comes after it finds
// everything that matters, and nothing is lost.

import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test, vi, type ExpectStatic } from 'vitest';
import * as z from 'zod';

import { localConnectionString } from '../../dev/azurite/account.ts';
import type { Child } from '../../dev/processes/child.ts';
import { FREE_PORTS, startStack, type Stack } from '../../dev/stack.ts';
import {
  startHoldingProxy,
  type HoldingProxy,
  type Standstill,
  type StopPoint,
} from '../support/holding-proxy.ts';
import { pathOf } from '../support/stack-client.ts';
import { quickRetryScale, startLane, type Lane } from '../support/stack-lane.ts';

// Most of the time goes into waiting for what the dead had taken; more at once would only wait for the CPU.
vi.setConfig({ maxConcurrency: 10, testTimeout: 120_000 });

/** One host and one endpoint serve it, so a change is one URL, and changes of one flush are one purge. */
const container = 'docs';
const edgeHost = 'files.contoso.localhost';
/** The shortest that the settings take: what the dead had taken comes back soon. */
const shortTimes = { PURGE_VISIBILITY_SECONDS: '5', PURGE_LEASE_SECONDS: '15' };

let stack: Stack;

beforeAll(async () => {
  // Every place has a host of its own.
  stack = await startStack({ ports: FREE_PORTS, host: 'none', retryScale: quickRetryScale });
  // What a host compiled it leaves behind when it ends well: the many that follow it start in half the time.
  const place = await openPlace();
  await setScene(place, expect);
  await place.lane.host().stop();
  await place.lane.startHost();
  freePlaces.push(place);
});
afterAll(async () => {
  await Promise.all([...places].map((place) => place.close()));
  await stack.stop();
});

/** An app whose calls all go through a proxy of its own. */
interface Place {
  readonly lane: Lane;
  readonly proxy: HoldingProxy;
  readonly close: () => Promise<void>;
}

const places = new Set<Place>();
/** Where all is well, for the next test: the host that came after the killed one is killed in its turn. */
const freePlaces: Place[] = [];

/** Three files that the edge holds. */
interface Scene extends Place {
  readonly folder: string;
  /** At the edge. */
  readonly paths: readonly string[];
  readonly change: () => Promise<void>;
  /** Reservations that those who died there before have left. */
  readonly reservedBefore: number;
}

interface World {
  /** Messages of the buffer, and those of them that no one hides. */
  readonly buffered: number;
  readonly visible: number;
  /** Files whose purge waits in the backlog. */
  readonly backlogged: number;
  /** Reservations on the ledger that nobody has settled. */
  readonly reserved: number;
  /** URLs in accepted purges, and in their records, open and ended. */
  readonly accepted: number;
  readonly open: number;
  readonly ended: number;
}

interface Stage extends StopPoint {
  readonly step: string;
  /** `joining` the backlog, since the CDN throttles; or `leaving` it later. */
  readonly during: 'intake' | 'flush' | 'joining' | 'leaving' | 'tracking';
  /** What stands when the host dies there. */
  readonly world: Partial<World>;
  /** What else may have been sent by then; default: nothing, since all else comes after it. */
  readonly meanwhile?: RegExp;
  /** The request was on its way, and arrives when the next host is up already. */
  readonly arrivesLate?: true;
  /** The victim's turn lasts its 15 seconds, which nothing makes shorter; elsewhere it is ended at once. */
  readonly keepsTurn?: true;
}

const addMessage = /^POST \/[^/]+\/buffer-[^/]+\/messages/u;
const receiveMessages = /^GET \/[^/]+\/buffer-[^/]+\/messages/u;
const deleteMessage = /^DELETE \/[^/]+\/buffer-[^/]+\/messages\//u;
const completing =
  /^(?:DELETE \/[^/]+\/buffer-[^/]+\/messages\/|GET \/[^/]+\/records-[^/]+\/quota(?:\/|%2F))/u;
const writeLedger = /^PUT \/[^/]+\/records-[^/]+\/quota(?:\/|%2F)/u;
/** Of the blob that flushes take turns by; taken first, given back last. */
const changeLease = /^PUT \/[^/]+\/records-[^/]+\/.*comp=lease/u;
const writeBacklog = /^PUT \/[^/]+\/records-[^/]+\/backlog(?:\/|%2F)/u;
const sendPurge = /^POST \/subscriptions\/.*\/purges/u;
const writeOpenPurge = /^PUT \/[^/]+\/records-[^/]+\/open-purges(?:\/|%2F)/u;
const deleteOpenPurge = /^DELETE \/[^/]+\/records-[^/]+\/open-purges(?:\/|%2F)/u;
const writeEndedPurge = /^PUT \/[^/]+\/records-[^/]+\/purges(?:\/|%2F)/u;

const nothingSent = { accepted: 0, open: 0, buffered: 3 };
const nothingRecorded = { accepted: 3, open: 0, buffered: 3 };
const recorded = { accepted: 3, open: 3 };

const stages: readonly Stage[] = [
  // These first: a purge is asked about 15 seconds after its acceptance at the earliest.
  {
    step: 'the end of a purge is about to be written into its open record',
    during: 'tracking',
    request: writeOpenPurge,
    moment: 'before',
    world: { ended: 0, buffered: 0 },
  },
  {
    step: 'the record of an ended purge is about to be written',
    during: 'tracking',
    request: writeEndedPurge,
    moment: 'before',
    world: { ended: 0, buffered: 0 },
  },
  {
    step: 'the open record is about to go, and the ended one is there',
    during: 'tracking',
    request: deleteOpenPurge,
    moment: 'before',
    world: { open: 3, ended: 3, buffered: 0 },
  },
  {
    step: 'the open record is gone',
    during: 'tracking',
    request: deleteOpenPurge,
    moment: 'after',
    world: { open: 0, ended: 3, buffered: 0 },
  },
  {
    step: 'a change is about to be buffered',
    during: 'intake',
    request: addMessage,
    moment: 'before',
    meanwhile: addMessage,
    world: { buffered: 0 },
  },
  {
    step: 'a change is buffered, and Event Grid has no answer',
    during: 'intake',
    request: addMessage,
    moment: 'after',
    meanwhile: addMessage,
    world: { buffered: 1 },
  },
  {
    step: 'a change is on its way to the buffer',
    during: 'intake',
    request: addMessage,
    moment: 'before',
    meanwhile: addMessage,
    world: { buffered: 0 },
    arrivesLate: true,
  },
  {
    step: 'the turn is taken, and ends by itself',
    during: 'flush',
    request: changeLease,
    moment: 'after',
    world: { ...nothingSent, visible: 3, reserved: 0 },
    keepsTurn: true,
  },
  {
    step: 'messages are about to be received',
    during: 'flush',
    request: receiveMessages,
    moment: 'before',
    world: { ...nothingSent, visible: 3, reserved: 0 },
  },
  {
    step: 'messages are hidden for it, and it has none yet',
    during: 'flush',
    request: receiveMessages,
    moment: 'after',
    world: { ...nothingSent, visible: 0, reserved: 0 },
  },
  {
    step: 'the quota is about to be reserved',
    during: 'flush',
    request: writeLedger,
    moment: 'before',
    world: { ...nothingSent, reserved: 0 },
  },
  {
    step: 'the quota is reserved',
    during: 'flush',
    request: writeLedger,
    moment: 'after',
    world: { ...nothingSent, reserved: 1 },
  },
  {
    step: 'the reservation is on its way',
    during: 'flush',
    request: writeLedger,
    moment: 'before',
    world: { ...nothingSent, reserved: 0 },
    arrivesLate: true,
  },
  {
    step: 'the purge is about to be sent',
    during: 'flush',
    request: sendPurge,
    moment: 'before',
    world: { ...nothingSent, reserved: 1 },
  },
  {
    step: 'the CDN has accepted the purge, and not answered yet',
    during: 'flush',
    request: sendPurge,
    moment: 'after',
    world: { ...nothingRecorded, reserved: 1 },
  },
  {
    step: 'the purge is on its way',
    during: 'flush',
    request: sendPurge,
    moment: 'before',
    world: { ...nothingSent, reserved: 1 },
    arrivesLate: true,
  },
  {
    step: 'the purge is accepted, and about to be recorded',
    during: 'flush',
    request: writeOpenPurge,
    moment: 'before',
    world: { ...nothingRecorded, reserved: 1 },
  },
  {
    step: 'the purge is on record',
    during: 'flush',
    request: writeOpenPurge,
    moment: 'after',
    world: { ...recorded, buffered: 3, reserved: 1 },
  },
  {
    step: 'the record is on its way',
    during: 'flush',
    request: writeOpenPurge,
    moment: 'before',
    world: { ...nothingRecorded, reserved: 1 },
    arrivesLate: true,
  },
  {
    step: 'the messages are about to be deleted',
    during: 'flush',
    request: deleteMessage,
    moment: 'before',
    meanwhile: completing,
    world: { ...recorded, buffered: 3 },
  },
  {
    step: 'the first message is deleted',
    during: 'flush',
    request: deleteMessage,
    moment: 'after',
    meanwhile: completing,
    world: { ...recorded, buffered: 2 },
  },
  {
    step: 'the deletion of a message is on its way',
    during: 'flush',
    request: deleteMessage,
    moment: 'before',
    meanwhile: completing,
    world: { ...recorded, buffered: 3 },
    arrivesLate: true,
  },
  {
    step: 'the ledger is about to be settled',
    during: 'flush',
    request: writeLedger,
    nth: 2,
    moment: 'before',
    meanwhile: deleteMessage,
    world: { ...recorded, reserved: 1 },
  },
  {
    step: 'the ledger is settled',
    during: 'flush',
    request: writeLedger,
    nth: 2,
    moment: 'after',
    meanwhile: deleteMessage,
    world: { ...recorded, reserved: 0 },
  },
  {
    step: 'all is done, and the turn about to be given back',
    during: 'flush',
    request: changeLease,
    nth: 2,
    moment: 'before',
    world: { ...recorded, buffered: 0, reserved: 0 },
  },
  {
    step: 'the backlog is about to take what is throttled',
    during: 'joining',
    request: writeBacklog,
    moment: 'before',
    world: { ...nothingSent, backlogged: 0 },
  },
  {
    step: 'the backlog has taken what is throttled',
    during: 'joining',
    request: writeBacklog,
    moment: 'after',
    world: { ...nothingSent, backlogged: 3 },
  },
  {
    step: 'the backlog is on its way',
    during: 'joining',
    request: writeBacklog,
    moment: 'before',
    world: { ...nothingSent, backlogged: 0 },
    arrivesLate: true,
  },
  {
    step: 'the messages of what waits are about to be deleted',
    during: 'joining',
    request: deleteMessage,
    moment: 'before',
    meanwhile: completing,
    world: { ...nothingSent, backlogged: 3 },
  },
  {
    step: 'the first message of what waits is deleted',
    during: 'joining',
    request: deleteMessage,
    moment: 'after',
    meanwhile: completing,
    world: { ...nothingSent, buffered: 2, backlogged: 3 },
  },
  {
    step: 'what waited is about to be sent',
    during: 'leaving',
    request: sendPurge,
    moment: 'before',
    world: { accepted: 0, buffered: 0, backlogged: 3, reserved: 1 },
  },
  {
    step: 'of what waited one URL is accepted, and not on record',
    during: 'leaving',
    request: writeOpenPurge,
    moment: 'before',
    // After a throttling the first one goes alone.
    world: { accepted: 1, open: 0, buffered: 0, backlogged: 3 },
  },
  {
    step: 'what waited is on record, and about to leave the backlog',
    during: 'leaving',
    request: writeBacklog,
    moment: 'before',
    world: { ...recorded, buffered: 0, backlogged: 3 },
  },
  {
    step: 'what waited has left the backlog',
    during: 'leaving',
    request: writeBacklog,
    moment: 'after',
    meanwhile: completing,
    world: { ...recorded, buffered: 0, backlogged: 0 },
  },
];

describe.concurrent('nothing is lost when the host is killed while', () => {
  test.for(stages)('$step', async (stage, { expect }) => {
    const place = await takePlace();
    const { lane } = place;
    const scene = await setScene(place, expect);

    const standstill = await reach(stage, scene, expect);
    const victim = lane.host();
    expect(standstill.isAbandoned()).toBe(false);
    expect(await look(scene)).toMatchObject(stage.world);
    await lane.killHost();
    expect(await victim.exited).toMatchObject({ signal: 'SIGKILL' });
    // It was the victim's request, and nobody will hear of it.
    await standstill.abandoned;
    expect(await look(scene)).toMatchObject(stage.world);
    const early = standstill.behind().filter((request) => !mayCome(stage).test(request));
    expect(early).toEqual([]);

    standstill.lift();
    if (stage.keepsTurn !== true) await endTurn(lane);
    await lane.startHost();
    if (stage.arrivesLate) expect(await standstill.arriveLate()).toBeLessThan(300);

    await lane.delivered();
    await lane.flushUntil(async () => {
      expect(await lane.buffered()).toBe(0);
      expect(await look(scene)).toMatchObject({ backlogged: 0 });
    });
    await expectAllPurged(scene, expect);
    if (stage.during === 'tracking') {
      await vi.waitFor(
        async () => {
          expect(await lane.track()).toBe(202);
          expect(await look(scene)).toMatchObject({ open: 0, ended: 3 });
        },
        { timeout: 30_000, interval: 500 },
      );
    }
    freePlaces.push(place);
  });
});

describe.concurrent('two hosts on the same storage are harmless when', () => {
  test.for<StopPoint & { readonly step: string }>([
    { step: 'one has received messages', request: receiveMessages, moment: 'after' },
    { step: 'one is about to send a purge', request: sendPurge, moment: 'before' },
    { step: 'one has had its purge accepted', request: sendPurge, moment: 'after' },
    { step: 'one is about to delete the messages', request: deleteMessage, moment: 'before' },
  ])('$step, takes too long over it, and goes on after the other took over', async (point, { expect }) => {
    const place = await takePlace();
    const { lane, proxy } = place;
    const scene = await setScene(place, expect);
    const beside = await lane.startHostBeside(pastProxy());
    await scene.change();
    await lane.delivered();
    const reached = proxy.stopAt(point);
    const flushing = lane.flush();
    const standstill = await reached;

    // Its messages show themselves to the other once their time is over.
    await beside.flushUntil(async () => {
      expect(await lane.buffered()).toBe(0);
    });
    await expectAllPurged(scene, expect);
    expect(await look(scene)).toMatchObject({ reserved: standsWithReservation(point) ? 1 : 0 });
    standstill.lift();
    await flushing;

    expect(await lane.buffered()).toBe(0);
    await expectAllPurged(scene, expect);
    expect(await look(scene)).toMatchObject({ reserved: 0 });
    freePlaces.push(place);
  });

  test('both flush at once, again and again', async ({ expect }) => {
    const place = await takePlace();
    const { lane } = place;
    const scene = await setScene(place, expect);
    const beside = await lane.startHostBeside(pastProxy());

    for (let round = 1; round <= 5; round += 1) {
      await scene.change();
      await lane.delivered();
      const statuses = await Promise.all([lane.flush(), beside.flush(), lane.flush(), beside.flush()]);
      expect(statuses).toEqual([202, 202, 202, 202]);
    }
    await lane.flushUntil(async () => {
      expect(await lane.buffered()).toBe(0);
    });

    // Two may have had changes of the same file in each round.
    await expectAllPurged(scene, expect, { mostPurges: 1 + 5 * 4 });
    expect(await look(scene)).toMatchObject({ reserved: 0 });
    freePlaces.push(place);
  });
});

/** What is sent by these settings is never held. */
const pastProxy = (): Record<string, string> => ({
  PURGE_STORAGE: localConnectionString(stack.azuriteBlobUrl, stack.queueUrl),
  PURGE_CONFIG: stack.appSettings['PURGE_CONFIG'] ?? '',
});

const standsWithReservation = ({ request }: StopPoint): boolean => request !== receiveMessages;

const takePlace = (): Promise<Place> => Promise.resolve(freePlaces.pop() ?? openPlace());

/** Further runs are begun while one is waited for, and a lease is renewed at any time. */
function mayCome({ meanwhile, during }: Stage): RegExp {
  const beginsRun = during === 'tracking' ? /^GET .*comp=list/u : undefined;
  const sources = [meanwhile, beginsRun, /comp=lease/u].flatMap((pattern) => pattern?.source ?? []);
  return new RegExp(sources.join('|'), 'u');
}

async function openPlace(): Promise<Place> {
  const proxy = await startHoldingProxy({
    blobUrl: stack.azuriteBlobUrl,
    queueUrl: stack.queueUrl,
    cdnApiUrl: stack.cdnApiUrl,
  });
  const children: Child[] = [];
  const lane = await startLane(stack, {
    settings: {
      ...shortTimes,
      PURGE_STORAGE: proxy.connectionString,
      PURGE_CONFIG: (stack.appSettings['PURGE_CONFIG'] ?? '').replace(stack.cdnApiUrl, proxy.cdnApiUrl),
    },
    onChild: (child) => children.push(child),
  });
  const place: Place = {
    lane,
    proxy,
    async close() {
      await Promise.all(children.map((child) => child.stop()));
      await proxy.close();
    },
  };
  places.add(place);
  await lane.changeCdn({ fileTaskMs: 0, directoryTaskMs: 0 });
  await lane.blobs.getContainerClient(container).createIfNotExists();
  return place;
}

async function setScene(place: Place, expect: ExpectStatic): Promise<Scene> {
  const { lane } = place;
  const folder = `${lane.records}/${randomUUID().slice(0, 8)}`;
  const names = ['1', '2', '3'].map((number) => `${folder}/${number}.txt`);
  const write = async (content: string): Promise<void> => {
    await Promise.all(names.map((name) => lane.write(container, name, content)));
  };
  // Once all the way, so that queue, container and ledger are there; what came of it is of no interest.
  await write('old');
  await lane.delivered();
  await lane.flushUntil(async () => {
    expect(await lane.buffered()).toBe(0);
  });
  await forgetRecords(lane);
  const paths = names.map((name) => pathOf(`${container}/${name}`));
  for (const path of paths) {
    await lane.edge(edgeHost, path);
    expect(await lane.edge(edgeHost, path)).toMatchObject({ cache: 'HIT', text: 'old' });
  }
  const { reservations } = await readLedger(lane);
  return { ...place, folder, paths, reservedBefore: reservations.length, change: () => write('new') };
}

/** Starts what the stage is a part of. Gives the standstill in it. */
async function reach(stage: Stage, scene: Scene, expect: ExpectStatic): Promise<Standstill> {
  const { lane, proxy, folder, change } = scene;
  if (stage.during !== 'intake') {
    await change();
    await lane.delivered();
  }
  if (stage.during === 'joining' || stage.during === 'leaving') {
    await lane.order({ fault: 'throttle', match: { urlIncludes: folder } });
  }
  if (stage.during === 'leaving') {
    expect(await lane.flush()).toBe(202);
    expect(await look(scene)).toMatchObject({ buffered: 0, backlogged: 3, accepted: 0 });
  }
  if (stage.during === 'tracking') expect(await lane.flush()).toBe(202);
  let isReached = false;
  const reached = proxy.stopAt(stage).then((standstill) => {
    isReached = true;
    return standstill;
  });
  switch (stage.during) {
    case 'intake':
      await change();
      break;
    case 'flush':
    case 'joining':
      endsWithHost(lane.flush());
      break;
    case 'leaving':
    case 'tracking':
      // The CDN is asked again, or about the purge, only after some seconds.
      await vi.waitFor(
        () => {
          endsWithHost(stage.during === 'leaving' ? lane.flush() : lane.track());
          expect(isReached).toBe(true);
        },
        { timeout: 40_000, interval: 1_000 },
      );
  }
  return reached;
}

/** The one who asked a host that is killed is not answered. */
function endsWithHost(run: Promise<unknown>): void {
  run.catch(() => undefined);
}

async function look({ lane, paths, reservedBefore }: Scene): Promise<World> {
  const { reservations } = await readLedger(lane);
  const purges = await readPurgeRecords(lane);
  const backlog = await readBacklog(lane);
  const urls = paths.map(urlOf);
  return {
    buffered: await lane.buffered(),
    backlogged: paths.filter((path) => backlog.includes(path)).length,
    visible: (await lane.waiting()).length,
    reserved: reservations.length - reservedBefore,
    accepted: (await acceptedUrls(lane)).filter((url) => urls.includes(url)).length - urls.length,
    open: purges.filter(({ name }) => name.startsWith('open-purges/')).flatMap(({ files }) => files).length,
    ended: purges.filter(({ name }) => name.startsWith('purges/')).flatMap(({ files }) => files).length,
  };
}

async function expectAllPurged(
  { lane, paths }: Scene,
  expect: ExpectStatic,
  // Of the old content once, and of the new content once; a death costs at most a repeated purge.
  { mostPurges } = { mostPurges: 3 },
): Promise<void> {
  for (const path of paths) expect(await lane.edge(edgeHost, path)).toMatchObject({ text: 'new' });
  expect(await lane.buffered()).toBe(0);
  expect(await lane.poisoned()).toBe(0);

  const accepted = await acceptedUrls(lane);
  const onRecord = (await readPurgeRecords(lane)).flatMap(({ files }) => files);
  for (const url of paths.map(urlOf)) {
    expect(onRecord).toContain(url);
    const times = accepted.filter((one) => one === url).length;
    expect(times).toBeGreaterThanOrEqual(2);
    expect(times).toBeLessThanOrEqual(mostPurges);
  }

  const { days, reservations } = await readLedger(lane);
  // One a calendar that the reset may follow: the spend counts in each.
  const calendars = Map.groupBy(days, ({ day }) => new Date(day).getUTCHours());
  expect(calendars.size).toBe(2);
  for (const [hour, ofCalendar] of calendars) {
    const spent = [
      ...ofCalendar.flatMap((day) => day.spent),
      ...reservations
        .filter((reservation) => reservation.days.some((day) => new Date(day).getUTCHours() === hour))
        .flatMap((reservation) => reservation.spent),
    ];
    const files = spent.reduce((sum, entry) => sum + entry.files, 0);
    expect(files).toBeGreaterThanOrEqual(accepted.length);
  }
}

const urlOf = (path: string): string => `http://${edgeHost}${path}`;

/** All that the CDN accepted for the lane so far. */
async function acceptedUrls(lane: Lane): Promise<readonly string[]> {
  const urls = (await lane.purges()).flatMap((purge) => purge.files);
  return urls.filter((url) => url.includes(`/${lane.records}/`));
}

const spent = z.array(z.object({ files: z.int() }));
const Ledger = z.object({
  days: z.array(z.object({ day: z.iso.datetime(), spent })),
  reservations: z.array(z.object({ days: z.array(z.iso.datetime()), spent })),
});
const PurgeRecord = z.object({ files: z.array(z.string()) });

async function readLedger(lane: Lane): Promise<z.infer<typeof Ledger>> {
  const [ledger] = await readAll(lane, 'quota/', Ledger);
  if (ledger === undefined) throw new Error('the lane has no ledger');
  return ledger;
}

/** As text; nothing where nothing ever waited. */
async function readBacklog(lane: Lane): Promise<string> {
  const records = lane.blobs.getContainerClient(lane.records);
  const texts: string[] = [];
  for await (const { name } of records.listBlobsFlat({ prefix: 'backlog/' })) {
    texts.push(gunzipSync(await records.getBlobClient(name).downloadToBuffer()).toString());
  }
  return texts.join('\n');
}

async function readPurgeRecords(lane: Lane): Promise<readonly (z.infer<typeof PurgeRecord> & Named)[]> {
  return [
    ...(await readAll(lane, 'open-purges/', PurgeRecord)),
    ...(await readAll(lane, 'purges/', PurgeRecord)),
  ];
}

interface Named {
  readonly name: string;
}

async function readAll<S extends z.ZodType<object>>(
  lane: Lane,
  prefix: string,
  shape: S,
): Promise<(z.output<S> & Named)[]> {
  const found: (z.output<S> & Named)[] = [];
  for await (const { name } of lane.blobs.getContainerClient(lane.records).listBlobsFlat({ prefix })) {
    const text = await lane.read(lane.records, name);
    // One that moved meanwhile is found where it is now.
    if (text !== undefined) found.push({ ...shape.parse(JSON.parse(text)), name });
  }
  return found;
}

/** As an operator may: no lease of storage is shorter than 15 seconds. */
async function endTurn(lane: Lane): Promise<void> {
  const blob = lane.blobs.getContainerClient(lane.records).getBlobClient('flush.lease');
  const { leaseState } = await blob.getProperties();
  if (leaseState === 'leased') await blob.getBlobLeaseClient().breakLease(0);
}

/** So that a test sees only what it makes itself. */
async function forgetRecords(lane: Lane): Promise<void> {
  const records = lane.blobs.getContainerClient(lane.records);
  for (const { name } of await readPurgeRecords(lane)) await records.deleteBlob(name);
  await lane.delivered();
}
