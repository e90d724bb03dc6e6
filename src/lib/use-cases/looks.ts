// How closely a tick looks at what waits: what is not due is not looked at every time, for that costs calls in vain.

import type { Look } from '../core/backlog.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Instant } from '../core/instant.ts';

export type Looks = {
  /**
   * `all` at first, and when the configuration is another one: somebody may have mended what was waited for.
   * `quota` when something new came, for it is planned together with what waits, and every five minutes: what was
   * reserved and not spent comes back, and what is kept for others is lent by the hour.
   */
  readonly look: (somethingCame: boolean, configuration: Configuration, now: Instant) => Look;
};

const LOOK_EVERY_MS = 5 * 60_000;

export function createLooks(): Looks {
  let last: { readonly at: Instant; readonly configuration: Configuration } | undefined;
  return {
    look(somethingCame, configuration, now) {
      const isAnew = last?.configuration !== configuration;
      const isDue = last === undefined || now - last.at >= LOOK_EVERY_MS;
      if (isAnew || isDue || somethingCame) last = { at: now, configuration };
      if (isAnew) return 'all';
      return isDue || somethingCame ? 'quota' : 'due';
    },
  };
}
