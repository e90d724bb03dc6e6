// Runs work of one key strictly one after the other, in the order asked; other keys go on beside it.

export type OneAtATime = { readonly run: <T>(key: string, work: () => Promise<T>) => Promise<T> };

export function oneAtATime(): OneAtATime {
  const tails = new Map<string, Promise<void>>();
  return {
    async run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const before = tails.get(key) ?? Promise.resolve();
      const result = before.then(work);
      const tail = result.then(
        () => undefined,
        () => undefined,
      );
      tails.set(key, tail);
      try {
        return await result;
      } finally {
        if (tails.get(key) === tail) tails.delete(key);
      }
    },
  };
}
