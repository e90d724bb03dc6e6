// Follows who is fully purged and who is not, while the results of a send come in.

import type { Claim, CoalescedTarget } from '../core/coalesce.ts';
import type { Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import { targetKey, type PurgeTarget } from '../core/purge-target.ts';
import type { Owner } from './owner.ts';
import type { SendResult } from './send-purges.ts';

export type Progress<O extends Owner> = {
  /** Takes a result, gives the owners of whose claims the last was purged by it, or can never be. */
  readonly note: (result: SendResult<O>) => readonly O[];
  /** Owners with something left. */
  readonly unfinished: () => ReadonlyMap<O, readonly Left[]>;
};

/** A target that was not purged, and what stopped it; undefined when its turn did not come. */
export type Left = { readonly target: PurgeTarget; readonly stop: Stop | undefined };

export type Stop = {
  /** False when the target was only held back: that is no attempt. */
  readonly tried: boolean;
  readonly outcome: NotAccepted;
  /** Not to be sent before. */
  readonly until: Instant | undefined;
};

export function followProgress<O extends Owner>(targets: readonly CoalescedTarget<O>[]): Progress<O> {
  const outstanding = new Map<O, number>();
  for (const { claims } of targets) {
    for (const { owner } of claims) outstanding.set(owner, (outstanding.get(owner) ?? 0) + 1);
  }
  const done = new Set<Claim<O>>();
  const stops = new Map<Claim<O>, Stop>();
  return {
    note(result) {
      const finished: O[] = [];
      const end = (claim: Claim<O>): void => {
        done.add(claim);
        const left = (outstanding.get(claim.owner) ?? 0) - 1;
        if (left > 0) outstanding.set(claim.owner, left);
        else if (outstanding.delete(claim.owner)) finished.push(claim.owner);
      };
      for (const { target, claims } of result.targets) {
        for (const claim of claims) {
          if (endsClaim(result, target, claim)) end(claim);
          else stops.set(claim, stopOf(result));
        }
      }
      return finished;
    },
    unfinished() {
      const left = new Map<O, Left[]>();
      for (const { claims } of targets) {
        for (const claim of claims) {
          if (done.has(claim)) continue;
          const ofOwner = left.get(claim.owner) ?? [];
          ofOwner.push({ target: claim.target, stop: stops.get(claim) });
          left.set(claim.owner, ofOwner);
        }
      }
      return left;
    },
  };
}

/** What a refused directory would have purged too was not refused itself: it is sent again without the directory. */
function endsClaim<O extends Owner>(result: SendResult<O>, target: PurgeTarget, claim: Claim<O>): boolean {
  switch (result.kind) {
    case 'purged':
    case 'not-needed':
      return true;
    case 'unpurgeable':
      return targetKey(claim.target) === targetKey(target);
    case 'tried':
    case 'held':
      return false;
  }
}

function stopOf<O extends Owner>(result: SendResult<O>): Stop {
  if (result.kind === 'purged' || result.kind === 'not-needed') throw new Error('nothing stopped it');
  const until = result.kind === 'unpurgeable' ? undefined : result.until;
  return { tried: result.kind === 'tried', outcome: result.outcome, until };
}
