// "Did you mean …?": the known name that a mistyped one comes nearest to.

/** Takes a name and the known ones, gives the nearest within two edits (fewer for short names), or undefined. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  // The cost grows with the product of the lengths, and nothing this long is near a known name.
  if (name.length > LONGEST) return undefined;
  const wanted = name.toLowerCase();
  const allowed = Math.min(2, Math.floor(name.length / 3));
  let closest: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = editDistance(wanted, candidate.toLowerCase());
    if (edits <= allowed && (closest === undefined || edits < closest.edits)) {
      closest = { name: candidate, edits };
    }
  }
  return closest?.name;
}

const LONGEST = 64;

/** Levenshtein distance with adjacent swaps counted once (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (previous[column] ?? Infinity) + 1,
          (current[column - 1] ?? Infinity) + 1,
          (previous[column - 1] ?? Infinity) + (same ? 0 : 1),
          swapped ? (beforePrevious[column - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] ?? Infinity;
}
