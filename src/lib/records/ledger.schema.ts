// The quota ledger as it stands in blob storage, version 1: JSON, with times in ISO 8601 for the people who read it.

import * as z from 'zod';

import type { QuotaLedger } from '../core/quota-ledger.ts';
import { FORMATS } from '../storage/format-versions.ts';
import { storedInstant as at } from './instant-codec.ts';

const count = z.number().int().min(0);
const spent = z
  .array(z.object({ site: z.string(), lane: z.enum(['events', 'manual']), files: count, directories: count }))
  .readonly();

export const StoredLedger = z.object({
  version: z.literal(FORMATS.ledger.reads),
  /** `day` is the moment at which it begins. */
  days: z.array(z.object({ day: at, spent })).readonly(),
  reservations: z.array(z.object({ id: z.string(), at, days: z.array(at).readonly(), spent })).readonly(),
});

/** Gives what is to be stored. */
export const encodeLedger = (ledger: QuotaLedger): z.input<typeof StoredLedger> => ({
  ...z.encode(StoredLedger, ledger),
  version: FORMATS.ledger.writes,
});
