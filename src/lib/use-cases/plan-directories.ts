// Folds due files into directory purges where the quota is worth it, and lets what can wait for a better moment wait.

import type { UrlMatching } from '../core/capabilities.ts';
import { rereadCdnUrl } from '../core/cdn-url.ts';
import { ownersOf } from '../core/coalesce.ts';
import type { PlannerConfiguration } from '../core/configuration.ts';
import type { Inventory } from '../core/inventory/inventory.ts';
import { instant, type Instant } from '../core/instant.ts';
import type { OnlinePlan } from '../core/planner/online.ts';
import type { PlannedDirectory, PlannedGroup } from '../core/planner/problem.ts';
import { groupsTogether } from '../core/purge-groups.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import { isPersons } from '../core/purge-record.ts';
import type { DaySpending } from './day-spending.ts';
import type { Owner } from './owner.ts';
import { planCounted } from './plan-counted.ts';
import {
  bufferedAt,
  groupsTooLarge,
  placeOf,
  problemOf,
  urlOf,
  type SpendingDay,
} from './planning-problem.ts';
import type { BlobLister, Run } from './ports.ts';
import { describeWait } from './why-waiting.ts';

const HOUR_MS = 3_600_000;

/** What a round plans by. */
export type Planning = {
  readonly settings: PlannerConfiguration;
  readonly inventory: Inventory;
  readonly lister: BlobLister;
  readonly spending: DaySpending;
  readonly priorityOf: (site: string) => number;
  /** As in `PurgeTarget`. */
  readonly matchingOf: (cdn: string) => UrlMatching | undefined;
};

export type PlannedTargets<O> = {
  readonly going: readonly LocatedTarget<O>[];
  /** What waits for now, until when at the latest, and why. */
  readonly waiting: readonly PlannedWait<O>[];
  /** Of what goes: why the plan leaves it waiting, should the quota not have grown meanwhile. */
  readonly shortages: ReadonlyMap<LocatedTarget<O>, string>;
  /** New blobs that are never purged, by the setting. */
  readonly dropped: readonly LocatedTarget<O>[];
  readonly groups: readonly PlannedGroup[];
  /** How it was planned; undefined: there was nothing to plan. */
  readonly planned: OnlinePlan | undefined;
};

export type PlannedWait<O> = {
  readonly target: LocatedTarget<O>;
  readonly until: Instant;
  /** `saves-quota`: it might go. */
  readonly reason: 'saves-quota' | 'quota-spent';
  readonly why: string;
};

/** Takes due targets, the oldest first, and how the day stands. What a person asks for goes as it is. */
export async function planDirectories<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  day: SpendingDay,
  planning: Planning,
  now: Instant,
  run: Run,
): Promise<PlannedTargets<O>> {
  const { settings, priorityOf } = planning;
  const files = targets
    .filter(isPlannable)
    .toSorted((a, b) => priorityOf(b.target.site) - priorityOf(a.target.site));
  const [first] = files;
  if (first === undefined) {
    return { going: targets, waiting: [], shortages: new Map(), dropped: [], groups: [], planned: undefined };
  }
  const problem = problemOf(files, day, planning, priorityOf, now);
  const reachesBelow = first.target.matching?.reachesBelow !== false;
  const untouched = targets.filter((target) => !isPlannable(target));
  const alsoDue = untouched.map(({ target }) => placeOf(target));
  const counting = { ...planning, alsoDue, recountAfterMs: settings.recountAfterMs, reachesBelow };
  const planned = await planCounted(problem, counting, now, run);
  const groupOf = new Map(problem.due.map(({ id, group }) => [id, group]));
  const going = new Set(planned.plan.files.flatMap((id) => files.slice(id, id + 1)));
  const tooLarge = [...groupsTooLarge(files, day, settings)]
    .filter(([, members]) => [...members].some((member) => going.has(member)))
    .map(([group]): PlannedGroup => ({ group, how: 'consecutive-requests' }));
  return carryOut(planned, untouched, files, groupOf, tooLarge, now);
}

/** What a person asks for goes as it was asked, and so does a directory that is due as such. */
export const isPlannable = <O extends Owner>({ target, owners }: LocatedTarget<O>): boolean =>
  target.kind === 'file' && ![...owners].some(({ causes }) => causes.some(isPersons));

function carryOut<O extends Owner>(
  planned: OnlinePlan,
  untouched: readonly LocatedTarget<O>[],
  files: readonly LocatedTarget<O>[],
  groupOf: ReadonlyMap<number, string | undefined>,
  tooLarge: readonly PlannedGroup[],
  now: Instant,
): PlannedTargets<O> {
  const { plan, atLatestHours, dropped } = planned;
  const byId = (id: number): readonly LocatedTarget<O>[] => files.slice(id, id + 1);
  const going = [
    ...untouched,
    ...plan.files.flatMap((id) => byId(id).map((file) => ({ ...file, group: groupOf.get(id) }))),
    ...plan.directories.flatMap((directory) => asDirectory(directory, directory.covers.flatMap(byId))),
  ].toSorted((a, b) => bufferedAt(a) - bufferedAt(b));
  const waiting: PlannedWait<O>[] = [];
  const shortages = new Map<LocatedTarget<O>, string>();
  for (const { id, why } of plan.waiting) {
    const hours = atLatestHours.get(id) ?? 0;
    for (const target of byId(id)) {
      switch (why.kind) {
        // The ledger knows best what is left: it is asked for these last.
        case 'no-directory-allowed':
        case 'budget-spent':
          shortages.set(target, describeWait(why));
          break;
        case 'by-choice':
        case 'hot':
        case 'new-blob': {
          const until = instant(now + Math.ceil(hours * HOUR_MS));
          waiting.push({ target, until, reason: 'saves-quota', why: describeWait(why) });
          break;
        }
        case 'group': {
          const until = instant(now + Math.ceil(hours * HOUR_MS));
          waiting.push({ target, until, reason: 'quota-spent', why: describeWait(why) });
          break;
        }
      }
    }
  }
  return {
    going: [...groupsTogether(going), ...shortages.keys()],
    waiting,
    shortages,
    dropped: dropped.flatMap(byId),
    groups: [...plan.groups, ...tooLarge],
    planned,
  };
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
