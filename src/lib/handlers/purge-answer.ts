// A purge's record as the HTTP API shows it.

import type { Instant } from '../core/instant.ts';
import { isEnded, type Cause, type PurgeRecord } from '../core/purge-record.ts';

/** Takes a record, gives its JSON body: as it is stored, less what only the app needs or may know. */
export function describePurgeRecord(record: PurgeRecord): Readonly<Record<string, unknown>> {
  const { version: _version, operationUrl: _secret, acceptedAt, causes, ...facts } = record;
  return {
    ...facts,
    acceptedAt: iso(acceptedAt),
    ...(isEnded(record) ? { endedAt: iso(record.endedAt) } : { nextPollAt: iso(record.nextPollAt) }),
    causes: causes.map(describeCause),
  };
}

function describeCause(cause: Cause): Readonly<Record<string, unknown>> {
  switch (cause.type) {
    case 'change':
      return { ...cause, eventAt: iso(cause.eventAt) };
    case 'request':
      return { ...cause, askedAt: iso(cause.askedAt) };
  }
}

const iso = (at: Instant): string => new Date(at).toISOString();
