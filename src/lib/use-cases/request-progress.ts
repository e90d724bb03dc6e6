// Keeps a person's request record in step with its purges: for the request's own send and for the flush.

import type { CoalescedTarget } from '../core/coalesce.ts';
import type { Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { PurgeRecord } from '../core/purge-record.ts';
import { withPurge, type RequestFailure, type RequestRecord } from '../core/purge-request.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import type { PurgeRecords } from './ports.ts';
import type { Owner } from './owner.ts';

/** Adds an accepted purge to the request's record. `complete`: nothing of the request is left to purge. */
export async function noteRequestPurge<O extends Owner>(
  requestId: string,
  owner: O,
  targets: readonly CoalescedTarget<O>[],
  purge: PurgeRecord,
  complete: boolean,
  records: PurgeRecords,
): Promise<void> {
  const urls = targets.filter(({ owners }) => owners.has(owner)).map(({ target }) => target.url);
  const { id, acceptedAt, cdn, endpointId, correlationId, taskId } = purge;
  const served = { id, acceptedAt, cdn, endpointId, correlationId, taskId, urls };
  await records.updateRequest(requestId, (record) => withPurge(record, served, complete));
}

/** Notes on the request's record what stopped it for now. */
export async function noteRequestFailure(
  requestId: string,
  outcome: NotAccepted,
  at: Instant,
  records: PurgeRecords,
): Promise<void> {
  const lastFailure = describeFailure(outcome, at);
  await records.updateRequest(requestId, (record) => ({ ...record, lastFailure }));
}

/** Those of the targets that no purge on the record has served yet. */
export function withoutPurged(
  targets: readonly PurgeTarget[],
  record: RequestRecord,
): readonly PurgeTarget[] {
  const purged = new Set(record.purges.flatMap(({ cdn, urls }) => urls.map((url) => `${cdn} ${url}`)));
  return targets.filter(({ cdn, url }) => !purged.has(`${cdn} ${url}`));
}

function describeFailure(outcome: NotAccepted, at: Instant): RequestFailure {
  const { kind, correlationId } = outcome;
  switch (outcome.kind) {
    case 'refused':
      return { at, kind, detail: `${outcome.errorType}: ${outcome.message}`, correlationId };
    case 'failed':
      return { at, kind, detail: `${outcome.reason}: ${outcome.detail}`, correlationId };
  }
}
