// What a process that runs histories tells: one line of JSON each.

import * as z from 'zod';

/** A history that broke a promise; every one, where that was asked for. */
const ToldHistory = z.strictObject({
  kind: z.literal('history'),
  seed: z.number(),
  violations: z.array(z.string()),
  lines: z.array(z.string()),
});

export const Told = z.discriminatedUnion('kind', [
  ToldHistory,
  /** So many were run: fewer than asked for when one broke a promise. */
  z.strictObject({ kind: z.literal('end'), ran: z.number() }),
  /** The mutant says nothing: its text is not in the app. */
  z.strictObject({ kind: z.literal('misfit'), reason: z.string() }),
]);

export type Told = z.infer<typeof Told>;
export type ToldHistory = z.infer<typeof ToldHistory>;
