// A clock that moves only when a test says so.

import { instant, type Instant } from '../../src/lib/core/instant.ts';
import type { Clock } from '../../src/lib/use-cases/ports.ts';

/** Where a fake clock starts. */
export const START_AT = instant(Date.UTC(2024, 0, 15, 8, 9, 10));

export type FakeClock = Clock & {
  readonly advance: (ms: number) => void;
};

export function createFakeClock(startAt: Instant = START_AT): FakeClock {
  let now = startAt;
  return {
    now: () => now,
    advance(ms) {
      now = instant(now + ms);
    },
  };
}
