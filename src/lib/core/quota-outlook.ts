// How a day's quota stands, and how it will stand at its reset if the day goes on as it did, or as days usually go.

import { instant, type Instant } from './instant.ts';
import { spendOf, type DayBudget } from './purge-budget.ts';
import { quotaDays, shareOfDayLeft } from './quota-days.ts';
import { spentInDay, type QuotaLedger, type QuotaPolicy, type Units } from './quota-ledger.ts';
import { openPurse } from './quota-purse.ts';
import { usualSpending } from './usual-spending.ts';

export type BudgetOutlook = {
  /** `files`, `directories`, or both with what each takes. */
  readonly budget: string;
  readonly limit: number;
  /** Spent or reserved. */
  readonly used: number;
  readonly left: number;
  /** Without what is kept for people. */
  readonly leftForEvents: number;
  /** By the pace of the day so far; `used` while too little of the day is over to tell. */
  readonly forecastByClock: number;
  /** What is used, and as much more as the rest of a day usually takes; undefined before the first day is over. */
  readonly forecastByUsualDay: number | undefined;
  readonly resetAt: Instant;
};

const DAY_MS = 24 * 3_600_000;
/** The first hour says little of a day. */
const TELLING_SHARE = 1 / 24;

/**
 * Takes a ledger, gives the outlook for each budget. Where several days count at once, the one with the least left is
 * told of; of equals the one that ends last.
 */
export function quotaOutlook(
  ledger: QuotaLedger,
  policy: QuotaPolicy,
  at: Instant,
): readonly BudgetOutlook[] {
  const days = quotaDays(at, policy).toSorted((one, other) => other - one);
  const usual = usualSpending(ledger, policy, at);
  const leftForEvents = openPurse(ledger, policy, at).leftForEvents();
  const sums = days.map((day) => ({ day, spent: sumOf(spentInDay(ledger, day)) }));
  return policy.budgets.flatMap((budget, index) => {
    const [first, ...others] = sums.map(({ day, spent }) => ({ day, used: spendOf(budget, spent) }));
    if (first === undefined || !Number.isFinite(budget.limit)) return [];
    const { day, used } = others.reduce((worst, one) => (one.used > worst.used ? one : worst), first);
    const left = shareOfDayLeft(day, at);
    return [
      {
        budget: nameOf(budget),
        limit: budget.limit,
        used,
        left: Math.max(budget.limit - used, 0),
        leftForEvents: leftForEvents[index] ?? 0,
        forecastByClock: 1 - left < TELLING_SHARE ? used : Math.round(used / (1 - left)),
        forecastByUsualDay:
          usual === undefined ? undefined : Math.round(used + spendOf(budget, usual) * left),
        resetAt: instant(day + DAY_MS),
      },
    ];
  });
}

function sumOf(entries: readonly Units[]): Units {
  return entries.reduce<Units>(
    (sum, { files, directories }) => ({
      files: sum.files + files,
      directories: sum.directories + directories,
    }),
    { files: 0, directories: 0 },
  );
}

function nameOf({ perFile, perDirectory }: DayBudget): string {
  if (perDirectory === 0) return 'files';
  if (perFile === 0) return 'directories';
  return `${perFile} a file, ${perDirectory} a directory`;
}
