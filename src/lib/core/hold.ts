// What must not be sent before a time, because of what the CDN answered.

import type { Instant } from './instant.ts';
import type { NotAccepted } from './purge-outcome.ts';

export type Hold = {
  readonly until: Instant;
  /** How many times in a row. */
  readonly times: number;
  readonly outcome: NotAccepted;
};
