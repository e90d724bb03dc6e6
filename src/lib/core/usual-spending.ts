// What a day usually takes, by the days that the ledger still knows.

import { instant, type Instant } from './instant.ts';
import { quotaDays } from './quota-days.ts';
import { spentInDay, type QuotaLedger, type QuotaPolicy, type Units } from './quota-ledger.ts';

const DAY_MS = 24 * 3_600_000;
/** As many as the ledger keeps. */
const DAYS = 7;

/**
 * Takes a ledger, gives what events spent a day on average in the last days that are over, a day without any included;
 * undefined before the first one is.
 */
export function usualSpending(ledger: QuotaLedger, policy: QuotaPolicy, at: Instant): Units | undefined {
  const today = quotaDays(at, policy);
  const begin = Math.min(...today);
  const first = ledger.days.reduce((oldest, { day }) => Math.min(oldest, day), begin);
  let days = 0;
  const sum = { files: 0, directories: 0 };
  for (let day = begin - DAY_MS; day >= first && days < DAYS; day -= DAY_MS) {
    days += 1;
    for (const { lane, files, directories } of spentInDay(ledger, instant(day))) {
      if (lane !== 'events') continue;
      sum.files += files;
      sum.directories += directories;
    }
  }
  return days === 0 ? undefined : { files: sum.files / days, directories: sum.directories / days };
}
