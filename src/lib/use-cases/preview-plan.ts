// What a flush would make of files if blob events asked for them now, with all that waits. Stores and sends nothing.

import { coalesce, type Claim } from '../core/coalesce.ts';
import { targetInForce } from '../core/configured-target.ts';
import type { Instant } from '../core/instant.ts';
import type { ContainerInventory } from '../core/inventory/container-inventory.ts';
import type { ContainerPlace } from '../core/inventory/listing.ts';
import type { PacedBudget } from '../core/planner/prices.ts';
import type { PlannedGroup, Prices } from '../core/planner/problem.ts';
import type { PlannedDirectory } from '../core/purge-record.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import type { PurgeTarget } from '../core/purge-target.ts';
import type { FlushPorts } from './flush-purges.ts';
import type { Owner } from './owner.ts';
import { planDirectories, type PlannedTargets, type Planning } from './plan-directories.ts';
import { readSpendingDay } from './plan-sending.ts';
import type { Run } from './ports.ts';
import { preparePlanning } from './prepare-planning.ts';
import { recallSpending } from './recall-spending.ts';

/** The plan of what shares one quota. */
export type PlanPreview = {
  readonly cdns: readonly string[];
  readonly budgets: readonly PacedBudget[];
  /** Evicted objects that a unit is worth at this moment. */
  readonly prices: Prices;
  readonly files: readonly string[];
  readonly directories: readonly PlannedDirectory[];
  readonly waiting: readonly {
    readonly url: string;
    readonly why: string;
    /** At the latest, as far as the plan knows; undefined: when the quota leaves something for it. */
    readonly until: Instant | undefined;
  }[];
  /** New files that are never purged, by the setting. */
  readonly notNeeded: readonly string[];
  readonly groups: readonly PlannedGroup[];
  /** False: the plan may evict `gap` objects more than the best one. */
  readonly isExact: boolean;
  readonly gap: number;
};

/** Undefined where the configuration has no planner, or the inventory cannot be read. Throws StorageTrouble. */
export async function previewPlan(
  asked: readonly PurgeTarget[],
  ports: FlushPorts,
  run: Run,
): Promise<readonly PlanPreview[] | undefined> {
  const configuration = await ports.configuration.current();
  if (configuration.planner === undefined) return undefined;
  const now = ports.clock.now();
  const { backlog } = await ports.backlog.load();
  const claims: Claim<Owner>[] = [];
  for (const entry of backlog.entries.values()) {
    const target = entry.type === 'target' ? targetInForce(entry.target, configuration) : undefined;
    if (entry.type === 'request' || target === undefined) continue;
    const { causes, changes, since: bufferedAt, failedAttempts } = entry;
    claims.push({ target, owner: { causes, changes, bufferedAt, failedAttempts } });
  }
  for (const target of asked) claims.push({ target, owner: changedNow(now) });
  const targets = coalesce(claims);
  const planning = await preparePlanning([], targets, configuration, ports, run);
  if (planning === undefined) return undefined;

  const providers = ports.providersFor(configuration);
  const located = targets.map((target): LocatedTarget<Owner> => {
    return { ...target, endpointId: target.target.endpointId ?? '' };
  });
  const bySubscription = Map.groupBy(located, ({ target }) => providers.get(target.cdn)?.subscription);
  const previews: PlanPreview[] = [];
  for (const [subscription, due] of bySubscription) {
    const sharing = [...providers].filter(([, one]) => one.subscription === subscription);
    const cdns = sharing.map(([cdn]) => cdn);
    const provider = sharing[0]?.[1];
    if (subscription === undefined || provider === undefined) continue;
    if (provider.quota !== undefined) {
      await recallSpending(planning, { subscription, cdns: new Set(cdns) }, provider.quota, ports, run);
    }
    const day = await readSpendingDay(due, provider, ports);
    const planned = await planDirectories(due, day, asIfMade(planning, now), now, run);
    previews.push({ cdns, budgets: day.budgets, ...describePlan(planned) });
  }
  return previews;
}

function changedNow(now: Instant): Owner {
  const cause = { type: 'change', eventId: 'dry-run', eventAt: now } as const;
  return { causes: [cause], changes: 1, bufferedAt: now, failedAttempts: 0 };
}

/** No event has told of what is asked: a name of which nothing is known would be made by one now. */
function asIfMade({ inventory, ...planning }: Planning, now: Instant): Planning {
  const of = (place: ContainerPlace): ContainerInventory | undefined => {
    const container = inventory.of(place);
    if (container === undefined) return undefined;
    // A URL that ends with `/` has no blob of its own: an index document answers it.
    const firstStoodAt = (name: string): Instant | undefined =>
      container.firstStoodAt(name) ?? (name === '' || name.endsWith('/') ? undefined : now);
    return { ...container, firstStoodAt };
  };
  return { ...planning, inventory: { ...inventory, of } };
}

function describePlan({
  going,
  waiting,
  shortages,
  dropped,
  groups,
  planned,
}: PlannedTargets<Owner>): Omit<PlanPreview, 'cdns' | 'budgets'> {
  const short = [...shortages].map(([{ target }, why]) => ({ url: target.url, why, until: undefined }));
  const byChoice = waiting.map(({ target, why, until }) => ({ url: target.target.url, why, until }));
  return {
    prices: planned?.prices ?? { file: 0, directory: 0 },
    files: going
      .filter((one) => one.target.kind === 'file' && !shortages.has(one))
      .map(({ target }) => target.url),
    directories: going.flatMap((one) => one.planned ?? []),
    waiting: [...byChoice, ...short],
    notNeeded: dropped.map(({ target }) => target.url),
    groups,
    isExact: planned?.plan.isExact ?? true,
    gap: planned?.plan.gap ?? 0,
  };
}
