// Answers that are held back until somebody releases them.

export interface Holds {
  untilReleased(): Promise<void>;
  /** Lets every held answer go. Gives their number. */
  release(): number;
}

export function createHolds(): Holds {
  let waiting: (() => void)[] = [];
  return {
    untilReleased: () => new Promise((resolve) => waiting.push(resolve)),
    release() {
      const released = waiting;
      waiting = [];
      for (const resolve of released) resolve();
      return released.length;
    },
  };
}
