// Why the plan lets a file wait, in words for the backlog and the log.

import type { WhyWaiting } from '../core/planner/problem.ts';

export function describeWait(why: WhyWaiting): string {
  switch (why.kind) {
    case 'no-directory-allowed':
      return 'the quota leaves no file for it, and no directory above it may be purged';
    case 'budget-spent':
      return `the quota leaves no file for it, and ${why.directory} would serve only ${why.covers} due files`;
    case 'by-choice':
      return `waiting has cost ${rounded(why.waitCost)} evicted objects so far, a file costs ${rounded(why.price)}`;
    case 'hot':
      return `it took ${rounded(why.spentToday)} of the day’s files, and gets its next one by the clock`;
    case 'new-blob':
      return 'it is new, and goes when the quota has room for what nothing else needs';
    case 'group':
      return `others of its group ${why.group} have to wait`;
  }
}

const rounded = (cost: number): string => String(Math.round(cost * 100) / 100);
