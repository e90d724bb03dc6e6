// Paths of which some became directories: what the public collapse methods work on.

import { directoriesOf } from './directories-of.ts';
import type { Decision, Due, Moment, Units } from './method.ts';

/** A directory of a site that holds due files. */
export type DueDirectory = {
  readonly site: string;
  readonly directory: string;
  /** How many segments it has; the root has none. */
  readonly depth: number;
  readonly covers: readonly Due[];
};

/** Every directory that policy allows and that holds enough due files, its subdirectories' files included. */
export function dueDirectories({
  due,
  policy,
  evicts,
}: Pick<Moment, 'due' | 'policy' | 'evicts'>): DueDirectory[] {
  const found = new Map<string, { site: string; directory: string; depth: number; covers: Due[] }>();
  for (const target of due) {
    for (const directory of directoriesOf(target.path)) {
      const key = `${target.site}${directory}`;
      const known = found.get(key);
      if (known === undefined) {
        found.set(key, { site: target.site, directory, depth: depthOf(directory), covers: [target] });
      } else known.covers.push(target);
    }
  }
  return [...found.values()].filter(
    ({ site, directory, covers }) =>
      covers.length >= policy.smallestDirectory &&
      policy.isAllowed(site, directory) &&
      (evicts(site, directory) ?? Infinity) <= policy.mostEvicted,
  );
}

/** Segments of a directory's path. */
export function depthOf(directory: string): number {
  return directory.split('/').length - 2;
}

/** The directories without those inside another of them. */
export function withoutCovered<T extends { readonly site: string; readonly directory: string }>(
  directories: readonly T[],
): T[] {
  const chosen = new Set(directories.map(({ site, directory }) => `${site}${directory}`));
  return directories.filter(({ site, directory }) =>
    directoriesOf(directory)
      .filter((above) => above !== directory)
      .every((above) => !chosen.has(`${site}${above}`)),
  );
}

/** Takes what a method wants purged whole, gives what the units allow: the fullest directories, then files in order. */
export function spendOn(
  wanted: readonly DueDirectory[],
  due: readonly Due[],
  left: Units,
): Pick<Decision, 'files' | 'directories'> {
  const directories = withoutCovered(wanted)
    .toSorted((a, b) => b.covers.length - a.covers.length)
    .slice(0, left.directories);
  const covered = new Set(directories.flatMap(({ covers }) => covers.map(({ id }) => id)));
  const files = due.filter(({ id }) => !covered.has(id)).slice(0, left.files);
  return { directories, files: files.map(({ id }) => id) };
}
