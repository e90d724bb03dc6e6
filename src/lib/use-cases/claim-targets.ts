// From what waits, in the backlog and in the buffer, to claims on targets, by the configuration of this moment.

import { keyOf, type Waiting, type WaitingRequest, type WaitingTarget } from '../core/backlog.ts';
import { affectedPaths } from '../core/blob-change.ts';
import type { ChangeMessage } from '../core/buffer-message.ts';
import type { Claim } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import { targetInForce } from '../core/configured-target.ts';
import type { Instant } from '../core/instant.ts';
import type { Cause } from '../core/purge-record.ts';
import { resolveAsk, withFailure, withNothingLeft } from '../core/purge-request.ts';
import { targetKey, type PurgeTarget } from '../core/purge-target.ts';
import { mapToTargets } from '../core/url-mapping.ts';
import {
  StorageTrouble,
  type Clock,
  type PurgeBuffer,
  type PurgeRecords,
  type ReadableMessage,
  type ReceivedMessage,
  type Run,
} from './ports.ts';
import type { RecentPurges } from './recent-purges.ts';
import { forEachLimited } from './for-each-limited.ts';
import { withoutPurged } from './request-progress.ts';
import type { Owner } from './owner.ts';

/** Of the records of requests that wait. */
const PARALLEL_READS = 16;

/** A buffered message, or an entry of the backlog, whose targets a flush purges. */
export type FlushOwner = Owner & { readonly from: Source };

export type Source =
  | {
      readonly kind: 'change';
      readonly received: ReadableMessage;
      /** The path that makes a target, by the target's key. */
      readonly paths: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'request'; readonly received: ReadableMessage; readonly requestId: string }
  | { readonly kind: 'waiting'; readonly entry: Waiting };

export type Claims = {
  /** Oldest first. */
  readonly claims: readonly Claim<FlushOwner>[];
  /** Whose claims were purged before, or that need no purge any more. */
  readonly finished: readonly FlushOwner[];
};

export type ClaimPorts = {
  readonly buffer: PurgeBuffer;
  readonly records: PurgeRecords;
  readonly clock: Clock;
  readonly recent: RecentPurges;
};

/** Takes what waits and what was received, gives who claims what. What cannot be read goes to the poison queue. */
export async function claimTargets(
  waiting: readonly Waiting[],
  received: readonly ReceivedMessage[],
  configuration: Configuration,
  ports: ClaimPorts,
  run: Run,
): Promise<Claims> {
  const readable = await readableOf(received, ports, run);
  const isAfterCrash = readable.some(({ isRepeated }) => isRepeated) || !ports.recent.hasLookedUp();
  if (isAfterCrash && readable.length + waiting.length > 0) await ports.recent.lookUp(ports, run);

  const wanted: Wanted[] = [];
  for (const one of readable) {
    const { message } = one;
    switch (message.type) {
      case 'change':
        wanted.push(wantedByChange(one, message, configuration, ports));
        break;
      case 'request': {
        const { requestId, traceparent, failedAttempts } = message;
        const { bufferedAt } = one;
        const from: Source = { kind: 'request', received: one, requestId };
        const named = { requestId, traceparent, failedAttempts, bufferedAt, from };
        const missing = (): Promise<void> =>
          deadLetter(one, `the request ${requestId} has no record`, ports.buffer, run);
        wanted.push(...(await wantedByRequest(named, missing, configuration, ports, run)));
        break;
      }
    }
  }
  await forEachLimited(waiting, PARALLEL_READS, async (entry) => {
    switch (entry.type) {
      case 'target':
        wanted.push(wantedByEntry(entry, configuration, ports, run));
        break;
      case 'request':
        wanted.push(...(await wantedByWaitingRequest(entry, configuration, ports, run)));
        break;
    }
  });
  const inOrder = wanted.toSorted((a, b) => a.owner.bufferedAt - b.owner.bufferedAt);
  return {
    claims: inOrder.flatMap(({ owner, targets }) => targets.map((target) => ({ target, owner }))),
    finished: inOrder.flatMap(({ owner, targets }) => (targets.length === 0 ? [owner] : [])),
  };
}

type Wanted = { readonly owner: FlushOwner; readonly targets: readonly PurgeTarget[] };

async function readableOf(
  received: readonly ReceivedMessage[],
  { buffer }: ClaimPorts,
  run: Run,
): Promise<readonly ReadableMessage[]> {
  const readable: ReadableMessage[] = [];
  for (const one of received) {
    switch (one.kind) {
      case 'readable':
        readable.push(one);
        break;
      case 'unreadable':
        await deadLetter(one, one.reason, buffer, run);
        break;
      case 'newer':
        run.log.warn('A message of a newer version waits for that version.', { version: one.version });
        break;
    }
  }
  return readable;
}

