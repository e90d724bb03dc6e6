// Reads the dates of HTTP headers. RFC 9110, section 5.6.7.

import { instant, type Instant } from '../../core/instant.ts';

/** Takes a header's text, gives the time, or undefined for another form. */
export function parseHttpDate(text: string | undefined): Instant | undefined {
  const at = text !== undefined && HTTP_DATE.test(text.trim()) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : instant(at);
}

/** `Date.parse` alone would also make a date of "1.5". */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
