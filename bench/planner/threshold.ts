// Too many files: everything due goes by its topmost directory. What deployment tools do (peers.md (d), row 2).

import { dueDirectories, spendOn, withoutCovered } from './collapse.ts';
import { naive } from './naive.ts';
import type { Method } from './method.ts';

export const threshold: Method = {
  name: 'threshold',
  decide: (moment) => {
    const { due, left } = moment;
    if (due.length <= left.files) return naive.decide(moment);
    return spendOn(withoutCovered(dueDirectories(moment)), due, left);
  },
};
