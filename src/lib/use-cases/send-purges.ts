// Sends what is claimed, in as few purges as the limits allow: the one way to the CDN, for the flush and for people.

import { ownersOf, type CoalescedTarget } from '../core/coalesce.ts';
import type { Instant } from '../core/instant.ts';
import type { PurgeOutcome } from '../core/purge-outcome.ts';
import { planBatches, type Batch, type LocatedTarget } from '../core/purge-plan.ts';
import type { Cause, PurgeRecord } from '../core/purge-record.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import type { Clock, PurgeProvider, PurgeRecords, Run } from './ports.ts';

/** Whoever needs targets purged. Compared by identity. */
export type Owner = {
  readonly cause: Cause;
  readonly bufferedAt: Instant;
  readonly failedAttempts: number;
};

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

export type NotAccepted = Exclude<PurgeOutcome, { readonly kind: 'accepted' }>;

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
  const located = await locate(targets, providers, report);
  const sending = [...located].flatMap(([cdn, ofCdn]) => {
    const provider = providerOf(cdn, providers);
    return groupByEndpoint(planBatches(ofCdn, provider.limits)).map((batches) =>
      sendInTurn(batches, provider, ports, run, report),
    );
  });
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
  const outcome = await provider.submit(batch);
  const owners = ownersOf(batch.targets);
  const now = clock.now();
  const attempted = describeAttempt(batch, owners, outcome, now);
  switch (outcome.kind) {
    case 'accepted': {
      const record: PurgeRecord = {
        version: 1,
        id: newId(),
        state: 'accepted',
        acceptedAt: now,
        cdn: batch.cdn,
        endpointId: batch.endpointId,
        files: batch.files,
        directories: batch.directories,
        taskId: outcome.taskId,
        correlationId: outcome.correlationId,
        attempt: attempted.attempt,
        causes: owners.map(({ cause }) => cause),
      };
      run.telemetry.track({
        name: 'purge-accepted',
        ...attempted,
        purgeId: record.id,
        taskId: outcome.taskId,
      });
      await records.savePurge(record);
      return { kind: 'purged', targets: batch.targets, record };
    }
    case 'refused': {
      const { errorType, status, message } = outcome;
      run.telemetry.track({ name: 'purge-refused', ...attempted, errorType, status, message });
      return { kind: 'tried', targets: batch.targets, outcome };
    }
    case 'failed': {
      const { reason, status, detail } = outcome;
      run.telemetry.track({ name: 'purge-failed', ...attempted, reason, status, detail });
      return { kind: 'tried', targets: batch.targets, outcome };
    }
  }
}

function describeAttempt<O extends Owner>(
  batch: Batch<O>,
  owners: readonly O[],
  { correlationId }: PurgeOutcome,
  now: Instant,
) {
  const requests = owners.filter(({ cause }) => cause.type === 'request').length;
  return {
    lane: requests > 0 ? ('manual' as const) : ('events' as const),
    cdn: batch.cdn,
    endpointId: batch.endpointId,
    files: batch.files.length,
    directories: batch.directories.length,
    changes: owners.length - requests,
    requests,
    attempt: 1 + owners.reduce((most, { failedAttempts }) => Math.max(most, failedAttempts), 0),
    correlationId,
    queueAgeMs: now - oldest(owners, now, ({ bufferedAt }) => bufferedAt),
    eventAgeMs:
      now - oldest(owners, now, ({ cause }) => (cause.type === 'change' ? cause.eventAt : cause.askedAt)),
  };
}

function oldest<O>(owners: readonly O[], now: Instant, timeOf: (owner: O) => Instant): number {
  return owners.reduce<number>((least, owner) => Math.min(least, timeOf(owner)), now);
}

/** Finds the endpoint of every target, by CDN. What has none is told as a failure and left out. */
async function locate<O extends Owner>(
  targets: readonly CoalescedTarget<O>[],
  providers: ReadonlyMap<string, PurgeProvider>,
  report: (result: SendResult<O>) => Promise<void>,
): Promise<Map<string, LocatedTarget<O>[]>> {
  const located = new Map<string, LocatedTarget<O>[]>();
  const lost = new Map<NotAccepted, CoalescedTarget<O>[]>();
  const found = new Map<string, Promise<Awaited<ReturnType<PurgeProvider['findEndpoint']>>>>();
  for (const one of targets) {
    const { cdn, host, endpointId } = one.target;
    if (endpointId !== undefined) {
      push(located, cdn, { ...one, endpointId });
      continue;
    }
    const key = `${cdn} ${host}`;
    const finding = found.get(key) ?? providerOf(cdn, providers).findEndpoint(host);
    found.set(key, finding);
    const endpoint = await finding;
    if (endpoint.ok) push(located, cdn, { ...one, endpointId: endpoint.value });
    else push(lost, endpoint.error, one);
  }
  for (const [outcome, lostTargets] of lost) await report({ kind: 'tried', targets: lostTargets, outcome });
  return located;
}

function providerOf(cdn: string, providers: ReadonlyMap<string, PurgeProvider>): PurgeProvider {
  const provider = providers.get(cdn);
  if (provider === undefined) throw new Error(`no provider was built for the CDN "${cdn}"`);
  return provider;
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

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
