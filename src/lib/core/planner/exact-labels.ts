// The exact plan: the cheapest path within the budgets, by rounds of label sweeps below rising limits.

import type { Purged } from './course.ts';
import { LabelSweep, roundingAt, sideOf } from './label-sweep.ts';
import type { Below, Search } from './label-sweep.ts';

export type Found = {
  /** The cheapest plan, if cheaper than the known one. */
  readonly purged: Purged | undefined;
  /** Whether nothing cheaper was overlooked. */
  readonly isProven: boolean;
  readonly work: number;
  readonly longestLabelList: number;
};

/**
 * Searches in rounds below limits that rise from the bound to the known plan's cost. What is found below a limit is the
 * cheapest plan, since only what reaches the limit was dropped. A second look in each round decides only about
 * directories whose other choice costs little by the bound: what it finds lowers the limits to come.
 */
export function searchExactly(search: Search): Found {
  const lowest = search.relaxed[0]?.bound ?? -Infinity;
  let { known } = search;
  let purged: Purged | undefined;
  let work = 0;
  let longestLabelList = 0;
  const answer = (isProven: boolean): Found => ({ purged, isProven, work, longestLabelList });
  if (known - lowest <= roundingAt(lowest)) return answer(true);
  const sides = search.relaxed.map((relaxed) => sideOf(search.course, relaxed));
  const sweep = (limits: Below, workLimit: number, mostLabels: number): LabelSweep => {
    const pass = new LabelSweep(search, sides, limits, workLimit, mostLabels);
    pass.run();
    work += pass.work;
    longestLabelList = Math.max(longestLabelList, pass.longestLabelList);
    if (pass.purged !== undefined) {
      purged = pass.purged;
      known = pass.cost;
    }
    return pass;
  };
  for (const share of SHARES) {
    const limit = share === 1 ? known : lowest + (known - lowest) * share;
    const pass = sweep({ steps: limit, labels: limit }, search.workLimit - work, Infinity);
    if (pass.isStopped) {
      sweep({ steps: known, labels: known }, Infinity, MOST_BEAM_LABELS);
      return answer(false);
    }
    if (pass.purged !== undefined || share === 1) return answer(true);
    sweep({ steps: limit, labels: known }, (search.workLimit - work) * LOOK_SHARE, Infinity);
    if (known <= limit) return answer(true);
  }
  return answer(true);
}

const LOOK_SHARE = 1 / 4;
const SHARES = [1 / 256, 1 / 64, 1 / 16, 1 / 4, 1];
const MOST_BEAM_LABELS = 8;
