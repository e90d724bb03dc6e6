// Takes over what Event Grid could not deliver, from its dead-letter container; what cannot be taken stays there.

import type { Configuration } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';
import { bufferBlobChanges, type OwnPlaces, type ParsedEvent } from './buffer-blob-changes.ts';
import { deadLetterAdvice } from './dead-letter-advice.ts';
import { forEachLimited } from './for-each-limited.ts';
import {
  StorageTrouble,
  type Clock,
  type ConfigurationSource,
  type DeadLetterStore,
  type FoundDeadLetter,
  type PurgeBuffer,
  type Run,
} from './ports.ts';

/** One event that Event Grid gave up on. */
export type DeadLetter = {
  /** As it stands in the blob; wrapped where it is no object. */
  readonly event: Readonly<Record<string, unknown>>;
  readonly parsed: readonly ParsedEvent[];
  /** How the last delivery ended, in Event Grid's words; undefined when the event was read before and stayed. */
  readonly outcome: string | undefined;
};

export type DeadLetterPorts = {
  readonly deadLetters: DeadLetterStore;
  readonly configuration: ConfigurationSource;
  readonly buffer: PurgeBuffer;
  readonly own: OwnPlaces;
  readonly clock: Clock;
  /** Undefined for a text that is no JSON. */
  readonly parse: (text: string, configuration: Configuration) => readonly DeadLetter[] | undefined;
  /**
   * What was buffered and then could not be settled, kept between runs: a blob that nobody may delete, say, is not
   * purged for at every tick.
   */
  readonly buffered: Set<string>;
};

export type DeadLettersRead = {
  /** Changes that wait in the buffer now. */
  readonly buffered: number;
  /** Events that stay in the container, with the reason. */
  readonly kept: number;
  /** True when storage was in trouble, or the time was over, before all was read: the rest comes at the next tick. */
  readonly interrupted: boolean;
};

const BLOBS_MAX = 1_000;
const PARALLEL_BLOBS = 4;
/** Blobs of this size hold thousands of events; what is larger was not written by Event Grid. */
const BLOB_BYTES_MAX = 16 * 1024 * 1024;
/** The host ends an invocation after five minutes. */
const BEGIN_FOR_MS = 120_000;

/**
 * Reads what nobody has read yet. A blob is deleted once all that it holds waits in the buffer, so a crash, or two
 * readers at once, cost a repeated purge at most. With nothing new it is one storage call. Storage trouble is told
 * in the log: what it concerns is read at the next tick.
 */
export async function readDeadLetters(ports: DeadLetterPorts, run: Run): Promise<DeadLettersRead> {
  const { deadLetters, clock } = ports;
  const tally = newTally();
  const beginUntil = clock.now() + BEGIN_FOR_MS;
  try {
    const found = await deadLetters.find('unread', BLOBS_MAX);
    if (found.length === 0) {
      ports.buffered.clear();
      return { buffered: 0, kept: 0, interrupted: false };
    }
    tally.isCutShort = found.length === BLOBS_MAX;
    const configuration = await ports.configuration.current();
    await forEachLimited(found, PARALLEL_BLOBS, async (blob) => {
      if (clock.now() > beginUntil) tally.isCutShort = true;
      else await tryBlob(blob, configuration, ports, tally, run);
    });
  } catch (error) {
    noteTrouble(error, tally);
  } finally {
    report(tally, run);
  }
  const interrupted = tally.troubles.length > 0 || tally.isCutShort;
  return { buffered: tally.buffered, kept: tally.kept, interrupted };
}

type Tally = {
  blobs: number;
  events: number;
  buffered: number;
  kept: number;
  isCutShort: boolean;
  readonly outcomes: Map<string, number>;
  readonly keptReasons: Map<string, number>;
  readonly troubles: StorageTrouble[];
};

function newTally(): Tally {
  return {
    blobs: 0,
    events: 0,
    buffered: 0,
    kept: 0,
    isCutShort: false,
    outcomes: new Map(),
    keptReasons: new Map(),
    troubles: [],
  };
}

/** Trouble with one blob must not stop the others. */
async function tryBlob(
  blob: FoundDeadLetter,
  configuration: Configuration,
  ports: DeadLetterPorts,
  tally: Tally,
  run: Run,
): Promise<void> {
  try {
    await readBlob(blob, configuration, ports, tally, run);
  } catch (error) {
    noteTrouble(error, tally);
  }
}

function noteTrouble(error: unknown, { troubles }: Tally): void {
  if (!(error instanceof StorageTrouble)) throw error;
  troubles.push(error);
}

