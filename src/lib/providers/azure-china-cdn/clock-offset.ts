// How far the CDN's clock is ahead of ours, as it last told.

export type ClockOffset = {
  readonly currentMs: () => number;
  /** Keeps what was measured. True when that is a change, and not only the time that an answer takes. */
  readonly learn: (offsetMs: number) => boolean;
};

/** The header has whole seconds, and an answer may be on its way for a few. */
const NOISE_MS = 5_000;

/** An offset to share by all who call one API; lost with the process, as its clock may be right after a restart. */
export function createClockOffset(): ClockOffset {
  let currentMs = 0;
  return {
    currentMs: () => currentMs,
    learn(offsetMs) {
      if (Math.abs(offsetMs - currentMs) < NOISE_MS) return false;
      currentMs = offsetMs;
      return true;
    },
  };
}
