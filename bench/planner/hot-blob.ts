// A blob that is rewritten every ten seconds, all day, beside a site that deploys: does it eat the others' quota?

import type { Trace } from './trace.ts';
import { Inventory } from './inventory.ts';
import type { Method } from './method.ts';
import { replay, type ReplayResult, type Rules } from './replay.ts';
import { DAY_HOURS, replayOne, type Arrival, type Workload } from './workload.ts';
import { rounded } from '../measure.ts';

const HOT_SITE = 'https://live.example';
const HOT_PATH = '/live/score.json';
const EVERY_SECONDS = 10;

export type HotBlobResult = {
  readonly rewritesADay: number;
  /** Of a day's file quota, on the day on which it took most. */
  readonly mostShareOfFiles: number;
  readonly longestStaleMinutes: number;
  /** What the others' changes wait with it, and without it: the same. */
  readonly othersStaleHours: { readonly with: number; readonly without: number };
  readonly othersWaitingOverReset: number;
};

export function replayHotBlob(
  trace: Trace,
  rules: Rules,
  method: Method,
  options: {
    readonly perDay: number;
    readonly days: number;
    readonly skip: number;
  },
): HotBlobResult {
  const others = replayOne(trace, options);
  const alone = replay(others, rules, method);
  const both = replay(withHotBlob(others), rules, method);
  return {
    rewritesADay: (DAY_HOURS * 3600) / EVERY_SECONDS,
    mostShareOfFiles: rounded(
      Math.max(...both.fileUnitsByDay.map((units) => units.get(HOT_SITE) ?? 0)) / rules.limits.files,
      4,
    ),
    longestStaleMinutes: rounded(60 * longest(both, (site) => site === HOT_SITE), 2),
    othersStaleHours: {
      with: staleHoursOf(both, (site) => site !== HOT_SITE),
      without: staleHoursOf(alone, () => true),
    },
    othersWaitingOverReset: both.waitingByDay
      .flatMap((bySite) => [...bySite])
      .reduce((sum, [site, waiting]) => sum + (site === HOT_SITE ? 0 : waiting), 0),
  };
}

function withHotBlob({ name, startInventories, days }: Workload): Workload {
  return {
    name: `${name}, and a hot blob`,
    startInventories: () => {
      const hot = new Inventory();
      hot.deploy({ puts: [HOT_PATH], deletes: [] });
      return new Map([...startInventories(), [HOT_SITE, hot]]);
    },
    days: days.map((arrivals) => [...arrivals, ...rewrites()].toSorted((a, b) => a.atHours - b.atHours)),
  };
}

function rewrites(): Arrival[] {
  return Array.from({ length: (DAY_HOURS * 3600) / EVERY_SECONDS }, (_, index) => ({
    site: HOT_SITE,
    atHours: (index * EVERY_SECONDS) / 3600,
    deployment: { puts: [HOT_PATH], deletes: [] },
  }));
}

function staleHoursOf({ staleHours }: ReplayResult, isOne: (site: string) => boolean): number {
  return rounded(
    staleHours.filter(({ site }) => isOne(site)).reduce((sum, { hours }) => sum + hours, 0),
    4,
  );
}

function longest({ staleHours }: ReplayResult, isOne: (site: string) => boolean): number {
  return staleHours.reduce((most, { site, hours }) => (isOne(site) ? Math.max(most, hours) : most), 0);
}
