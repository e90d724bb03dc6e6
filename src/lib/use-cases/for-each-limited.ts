// Bounded parallel work over a list.

/** Runs `work` for every item, at most `limit` at once. Rejects with the first failure, after all have ended. */
export async function forEachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const one of workers) if (one.status === 'rejected') throw one.reason;
}
