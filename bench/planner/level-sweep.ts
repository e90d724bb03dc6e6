// The level sweep of bep/s3deploy (lib/cloudfront.go at e5e7595), from its description: from the deepest level up,
// everything deeper than a level becomes the directory of its grandparent (at depth one: of its parent), until it fits.

import { directoriesOf } from './directories-of.ts';
import { depthOf, dueDirectories, spendOn, type DueDirectory } from './collapse.ts';
import type { Due, Method, Moment } from './method.ts';

export const levelSweep: Method = { name: 'level-sweep', decide: (moment) => sweep(moment) };

function sweep(moment: Moment): ReturnType<Method['decide']> {
  const { due, left } = moment;
  const known = new Map(dueDirectories(moment).map((found) => [`${found.site}${found.directory}`, found]));
  /** Where each due file has got to: itself, or a directory that holds it. */
  const places = new Map<Due, DueDirectory | undefined>(due.map((target) => [target, undefined]));
  const fits = (): boolean => {
    const directories = new Set(places.values());
    const files = [...places.values()].filter((place) => place === undefined).length;
    directories.delete(undefined);
    return files <= left.files && directories.size <= left.directories;
  };
  const deepest = Math.max(0, ...due.map(({ path }) => levelOf(path)));
  for (let level = deepest - 1; level >= 0 && !fits(); level--) {
    for (const [target, place] of places) {
      const from = place?.directory ?? target.path;
      if (levelOf(from) > level) places.set(target, liftedTo(target, place, known));
    }
  }
  return spendOn(
    [...new Set(places.values())].filter((place) => place !== undefined),
    due,
    left,
  );
}

/** A file at the root has level 1, as has a directory at the root. */
function levelOf(path: string): number {
  return path.endsWith('/') ? depthOf(path) : path.split('/').length - 1;
}

/** The grandparent, or the nearest below it that may be purged as a whole; where it was if there is none. */
function liftedTo(
  { site, path }: Due,
  place: DueDirectory | undefined,
  known: ReadonlyMap<string, DueDirectory>,
): DueDirectory | undefined {
  const above = directoriesOf(place?.directory ?? path).filter((directory) => directory !== place?.directory);
  const [parent, grandparent] = above;
  for (const directory of [grandparent, parent]) {
    const found = directory === undefined ? undefined : known.get(`${site}${directory}`);
    if (found !== undefined) return found;
  }
  return place;
}
