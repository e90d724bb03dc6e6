// When containers changed, as one small blob, guarded by its ETag.

import type { ContainerClient } from '@azure/storage-blob';

import { EMPTY_ACTIVITY } from '../core/container-activity.ts';
import type { ActivityStore } from '../use-cases/ports.ts';
import { encodeActivity, StoredActivity } from './activity.schema.ts';
import { readJson, writeJson } from './json-blob.ts';

const PATH = 'activity/containers.json';

/** Takes the container of the records (made when missing). */
export function createBlobActivity(container: ContainerClient): ActivityStore {
  const blob = container.getBlockBlobClient(PATH);
  return {
    async load() {
      const stored = await readJson(blob, StoredActivity);
      return stored === undefined
        ? { activity: EMPTY_ACTIVITY, version: undefined }
        : { activity: new Map(Object.entries(stored.value.containers)), version: stored.etag };
    },

    save: (activity, version) =>
      writeJson(
        container,
        blob,
        encodeActivity(activity),
        version === undefined ? { ifNoneMatch: '*' } : { ifMatch: version },
      ),
  };
}
