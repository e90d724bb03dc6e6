// Sends what is claimed, in as few purges as the limits allow: the one way to the CDN, for the flush and for people.

import { ownersOf, type CoalescedTarget } from '../core/coalesce.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { planBatches, type Batch } from '../core/purge-plan.ts';
import type { PurgeRecord } from '../core/purge-record.ts';
import { describeAttempt, trackNotAccepted } from './attempt-telemetry.ts';
import { locateTargets } from './locate-targets.ts';
import type { Owner } from './owner.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import type { Clock, PurgeProvider, PurgeRecords, Run } from './ports.ts';

export type SendPorts = {
  readonly clock: Clock;
  readonly records: PurgeRecords;
  /** One purge in flight for each endpoint of this process. */
  readonly endpointTurns: OneAtATime;
  readonly newId: () => string;
};

/** What some targets came to, told as soon as it is known and, if accepted, on record. */
export type SendResult<O extends Owner> =
  | { readonly kind: 'purged'; readonly targets: readonly CoalescedTarget<O>[]; readonly record: PurgeRecord }
  | {
      /** `tried` and not accepted; or `held` back, because of what the batch before it was answered. */
      readonly kind: 'tried' | 'held';
      readonly targets: readonly CoalescedTarget<O>[];
      readonly outcome: NotAccepted;
    };

export type SendSummary = {
  readonly accepted: number;
  readonly notAccepted: number;
  readonly urlsPurged: number;
  readonly correlationIds: readonly string[];
};

/**
 * Purges the targets. Endpoints go side by side, the batches of one endpoint one after the other; after an
 * answer that the next batch would get as well, the rest of that endpoint is held back.
 * Throws what `onResult` or the records throw, once every endpoint has ended.
 */
export async function sendPurges<O extends Owner>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
  ports: SendPorts,
  run: Run,
  onResult: (result: SendResult<O>) => Promise<void>,
): Promise<SendSummary> {
  const results: SendResult<O>[] = [];
  const report = async (result: SendResult<O>): Promise<void> => {
    results.push(result);
    await onResult(result);
  };
  const { located, lost } = await locateTargets(targets, providers);
  for (const { outcome, targets: lostTargets } of lost) {
    trackLost(lostTargets, outcome, ports, run);
    await report({ kind: 'tried', targets: lostTargets, outcome });
  }
  const sending = located.flatMap(({ provider, targets: ofProvider }) =>
    groupByEndpoint(planBatches(ofProvider, provider.limits)).map((batches) =>
      sendInTurn(batches, provider, ports, run, report),
    ),
  );
  const trouble = (await Promise.allSettled(sending)).find((one) => one.status === 'rejected');
  if (trouble !== undefined) throw trouble.reason;
  return summarise(results);
}

async function sendInTurn<O extends Owner>(
  batches: readonly Batch<O>[],
  provider: PurgeProvider,
  ports: SendPorts,
  run: Run,
  report: (result: SendResult<O>) => Promise<void>,
): Promise<void> {
  for (const [index, batch] of batches.entries()) {
    const turn = `${batch.cdn} ${batch.endpointId}`;
    const result = await ports.endpointTurns.run(turn, () => sendBatch(batch, provider, ports, run));
    await report(result);
    if (result.kind === 'purged' || !endsTheTurn(result.outcome)) continue;
    const held = batches.slice(index + 1).flatMap(({ targets }) => targets);
    if (held.length > 0) await report({ kind: 'held', targets: held, outcome: result.outcome });
    return;
  }
}

async function sendBatch<O extends Owner>(
  batch: Batch<O>,
  provider: PurgeProvider,
  { clock, records, newId }: SendPorts,
  run: Run,
): Promise<SendResult<O>> {
  const owners = ownersOf(batch.targets);
  const linkedTraceparents = owners.flatMap(({ cause }) => cause.traceparent ?? []);
  const outcome = await provider.submit({ ...batch, linkedTraceparents });
  const now = clock.now();
  const attempt = describeAttempt(
    { ...batch, owners, files: batch.files.length, directories: batch.directories.length },
    now,
  );
  if (outcome.kind !== 'accepted') {
    trackNotAccepted(attempt, outcome, run);
    return { kind: 'tried', targets: batch.targets, outcome };
  }
  const { taskId, correlationId } = outcome;
  const record: PurgeRecord = {
    version: 1,
    id: newId(),
    state: 'accepted',
    acceptedAt: now,
    cdn: batch.cdn,
    endpointId: batch.endpointId,
    files: batch.files,
    directories: batch.directories,
    taskId,
    correlationId,
    attempt: attempt.attempt,
    causes: owners.map(({ cause }) => cause),
  };
  run.telemetry.track({ name: 'purge-accepted', ...attempt, purgeId: record.id, taskId, correlationId });
  await records.savePurge(record);
  return { kind: 'purged', targets: batch.targets, record };
}

function trackLost<O extends Owner>(
  targets: readonly CoalescedTarget<O>[],
  outcome: NotAccepted,
  { clock }: SendPorts,
  run: Run,
): void {
  const [first] = targets;
  if (first === undefined) return;
  const files = targets.filter(({ target }) => target.kind === 'file').length;
  const sizes = { files, directories: targets.length - files };
  const lost = { cdn: first.target.cdn, endpointId: undefined, owners: ownersOf(targets), ...sizes };
  trackNotAccepted(describeAttempt(lost, clock.now()), outcome, run);
}

function groupByEndpoint<O>(batches: readonly Batch<O>[]): readonly (readonly Batch<O>[])[] {
  return [...Map.groupBy(batches, ({ endpointId }) => endpointId).values()];
}

/** A refusal of some item says nothing of the next batch; anything else would only be heard again. */
function endsTheTurn(outcome: NotAccepted): boolean {
  switch (outcome.kind) {
    case 'refused':
      return outcome.scope === 'request';
    case 'failed':
      return true;
  }
}

function summarise<O extends Owner>(results: readonly SendResult<O>[]): SendSummary {
  const records = results.flatMap((result) => (result.kind === 'purged' ? [result.record] : []));
  return {
    accepted: records.length,
    notAccepted: results.filter(({ kind }) => kind === 'tried').length,
    urlsPurged: records.reduce((sum, { files, directories }) => sum + files.length + directories.length, 0),
    correlationIds: records.flatMap(({ correlationId }) =>
      correlationId === undefined ? [] : [correlationId],
    ),
  };
}
