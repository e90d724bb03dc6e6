// What only the heartbeat looks at, in memory.

import * as z from 'zod';

import { EMPTY_ACTIVITY } from '../../src/lib/core/container-activity.ts';
import { encodeActivity, StoredActivity } from '../../src/lib/records/activity.schema.ts';
import type { ActivityStore, QueueWatch } from '../../src/lib/use-cases/ports.ts';
import type { InMemoryBuffer } from './in-memory-buffer.ts';

export function createInMemoryQueueWatch({ stored, poisoned }: InMemoryBuffer): QueueWatch {
  return {
    buffer: async () => ({ messages: stored().length, oldestAt: stored()[0]?.bufferedAt }),
    poison: async () => ({ messages: poisoned.length, oldestAt: poisoned[0]?.bufferedAt }),
  };
}

/** Through the real stored form, with ETags. */
export function createInMemoryActivity(): ActivityStore & { readonly saves: () => number } {
  let text: string | undefined;
  let saves = 0;
  return {
    saves: () => saves,
    async load() {
      if (text === undefined) return { activity: EMPTY_ACTIVITY, version: undefined };
      const { containers } = z.decode(StoredActivity, JSON.parse(text));
      return { activity: new Map(Object.entries(containers)), version: `${saves}` };
    },
    async save(activity, version) {
      if (version !== (text === undefined ? undefined : `${saves}`)) return false;
      text = JSON.stringify(encodeActivity(activity));
      saves += 1;
      return true;
    },
  };
}
