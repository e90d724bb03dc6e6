// A person's purge: stored durably, then sent at once by the way that the flush uses; the timer takes over if need be.

import type { RequestMessage } from '../core/buffer-message.ts';
import { entriesCovered, NO_CHANGES, type Waiting, type WaitingTarget } from '../core/backlog.ts';
import { coalesce, createCoverage } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import { targetInForce } from '../core/configured-target.ts';
import type { Instant } from '../core/instant.ts';
import { describeOutcome } from '../core/purge-outcome.ts';
import { admitAsk, type AskProblem, type PurgeAsk, type RequestRecord } from '../core/purge-request.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import { err, ok, type Result } from '../core/result.ts';
import { settle } from '../core/settlement.ts';
import { sitesOf } from '../core/sites-of.ts';
import type { FlushPorts } from './flush-purges.ts';
import { HIDDEN_FOR_MS, keepHidden, type HiddenMessage } from './hidden-message.ts';
import { ownerOfEntry } from './claim-targets.ts';
import { loadBacklog, saveBacklog } from './keep-waiting.ts';
import { StorageTrouble, type LoadedBacklog, type PurgeProvider, type Run } from './ports.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { Owner } from './owner.ts';
import { followProgress, type Left, type Stop } from './progress.ts';
import { noteRequestFailure, noteRequestPurge, noteRequestRefusal } from './request-progress.ts';
import { sendPurges, type SendResult } from './send-purges.ts';

export type RequestedPurge = {
  readonly ask: PurgeAsk;
  readonly reason: string | undefined;
  /** Hashes of the caller's key and body: the same pair within 24 hours is the same request. */
  readonly idempotency: { readonly keyHash: string; readonly bodyHash: string } | undefined;
};

export type RequestAnswer =
  | { readonly kind: 'taken'; readonly record: RequestRecord }
  /** The key was used for this body before. */
  | { readonly kind: 'known'; readonly record: RequestRecord }
  /** The key was used for another body. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly problems: readonly AskProblem[] };

/** Within this the first sending of a request is over, or has left a purge or a failure on the record. */
const HEARD_OF_WITHIN_MS = 10 * 60_000;

/** What would be purged, without storing or sending anything. */
export async function previewPurge(
  ask: PurgeAsk,
  { configuration }: Pick<FlushPorts, 'configuration'>,
): Promise<Result<readonly PurgeTarget[], readonly AskProblem[]>> {
  return admitAsk(ask, await configuration.current());
}

/**
 * Takes what a person asked for, gives the request's record after the first attempt. A known key gives its request
 * whatever the configuration says by now. Throws StorageTrouble while the request is not taken over.
 */
export async function requestPurge(
  requested: RequestedPurge,
  ports: FlushPorts,
  run: Run,
): Promise<RequestAnswer> {
  const { buffer, clock, newId, records } = ports;
  const held = await findHeld(requested, ports);
  if (!held.ok) return { kind: 'conflict' };
  if (held.value !== undefined) return repeat(held.value, ports);

  const configuration = await ports.configuration.current();
  const resolved = admitAsk(requested.ask, configuration);
  if (!resolved.ok) return { kind: 'refused', problems: resolved.error };

  const askedAt = clock.now();
  const claimed = await claimId(requested, newId(), askedAt, ports);
  if (!claimed.ok) return { kind: 'conflict' };
  const record: RequestRecord = {
    version: 2,
    id: claimed.value,
    origin: 'person',
    repurges: 0,
    state: 'waiting',
    askedAt,
    reason: requested.reason,
    ask: requested.ask,
    traceparent: run.traceparent,
    targets: resolved.value.map(({ kind, url, cdn, site }) => ({ kind, url, cdn, site })),
    purges: [],
    lastFailure: undefined,
  };
  const isNew = await records.createRequest(record);
  // Without a key nobody else has this id: storage had the record from a try whose answer was lost.
  if (!isNew && requested.idempotency !== undefined) {
    const known = await records.readRequest(record.id);
    if (known !== undefined) return repeat(known, ports);
  }
  const hiddenAt = clock.now();
  const receipt = await buffer.add(messageOf(record), { visibleAfterMs: HIDDEN_FOR_MS });
  const message = keepHidden(receipt, hiddenAt, ports);

  await run.telemetry.span(
    { name: 'send-requested-purge', kind: 'internal', traceparent: run.traceparent },
    (span) => {
      span.set({ requestId: record.id });
      tellOfRequest(record, run);
      return sendNow(record, resolved.value, message, configuration, ports, run);
    },
  );
  return { kind: 'taken', record: (await readBack(record.id, ports)) ?? record };
}

