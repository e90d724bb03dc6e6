// What a way of planning is asked, and what it answers.

import type { Evicts, Policy } from '../../src/lib/core/planner/problem.ts';

export type Units = { readonly files: number; readonly directories: number };

/** One target that waits, whatever changed it and how often. */
export type Due = {
  /** Where it stands in the moment's list. */
  readonly id: number;
  readonly site: string;
  readonly path: string;
  /** Since its oldest change. */
  readonly ageHours: number;
  /** File units that it took since the reset; of a directory purge, its part of the files that a directory is worth. */
  readonly spentToday: number;
};

/** A moment at which a method may spend. It sees nothing of what comes. */
export type Moment = {
  /** Hours since the reset. */
  readonly atHours: number;
  readonly left: Units;
  readonly limits: Units;
  /** What each day before took. */
  readonly daysBefore: readonly Units[];
  /** Oldest first; of one deployment in its order. */
  readonly due: readonly Due[];
  readonly policy: Policy;
  readonly evicts: Evicts;
};

export type Decision = {
  /** Ids of the due. */
  readonly files: readonly number[];
  readonly directories: readonly { readonly site: string; readonly directory: string }[];
  /** When to be asked again if nothing happens before; hours since the reset. */
  readonly againAtHours?: number | undefined;
};

export type Method = {
  readonly name: string;
  readonly decide: (moment: Moment) => Decision;
};
