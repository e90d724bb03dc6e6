// Keeps a person's request record in step with its purges: for the request's own send and for the flush.

import { serves, type CoalescedTarget } from '../core/coalesce.ts';
import type { Instant } from '../core/instant.ts';
import { describeOutcome, type NotAccepted } from '../core/purge-outcome.ts';
import type { PurgeRecord } from '../core/purge-record.ts';
import {
  withFailure,
  withPurge,
  withRefusal,
  type RequestFailure,
  type RequestRecord,
  type RequestRefusal,
} from '../core/purge-request.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import { comparableUrl } from '../core/url-matching.ts';
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
  const serving = targets.filter(({ owners }) => owners.has(owner)).map(({ target }) => target);
  const { id, acceptedAt, cdn, endpointId, correlationId, taskId, state } = purge;
  const served = { id, acceptedAt, cdn, endpointId, correlationId, taskId, state };
  await records.updateRequest(requestId, (record) =>
    withPurge(record, { ...served, urls: ownUrls(record, serving) }, complete),
  );
}

/**
 * The request's own URLs that these targets serve: a directory that somebody else asked for may be what purged them.
 * A target that is none of the record's, since the configuration has changed, stands for itself.
 */
function ownUrls({ targets }: RequestRecord, serving: readonly PurgeTarget[]): readonly string[] {
  const urls = serving.flatMap((target) => {
    const own = targets.filter((one) => serves(target, one, target.matching));
    return own.length === 0 ? [target.url] : own.map(({ url }) => url);
  });
  return [...new Set(urls)];
}

/** Notes on the request's record what stopped it for now; one that no longer waits stays as it is. */
export async function noteRequestFailure(
  requestId: string,
  outcome: NotAccepted,
  at: Instant,
  records: PurgeRecords,
): Promise<void> {
  const { kind, correlationId } = outcome;
  const lastFailure: RequestFailure = { at, kind, detail: describeOutcome(outcome), correlationId };
  await records.updateRequest(requestId, (record) => withFailure(record, lastFailure));
}

/** Notes on the request's record a URL that the CDN refuses for good. `complete`: nothing else of it is left. */
export async function noteRequestRefusal(
  requestId: string,
  refusal: RequestRefusal,
  complete: boolean,
  records: PurgeRecords,
): Promise<void> {
  await records.updateRequest(requestId, (record) => withRefusal(record, refusal, complete));
}

/** Those of the targets that no purge on the record has served, and the CDN has not refused. */
export function withoutPurged(
  targets: readonly PurgeTarget[],
  record: RequestRecord,
): readonly PurgeTarget[] {
  const matchings = new Map(targets.map(({ cdn, matching }) => [cdn, matching]));
  const keyOf = (cdn: string, url: string): string => `${cdn} ${comparableUrl(url, matchings.get(cdn))}`;
  const done = new Set([
    ...record.purges.flatMap(({ cdn, urls }) => urls.map((url) => keyOf(cdn, url))),
    ...(record.refused ?? []).map(({ cdn, url }) => keyOf(cdn, url)),
  ]);
  return targets.filter(({ cdn, url }) => !done.has(keyOf(cdn, url)));
}