async function readBlob(
  { name, bytes }: FoundDeadLetter,
  configuration: Configuration,
  ports: DeadLetterPorts,
  tally: Tally,
  run: Run,
): Promise<void> {
  const { deadLetters, clock } = ports;
  const keepWhole = async (reason: string, version?: string): Promise<void> => {
    if (await deadLetters.keep(name, { version, reasons: reason, at: clock.now() })) {
      tally.blobs += 1;
      tally.kept += 1;
      add(tally.keptReasons, reason);
    }
  };
  if (bytes > BLOB_BYTES_MAX) return keepWhole('too-large');
  const read = await deadLetters.read(name);
  if (read === undefined) return; // somebody else has taken it over
  const letters = ports.parse(read.text, configuration);
  if (letters === undefined) return keepWhole('not-json', read.version);

  const buffered = await bufferOnce(`${name} ${read.version}`, letters, configuration, ports, run);
  const kept = letters.flatMap((letter) => {
    const reason = refusalOf(letter);
    return reason === undefined ? [] : [{ ...letter, reason }];
  });
  const at = clock.now();
  const isSettled =
    kept.length === 0
      ? await deadLetters.remove(name, read.version)
      : await deadLetters.keep(name, {
          version: read.version,
          text: JSON.stringify(kept.map(({ event, reason }) => withReason(event, reason, at))),
          reasons: describeCounts(countBy(kept, ({ reason }) => reason)),
          at,
        });
  ports.buffered.delete(`${name} ${read.version}`);
  // Of two readers at once, the one that settled it tells.
  if (!isSettled) return;
  tally.blobs += 1;
  tally.events += letters.length;
  tally.buffered += buffered;
  tally.kept += kept.length;
  for (const { outcome } of letters) if (outcome !== undefined) add(tally.outcomes, outcome);
  for (const { reason } of kept) add(tally.keptReasons, reason);
}

/** Keys are kept only while a blob cannot be settled. */
async function bufferOnce(
  key: string,
  letters: readonly DeadLetter[],
  configuration: Configuration,
  { buffer, own, buffered }: DeadLetterPorts,
  run: Run,
): Promise<number> {
  if (buffered.has(key)) return 0;
  const events = letters.flatMap(({ parsed }) => parsed);
  const count = await bufferBlobChanges(events, configuration, own, buffer, run);
  buffered.add(key);
  return count;
}

/** What means nothing to a cache, or is served by nobody, need not stay: it would be dropped again. */
function refusalOf({ parsed }: DeadLetter): string | undefined {
  return parsed.find((event) => event.kind === 'refused')?.reason;
}

/** Event Grid's words stay beside ours, and the event can be read again as it stands. */
function withReason(event: DeadLetter['event'], reason: string, at: Instant): object {
  return { ...event, purgeNotTaken: { reason, at: new Date(at).toISOString() } };
}

function report(tally: Tally, { log, telemetry }: Run): void {
  const { blobs, events, buffered, kept, outcomes, keptReasons, troubles } = tally;
  if (blobs > 0) {
    const undelivered = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
    const details = {
      blobs,
      events,
      undelivered,
      buffered,
      kept,
      outcomes: describeCounts(outcomes),
      keptReasons: describeCounts(keptReasons),
    };
    telemetry.track({ name: 'dead-letters-read', ...details });
    const [mostOften] = byCount(outcomes);
    if (mostOften !== undefined) {
      const [outcome] = mostOften;
      log.error(
        `Event Grid could not deliver blob events; the app found them in the dead-letter container, and what they stand for is purged only now. The last delivery ended most often with ${outcome}. ${deadLetterAdvice(outcome)}`,
        details,
      );
    } else if (events > 0) {
      log.info('Read events of the dead-letter container again.', details);
    }
    if (kept > 0) {
      log.error(
        'Dead letters stay in the container: nothing is purged for them. Each has the reason in purgeNotTaken; mend the cause and replay.',
        { kept, keptReasons: details.keptReasons },
      );
    }
  }
  const [trouble] = troubles;
  if (trouble === undefined) return;
  log.warn('Storage trouble while dead letters were read: they are read at the next tick.', {
    times: troubles.length,
    error: trouble.message,
  });
}

type Counts = ReadonlyMap<string, number>;

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Counts {
  const counts = new Map<string, number>();
  for (const item of items) add(counts, keyOf(item));
  return counts;
}

/** What is rare is left out of a line: the words are Event Grid's, or whoever's wrote the blob. */
const DESCRIBED_MAX = 10;

const byCount = (counts: Counts): readonly (readonly [string, number])[] =>
  [...counts].toSorted(([a, countOfA], [b, countOfB]) => countOfB - countOfA || (a < b ? -1 : 1));

function describeCounts(counts: Counts): string {
  return byCount(counts)
    .slice(0, DESCRIBED_MAX)
    .map(([key, count]) => `${key}=${count}`)
    .join(' ');
}
