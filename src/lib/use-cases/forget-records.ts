// Deletes records that are past their time: ended purges, requests that came to their end, idempotency keys.
//
// Nothing here is done once only: two runs at once delete the same, and what one leaves the next finds.

import type { Instant } from '../core/instant.ts';
import { keptFrom, mayForget } from '../core/retention.ts';
import { forEachLimited } from './for-each-limited.ts';
import { StorageTrouble, type Clock, type OldRecordKind, type OldRecords, type Run } from './ports.ts';

export type Retention = {
  readonly oldRecords: OldRecords;
  /** For so many days, and up to one more, records are kept. */
  readonly days: number;
};

export type ForgetPorts = Retention & { readonly clock: Clock };

/** What there is few of comes first: the time may be over before all purges are gone. */
const KINDS: readonly OldRecordKind[] = ['requests', 'idempotency-keys', 'purges'];
/** In one run: ten times what the China CDN accepts in a day from two subscriptions. */
const MOST_REMOVED = 50_000;
const PARALLEL_RECORDS = 8;
/** The host ends an invocation after five minutes. */
const BEGIN_FOR_MS = 120_000;
/** So much trouble is not with single records: what is left goes another night. */
const MOST_TROUBLES = 50;

/** One run. Storage trouble is told in the log: what it concerns is deleted by a later run. */
export async function forgetRecords(ports: ForgetPorts, run: Run): Promise<void> {
  const { clock, days, oldRecords } = ports;
  const startedAt = clock.now();
  const before = keptFrom(startedAt, days);
  const tally: Tally = { requests: 0, 'idempotency-keys': 0, purges: 0, troubles: [], isCutShort: false };
  const mayBegin = (): boolean => {
    tally.isCutShort ||=
      clock.now() - startedAt >= BEGIN_FOR_MS ||
      removedOf(tally) >= MOST_REMOVED ||
      tally.troubles.length >= MOST_TROUBLES;
    return !tally.isCutShort;
  };
  for (const kind of KINDS) {
    if (!tally.isCutShort)
      await noteTrouble(tally, () => forgetKind(kind, { before, oldRecords, tally, mayBegin }));
  }
  report(tally, before, run);
}

type Tally = Record<OldRecordKind, number> & { readonly troubles: StorageTrouble[]; isCutShort: boolean };

const removedOf = (tally: Tally): number => KINDS.reduce((sum, kind) => sum + tally[kind], 0);

type Work = {
  readonly before: Instant;
  readonly oldRecords: OldRecords;
  readonly tally: Tally;
  readonly mayBegin: () => boolean;
};

async function forgetKind(kind: OldRecordKind, work: Work): Promise<void> {
  const { before, oldRecords, tally, mayBegin } = work;
  // Looked at once in a run: a request that is past its time gets no further purges.
  let openPurgeIds: ReadonlySet<string> | undefined;
  for await (const names of oldRecords.find(kind, before)) {
    if (kind === 'requests' && names.length > 0) openPurgeIds ??= await oldRecords.findOpenPurgeIds();
    const open = openPurgeIds;
    await forEachLimited(names, PARALLEL_RECORDS, async (name) => {
      if (!mayBegin()) return;
      await noteTrouble(tally, async () => {
        if (open !== undefined && !(await isOver(name, open, oldRecords))) return;
        if (await oldRecords.remove(name, before)) tally[kind] += 1;
      });
    });
    if (tally.isCutShort) return;
  }
}

async function isOver(
  name: string,
  openPurgeIds: ReadonlySet<string>,
  oldRecords: OldRecords,
): Promise<boolean> {
  const request = await oldRecords.readRequest(name);
  return request !== undefined && mayForget(request, openPurgeIds);
}

/** Trouble with one record, or with one kind of them, must not stop the others. */
async function noteTrouble({ troubles }: Tally, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    troubles.push(error);
  }
}

function report(tally: Tally, before: Instant, { log }: Run): void {
  const { requests, 'idempotency-keys': idempotencyKeys, purges, troubles, isCutShort } = tally;
  if (removedOf(tally) > 0) {
    const keptSince = new Date(before).toISOString().slice(0, 10);
    log.info('Forgot old records.', { keptSince, purges, requests, idempotencyKeys, isCutShort });
  }
  const [trouble] = troubles;
  if (trouble === undefined) return;
  log.warn('Storage trouble while old records were deleted: what is left is deleted by a later run.', {
    times: troubles.length,
    error: trouble.message,
  });
}
