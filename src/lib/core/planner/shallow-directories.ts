// For a CDN whose directory purges leave alone what lies in directories below: each directory is a tree of its own.

import type { OnlinePlan, OnlineProblem } from './online.ts';
import type { PlannedDirectory, WaitingFile } from './problem.ts';

/** Where the files of a directory lie in its own tree. */
const INSIDE = '/in/';
/** Where those lie that no purge of the directory takes along: who decodes `%2F` takes it for a slash. */
const FURTHER_BELOW = '/below/';
const DECODED_SLASH = /\\|%2f|%5c/iu;
/** No site and no directory has one. */
const BETWEEN = '\n';

/** Takes a problem, gives it with every directory apart from those around it. `evicts` is asked for what lies directly in one. */
export function asShallow(problem: OnlineProblem): OnlineProblem {
  const { due, policy, evicts, shares } = problem;
  return {
    ...problem,
    due: due.map((file) => {
      const nameAt = file.path.lastIndexOf('/') + 1;
      return {
        ...file,
        site: `${file.site}${BETWEEN}${file.path.slice(0, nameAt)}`,
        path: `${DECODED_SLASH.test(file.path.slice(nameAt)) ? FURTHER_BELOW : INSIDE}${file.path.slice(nameAt)}`,
      };
    }),
    policy: {
      ...policy,
      isAllowed: (site, directory) => {
        const own = ownOf(site);
        return directory === INSIDE && policy.isAllowed(own.site, own.directory);
      },
    },
    evicts: (site, directory) => {
      const own = ownOf(site);
      return directory === INSIDE ? evicts(own.site, own.directory) : undefined;
    },
    shares: shares && { ...shares, ownerOf: (site) => shares.ownerOf(ownOf(site).site) },
  };
}

/** Takes the plan of such a problem, gives it in terms of the real directories. */
export function fromShallow(planned: OnlinePlan): OnlinePlan {
  const { directories, waiting } = planned.plan;
  return {
    ...planned,
    plan: {
      ...planned.plan,
      directories: directories.map((one): PlannedDirectory => ({ ...one, ...ownOf(one.site) })),
      // Nothing covers more than the directory that a file lies in.
      waiting: waiting.map(({ id, why }): WaitingFile => ({
        id,
        why: why.kind === 'budget-spent' ? { kind: 'no-directory-allowed' } : why,
      })),
    },
  };
}

function ownOf(site: string): { readonly site: string; readonly directory: string } {
  const between = site.indexOf(BETWEEN);
  return { site: site.slice(0, between), directory: site.slice(between + 1) };
}
