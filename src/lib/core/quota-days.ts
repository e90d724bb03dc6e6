// Which days a spend counts in. The CDN's documents name a daily quota, but not the hour at which its day begins.

import { instant, type Instant } from './instant.ts';

/** The moment at which a quota's day begins; the day lasts 24 hours. */
export type QuotaDay = Instant;

export type QuotaCalendar = {
  /** Hours from UTC at whose midnight the quota is reset; undefined: not known. */
  readonly resetUtcOffsetHours: number | undefined;
  /** A spend this close to a reset may be counted by the CDN on either side of it. */
  readonly resetMarginMs: number;
};

/** Until the reset is known, the limit is kept in both days that it could be: UTC's, and China's. */
const POSSIBLE_OFFSETS: readonly number[] = [0, 8];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Takes a point in time, gives every day in which a spend at that time counts. */
export function quotaDays(at: Instant, calendar: QuotaCalendar): readonly QuotaDay[] {
  const { resetMarginMs: marginMs } = calendar;
  const days = offsetsOf(calendar).flatMap((offset) =>
    [at - marginMs, at, at + marginMs].map((near) => beginOfDay(near, offset)),
  );
  return [...new Set(days)].map(instant);
}

/** Takes a point in time, gives when the first of the days that count then is over: more may be left after it. */
export function firstReset(at: Instant, calendar: QuotaCalendar): Instant {
  return instant(Math.min(...quotaDays(at, calendar)) + DAY_MS + calendar.resetMarginMs);
}

/** Takes a point in time, gives when every day that counts then is over: a spent quota is whole again. */
export function nextReset(at: Instant, calendar: QuotaCalendar): Instant {
  return instant(Math.max(...quotaDays(at, calendar)) + DAY_MS + calendar.resetMarginMs);
}

/** How much of a day is left at a time: from 1 at its beginning to 0 at its end. */
export function shareOfDayLeft(day: QuotaDay, at: Instant): number {
  return Math.min(Math.max((day + DAY_MS - at) / DAY_MS, 0), 1);
}

function offsetsOf({ resetUtcOffsetHours }: QuotaCalendar): readonly number[] {
  return resetUtcOffsetHours === undefined ? POSSIBLE_OFFSETS : [resetUtcOffsetHours];
}

function beginOfDay(epochMs: number, offsetHours: number): number {
  const shiftMs = offsetHours * HOUR_MS;
  return Math.floor((epochMs + shiftMs) / DAY_MS) * DAY_MS - shiftMs;
}
