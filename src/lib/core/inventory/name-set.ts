// Which names have been seen: four bytes a name, so that an overwritten blob is not counted as a new one.
//
// A name stands for its 32-bit hash. Among a million names a further one is taken for known once in 4,000 times; a
// known one is never taken for new.

export type NameSet = {
  readonly add: (name: string) => void;
  readonly has: (name: string) => boolean;
  readonly size: () => number;
  /** Hashes in ascending order; not to be written to. */
  readonly hashes: () => Uint32Array;
};

/** Takes nothing for an empty set, or the hashes of another one. */
export function createNameSet(hashes: Uint32Array = new Uint32Array()): NameSet {
  let held = hashes.toSorted();
  let size = held.length;
  let isSorted = true;

  const sorted = (): Uint32Array => {
    if (held.length !== size) held = held.slice(0, size);
    if (!isSorted) held.sort();
    isSorted = true;
    return held;
  };

  return {
    add(name) {
      if (size === held.length) {
        const larger = new Uint32Array(Math.max(1_024, size * 2));
        larger.set(held);
        held = larger;
      }
      held[size] = hashOf(name);
      size += 1;
      isSorted = false;
    },
    has: (name) => includes(sorted(), hashOf(name)),
    size: () => size,
    hashes: sorted,
  };
}

function includes(sorted: Uint32Array, wanted: number): boolean {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === wanted;
}

/** MurmurHash3, 32 bits, over UTF-16 code units. It is stored: another hash is another version of the inventory. */
function hashOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) {
    let unit = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    unit = (unit << 15) | (unit >>> 17);
    hash ^= Math.imul(unit, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
