// What was accepted of late, so that what outlived its purge in a crash is not sent again.

import { describe, expect, it } from 'vitest';

import { instant } from '../../../src/lib/core/instant.ts';
import type { OpenPurge } from '../../../src/lib/core/purge-record.ts';
import type { Run } from '../../../src/lib/use-cases/ports.ts';
import { createRecentPurges } from '../../../src/lib/use-cases/recent-purges.ts';
import { aPurge, aTarget } from '../../support/builders.ts';
import { createFakeClock, START_AT } from '../../support/fake-clock.ts';
import { createInMemoryRecords } from '../../support/in-memory-records.ts';
import { createJournal, storageOutFor } from '../../support/recording-journal.ts';
import { createRecordingLog } from '../../support/recording-log.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

const MOST_PURGES = 200;
const HOUR_MS = 3_600_000;

const idOf = (number: number): string => `20240115-00000000-0000-4000-8000-${`${number}`.padStart(12, '0')}`;

/** A purge of one file for one event; `number` makes both. */
const purgeOf = (number: number, parts: Partial<OpenPurge> = {}): OpenPurge =>
  aPurge({
    id: idOf(number),
    files: [aTarget(`/media/${number}`).url],
    causes: [{ type: 'change', eventId: `e-${number}`, eventAt: START_AT }],
    waited: [number],
    ...parts,
  });

/** Each a second after the one before, the last of them now. */
const acceptedInOrder = (number: number): OpenPurge =>
  purgeOf(number, { acceptedAt: instant(START_AT + (number - 2 * MOST_PURGES) * 1_000) });

function recordsWorld() {
  const journal = createJournal();
  const log = createRecordingLog();
  const run: Run = { log, telemetry: createRecordingTelemetry(), traceparent: undefined };
  return { journal, log, run, records: createInMemoryRecords(journal), clock: createFakeClock() };
}

describe('a purge of late', () => {
  it('has served the claim of its event on what it purged, and on nothing else', () => {
    const recent = createRecentPurges();
    recent.note(purgeOf(1, { directories: [aTarget('/d/').url] }));
    expect(recent.served('e-1', aTarget('/media/1'))).toBe(true);
    expect(recent.served('e-1', aTarget('/d/below'))).toBe(true);
    expect(recent.served('e-1', aTarget('/media/2'))).toBe(false);
    expect(recent.served('e-1', aTarget('/media/1', { cdn: 'second' }))).toBe(false);
    expect(recent.served('e-2', aTarget('/media/1'))).toBe(false);
  });

  it('has served the entries of the backlog whose revisions it names', () => {
    const recent = createRecentPurges();
    recent.note(purgeOf(1, { waited: [7, 9] }));
    expect([7, 8, 9].map((revision) => recent.servedWaiting(revision))).toEqual([true, false, true]);
  });

  it('is one of several that serve an event together', () => {
    const recent = createRecentPurges();
    const { causes } = purgeOf(1);
    recent.note(purgeOf(1));
    recent.note(purgeOf(2, { causes }));
    expect(recent.served('e-1', aTarget('/media/1'))).toBe(true);
    expect(recent.served('e-1', aTarget('/media/2'))).toBe(true);
  });

  it('is remembered until so many newer ones are: memory does not grow', () => {
    const recent = createRecentPurges();
    for (let number = 1; number <= MOST_PURGES; number += 1) recent.note(purgeOf(number));
    expect(recent.served('e-1', aTarget('/media/1'))).toBe(true);
    recent.note(purgeOf(MOST_PURGES + 1));
    expect(recent.served('e-1', aTarget('/media/1'))).toBe(false);
    expect(recent.servedWaiting(1)).toBe(false);
    expect(recent.served('e-2', aTarget('/media/2'))).toBe(true);
    expect(recent.servedWaiting(MOST_PURGES + 1)).toBe(true);
  });

  it('counts once, however often it is noted', () => {
    const recent = createRecentPurges();
    for (let time = 0; time <= MOST_PURGES; time += 1) recent.note(purgeOf(1));
    for (let number = 2; number <= MOST_PURGES; number += 1) recent.note(purgeOf(number));
    expect(recent.servedWaiting(1)).toBe(true);
  });
});

