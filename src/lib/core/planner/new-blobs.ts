// Names that the inventory has never seen: no edge can hold an old copy of them, but for an answer that they were not there.

/** `purge`: like any other. `when-there-is-room`: with the files that nobody else needs. `never`: not at all. */
export const NEW_BLOBS = ['purge', 'when-there-is-room', 'never'] as const;
export type NewBlobs = (typeof NEW_BLOBS)[number];

export type MaybeNew = { readonly id: number; readonly isNew?: boolean | undefined };

export type Sorted<Due> = {
  readonly now: readonly Due[];
  /** Planned with what is left over. */
  readonly ifThereIsRoom: readonly Due[];
  /** Not purged and not kept: their waiting ends here. */
  readonly dropped: readonly Due[];
};

export function sortNewBlobs<Due extends MaybeNew>(due: readonly Due[], how: NewBlobs): Sorted<Due> {
  if (how === 'purge') return { now: due, ifThereIsRoom: [], dropped: [] };
  const { old = [], fresh = [] } = Object.groupBy(due, ({ isNew }) => (isNew === true ? 'fresh' : 'old'));
  return how === 'never'
    ? { now: old, ifThereIsRoom: [], dropped: fresh }
    : { now: old, ifThereIsRoom: fresh, dropped: [] };
}
