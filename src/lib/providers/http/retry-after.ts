// Reads the Retry-After header: seconds, or a date. RFC 9110, section 10.2.3.

import type { Instant } from '../../core/instant.ts';

/** A server that asks for more is not believed: an hour later the question is cheap to ask again. */
const LONGEST_MS = 60 * 60_000;

/** Takes the header's text and the present, gives milliseconds from now (at most an hour), or undefined where it says nothing. */
export function parseRetryAfter(text: string | undefined, now: Instant): number | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  const waitMs = /^\d{1,9}$/.test(trimmed) ? Number(trimmed) * 1000 : Date.parse(trimmed) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), LONGEST_MS);
}
