// Times as they stand in blob storage: ISO 8601, for the people who read the records.

import * as z from 'zod';

import { instant, type Instant } from '../core/instant.ts';

export const storedInstant = z.codec(z.iso.datetime(), z.custom<Instant>(Number.isFinite), {
  decode: (text) => instant(Date.parse(text)),
  encode: (time) => new Date(time).toISOString(),
});
