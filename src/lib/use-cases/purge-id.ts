// The ids of purges: they carry their day, so that a record is found without a search.

import type { Instant } from '../core/instant.ts';

/** Takes when the CDN accepted and a UUID, gives the id: `YYYYMMDD-<uuid>`, by the day in UTC. */
export function purgeIdOf(acceptedAt: Instant, uuid: string): string {
  return `${new Date(acceptedAt).toISOString().slice(0, 10).replaceAll('-', '')}-${uuid}`;
}

/** Takes what may be an id of a purge, gives its day as `YYYY-MM-DD` and its UUID; undefined where it is none. */
export function parsePurgeId(text: string): { readonly day: string; readonly uuid: string } | undefined {
  const { year, month, day, uuid } = PURGE_ID.exec(text)?.groups ?? {};
  if (year === undefined || month === undefined || day === undefined || uuid === undefined) return undefined;
  return { day: `${year}-${month}-${day}`, uuid };
}

const PURGE_ID =
  /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})-(?<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/u;
