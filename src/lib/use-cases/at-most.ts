// Bounds parallel work that comes from several places.

export type AtMost = <T>(work: () => Promise<T>) => Promise<T>;

/** Gives a runner that has at most `limit` works under way; further ones wait, in the order asked. */
export function atMost(limit: number): AtMost {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    // Whoever ends hands its place over: nobody who asks meanwhile gets in between.
    if (running < limit) running += 1;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
