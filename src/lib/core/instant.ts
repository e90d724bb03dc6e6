// A point in time, always passed in: the core reads no clock.

declare const instantBrand: unique symbol;

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly [instantBrand]: true };

function isInstant(epochMs: number): epochMs is Instant {
  return Number.isFinite(epochMs);
}

/** Takes milliseconds since the epoch, gives the instant. Throws a RangeError for NaN and infinities. */
export function instant(epochMs: number): Instant {
  if (!isInstant(epochMs)) throw new RangeError(`not a point in time: ${epochMs}`);
  return epochMs;
}

/** Last millisecond of the year 9999: what comes later has no four-digit year, and ISO 8601 writes it otherwise. */
const LATEST_MS = 253_402_300_799_999;

/** Whether milliseconds since the epoch are a time that every record can hold: 1970 to 9999. */
export function isRecordable(epochMs: number): boolean {
  return epochMs >= 0 && epochMs <= LATEST_MS;
}
