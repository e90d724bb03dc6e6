// One call to the CDN, and the record of its acceptance.

import { ownersOf } from '../core/coalesce.ts';
import type { Batch } from '../core/purge-plan.ts';
import type { AcceptedPurge } from '../core/purge-record.ts';
import { beginTracking } from '../core/purge-tracking.ts';
import { sitesOf } from '../core/sites-of.ts';
import { describeAttempt, trackNotAccepted } from './attempt-telemetry.ts';
import type { Sent } from './endpoint-turn.ts';
import type { Owner } from './owner.ts';
import { StorageTrouble, type PurgeProvider, type Run } from './ports.ts';
import { purgeIdOf } from './purge-id.ts';
import type { SendPorts } from './send-purges.ts';

/** Sends one batch and waits for the answer. An acceptance is on record when it is given. */
export async function sendBatch<O extends Owner>(
  batch: Batch<O>,
  provider: PurgeProvider,
  { clock, records, newId, recent }: SendPorts,
  run: Run,
): Promise<Sent<O>> {
  const owners = ownersOf(batch.targets);
  const served = describeServed(owners);
  const planned = batch.targets.flatMap((target) => target.planned ?? []);
  const linkedTraceparents = served.causes.flatMap(({ traceparent }) => traceparent ?? []);
  const outcome = await provider.submit({ ...batch, linkedTraceparents });
  const now = clock.now();
  const attempt = describeAttempt(
    {
      ...batch,
      owners,
      sites: sitesOf(batch.targets),
      files: batch.files.length,
      directories: batch.directories.length,
    },
    now,
  );
  if (outcome.kind !== 'accepted') {
    trackNotAccepted(attempt, outcome, run);
    return { kind: 'not-accepted', outcome };
  }
  const { taskId, correlationId, operationUrl, retryAfterMs } = outcome;
  const accepted = {
    id: purgeIdOf(now, newId()),
    acceptedAt: now,
    cdn: batch.cdn,
    endpointId: batch.endpointId,
    files: batch.files,
    directories: batch.directories,
    taskId,
    operationUrl,
    correlationId,
    attempt: attempt.attempt,
    ...served,
    planned: planned.length === 0 ? undefined : planned,
  };
  const record = beginTracking(accepted, provider.capabilities.pollPausesMs, retryAfterMs);
  run.telemetry.track({ name: 'purge-accepted', ...attempt, purgeId: record.id, taskId, correlationId });
  try {
    await records.savePurge(record);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    return { kind: 'not-accepted', outcome: { ...NOT_RECORDED, correlationId, detail: error.message } };
  }
  recent.note(record);
  return { kind: 'purged', targets: batch.targets, record };
}

/** As after an unknown outcome: spent, and purged again after a pause. */
const NOT_RECORDED = {
  kind: 'failed',
  reason: 'not-recorded',
  sent: true,
  outcomeClass: 'unknown',
  status: undefined,
  retryAfterMs: undefined,
} as const;

/**
 * A directory can serve a whole backlog, and its record is read and written again while its task is followed. What
 * came from the buffer is named in full: a message that outlives its purge is known by it.
 */
const WAITING_CAUSES_MAX = 1_000;
const REVISIONS_MAX = 10_000;

function describeServed(
  owners: readonly Owner[],
): Pick<AcceptedPurge, 'causes' | 'causesLeftOut' | 'waited'> {
  const waiting = owners.filter(({ waited }) => waited !== undefined);
  const ofWaiting = waiting.flatMap(({ causes }) => causes);
  const named = ofWaiting.slice(-WAITING_CAUSES_MAX);
  const leftOut = ofWaiting.length - named.length;
  return {
    causes: [
      ...owners.filter(({ waited }) => waited === undefined).flatMap(({ causes }) => causes),
      ...named,
    ],
    causesLeftOut: leftOut === 0 ? undefined : leftOut,
    waited:
      waiting.length === 0 ? undefined : waiting.flatMap(({ waited }) => waited ?? []).slice(-REVISIONS_MAX),
  };
}