function wantedByChange(
  received: ReadableMessage,
  { change, failedAttempts }: ChangeMessage,
  { rules }: Configuration,
  { recent }: ClaimPorts,
): Wanted {
  const { eventId, eventAt, traceparent } = change;
  const paths = new Map<string, string>();
  const targets: PurgeTarget[] = [];
  for (const path of affectedPaths(change)) {
    for (const target of mapToTargets(path, rules)) {
      if (recent.served(eventId, target)) continue;
      targets.push(target);
      paths.set(targetKey(target), `${path.container}/${path.name}`);
    }
  }
  const owner: FlushOwner = {
    causes: [{ type: 'change', eventId, eventAt, traceparent }],
    changes: 1,
    bufferedAt: received.bufferedAt,
    failedAttempts,
    from: { kind: 'change', received, paths },
  };
  return { owner, targets };
}

function wantedByEntry(
  entry: WaitingTarget,
  configuration: Configuration,
  { recent }: ClaimPorts,
  { log }: Run,
): Wanted {
  const owner: FlushOwner = { ...ownerOfEntry(entry), from: { kind: 'waiting', entry } };
  if (recent.servedWaiting(entry.revision)) return { owner, targets: [] };
  const target = targetInForce(entry.target, configuration);
  if (target === undefined) {
    log.warn('The configuration no longer serves a target that waited: it is not purged.', {
      target: keyOf(entry),
    });
  }
  return { owner, targets: target === undefined ? [] : [target] };
}

export function ownerOfEntry({ causes, changes, since, failedAttempts, revision }: WaitingTarget): Owner {
  return { causes, changes, waited: revision, bufferedAt: since, failedAttempts };
}

async function wantedByWaitingRequest(
  entry: WaitingRequest,
  configuration: Configuration,
  ports: ClaimPorts,
  run: Run,
): Promise<readonly Wanted[]> {
  const { requestId, traceparent, failedAttempts, since: bufferedAt, revision: waited } = entry;
  const from: Source = { kind: 'waiting', entry };
  const named = { requestId, traceparent, failedAttempts, bufferedAt, waited, from };
  let isMissing = false;
  const found = await wantedByRequest(
    named,
    async () => {
      isMissing = true;
      run.log.error('A request that waits has no record: ask for the purge again.', { requestId });
    },
    configuration,
    ports,
    run,
  );
  return isMissing ? [{ owner: ownerOf(named, bufferedAt, undefined), targets: [] }] : found;
}

type NamedRequest = {
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly failedAttempts: number;
  readonly bufferedAt: Instant;
  readonly waited?: number;
  readonly from: Source;
};

function ownerOf(
  { requestId, traceparent, failedAttempts, bufferedAt, waited, from }: NamedRequest,
  askedAt: Instant,
  origin: 'tracker' | undefined,
): FlushOwner {
  const cause: Cause = { type: 'request', requestId, askedAt, origin, traceparent };
  return { causes: [cause], changes: 0, requestId, waited, bufferedAt, failedAttempts, from };
}

/** What the request still needs; nothing when that cannot be said now, and the request is left where it stands. */
async function wantedByRequest(
  named: NamedRequest,
  missing: () => Promise<void>,
  configuration: Configuration,
  { records, clock }: ClaimPorts,
  run: Run,
): Promise<readonly Wanted[]> {
  const { requestId } = named;
  try {
    const record = await records.readRequest(requestId);
    if (record === undefined) {
      await missing();
      return [];
    }
    const origin = record.origin === 'tracker' ? record.origin : undefined;
    const owner = ownerOf(named, record.askedAt, origin);
    if (record.state !== 'waiting') return [{ owner, targets: [] }];
    const resolved = resolveAsk(record.ask, configuration);
    if (resolved.ok) {
      const targets = withoutPurged(resolved.value, record);
      // The configuration was changed meanwhile: what is left of the request is served no more.
      if (targets.length === 0) await records.updateRequest(requestId, withNothingLeft);
      return [{ owner, targets }];
    }

    const detail = resolved.error.map((problem) => `${problem.pointer}: ${problem.detail}`).join(' ');
    run.log.error('The configuration no longer serves a request for a purge: ask again once it does.', {
      requestId,
      detail,
    });
    const lastFailure = {
      at: clock.now(),
      kind: 'not-configured',
      detail,
      correlationId: undefined,
    } as const;
    await records.updateRequest(requestId, (current) => withFailure(current, lastFailure, 'failed'));
    return [{ owner, targets: [] }];
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('The record of a request cannot be reached: the request comes again.', {
      requestId,
      error: error.message,
    });
    return [];
  }
}

async function deadLetter(
  message: Parameters<PurgeBuffer['deadLetter']>[0],
  reason: string,
  buffer: PurgeBuffer,
  { log, telemetry }: Run,
): Promise<void> {
  try {
    await buffer.deadLetter(message, reason);
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    log.warn('A message that cannot be used could not be moved to the poison queue: it comes again.', {
      reason,
    });
    return;
  }
  telemetry.track({ name: 'message-dead-lettered', reason });
  log.error('Moved a message that cannot be used to the poison queue.', { reason });
}
