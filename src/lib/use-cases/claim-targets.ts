// From received messages to claims on targets, by the configuration of this moment.

import { affectedPaths } from '../core/blob-change.ts';
import type { ChangeMessage, RequestMessage } from '../core/buffer-message.ts';
import type { Claim } from '../core/coalesce.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Cause } from '../core/purge-record.ts';
import { resolveAsk, withFailure, withNothingLeft } from '../core/purge-request.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
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
import { withoutPurged } from './request-progress.ts';
import type { Owner } from './owner.ts';

/** A buffered message whose targets a flush purges. */
export type FlushOwner = Owner & { readonly received: ReadableMessage };

export type Claims = {
  /** Oldest message first. */
  readonly claims: readonly Claim<FlushOwner>[];
  /** Messages that need no purge any more. */
  readonly finished: readonly { readonly received: ReadableMessage }[];
};

type ClaimPorts = { readonly buffer: PurgeBuffer; readonly records: PurgeRecords; readonly clock: Clock };

/** Takes what was received, gives who claims what. What cannot be read goes to the poison queue. */
export async function claimTargets(
  received: readonly ReceivedMessage[],
  configuration: Configuration,
  ports: ClaimPorts,
  run: Run,
): Promise<Claims> {
  const claims: Claim<FlushOwner>[] = [];
  const finished: { received: ReadableMessage }[] = [];
  const claim = (one: ReadableMessage, cause: Cause, targets: readonly PurgeTarget[]): void => {
    if (targets.length === 0) {
      finished.push({ received: one });
      return;
    }
    const { bufferedAt, message } = one;
    const owner: FlushOwner = { cause, bufferedAt, failedAttempts: message.failedAttempts, received: one };
    for (const target of targets) claims.push({ target, owner });
  };

  const readable: ReadableMessage[] = [];
  for (const one of received) {
    switch (one.kind) {
      case 'readable':
        readable.push(one);
        break;
      case 'unreadable':
        await deadLetter(one, one.reason, ports.buffer, run);
        break;
      case 'newer':
        run.log.warn('A message of a newer version waits for that version.', { version: one.version });
        break;
    }
  }
  for (const one of readable.toSorted((a, b) => a.bufferedAt - b.bufferedAt)) {
    switch (one.message.type) {
      case 'change':
        claim(one, causeOfChange(one.message), targetsOfChange(one.message, configuration));
        break;
      case 'request': {
        const asked = await targetsOfRequest(one, one.message, configuration, ports, run);
        if (asked !== undefined) claim(one, asked.cause, asked.targets);
        break;
      }
    }
  }
  return { claims, finished };
}

function causeOfChange({ change }: ChangeMessage): Cause {
  const { eventId, eventAt, traceparent } = change;
  return { type: 'change', eventId, eventAt, traceparent };
}

function targetsOfChange({ change }: ChangeMessage, configuration: Configuration): readonly PurgeTarget[] {
  return affectedPaths(change).flatMap((path) => mapToTargets(path, configuration.rules));
}

/** What the request still needs; undefined when that cannot be said now, and the message is left alone. */
async function targetsOfRequest(
  received: ReadableMessage,
  { requestId, traceparent }: RequestMessage,
  configuration: Configuration,
  { buffer, records, clock }: ClaimPorts,
  run: Run,
): Promise<{ cause: Cause; targets: readonly PurgeTarget[] } | undefined> {
  try {
    const record = await records.readRequest(requestId);
    if (record === undefined) {
      await deadLetter(received, `the request ${requestId} has no record`, buffer, run);
      return undefined;
    }
    const origin = record.origin === 'tracker' ? record.origin : undefined;
    const cause: Cause = { type: 'request', requestId, askedAt: record.askedAt, origin, traceparent };
    if (record.state !== 'waiting') return { cause, targets: [] };
    const resolved = resolveAsk(record.ask, configuration);
    if (resolved.ok) {
      const targets = withoutPurged(resolved.value, record);
      // The configuration was changed meanwhile: what is left of the request is served no more.
      if (targets.length === 0) await records.updateRequest(requestId, withNothingLeft);
      return { cause, targets };
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
    return { cause, targets: [] };
  } catch (error) {
    if (!(error instanceof StorageTrouble)) throw error;
    run.log.warn('The record of a request cannot be reached: the request comes again.', {
      requestId,
      error: error.message,
    });
    return undefined;
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
