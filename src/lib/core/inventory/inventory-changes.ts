// What change events say of a container since it was listed. By name, the newest event counts: a repeated or late
// one changes nothing.

import { type BlobChange, type BlobPath } from '../blob-change.ts';
import type { Instant } from '../instant.ts';
import type { ContainerPlace } from './listing.ts';

export type InventoryChanges = {
  readonly names: ReadonlyMap<string, NameChange>;
  /** Directories, with `/` at their end, whose everything was deleted or moved away, and when. */
  readonly cleared: ReadonlyMap<string, Instant>;
  /** Directories to which something unknown was moved, and when. */
  readonly unknown: ReadonlyMap<string, Instant>;
};

export type NameChange = {
  readonly stands: boolean;
  readonly at: Instant;
  /** The oldest creation that was seen; undefined: none. */
  readonly firstStoodAt: Instant | undefined;
};

export const NO_CHANGES: InventoryChanges = { names: new Map(), cleared: new Map(), unknown: new Map() };

/** What one change says of one container. */
export type InventoryEvent = ContainerPlace & {
  readonly effect: 'stands' | 'gone' | 'cleared' | 'unknown';
  /** A blob's name; of `cleared` and `unknown` a directory, which ends with `/`. */
  readonly path: string;
  readonly at: Instant;
};

/** Takes a change, gives what it says of the containers that it concerns. */
export function inventoryEvents(change: BlobChange): readonly InventoryEvent[] {
  const event = (effect: InventoryEvent['effect'], { container, name }: BlobPath): InventoryEvent => {
    const path = effect === 'stands' || effect === 'gone' ? name : asDirectory(name);
    return { account: change.account, container, effect, path, at: change.eventAt };
  };
  switch (change.kind) {
    case 'created':
      return [event('stands', change.blob)];
    case 'deleted':
      return [event('gone', change.blob)];
    case 'renamed':
      return [event('gone', change.from), event('stands', change.to)];
    case 'directory-deleted':
      return [event('cleared', change.directory)];
    case 'directory-renamed':
      return [event('cleared', change.from), event('unknown', change.to)];
  }
}

const asDirectory = (name: string): string => (name === '' || name.endsWith('/') ? name : `${name}/`);

/** Takes what is known of a container and events of it in any order, gives both together. */
export function withEvents(changes: InventoryChanges, events: Iterable<InventoryEvent>): InventoryChanges {
  const names = new Map(changes.names);
  const cleared = new Map(changes.cleared);
  const unknown = new Map(changes.unknown);
  for (const { effect, path, at } of events) {
    switch (effect) {
      case 'stands':
      case 'gone':
        names.set(path, laterOf(names.get(path), effect === 'stands', at));
        break;
      case 'cleared':
        cleared.set(path, latest(cleared.get(path), at));
        break;
      case 'unknown':
        unknown.set(path, latest(unknown.get(path), at));
        break;
    }
  }
  return { names, cleared, unknown };
}

/** Takes changes, gives those that happened at a time or later. */
export function changesFrom(changes: InventoryChanges, from: Instant): InventoryChanges {
  return {
    names: new Map([...changes.names].filter(([, { at }]) => at >= from)),
    cleared: new Map([...changes.cleared].filter(([, at]) => at >= from)),
    unknown: new Map([...changes.unknown].filter(([, at]) => at >= from)),
  };
}

/** Of two events of one time the creation counts: an object too many is the lesser mistake. */
function laterOf(known: NameChange | undefined, stands: boolean, at: Instant): NameChange {
  const firstStoodAt = stands ? earliest(known?.firstStoodAt, at) : known?.firstStoodAt;
  const isNewer = known === undefined || at > known.at || (at === known.at && stands);
  return isNewer ? { stands, at, firstStoodAt } : { ...known, firstStoodAt };
}

const latest = (known: Instant | undefined, at: Instant): Instant =>
  known === undefined || at > known ? at : known;

const earliest = (known: Instant | undefined, at: Instant): Instant =>
  known === undefined || at < known ? at : known;
