// Numbers out of samples: medians, percentiles, and times of asynchronous work.

import { percentile } from '../dev/demo/percentile.ts';

/** Milliseconds that the work took. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Takes at least one value; of an even number of them it gives the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  const middle = percentile(values, 50);
  if (middle === null) throw new Error('there is no median of nothing');
  return middle;
}

export type Spread = { readonly n: number; readonly p50: number | null; readonly p95: number | null };

/** Takes milliseconds, gives how many there are and where half and 95 per cent of them end. */
export function spreadOf(valuesMs: readonly number[]): Spread {
  const at = (percent: number): number | null => {
    const value = percentile(valuesMs, percent);
    return value === null ? null : rounded(value, 1);
  };
  return { n: valuesMs.length, p50: at(50), p95: at(95) };
}

/** For people: no digits that noise alone decides. */
export function rounded(value: number, decimals = 0): number {
  return Number(value.toFixed(decimals));
}
