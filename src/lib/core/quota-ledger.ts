// How much of a subscription's daily purge quota is spent, and by whom. Reserved before a request leaves,
// confirmed or released after it; what nobody settles stays spent.

import type { CoalescedTarget } from './coalesce.ts';
import type { Instant } from './instant.ts';
import type { DayBudget } from './purge-budget.ts';
import { quotaDays, type QuotaCalendar, type QuotaDay } from './quota-days.ts';

export type Lane = 'events' | 'manual';

/** The CDN counts URLs: files and directories apart. */
export type QuotaUnit = 'files' | 'directories';

/** What a purge of the target spends one of. */
export const unitOf = ({ target }: Pick<CoalescedTarget<unknown>, 'target'>): QuotaUnit =>
  target.kind === 'file' ? 'files' : 'directories';

export type Units = Readonly<Record<QuotaUnit, number>>;

export type QuotaPolicy = QuotaCalendar & {
  readonly budgets: readonly DayBudget[];
  readonly sites: ReadonlyMap<string, SiteShare>;
  /** Requests with one URL that are throttled for so long mean that the quota is spent. */
  readonly spentAfterThrottledMs: number;
  /** How often one URL is sent all the same, then. */
  readonly probeEveryMs: number;
};

export type SiteShare = {
  /** Guaranteed. What is not used is lent to others in step with the day: at noon half of it. */
  readonly reserve: Units;
  readonly max: Units;
  /** The higher one goes first when not all can. */
  readonly priority: number;
};

/** Who spends: a site, on one lane. */
export type Spender = { readonly site: string; readonly lane: Lane };

export type SpentEntry = Spender & Units;

export type Reservation = {
  readonly id: string;
  readonly at: Instant;
  readonly days: readonly QuotaDay[];
  readonly spent: readonly SpentEntry[];
};

export type QuotaLedger = {
  readonly version: 1;
  readonly days: readonly { readonly day: QuotaDay; readonly spent: readonly SpentEntry[] }[];
  readonly reservations: readonly Reservation[];
};

export const EMPTY_LEDGER: QuotaLedger = { version: 1, days: [], reservations: [] };

/** Puts what was taken on the ledger, for every day that counts now. */
export function reserve(
  ledger: QuotaLedger,
  reservation: { readonly id: string; readonly spent: readonly SpentEntry[] },
  policy: QuotaPolicy,
  at: Instant,
): QuotaLedger {
  const { id, spent } = reservation;
  return {
    ...ledger,
    reservations: [...ledger.reservations, { id, at, days: quotaDays(at, policy), spent }],
  };
}

/**
 * Replaces a reservation by what was really spent of it. A purge that was sent after a reset had passed counts in
 * the days of its sending too. A reservation that is not there any more was settled before.
 */
export function settleReservation(
  ledger: QuotaLedger,
  id: string,
  spent: readonly SpentEntry[],
  policy: QuotaPolicy,
  at: Instant,
): QuotaLedger {
  const reservation = ledger.reservations.find((one) => one.id === id);
  if (reservation === undefined) return ledger;
  const days = new Set([...reservation.days, ...quotaDays(at, policy)]);
  const known = new Map(ledger.days.map((one) => [one.day, one.spent]));
  for (const day of days) known.set(day, addUp([...(known.get(day) ?? []), ...spent]));
  return {
    version: 1,
    days: [...known].map(([day, ofDay]) => ({ day, spent: ofDay })),
    reservations: ledger.reservations.filter((one) => one.id !== id),
  };
}

/** How long a day stays on the ledger, for the people who read it. */
const KEEP_MS = 8 * 24 * 3_600_000;

/** Drops days and reservations that count no more. */
export function forgetOldDays(ledger: QuotaLedger, at: Instant): QuotaLedger {
  return {
    version: 1,
    days: ledger.days.filter(({ day }) => day > at - KEEP_MS),
    reservations: ledger.reservations.filter((one) => one.at > at - KEEP_MS),
  };
}

/** What is spent or reserved in a day, by spender. */
export function spentInDay(ledger: QuotaLedger, day: QuotaDay): readonly SpentEntry[] {
  const confirmed = ledger.days.find((one) => one.day === day)?.spent ?? [];
  const reserved = ledger.reservations.filter(({ days }) => days.includes(day)).flatMap(({ spent }) => spent);
  return addUp([...confirmed, ...reserved]);
}

function addUp(entries: readonly SpentEntry[]): readonly SpentEntry[] {
  const sums = new Map<string, { site: string; lane: Lane; files: number; directories: number }>();
  for (const { site, lane, files, directories } of entries) {
    const key = `${lane} ${site}`;
    const sum = sums.get(key) ?? { site, lane, files: 0, directories: 0 };
    sum.files += files;
    sum.directories += directories;
    sums.set(key, sum);
  }
  return [...sums.values()].filter(({ files, directories }) => files + directories > 0);
}
