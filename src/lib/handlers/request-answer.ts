// A request's record as the HTTP API shows it.

import type { Instant } from '../core/instant.ts';
import type { RequestRecord } from '../core/purge-request.ts';

export type RequestAnswerBody = Readonly<Record<string, unknown>>;

/** Takes a record, gives its JSON body. `correlationId` is the CDN's for the first call, for what usually is one. */
export function describeRequest(record: RequestRecord): RequestAnswerBody {
  const { id, state, origin, repurges, reason, askedAt, targets, purges, refused, lastFailure } = record;
  return {
    id,
    state,
    ...(origin === 'tracker' ? { origin, repurges } : {}),
    reason,
    askedAt: iso(askedAt),
    targets,
    purges: purges.map(({ acceptedAt, ...purge }) => ({ ...purge, acceptedAt: iso(acceptedAt) })),
    ...(refused === undefined ? {} : { refused }),
    correlationId: purges[0]?.correlationId ?? lastFailure?.correlationId ?? null,
    ...(lastFailure === undefined ? {} : { lastFailure: { ...lastFailure, at: iso(lastFailure.at) } }),
  };
}

const iso = (at: Instant): string => new Date(at).toISOString();
