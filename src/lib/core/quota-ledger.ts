// How much of a subscription's daily purge quota is spent, and by whom. Reserved before a request leaves,
// confirmed or released after it; what nobody settles stays spent.

import type { CoalescedTarget } from './coalesce.ts';
import type { Instant } from './instant.ts';
import { spendOf, type DayBudget } from './purge-budget.ts';
import { quotaDays, shareOfDayLeft, type QuotaCalendar, type QuotaDay } from './quota-days.ts';

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

/** What may be spent at one moment; each taking leaves less. */
export type Purse = {
  /** Takes one unit and says true, or leaves all as it is and says false. */
  readonly take: (spender: Spender, unit: QuotaUnit) => boolean;
  /** Undoes a taking. */
  readonly putBack: (spender: Spender, unit: QuotaUnit) => void;
  /** What was taken, by spender. */
  readonly taken: () => readonly SpentEntry[];
  /** What events may still take of each budget altogether, in the order of the policy. */
  readonly leftForEvents: () => readonly number[];
  /** What events of a site may still take of each budget; sites without a guarantee or a maximum are not named. */
  readonly sharesForEvents: () => ReadonlyMap<string, BudgetShare>;
};

/** In the order of the policy's budgets. */
export type BudgetShare = {
  /** What is left of what others must leave to it. */
  readonly guaranteed: readonly number[];
  readonly most: readonly number[];
};

/** Takes a ledger, the policy and the present, gives a purse that keeps every limit in every day that counts now. */
export function openPurse(ledger: QuotaLedger, policy: QuotaPolicy, at: Instant): Purse {
  const days = quotaDays(at, policy).map((day) => openDay(day, ledger, policy, at));
  const taken = new Map<string, { site: string; lane: Lane; files: number; directories: number }>();
  const spend = (spender: Spender, unit: QuotaUnit, amount: 1 | -1): void => {
    for (const day of days) day.spend(spender, unit, amount);
    const key = `${spender.lane} ${spender.site}`;
    const entry = taken.get(key) ?? { site: spender.site, lane: spender.lane, files: 0, directories: 0 };
    entry[unit] += amount;
    taken.set(key, entry);
  };
  return {
    take(spender, unit) {
      if (!days.every((day) => day.allows(spender, unit))) return false;
      spend(spender, unit, 1);
      return true;
    },
    putBack: (spender, unit) => spend(spender, unit, -1),
    taken: () => addUp([...taken.values()]),
    leftForEvents: () =>
      ofEach(
        Math.min,
        days.map((day) => day.leftForEvents()),
      ),
    sharesForEvents() {
      const shares = days.map((day) => day.sharesForEvents());
      return new Map(
        [...(shares[0]?.keys() ?? [])].map((site) => {
          const ofDays = shares.flatMap((ofDay) => ofDay.get(site) ?? []);
          // Every day's guarantee is kept from the others, and every day's maximum holds.
          const guaranteed = ofEach(
            Math.max,
            ofDays.map((share) => share.guaranteed),
          );
          return [
            site,
            {
              guaranteed,
              most: ofEach(
                Math.min,
                ofDays.map((share) => share.most),
              ),
            },
          ];
        }),
      );
    },
  };
}

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

type OpenDay = {
  readonly allows: (spender: Spender, unit: QuotaUnit) => boolean;
  readonly spend: (spender: Spender, unit: QuotaUnit, amount: 1 | -1) => void;
  readonly leftForEvents: () => readonly number[];
  readonly sharesForEvents: () => ReadonlyMap<string, BudgetShare>;
};

type Counts = { files: number; directories: number };

const ONE: Readonly<Record<QuotaUnit, Units>> = {
  files: { files: 1, directories: 0 },
  directories: { files: 0, directories: 1 },
};

function openDay(day: QuotaDay, ledger: QuotaLedger, policy: QuotaPolicy, at: Instant): OpenDay {
  const { budgets, sites } = policy;
  const total: Counts = { files: 0, directories: 0 };
  const manual: Counts = { files: 0, directories: 0 };
  const bySite = new Map<string, Counts>();
  const ofSite = (site: string): Counts => {
    const known = bySite.get(site) ?? { files: 0, directories: 0 };
    bySite.set(site, known);
    return known;
  };
  const add = ({ site, lane }: Spender, unit: QuotaUnit, amount: number): void => {
    total[unit] += amount;
    if (lane === 'manual') manual[unit] += amount;
    else ofSite(site)[unit] += amount;
  };
  for (const entry of spentInDay(ledger, day)) {
    add(entry, 'files', entry.files);
    add(entry, 'directories', entry.directories);
  }
  const left = shareOfDayLeft(day, at);
  /** What a site is still guaranteed of a budget. */
  const guaranteedTo = (site: string, { reserve }: SiteShare, budget: DayBudget): number =>
    Math.max(Math.ceil(spendOf(budget, reserve) * left) - spendOf(budget, ofSite(site)), 0);
  const heldFor = (others: string, budget: DayBudget): number => {
    let held = 0;
    for (const [site, share] of sites) if (site !== others) held += guaranteedTo(site, share, budget);
    return held;
  };
  const keptForPeople = (budget: DayBudget): number =>
    Math.max(budget.keptForPeople - spendOf(budget, manual), 0);
  const leftOf = (budget: DayBudget): number => budget.limit - spendOf(budget, total);
  const spentOn = (unit: QuotaUnit): readonly DayBudget[] =>
    budgets.filter((budget) => spendOf(budget, ONE[unit]) > 0);
  const concerned = { files: spentOn('files'), directories: spentOn('directories') };
  return {
    allows({ site, lane }, unit) {
      const isPersons = lane === 'manual';
      for (const budget of concerned[unit]) {
        const kept = isPersons ? 0 : keptForPeople(budget) + heldFor(site, budget);
        if (leftOf(budget) - kept < spendOf(budget, ONE[unit])) return false;
      }
      if (isPersons) return true;
      return ofSite(site)[unit] < (sites.get(site)?.max[unit] ?? Infinity);
    },
    spend: add,
    leftForEvents: () => budgets.map((budget) => Math.max(leftOf(budget) - keptForPeople(budget), 0)),
    sharesForEvents() {
      const shared = [...sites].filter(([, { reserve, max }]) =>
        [reserve.files, reserve.directories, 1 / max.files, 1 / max.directories].some((share) => share > 0),
      );
      return new Map(
        shared.map(([site, share]) => [
          site,
          {
            guaranteed: budgets.map((budget) => guaranteedTo(site, share, budget)),
            most: budgets.map((budget) =>
              Math.max(spendOf(budget, share.max) - spendOf(budget, ofSite(site)), 0),
            ),
          },
        ]),
      );
    },
  };
}

/** Takes lists of one length, gives what `choose` makes of the numbers at each place. */
function ofEach(
  choose: (...numbers: readonly number[]) => number,
  lists: readonly (readonly number[])[],
): readonly number[] {
  return (lists[0] ?? []).map((_, at) => choose(...lists.flatMap((list) => list.slice(at, at + 1))));
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