describe('looking at the records', () => {
  it('finds what other processes noted, within the last hour', async () => {
    const { records, clock, run } = recordsWorld();
    await records.savePurge(purgeOf(1, { acceptedAt: instant(START_AT - HOUR_MS - 1) }));
    await records.savePurge(purgeOf(2, { acceptedAt: instant(START_AT - HOUR_MS) }));
    await records.savePurge(purgeOf(3));
    const recent = createRecentPurges();
    expect(recent.hasLookedUp()).toBe(false);
    await recent.lookUp({ records, clock }, run);
    expect(recent.hasLookedUp()).toBe(true);
    expect([1, 2, 3].map((revision) => recent.servedWaiting(revision))).toEqual([false, true, true]);
  });

  it('takes the newest where there are more than it remembers', async () => {
    const { records, clock, run } = recordsWorld();
    for (let number = 1; number <= MOST_PURGES + 2; number += 1) await records.savePurge(purgeOf(number));
    const recent = createRecentPurges();
    await recent.lookUp({ records, clock }, run);
    expect([1, 2, 3, MOST_PURGES + 2].map((revision) => recent.servedWaiting(revision))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('forgets the oldest first afterwards too', async () => {
    const { records, clock, run } = recordsWorld();
    for (let number = 1; number <= MOST_PURGES; number += 1) await records.savePurge(acceptedInOrder(number));
    const recent = createRecentPurges();
    await recent.lookUp({ records, clock }, run);
    recent.note(acceptedInOrder(MOST_PURGES + 1));
    expect([1, 2].map((revision) => recent.servedWaiting(revision))).toEqual([false, true]);
  });

  it('does not forget what it noted itself for what was accepted before', async () => {
    const { records, clock, run } = recordsWorld();
    const own = Array.from({ length: MOST_PURGES }, (_, index) => MOST_PURGES + 1 + index);
    const recent = createRecentPurges();
    for (const number of own) recent.note(acceptedInOrder(number));
    for (let number = 1; number <= MOST_PURGES; number += 1) await records.savePurge(acceptedInOrder(number));
    await recent.lookUp({ records, clock }, run);
    expect(own.filter((revision) => !recent.servedWaiting(revision))).toEqual([]);
    expect(recent.servedWaiting(MOST_PURGES)).toBe(false);
  });

  it('takes nothing that was accepted before the last hour, though its record was written since', async () => {
    const { records, clock, run } = recordsWorld();
    const old = purgeOf(1, { acceptedAt: instant(START_AT - HOUR_MS - 1) });
    const recent = createRecentPurges();
    await recent.lookUp(
      { records: { ...records, findPurgesSince: async () => [old, purgeOf(2)] }, clock },
      run,
    );
    expect([1, 2].map((revision) => recent.servedWaiting(revision))).toEqual([false, true]);
  });

  it('does not read again what it knows', async () => {
    const { records, clock, run } = recordsWorld();
    await records.savePurge(purgeOf(1));
    await records.savePurge(purgeOf(2));
    const recent = createRecentPurges();
    recent.note(purgeOf(1));
    const asked: string[] = [];
    const findPurgesSince: typeof records.findPurgesSince = (since, most, known) => {
      asked.push(...[1, 2].map(idOf).filter((id) => !known(id)));
      return records.findPurgesSince(since, most, known);
    };
    await recent.lookUp({ records: { ...records, findPurgesSince }, clock }, run);
    expect(asked).toEqual([idOf(2)]);
    expect(recent.servedWaiting(2)).toBe(true);
  });

  it('is left for the next time when the records cannot be reached: purging again does no harm', async () => {
    const { journal, records, clock, run, log } = recordsWorld();
    await records.savePurge(purgeOf(1));
    journal.failBy(storageOutFor(['find-recent']));
    const recent = createRecentPurges();
    await recent.lookUp({ records, clock }, run);
    expect(recent.hasLookedUp()).toBe(false);
    expect(log.at('warn').map(({ details }) => details)).toEqual([{ error: 'no storage for find-recent' }]);

    journal.failBy(undefined);
    await recent.lookUp({ records, clock }, run);
    expect(recent.hasLookedUp()).toBe(true);
    expect(recent.servedWaiting(1)).toBe(true);
  });

  it('does not hide a bug', async () => {
    const { journal, records, clock, run } = recordsWorld();
    journal.failBy(({ call }) => (call === 'find-recent' ? new TypeError('a bug') : undefined));
    await expect(createRecentPurges().lookUp({ records, clock }, run)).rejects.toThrow('a bug');
  });
});
