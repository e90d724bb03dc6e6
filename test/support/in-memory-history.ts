// The purges of the in-memory records by day, as the listing of their blobs would find them.

import type { PurgeHistory } from '../../src/lib/use-cases/ports.ts';
import type { InMemoryRecords } from './in-memory-records.ts';
import type { Journal } from './recording-journal.ts';

export function createInMemoryHistory(records: InMemoryRecords, journal: Journal): PurgeHistory {
  return {
    async findPurgesOf(day) {
      journal.note({ port: 'records', call: 'list-day', of: day });
      const purges = records
        .purges()
        .filter(({ acceptedAt }) => new Date(acceptedAt).toISOString().startsWith(day))
        .map(({ id, acceptedAt }) => ({ id, acceptedAt, name: `purges/${day}/${id}.json` }));
      return { purges, isComplete: true };
    },

    readFound: ({ id }) => records.readPurge(id),
  };
}
