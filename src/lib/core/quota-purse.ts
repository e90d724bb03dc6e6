// What may be spent at one moment by whom, by a subscription's ledger: every limit in every day that counts, what is
// kept for people, and what sites are guaranteed or may take at most.

import type { Instant } from './instant.ts';
import { spendOf, type DayBudget } from './purge-budget.ts';
import { quotaDays, shareOfDayLeft, type QuotaDay } from './quota-days.ts';
import {
  spentInDay,
  type Lane,
  type QuotaLedger,
  type QuotaPolicy,
  type QuotaUnit,
  type SiteShare,
  type SpentEntry,
  type Spender,
  type Units,
} from './quota-ledger.ts';

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
    taken: () =>
      [...taken.values()]
        .filter(({ files, directories }) => files + directories > 0)
        .map((one) => ({ ...one })),
    leftForEvents: () =>
      atEachPlace(
        Math.min,
        days.map((day) => day.leftForEvents()),
      ),
    sharesForEvents() {
      const ofDays = days.flatMap((day) => [...day.sharesForEvents()]);
      const bySite = Map.groupBy(ofDays, ([site]) => site);
      return new Map(
        [...bySite].map(([site, shares]) => {
          // Every day's guarantee is kept from the others, and every day's maximum holds.
          const guaranteed = shares.map(([, share]) => share.guaranteed);
          const most = shares.map(([, share]) => share.most);
          return [site, { guaranteed: atEachPlace(Math.max, guaranteed), most: atEachPlace(Math.min, most) }];
        }),
      );
    },
  };
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
  const guaranteedToOthers = (own: string, budget: DayBudget): number => {
    let sum = 0;
    for (const [site, share] of sites) if (site !== own) sum += guaranteedTo(site, share, budget);
    return sum;
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
        const kept = isPersons ? 0 : keptForPeople(budget) + guaranteedToOthers(site, budget);
        if (leftOf(budget) - kept < spendOf(budget, ONE[unit])) return false;
      }
      if (isPersons) return true;
      return ofSite(site)[unit] < (sites.get(site)?.max[unit] ?? Infinity);
    },
    spend: add,
    leftForEvents: () => budgets.map((budget) => Math.max(leftOf(budget) - keptForPeople(budget), 0)),
    sharesForEvents() {
      const shared = [...sites].filter(
        ([, { reserve, max }]) =>
          reserve.files + reserve.directories > 0 || max.files < Infinity || max.directories < Infinity,
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
function atEachPlace(
  choose: (...numbers: readonly number[]) => number,
  lists: readonly (readonly number[])[],
): readonly number[] {
  return (lists[0] ?? []).map((_, at) => choose(...lists.flatMap((list) => list.slice(at, at + 1))));
}
