// Due files and the state of the day as the planner's problem.

import { ownersOf } from '../core/coalesce.ts';
import type { PlannerConfiguration } from '../core/configuration.ts';
import type { Inventory } from '../core/inventory/inventory.ts';
import type { Instant } from '../core/instant.ts';
import { defaultOnlineSettings, type OnlineProblem, type WaitingDue } from '../core/planner/online.ts';
import type { PacedBudget } from '../core/planner/prices.ts';
import { DEFAULT_WORK_LIMIT } from '../core/planner/problem.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import type { BudgetShare } from '../core/quota-purse.ts';
import { startOfPath } from '../core/url-matching.ts';
import type { DaySpending } from './day-spending.ts';
import type { Owner } from './owner.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** What may be spent now, and when the day is over. */
export type SpendingDay = {
  readonly budgets: readonly PacedBudget[];
  /** By site, in the order of the budgets. */
  readonly shares: ReadonlyMap<string, BudgetShare>;
  readonly reset: Instant;
  /** Two while the hour of the reset is not known: what goes counts in both. */
  readonly daysAtOnce: number;
  /** Groups must fit into one request. */
  readonly urlsPerRequest: number;
  /** The most files of a site, by its name in the configuration, that a whole day's quota takes, or one call. */
  readonly mostFilesOf: (site: string) => number;
};

/** What is known of the files. */
type Known = {
  readonly settings: PlannerConfiguration;
  readonly inventory: Inventory;
  readonly spending: DaySpending;
};

/**
 * Takes due files, each with its index as its id, so that of equals the first one goes. Gives the problem but for what
 * stands in the directories.
 */
export function problemOf<O extends Owner>(
  files: readonly LocatedTarget<O>[],
  day: SpendingDay,
  known: Known,
  priorityOf: (site: string) => number,
  now: Instant,
): Omit<OnlineProblem, 'evicts'> {
  const { settings, spending } = known;
  const hosts = new Map(files.map(({ target }) => [placeOf(target).site, target]));
  const tooLarge = groupsTooLarge(files, day, settings);
  return {
    due: files.map((file, id): WaitingDue => {
      const place = placeOf(file.target);
      const waitedMs = Math.max(now - bufferedAt(file), 0);
      const group = groupOf(place, file.target, settings);
      return {
        id,
        ...place,
        weight: weightOf(priorityOf(file.target.site), waitedMs),
        group: group !== undefined && tooLarge.has(group) ? undefined : group,
        ageHours: waitedMs / HOUR_MS,
        spentToday: spending.spent(file.target, day.reset),
        isNew: settings.newBlobs === 'purge' ? undefined : isNew(file, known.inventory),
      };
    }),
    budgets: day.budgets,
    shares: {
      ownerOf: (site) => hosts.get(site)?.site ?? '',
      byOwner: day.shares,
    },
    dayHours: DAY_HOURS,
    hoursToReset: (day.reset - now) / HOUR_MS,
    policy: {
      isAllowed: (site, directory) =>
        settings.isAllowed(hosts.get(site)?.host ?? '', directory) &&
        !(hosts.get(site)?.matching?.ignoresCase === true && hasTwin(site, directory, known.inventory)) &&
        !spending.isRefused(urlOf(site, directory)),
      smallestDirectory: settings.smallestDirectory,
      mostEvicted: settings.mostEvicted,
      urlsPerRequest: day.urlsPerRequest,
    },
    settings: {
      ...defaultOnlineSettings,
      // A share of each of two days is one of both only if it is half as large.
      hotShare: defaultOnlineSettings.hotShare / day.daysAtOnce,
      newBlobs: settings.newBlobs,
      staleCost: settings.staleCost,
      maxStalenessHours: settings.maxStalenessMs / HOUR_MS,
      // Whoever waited for the longest time pays any price.
      dearest: (settings.staleCost * settings.maxStalenessMs) / HOUR_MS,
    },
    workLimit: DEFAULT_WORK_LIMIT,
  };
}

