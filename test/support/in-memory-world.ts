// Everything that a use case touches, in memory: one clock, one journal of effects, scripted CDNs.

import type { BlobChange } from '../../src/lib/core/blob-change.ts';
import type { Configuration } from '../../src/lib/core/configuration.ts';
import type { Services } from '../../src/lib/services.ts';
import { flushPurges, type FlushPorts } from '../../src/lib/use-cases/flush-purges.ts';
import { createHolds } from '../../src/lib/use-cases/holds.ts';
import { createLooks } from '../../src/lib/use-cases/looks.ts';
import { createRecentPurges } from '../../src/lib/use-cases/recent-purges.ts';
import { oneAtATime } from '../../src/lib/use-cases/one-at-a-time.ts';
import type { Receipt, Run } from '../../src/lib/use-cases/ports.ts';
import { aConfiguration, aMessage, CDN } from './builders.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createInMemoryBacklog, createInMemoryLease, type InMemoryBacklog } from './in-memory-backlog.ts';
import { createInMemoryBuffer, type InMemoryBuffer } from './in-memory-buffer.ts';
import {
  createScriptedProvider,
  type ScriptedProvider,
  type ScriptedProviderOptions,
} from './in-memory-provider.ts';
import { createInMemoryActivity, createInMemoryQueueWatch } from './in-memory-beat.ts';
import { createInMemoryHistory } from './in-memory-history.ts';
import { createInMemoryAccounts, createInMemoryInventory } from './in-memory-inventory.ts';
import { createInMemoryLedgers } from './in-memory-ledgers.ts';
import { createInMemoryOldRecords } from './in-memory-old-records.ts';
import { createInMemoryRecords, type InMemoryRecords } from './in-memory-records.ts';
import { createJournal, type Journal } from './recording-journal.ts';
import { createRecordingLog, type RecordingLog } from './recording-log.ts';
import { createRecordingTelemetry, type RecordingTelemetry } from './recording-telemetry.ts';

export const VISIBILITY_MS = 300_000;
const LEASE_MS = 30_000;

export type World = {
  readonly clock: FakeClock;
  readonly journal: Journal;
  readonly buffer: InMemoryBuffer;
  readonly records: InMemoryRecords;
  readonly backlog: InMemoryBacklog;
  /** The CDN that the builders name; `cdns` has every one. */
  readonly cdn: ScriptedProvider;
  readonly cdns: ReadonlyMap<string, ScriptedProvider>;
  readonly log: RecordingLog;
  readonly telemetry: RecordingTelemetry;
  readonly run: Run;
  readonly ports: FlushPorts;
  readonly services: Services;
  /** From now on this configuration is in force. */
  readonly configure: (configuration: Configuration) => void;
  /** Buffers changes as the intake would, without mapping them. */
  readonly buffered: (...changes: readonly BlobChange[]) => Promise<readonly Receipt[]>;
  readonly flush: () => Promise<void>;
};

export type WorldOptions = {
  readonly configuration?: Configuration;
  readonly cdn?: ScriptedProviderOptions;
  /** Further CDNs by name. */
  readonly otherCdns?: Readonly<Record<string, ScriptedProviderOptions>>;
};

export function createWorld(options: WorldOptions = {}): World {
  const clock = createFakeClock();
  const journal = createJournal();
  const buffer = createInMemoryBuffer(clock, VISIBILITY_MS, journal);
  const records = createInMemoryRecords(journal);
  const backlog = createInMemoryBacklog(journal);
  const cdn = createScriptedProvider(journal, options.cdn);
  const others = Object.entries(options.otherCdns ?? {}).map(
    ([name, provider]) => [name, createScriptedProvider(journal, provider)] as const,
  );
  const cdns = new Map([[CDN, cdn], ...others]);
  const log = createRecordingLog();
  const telemetry = createRecordingTelemetry();
  let inForce = options.configuration ?? aConfiguration();
  let ids = 0;
  const own = { account: 'contoso', recordsContainer: 'purge-records' };
  const ports: FlushPorts = {
    configuration: { current: async () => inForce },
    buffer,
    records,
    providersFor: () => cdns,
    clock,
    endpointTurns: oneAtATime(),
    holds: createHolds(),
    backlog,
    lease: createInMemoryLease(clock, LEASE_MS, journal),
    recent: createRecentPurges(),
    looks: createLooks(),
    own,
    ledgers: createInMemoryLedgers(journal),
    newId: () => `00000000-0000-4000-8000-${`${(ids += 1)}`.padStart(12, '0')}`,
  };
  const run: Run = { log, telemetry, traceparent: undefined };
  const flushLimits = { takeForMs: VISIBILITY_MS / 2, sendForMs: 240_000 };
  return {
    clock,
    journal,
    buffer,
    records,
    backlog,
    cdn,
    cdns,
    log,
    telemetry,
    run,
    ports,
    services: {
      configuration: ports.configuration,
      buffer,
      poison: { receive: async () => [], restore: async () => true, remove: async () => undefined },
      queues: createInMemoryQueueWatch(buffer),
      activity: createInMemoryActivity(),
      history: createInMemoryHistory(records, journal),
      retention: { oldRecords: createInMemoryOldRecords(), days: 30 },
      inventory: {
        store: createInMemoryInventory(),
        lister: createInMemoryAccounts({}),
        settingsOf: () => undefined,
      },
      own,
      telemetry,
      flushPorts: ports,
      flushLimits,
    },
    configure(configuration) {
      inForce = configuration;
    },
    buffered: (...changes) => Promise.all(changes.map((change) => buffer.add(aMessage(change)))),
    flush: () => flushPurges(ports, flushLimits, run),
  };
}
