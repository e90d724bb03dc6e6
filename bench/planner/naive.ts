// One purge for each file, in order: what an app without a planner does.

import type { Method } from './method.ts';

export const naive: Method = {
  name: 'naive',
  decide: ({ due, left }) => ({ files: due.slice(0, left.files).map(({ id }) => id), directories: [] }),
};
