// Which hosts an edge answers for, and what it serves there.
import * as z from 'zod';

export const HostName = z
  .string()
  .regex(/^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*$/iu, 'expected a host name without scheme and port');

/** What the edge serves on a host: one container at `/`, or (`*`) every container under `/<container>/`. */
export type EdgeHost = z.infer<typeof EdgeHost>;
export const EdgeHost = z.strictObject({
  host: HostName,
  container: z.union([z.literal('*'), z.string().regex(/^(?:\$web|\$root|[a-z0-9](?:-?[a-z0-9])+)$/u)]),
  indexDocument: z.string().min(1).optional(),
});
