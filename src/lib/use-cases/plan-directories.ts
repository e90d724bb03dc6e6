// Folds due files into directory purges where the quota is worth it, and lets what can wait for a better moment wait.

import { rereadCdnUrl } from '../core/cdn-url.ts';
import { ownersOf } from '../core/coalesce.ts';
import type { PlannerConfiguration } from '../core/configuration.ts';
import { evictsOf, type Inventory } from '../core/inventory/inventory.ts';
import { instant, type Instant } from '../core/instant.ts';
import {
  defaultOnlineSettings,
  planOnline,
  type OnlinePlan,
  type WaitingDue,
} from '../core/planner/online.ts';
import { DEFAULT_WORK_LIMIT, type PlannedDirectory } from '../core/planner/problem.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import { isPersons } from '../core/purge-record.ts';
import type { QuotaPolicy, Units } from '../core/quota-ledger.ts';
import { pacedReset, type DaySpending } from './day-spending.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import type { Owner } from './owner.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** What a round plans by. */
export type Planning = {
  readonly settings: PlannerConfiguration;
  readonly inventory: Inventory;
  readonly spending: DaySpending;
};

export type PlannedTargets<O> = {
  readonly going: readonly LocatedTarget<O>[];
  /** What waits to save quota, and until when at the latest. */
  readonly waiting: readonly { readonly target: LocatedTarget<O>; readonly until: Instant }[];
};

/** Takes due targets, the oldest first, and what events may still spend. What a person asks for goes as it is. */
export function planDirectories<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  left: Units,
  quota: QuotaPolicy,
  planning: Planning,
  now: Instant,
): PlannedTargets<O> {
  const files = targets.filter(isPlannable);
  if (files.length === 0) return { going: targets, waiting: [] };
  const reset = pacedReset(now, quota);
  const planned = planOnline({
    ...problemOf(files, planning, now, reset),
    ...daysOf(left, quota, now, reset),
  });
  const { going, waiting } = carryOut(planned, files, planning, now);
  const untouched = targets.filter((target) => !isPlannable(target));
  return { going: [...untouched, ...going].toSorted((a, b) => bufferedAt(a) - bufferedAt(b)), waiting };
}

const isPlannable = <O extends Owner>({ target, owners }: LocatedTarget<O>): boolean =>
  target.kind === 'file' && ![...owners].some(({ causes }) => causes.some(isPersons));

function problemOf<O extends Owner>(
  files: readonly LocatedTarget<O>[],
  { settings, inventory, spending }: Planning,
  now: Instant,
  reset: Instant,
) {
  const due = files.map((file, id): WaitingDue => ({
    id,
    ...placeOf(file.target),
    weight: 1,
    ageHours: Math.max(now - bufferedAt(file), 0) / HOUR_MS,
    spentToday: spending.spent(file.target, reset),
  }));
  const hosts = new Map(files.map(({ target }) => [placeOf(target).site, target.host]));
  return {
    due,
    evicts: evictsOf(due, inventory),
    policy: {
      isAllowed: (site: string, directory: string) =>
        settings.isAllowed(hosts.get(site) ?? '', directory) && !spending.isRefused(urlOf(site, directory)),
      smallestDirectory: settings.smallestDirectory,
      mostEvicted: settings.mostEvicted,
    },
    settings: {
      ...defaultOnlineSettings,
      staleCost: settings.staleCost,
      maxStalenessHours: settings.maxStalenessMs / HOUR_MS,
      // Whoever waited for the longest time pays any price.
      dearest: (settings.staleCost * settings.maxStalenessMs) / HOUR_MS,
    },
    workLimit: DEFAULT_WORK_LIMIT,
  };
}

function daysOf(left: Units, { limits, manualReserve }: QuotaPolicy, now: Instant, reset: Instant) {
  const files = { left: left.files, limit: limits.files - manualReserve.files };
  const directories = { left: left.directories, limit: limits.directories - manualReserve.directories };
  return {
    budgets: [
      { perFile: 1, perDirectory: 0, per: 'day', ...files },
      { perFile: 0, perDirectory: 1, per: 'day', ...directories },
    ] as const,
    dayHours: DAY_HOURS,
    hoursToReset: (reset - now) / HOUR_MS,
  };
}

function carryOut<O extends Owner>(
  { plan, atLatestHours }: OnlinePlan,
  files: readonly LocatedTarget<O>[],
  { settings }: Planning,
  now: Instant,
): PlannedTargets<O> {
  const byId = (id: number): readonly LocatedTarget<O>[] => files.slice(id, id + 1);
  const going = [
    ...plan.files.flatMap(byId),
    ...plan.directories.flatMap((directory) => asDirectory(directory, directory.covers.flatMap(byId))),
  ];
  const waiting: PlannedTargets<O>['waiting'][number][] = [];
  for (const { id, why } of plan.waiting) {
    for (const target of byId(id)) {
      // What waits for want of quota is told so by the ledger.
      if (why.kind !== 'by-choice') going.push(target);
      else {
        const hours = Math.min(atLatestHours.get(id) ?? 0, settings.maxStalenessMs / HOUR_MS);
        waiting.push({ target, until: instant(now + Math.ceil(hours * HOUR_MS)) });
      }
    }
  }
  return { going, waiting };
}

/** One directory for its files, with all their claims; the files where it cannot be written as a URL. */
function asDirectory<O extends Owner>(
  { site, directory, evicts, alternative }: PlannedDirectory,
  files: readonly LocatedTarget<O>[],
): readonly LocatedTarget<O>[] {
  const [first] = files;
  const url = rereadCdnUrl(urlOf(site, directory))?.url;
  if (first === undefined || url === undefined) return files;
  const { files: filesInstead, directories, evicts: evictsInstead } = alternative;
  return [
    {
      target: { ...first.target, kind: 'directory', url },
      claims: files.flatMap(({ claims }) => claims),
      owners: new Set(ownersOf(files)),
      endpointId: first.endpointId,
      planned: {
        url,
        covers: files.length,
        evicts,
        instead: { files: filesInstead, directories, evicts: evictsInstead },
      },
    },
  ];
}

/** What shares the root of a tree, as `siteOf` of the inventory names it. */
export const planSiteOf = (target: PurgeTarget): string => placeOf(target).site;

/** `china http://www.example.cn` and `/dir/a.txt`. */
function placeOf({ cdn, url }: PurgeTarget): { readonly site: string; readonly path: string } {
  const slash = url.indexOf('/', url.indexOf('//') + 2);
  const query = url.indexOf('?', slash);
  return {
    site: `${cdn} ${url.slice(0, slash)}`,
    path: query === -1 ? url.slice(slash) : url.slice(slash, query),
  };
}

function urlOf(site: string, directory: string): string {
  return `${site.slice(site.indexOf(' ') + 1)}${directory}`;
}

const bufferedAt = <O extends Owner>({ claims }: LocatedTarget<O>): number =>
  claims[0]?.owner.bufferedAt ?? 0;

/** Why something waits that might go. */
export const SAVES_QUOTA: NotAccepted = {
  kind: 'failed',
  reason: 'saves-quota',
  detail: 'waiting costs less than a unit of the quota, for now',
  sent: false,
  outcomeClass: 'quota-exhausted',
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
};
