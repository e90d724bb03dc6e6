// A person's purge: stored durably, then sent at once by the way that the flush uses; the timer takes over if need be.

import { coalesce } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';
import { resolveAsk, type AskProblem, type PurgeAsk, type RequestRecord } from '../core/purge-request.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import { err, ok, type Result } from '../core/result.ts';
import { settle } from '../core/settlement.ts';
import type { FlushPorts } from './flush-purges.ts';
import { StorageTrouble, type Receipt, type Run } from './ports.ts';
import type { Owner } from './owner.ts';
import { followProgress } from './progress.ts';
import { noteRequestFailure, noteRequestPurge } from './request-progress.ts';
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

/** The flush must not take the request up while this invocation is still sending it. */
const HIDDEN_FROM_FLUSH_MS = 60_000;

/** What would be purged, without storing or sending anything. */
export async function previewPurge(
  ask: PurgeAsk,
  { configuration }: Pick<FlushPorts, 'configuration'>,
): Promise<Result<readonly PurgeTarget[], readonly AskProblem[]>> {
  return resolveAsk(ask, await configuration.current());
}

/** Takes what a person asked for, gives the request's record after the first attempt. Throws StorageTrouble while nothing is stored. */
export async function requestPurge(
  requested: RequestedPurge,
  ports: FlushPorts,
  run: Run,
): Promise<RequestAnswer> {
  const { buffer, clock, newId, records } = ports;
  const configuration = await ports.configuration.current();
  const resolved = resolveAsk(requested.ask, configuration);
  if (!resolved.ok) return { kind: 'refused', problems: resolved.error };

  const askedAt = clock.now();
  const claimed = await claimId(requested, newId(), askedAt, ports);
  if (!claimed.ok) return { kind: 'conflict' };
  const record: RequestRecord = {
    version: 1,
    id: claimed.value,
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
  const known = isNew ? undefined : await records.readRequest(record.id);
  if (known !== undefined && known.state !== 'waiting') return { kind: 'known', record: known };
  // Also for a known request that still waits: its first message may never have been written.
  const receipt = await buffer.add(
    { type: 'request', requestId: record.id, traceparent: run.traceparent, failedAttempts: 0 },
    { visibleAfterMs: HIDDEN_FROM_FLUSH_MS },
  );
  if (known !== undefined) return { kind: 'known', record: known };

  await run.telemetry.span(
    { name: 'send-requested-purge', kind: 'internal', traceparent: run.traceparent },
    (span) => {
      span.set({ requestId: record.id });
      return sendNow(record, resolved.value, receipt, configuration, ports, run);
    },
  );
  return { kind: 'taken', record: (await readBack(record.id, ports)) ?? record };
}

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
  receipt: Receipt,
  configuration: Configuration,
  ports: FlushPorts,
  run: Run,
): Promise<void> {
  const { buffer, clock, records } = ports;
  const owner: Owner = {
    cause: {
      type: 'request',
      requestId: record.id,
      askedAt: record.askedAt,
      traceparent: record.traceparent,
    },
    bufferedAt: record.askedAt,
    failedAttempts: 0,
  };
  const targets = coalesce(wanted.map((target) => ({ target, owner })));
  const progress = followProgress(targets);
  const onResult = async (result: SendResult<Owner>): Promise<void> => {
    const done = progress.note(result).includes(owner);
    if (result.kind !== 'purged') return;
    await noteRequestPurge(record.id, owner, result.targets, result.record, done, records);
    if (done) await buffer.complete(receipt);
  };
  try {
    await sendPurges(targets, ports.providersFor(configuration), ports, run, onResult);
    const stop = progress.unfinished().get(owner);
    if (stop === undefined) return;
    const settlement = settle(stop.outcome, 0);
    if (settlement.kind === 'complete') return;
    const message = { type: 'request', requestId: record.id, traceparent: record.traceparent } as const;
    await buffer.putBack(receipt, { ...message, failedAttempts: settlement.attempts }, settlement.afterMs);
    await noteRequestFailure(record.id, stop.outcome, clock.now(), records);
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

async function readBack(id: string, { records }: FlushPorts): Promise<RequestRecord | undefined> {
  try {
    return await records.readRequest(id);
  } catch (error) {
    if (error instanceof StorageTrouble) return undefined;
    throw error;
  }
}
