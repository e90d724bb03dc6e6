// Reads the Retry-After header: seconds, or a date. RFC 9110, section 10.2.3.

import type { Instant } from '../../core/instant.ts';

/** A server that asks for more is not believed: an hour later the question is cheap to ask again. */
const LONGEST_MS = 60 * 60_000;

/** Takes the header's text and the present, gives milliseconds from now (at most an hour), or undefined where it says nothing. */
export function parseRetryAfter(text: string | undefined, now: Instant): number | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Math.min(Number(trimmed) * 1000, LONGEST_MS);
  const waitMs = HTTP_DATE.test(trimmed) ? Date.parse(trimmed) - now : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), LONGEST_MS);
}

/** RFC 9110, section 5.6.7. `Date.parse` alone would also make a date of "1.5". */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