/**
 * What waiting for want of quota costs: twice as much for each ten of a site's priority, and for each whole day waited.
 * Sites of one priority, on an ordinary day, weigh the same, and the plan is exact.
 */
function weightOf(priority: number, waitedMs: number): number {
  const days = Math.floor(waitedMs / (DAY_HOURS * HOUR_MS));
  return 2 ** (Math.round(priority / 10) + Math.min(days, 7));
}

/** The topmost directory above a file that the configuration names as one of a group. */
function groupOf(
  { site, path }: Place,
  { host }: PurgeTarget,
  { isGroup }: PlannerConfiguration,
): string | undefined {
  if (isGroup === undefined) return undefined;
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const directory = path.slice(0, slash + 1);
    if (isGroup(host, directory)) return `${site}${directory}`;
  }
  return undefined;
}

/** Groups whose due members would wait for ever, for no day has room for all of them: they go as they can. */
export function groupsTooLarge<O extends Owner>(
  files: readonly LocatedTarget<O>[],
  { mostFilesOf }: SpendingDay,
  settings: PlannerConfiguration,
): ReadonlyMap<string, ReadonlySet<LocatedTarget<O>>> {
  const tooLarge = new Map<string, ReadonlySet<LocatedTarget<O>>>();
  if (settings.isGroup === undefined) return tooLarge;
  const groups = Map.groupBy(files, ({ target }) => groupOf(placeOf(target), target, settings));
  for (const [group, members] of groups) {
    const most = mostFilesOf(members[0]?.target.site ?? '');
    if (group !== undefined && members.length > most) tooLarge.set(group, new Set(members));
  }
  return tooLarge;
}

/**
 * Whether nothing stood there before its changes, in none of the places that it may be read from. Somewhere a creation
 * must be known that none of them is older than: else what was deleted, and waited while its container was listed
 * anew, would be taken for new, and so would the URL of a directory, which an index document answers.
 */
function isNew<O extends Owner>(file: LocatedTarget<O>, { served, of }: Inventory): boolean {
  const { site, path } = placeOf(file.target);
  const causes = ownersOf([file]).flatMap((owner) => owner.causes);
  // Whose request it is must be told what became of it.
  if (causes.some(({ type }) => type === 'request')) return false;
  const changedAt = causes.flatMap((cause) => (cause.type === 'change' ? [cause.eventAt] : []));
  const [oldest, ...others] = changedAt.toSorted((a, b) => a - b);
  const newest = others.at(-1) ?? oldest;
  const blobs = served.blobsAt(site, path);
  return (
    oldest !== undefined &&
    newest !== undefined &&
    blobs.every(({ name, ...place }) => of(place)?.isNew(name, newest) === true) &&
    blobs.some(({ name, ...place }) => (of(place)?.firstStoodAt(name) ?? Infinity) <= oldest)
  );
}

/** Where case does not count, a purge takes twins along, and what stands in these is not counted. */
function hasTwin(site: string, directory: string, { served, of }: Inventory): boolean {
  return (served.directoriesBelow(site, directory) ?? []).some(
    ({ directory: ofBlobs, ...place }) => of(place)?.hasTwin(ofBlobs) === true,
  );
}

type Place = { readonly site: string; readonly path: string };

/** `china http://www.example.cn` and `/dir/a.txt`: what shares the root of a tree, as `siteOf` of the inventory names it. */
export function placeOf({ cdn, url }: PurgeTarget): Place {
  const slash = startOfPath(url);
  const query = url.indexOf('?', slash);
  return {
    site: `${cdn} ${url.slice(0, slash)}`,
    path: query === -1 ? url.slice(slash) : url.slice(slash, query),
  };
}

export function urlOf(site: string, directory: string): string {
  return `${site.slice(site.indexOf(' ') + 1)}${directory}`;
}

/** Claims come the oldest first. */
export const bufferedAt = <O extends Owner>({ claims }: LocatedTarget<O>): number =>
  claims[0]?.owner.bufferedAt ?? 0;
