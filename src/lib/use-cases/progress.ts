// Follows who is fully purged and who is not, while the results of a send come in.

import { ownersOf, type CoalescedTarget } from '../core/coalesce.ts';
import type { Instant } from '../core/instant.ts';
import type { NotAccepted } from '../core/purge-outcome.ts';
import type { Owner } from './owner.ts';
import type { SendResult } from './send-purges.ts';

export type Progress<O extends Owner> = {
  /** Takes a result, gives the owners of whose targets the last was purged by it, or can never be. */
  readonly note: (result: SendResult<O>) => readonly O[];
  /** Owners with something left, with what stopped it; undefined when it was never reported. */
  readonly unfinished: () => ReadonlyMap<O, Stop | undefined>;
};

export type Stop = {
  /** False when the owner's targets were only held back: that is no attempt of theirs. */
  readonly tried: boolean;
  readonly outcome: NotAccepted;
  /** Not to be sent before. */
  readonly until: Instant | undefined;
};

export function followProgress<O extends Owner>(targets: readonly CoalescedTarget<O>[]): Progress<O> {
  const outstanding = new Map<O, number>();
  for (const { owners } of targets) {
    for (const owner of owners) outstanding.set(owner, (outstanding.get(owner) ?? 0) + 1);
  }
  const stops = new Map<O, Stop>();
  return {
    note(result: SendResult<O>): readonly O[] {
      if (result.kind === 'tried' || result.kind === 'held') {
        for (const owner of ownersOf(result.targets)) {
          if (stops.get(owner)?.tried !== true)
            stops.set(owner, {
              tried: result.kind === 'tried',
              outcome: result.outcome,
              until: result.until,
            });
        }
        return [];
      }
      const done: O[] = [];
      for (const { owners } of result.targets) {
        for (const owner of owners) {
          const left = (outstanding.get(owner) ?? 0) - 1;
          if (left > 0) outstanding.set(owner, left);
          else if (outstanding.delete(owner)) done.push(owner);
        }
      }
      return done;
    },
    unfinished: () => new Map([...outstanding.keys()].map((owner) => [owner, stops.get(owner)])),
  };
}
