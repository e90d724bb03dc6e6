// Holds targets back before anything is reserved for them; what only a held directory would have purged goes on alone.

import { coalesce, type CoalescedTarget } from '../core/coalesce.ts';
import type { Hold } from '../core/hold.ts';
import type { LocatedTarget } from '../core/purge-plan.ts';
import { unitOf, type QuotaUnit } from '../core/quota-ledger.ts';
import { targetKey } from '../core/purge-target.ts';
import type { Throttling } from '../core/throttling.ts';
import type { Owner } from './owner.ts';
import type { Sending } from './send-within-quota.ts';
import { holdKeysOf } from './stop-sending.ts';
import { throttlingKey, waitOf } from './throttled-units.ts';

/** Why and until when. One object for all that one reason holds. */
export type Stop = Pick<Hold, 'outcome' | 'until'>;

/** Reports what is held, gives the rest, the oldest first. */
export async function holdBack<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  { report }: Sending<O>,
  findStop: (target: LocatedTarget<O>) => Stop | undefined,
): Promise<readonly LocatedTarget<O>[]> {
  const free: LocatedTarget<O>[] = [];
  let hasUncovered = false;
  for (let next = targets; next.length > 0;) {
    const uncovered: LocatedTarget<O>[] = [];
    const held = new Map<Stop, LocatedTarget<O>[]>();
    for (const target of next) {
      const stop = findStop(target);
      if (stop === undefined) {
        free.push(target);
        continue;
      }
      const ofStop = held.get(stop) ?? [];
      ofStop.push(ownPart(target));
      held.set(stop, ofStop);
      uncovered.push(...coveredBy(target));
    }
    for (const [stop, ofStop] of held) await report({ kind: 'held', targets: ofStop, ...stop });
    hasUncovered ||= uncovered.length > 0;
    next = uncovered;
  }
  return hasUncovered ? free.toSorted((a, b) => bufferedAt(a) - bufferedAt(b)) : free;
}

/** An endpoint or a subscription that rests takes nothing of the quota from the others. */
export function holdResting<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  sending: Sending<O>,
): Promise<readonly LocatedTarget<O>[]> {
  const { provider, ports } = sending;
  const { subscription } = provider;
  const now = ports.clock.now();
  return holdBack(targets, sending, ({ target, endpointId }) => {
    const place = { cdn: target.cdn, where: { kind: 'endpoint', endpointId }, subscription } as const;
    return ports.holds.find(holdKeysOf(place), now);
  });
}

/** Kinds of URL that the CDN throttles, where that `rests`. */
export function holdThrottled<O extends Owner>(
  targets: readonly LocatedTarget<O>[],
  sending: Sending<O>,
  rests: (throttling: Throttling) => boolean,
): Promise<readonly LocatedTarget<O>[]> {
  const now = sending.ports.clock.now();
  const stopOf = (unit: QuotaUnit): Stop | undefined => {
    const throttling = findThrottling(unit, sending);
    return throttling !== undefined && rests(throttling) ? waitOf(throttling, now) : undefined;
  };
  const stops = { files: stopOf('files'), directories: stopOf('directories') };
  return holdBack(targets, sending, (target) => stops[unitOf(target)]);
}

export function findThrottling<O extends Owner>(
  unit: QuotaUnit,
  { provider, ports }: Sending<O>,
): Throttling | undefined {
  return ports.holds.findThrottling(throttlingKey(provider.subscription, unit), ports.clock.now());
}

const isOwn = <O>({ target }: CoalescedTarget<O>, claim: { readonly target: typeof target }): boolean =>
  targetKey(claim.target) === targetKey(target);

/** With the claims on itself alone. */
function ownPart<O>(target: LocatedTarget<O>): LocatedTarget<O> {
  if (target.target.kind === 'file') return target;
  const claims = target.claims.filter((claim) => isOwn(target, claim));
  return { ...target, claims, owners: new Set(claims.map(({ owner }) => owner)) };
}

/** What is below a directory is on its endpoint. */
function coveredBy<O>(directory: LocatedTarget<O>): readonly LocatedTarget<O>[] {
  if (directory.target.kind === 'file') return [];
  const covered = directory.claims.filter((claim) => !isOwn(directory, claim));
  return coalesce(covered).map((one) => ({ ...one, endpointId: directory.endpointId }));
}

/** Its claims are the oldest first. */
function bufferedAt<O extends Owner>({ claims }: CoalescedTarget<O>): number {
  return claims[0]?.owner.bufferedAt ?? 0;
}
