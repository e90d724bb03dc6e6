// Randomness that is the same in every run.

/** Takes a seed, gives a source of numbers from 0 up to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Takes how many items there are, gives a source of their indices: item k comes up in proportion to 1/(k+1). */
export function zipf(items: number, random: () => number): () => number {
  let sum = 0;
  const upTo = Array.from({ length: items }, (_, index) => (sum += 1 / (index + 1)));
  return () => {
    const wanted = random() * sum;
    return Math.max(
      upTo.findIndex((bound) => wanted < bound),
      0,
    );
  };
}
