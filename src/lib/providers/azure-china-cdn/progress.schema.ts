// What the API tells of a purge's task: only the fields that are used, in every shape that was seen.

import * as z from 'zod';

import type { ItemProgress } from '../../core/purge-tracking.ts';

// The pages say Succeed of items and Succeeded of tasks, and one legend mixes them. Preload items may also be
// Waiting. Whatever is not known to be an end is none.
const ENDS: ReadonlyMap<string, ItemProgress['status']> = new Map<string, ItemProgress['status']>([
  ['succeed', 'succeeded'],
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
]);

const item = z
  .object({ Url: z.string(), Status: z.string().nullish() })
  .transform(({ Url, Status }): ItemProgress => ({
    url: Url,
    status: ENDS.get(Status?.toLowerCase() ?? '') ?? 'running',
  }));

/** No overall status, and no `Succeeded`: docs.azure.cn/en-us/cdn/cdn-api-query-purge */
export const PurgeProgress = z
  .object({ Files: z.array(item).nullish(), Directories: z.array(item).nullish() })
  .refine(({ Files, Directories }) => (Files ?? Directories ?? undefined) !== undefined)
  .transform(({ Files, Directories }): readonly ItemProgress[] => [...(Files ?? []), ...(Directories ?? [])]);
