// Reads the Retry-After header: seconds, or a date. RFC 9110, section 10.2.3.

import type { Instant } from '../../core/instant.ts';
import { parseHttpDate } from './http-date.ts';

/** A server that asks for more is not believed: an hour later the question is cheap to ask again. */
const LONGEST_MS = 60 * 60_000;

/** Takes the header's text and the present, gives milliseconds from now (at most an hour), or undefined where it says nothing. */
export function parseRetryAfter(text: string | undefined, now: Instant): number | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Math.min(Number(trimmed) * 1000, LONGEST_MS);
  const at = parseHttpDate(trimmed);
  return at === undefined ? undefined : Math.min(Math.max(at - now, 0), LONGEST_MS);
}
