// What telemetry is told of one attempt to purge.

import type { Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { isPersons } from '../core/purge-record.ts';
import type { Owner } from './owner.ts';
import type { Run } from './ports.ts';
import type { Attempt } from './telemetry-event.ts';

export type Attempted = {
  readonly cdn: string;
  /** Undefined when no endpoint was found for the host. */
  readonly endpointId: string | undefined;
  readonly sites: string;
  readonly files: number;
  readonly directories: number;
  readonly owners: readonly Owner[];
};

/** Takes what was tried and the time of its outcome, gives its properties. */
export function describeAttempt({ owners, ...sizes }: Attempted, now: Instant): Attempt {
  const { cdn, endpointId, sites, files, directories } = sizes;
  const requests = owners.filter(({ requestId }) => requestId !== undefined).length;
  const causes = owners.flatMap((owner) => owner.causes);
  return {
    lane: causes.some(isPersons) ? 'manual' : 'events',
    cdn,
    endpointId,
    sites,
    files,
    directories,
    changes: owners.reduce((sum, { changes }) => sum + changes, 0),
    requests,
    attempt: 1 + owners.reduce((most, { failedAttempts }) => Math.max(most, failedAttempts), 0),
    queueAgeMs: now - oldest(owners, now, ({ bufferedAt }) => bufferedAt),
    eventAgeMs:
      now - oldest(causes, now, (cause) => (cause.type === 'change' ? cause.eventAt : cause.askedAt)),
  };
}

/** One event for a purge that was refused or failed. */
export function trackNotAccepted(attempt: Attempt, outcome: NotAccepted, { telemetry }: Run): void {
  switch (outcome.kind) {
    case 'refused': {
      const { errorType, status, message, correlationId } = outcome;
      telemetry.track({ name: 'purge-refused', ...attempt, errorType, status, message, correlationId });
      break;
    }
    case 'failed': {
      const { reason, status, detail, correlationId } = outcome;
      telemetry.track({ name: 'purge-failed', ...attempt, reason, status, detail, correlationId });
      break;
    }
  }
}

function oldest<T>(list: readonly T[], now: Instant, timeOf: (one: T) => Instant): number {
  return list.reduce<number>((least, one) => Math.min(least, timeOf(one)), now);
}
