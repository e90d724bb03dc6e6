// One log line as the Functions host keeps it.

import { shownTime } from './shown-time.ts';
import type { LogDetails } from './use-cases/ports.ts';

/**
 * The host keeps text only, so details are JSON behind the message; names in them may hold anything, so it is escaped.
 * Details that are times are shown in the zone of `showTimesIn`.
 */
export function formatLine(message: string, details: LogDetails = {}): string {
  const given = Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === 'string' ? shownTime(value) : value]);
  const line = given.length === 0 ? message : `${message} ${JSON.stringify(Object.fromEntries(given))}`;
  return line.replace(
    NOT_FOR_A_LOG,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Control characters, line separators, and marks that turn the direction of the text around. */
const NOT_FOR_A_LOG = /[\p{Cc}\u061C\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
