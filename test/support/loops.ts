// Waits by the event loop, never by the clock: whatever can go on meanwhile does.

/** Resolves after so many turns of the event loop. */
export async function loops(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await new Promise((resolve) => setImmediate(resolve));
}