function tellOfRequest({ id, targets, reason }: RequestRecord, { telemetry }: Run): void {
  const files = targets.filter(({ kind }) => kind === 'file').length;
  telemetry.track({
    name: 'purge-requested',
    requestId: id,
    sites: sitesOf(targets.map((target) => ({ target }))),
    files,
    directories: targets.length - files,
    reason,
  });
}

/** The request that the caller's key stands for already, where it has one on record. */
async function findHeld(
  { idempotency }: RequestedPurge,
  { clock, records }: FlushPorts,
): Promise<Result<RequestRecord | undefined, 'other-body'>> {
  if (idempotency === undefined) return ok(undefined);
  const claim = await records.findIdempotencyClaim(idempotency.keyHash, clock.now());
  if (claim === undefined) return ok(undefined);
  if (claim.bodyHash !== idempotency.bodyHash) return err('other-body');
  return ok(await records.readRequest(claim.requestId));
}

/**
 * Answers a repeat. Nothing on the record: its message may never have been written, and the caller must not be told
 * 202 for what nobody sends. It is written anew, hidden until the first sending can no longer be under way. Once
 * anything is on the record, the first message is there until the request no longer waits.
 */
async function repeat(record: RequestRecord, { buffer, clock }: FlushPorts): Promise<RequestAnswer> {
  const { state, purges, refused, lastFailure } = record;
  const isHeardOf = purges.length > 0 || refused !== undefined || lastFailure !== undefined;
  if (state === 'waiting' && !isHeardOf) {
    const visibleAfterMs = Math.max(record.askedAt + HEARD_OF_WITHIN_MS - clock.now(), 0);
    await buffer.add(messageOf(record), { visibleAfterMs });
  }
  return { kind: 'known', record };
}

const messageOf = ({ id, traceparent }: RequestRecord): RequestMessage => ({
  type: 'request',
  requestId: id,
  traceparent,
  failedAttempts: 0,
});

async function claimId(
  { idempotency }: RequestedPurge,
  requestId: string,
  claimedAt: Instant,
  { records }: FlushPorts,
): Promise<Result<string, 'other-body'>> {
  if (idempotency === undefined) return ok(requestId);
  const claim = await records.claimIdempotencyKey({ ...idempotency, requestId, claimedAt });
  return claim.bodyHash === idempotency.bodyHash ? ok(claim.requestId) : err('other-body');
}

