// `data.sequencer`: 48 hex digits whose string order is the order of the changes.

/**
 * Makes a source of sequencers. They keep growing when the clock stands still or steps back, and, as they start
 * with the time, over a restart as well.
 * @param now milliseconds since 1970
 */
export function createSequencer(now: () => number): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    lastMs = Math.max(lastMs, now());
    counter += 1;
    return `${hex(lastMs, 32)}${hex(counter, 16)}`;
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
