// A queue of ordered failures, each for a number of requests.

export interface FaultQueue<Fault, Subject> {
  add(faults: readonly Fault[]): void;
  /** The first fault for this request, one use of it taken away. */
  take(subject: Subject): Fault | undefined;
  /** What is still to come; `times` is what is left. */
  waiting(): readonly Fault[];
  clear(): void;
}

/** @param isFor whether a fault is meant for a request */
export function createFaultQueue<Fault extends { readonly times: number }, Subject>(
  isFor: (fault: Fault, subject: Subject) => boolean,
): FaultQueue<Fault, Subject> {
  let queue: readonly Fault[] = [];
  return {
    add(faults) {
      queue = [...queue, ...faults];
    },
    take(subject) {
      const found = queue.find((fault) => isFor(fault, subject));
      if (found === undefined) return undefined;
      queue = queue.flatMap((fault) => {
        if (fault !== found) return [fault];
        return fault.times > 1 ? [{ ...fault, times: fault.times - 1 }] : [];
      });
      return found;
    },
    waiting: () => queue,
    clear() {
      queue = [];
    },
  };
}
