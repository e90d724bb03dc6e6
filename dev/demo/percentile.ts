// Percentiles of a small sample.

/** Takes values and a percentage, gives the value that so many per cent do not exceed (nearest rank), null for none. */
export function percentile(values: readonly number[], percent: number): number | null {
  const rank = Math.max(Math.ceil((percent / 100) * values.length), 1);
  return values.toSorted((a, b) => a - b)[rank - 1] ?? null;
}
