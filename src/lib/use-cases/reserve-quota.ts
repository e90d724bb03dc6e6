// Spend of the daily quota is on the ledger before a request leaves, and made true after it.

import type { CoalescedTarget } from '../core/coalesce.ts';
import { groupRuns } from '../core/purge-groups.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import { isPersons } from '../core/purge-record.ts';
import {
  forgetOldDays,
  reserve,
  settleReservation,
  unitOf,
  type QuotaLedger,
  type QuotaPolicy,
  type SpentEntry,
  type Spender,
} from '../core/quota-ledger.ts';
import { openPurse, type BudgetShare, type Purse } from '../core/quota-purse.ts';
import { spendOf } from '../core/purge-budget.ts';
import type { PacedBudget } from '../core/planner/prices.ts';
import { usualSpending } from '../core/usual-spending.ts';
import type { Owner } from './owner.ts';
import { StorageTrouble, type Clock, type LedgerStore } from './ports.ts';

export type QuotaPorts = {
  readonly ledgers: LedgerStore;
  readonly clock: Clock;
  readonly newId: () => string;
};

export type Grant<O> = {
  readonly reservationId: string;
  /** These are reserved. Empty: for none of the targets anything is left today. */
  readonly granted: readonly LocatedTarget<O>[];
  readonly others: readonly LocatedTarget<O>[];
};

/** Writers of one ledger are few, a flush and people’s requests; one of them gets through at every try. */
const TRIES = 50;

/** A host that dies loses what it had reserved: five full requests, or a tenth of what it may send. */
const SMALLEST_SLICE = 500;
const SLICES = 10;

/**
 * Takes the targets of one subscription, reserves for the first of those that the quota allows now: what people ask
 * for first, then sites by their priority, then in the order given; for a slice of them, and `most` at most. Throws
 * StorageTrouble: without a reservation nothing may be sent.
 */
export async function reserveQuota<O extends Owner>(
  subscription: string,
  targets: readonly LocatedTarget<O>[],
  policy: QuotaPolicy,
  { ledgers, clock, newId }: QuotaPorts,
  most = Infinity,
): Promise<Grant<O>> {
  const reservationId = newId();
  const priorityOf = (target: LocatedTarget<O>): number =>
    policy.sites.get(target.target.site)?.priority ?? 0;
  const inOrder = targets.toSorted(
    (a, b) => Number(isManual(b)) - Number(isManual(a)) || priorityOf(b) - priorityOf(a),
  );
  let granted: readonly LocatedTarget<O>[] = [];
  await change(subscription, ledgers, (ledger) => {
    const now = clock.now();
    const take = (wanted: readonly LocatedTarget<O>[]) => {
      const purse = openPurse(ledger, policy, now);
      return {
        purse,
        taken: groupRuns(wanted)
          .filter((group) => takeAll(group, purse))
          .flat(),
      };
    };
    const allowed = take(inOrder).taken;
    const size = Math.max(SMALLEST_SLICE, Math.ceil(allowed.length / SLICES));
    const slice = take(firstOf(allowed, Math.min(most, size)));
    granted = slice.taken;
    if (granted.length === 0) return undefined;
    const spent = slice.purse.taken();
    return reserve(forgetOldDays(ledger, now), { id: reservationId, spent }, policy, now);
  });
  const reserved = new Set(granted);
  return { reservationId, granted, others: targets.filter((target) => !reserved.has(target)) };
}

/** A group is taken as a whole or not at all. */
function takeAll<O extends Owner>(group: readonly LocatedTarget<O>[], purse: Purse): boolean {
  for (const [index, target] of group.entries()) {
    if (purse.take(spenderOf(target), unitOf(target))) continue;
    for (const taken of group.slice(0, index)) purse.putBack(spenderOf(taken), unitOf(taken));
    return false;
  }
  return true;
}

/** So many, and the rest of the group that the last one belongs to; one alone is one alone. */
function firstOf<O>(targets: readonly LocatedTarget<O>[], most: number): readonly LocatedTarget<O>[] {
  if (most <= 1) return targets.slice(0, most);
  const first: LocatedTarget<O>[] = [];
  for (const group of groupRuns(targets)) {
    if (first.length >= most) break;
    first.push(...group);
  }
  return first;
}

/** What blob events may still spend of a subscription's quota, and what its days usually take. */
export type EventsQuota = {
  /** Without what is kept for people. */
  readonly budgets: readonly PacedBudget[];
  /** Of sites with a guarantee or a maximum, in the order of the budgets. */
  readonly shares: ReadonlyMap<string, BudgetShare>;
};

/** Takes what is not planned and goes all the same. Reads the ledger, changes nothing. Throws StorageTrouble. */
export async function quotaForEvents<O extends Owner>(
  subscription: string,
  beside: readonly LocatedTarget<O>[],
  policy: QuotaPolicy,
  { ledgers, clock }: Pick<QuotaPorts, 'ledgers' | 'clock'>,
): Promise<EventsQuota> {
  const { ledger } = await ledgers.load(subscription);
  const now = clock.now();
  const purse = openPurse(ledger, policy, now);
  for (const target of beside) purse.take(spenderOf(target), unitOf(target));
  const left = purse.leftForEvents();
  const usual = usualSpending(ledger, policy, now);
  return {
    budgets: policy.budgets.map((budget, at) => ({
      ...budget,
      limit: budget.limit - budget.keptForPeople,
      left: left[at] ?? 0,
      usualADay: usual && spendOf(budget, usual),
    })),
    shares: purse.sharesForEvents(),
  };
}

/** Takes what the CDN accepted, or may have acted on; the rest of the reservation is released. */
export async function settleQuota<O extends Owner>(
  subscription: string,
  reservationId: string,
  spent: readonly CoalescedTarget<O>[],
  policy: QuotaPolicy,
  { ledgers, clock }: QuotaPorts,
): Promise<void> {
  const entries = spent.map((target): SpentEntry => {
    const unit = unitOf(target);
    return {
      ...spenderOf(target),
      files: Number(unit === 'files'),
      directories: Number(unit === 'directories'),
    };
  });
  await change(subscription, ledgers, (ledger) =>
    settleReservation(ledger, reservationId, entries, policy, clock.now()),
  );
}

/** Changes a ledger, again on what somebody else wrote meanwhile. `next` gives undefined to leave it as it is. */
async function change(
  subscription: string,
  ledgers: LedgerStore,
  next: (ledger: QuotaLedger) => QuotaLedger | undefined,
): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const current = await ledgers.load(subscription);
    const changed = next(current.ledger);
    if (changed === undefined || (await ledgers.save(subscription, changed, current.etag))) return;
  }
  throw new StorageTrouble(`the quota ledger was changed by others ${TRIES} times in a row`);
}

/** Whether a person asks for it. */
export const isManual = <O extends Owner>({ owners }: CoalescedTarget<O>): boolean =>
  [...owners].some(({ causes }) => causes.some(isPersons));

function spenderOf<O extends Owner>(target: CoalescedTarget<O>): Spender {
  return { site: target.target.site, lane: isManual(target) ? 'manual' : 'events' };
}
