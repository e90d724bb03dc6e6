// When containers changed, as it stands in blob storage, version 1: JSON, with times in ISO 8601.

import * as z from 'zod';

import type { ContainerActivity } from '../core/container-activity.ts';
import { FORMATS } from '../storage/format-versions.ts';
import { storedInstant as at } from './instant-codec.ts';

export const StoredActivity = z.object({
  version: z.literal(FORMATS.activity.reads),
  /** By account and container, with a slash between. */
  containers: z.record(
    z.string(),
    z.object({
      firstChangeAt: at,
      lastChangeAt: at,
      days: z.array(z.object({ day: at, longestSilenceMs: z.number().min(0) })).readonly(),
    }),
  ),
});

/** Gives what is to be stored. */
export const encodeActivity = (activity: ContainerActivity): z.input<typeof StoredActivity> =>
  z.encode(StoredActivity, { version: FORMATS.activity.writes, containers: Object.fromEntries(activity) });