/** Once the request is stored, trouble here is not the caller's: the message brings the request to the flush. */
async function sendNow(
  record: RequestRecord,
  wanted: readonly PurgeTarget[],
  message: HiddenMessage,
  configuration: Configuration,
  ports: FlushPorts,
  run: Run,
): Promise<void> {
  const { clock, records } = ports;
  const { id: requestId, askedAt, traceparent } = record;
  const owner: Owner = {
    causes: [{ type: 'request', requestId, askedAt, traceparent }],
    changes: 0,
    requestId,
    bufferedAt: askedAt,
    failedAttempts: 0,
  };
  // Before the sending: a change that joins it later is not purged by this request.
  const loaded = await loadBacklog(ports.backlog, run);
  if (loaded !== undefined) ports.holds.adopt(loaded.backlog);
  const served = waitingServed(loaded, wanted, configuration);
  const targets = coalesce([
    ...wanted.map((target) => ({ target, owner })),
    ...[...served].map(([waiting, { target }]) => ({ target, owner: waiting })),
  ]);
  const leaving: Waiting[] = [];
  const progress = followProgress(targets);
  // Once something could not be noted, the request must not end here: the flush purges what its record misses.
  let isUnnoted = false;
  const noteResult = async (result: SendResult<Owner>, isComplete: boolean): Promise<void> => {
    // What waited below a directory that has to wait goes on its own: that is nothing of the request.
    if (!result.targets.some(({ owners }) => owners.has(owner))) return;
    switch (result.kind) {
      case 'purged':
        await noteRequestPurge(record.id, owner, result.targets, result.record, isComplete, records);
        break;
      case 'unpurgeable':
        for (const { target, owners } of result.targets) {
          if (!owners.has(owner)) continue;
          const refusal = { cdn: target.cdn, url: target.url, detail: describeOutcome(result.outcome) };
          await noteRequestRefusal(record.id, refusal, isComplete, records);
        }
        break;
      case 'tried':
      case 'held':
      case 'not-needed':
        break;
    }
  };
  const takeResult = async (result: SendResult<Owner>): Promise<void> => {
    const done = progress.note(result);
    if (result.kind === 'purged') leaving.push(...done.flatMap((one) => served.get(one)?.entry ?? []));
    const isComplete = done.includes(owner) && !isUnnoted;
    try {
      await noteResult(result, isComplete);
    } catch (error) {
      isUnnoted = true;
      throw error;
    }
    if (isComplete) await message.complete();
  };
  // Endpoints end side by side, but the request may end only when what was told of its other targets is written.
  const results = oneAtATime();
  const onResult = (result: SendResult<Owner>): Promise<void> =>
    results.run('result', () => takeResult(result));
  try {
    await sendPurges(targets, renewedProviders(configuration, message, ports), ports, run, onResult);
    if (loaded !== undefined && leaving.length > 0) {
      await saveBacklog(loaded, { ...NO_CHANGES, leaving }, ports, run);
    }
    const stop = worstOf(progress.unfinished().get(owner) ?? []);
    if (stop === undefined) return;
    const now = clock.now();
    const settlement = settle(stop.outcome, 0);
    if (settlement.kind === 'complete') return;
    const failedAttempts = stop.tried ? settlement.attempts : 0;
    // What was only held back goes to the backlog, by the next flush.
    const afterMs = stop.tried ? settlement.afterMs : 0;
    await message.putBack({ ...messageOf(record), failedAttempts }, afterMs);
    await noteRequestFailure(record.id, stop.outcome, now, records);
    run.log.warn('A requested purge was not accepted at once: the timer goes on with it.', {
      requestId: record.id,
    });
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('Storage trouble while a requested purge was sent: the timer takes it over.', {
      requestId: record.id,
      error: error.message,
    });
  }
}

/** What waits and is purged with what a person asks for: its changes are named by the purge's record too. */
function waitingServed(
  loaded: LoadedBacklog | undefined,
  wanted: readonly PurgeTarget[],
  configuration: Configuration,
): ReadonlyMap<Owner, { readonly entry: WaitingTarget; readonly target: PurgeTarget }> {
  if (loaded === undefined) return new Map();
  const asked = createCoverage();
  for (const target of wanted) asked.add(target);
  return new Map(
    entriesCovered(loaded.backlog, asked).flatMap((entry) => {
      // What one purge takes along may have been configured otherwise since.
      const target = targetInForce(entry.target, configuration);
      return target !== undefined && asked.covers(target) ? [[ownerOfEntry(entry), { entry, target }]] : [];
    }),
  );
}

/** What was tried tells more than what was only held back. */
function worstOf(left: readonly Left[]): Stop | undefined {
  const stops = left.flatMap(({ stop }) => stop ?? []);
  return stops.find(({ tried }) => tried) ?? stops[0];
}

function renewedProviders(
  configuration: Configuration,
  message: HiddenMessage,
  { providersFor }: FlushPorts,
): ReadonlyMap<string, PurgeProvider> {
  const providers = [...providersFor(configuration)];
  return new Map(providers.map(([cdn, provider]) => [cdn, message.renewedBy(provider)]));
}

async function readBack(id: string, { records }: FlushPorts): Promise<RequestRecord | undefined> {
  try {
    return await records.readRequest(id);
  } catch (error) {
    if (error instanceof StorageTrouble) return undefined;
    throw error;
  }
}
