// What the handlers work with once the app is up.

import type { Configuration } from './core/configuration.ts';
import type { FlushLimits, FlushPorts } from './use-cases/flush-purges.ts';
import type { OwnPlaces } from './use-cases/buffer-blob-changes.ts';
import type { Retention } from './use-cases/forget-records.ts';
import type { InventorySettings } from './use-cases/refresh-inventory.ts';
import type {
  ActivityStore,
  BlobLister,
  ConfigurationSource,
  DeadLetterStore,
  InventoryStore,
  PoisonQueue,
  PurgeBuffer,
  PurgeHistory,
  QueueWatch,
  Telemetry,
} from './use-cases/ports.ts';

export type Services = {
  readonly configuration: ConfigurationSource;
  readonly buffer: PurgeBuffer;
  readonly poison: PoisonQueue;
  /** Undefined: Event Grid's dead letters are not read. */
  readonly deadLetters?: DeadLetterStore | undefined;
  readonly queues: QueueWatch;
  readonly activity: ActivityStore;
  readonly history: PurgeHistory;
  readonly retention: Retention;
  readonly inventory: InventoryServices;
  readonly own: OwnPlaces;
  readonly telemetry: Telemetry;
  readonly flushPorts: FlushPorts;
  readonly flushLimits: FlushLimits;
};

export type InventoryServices = {
  readonly store: InventoryStore;
  readonly lister: BlobLister;
  /** Undefined: no directories are planned by it, so nothing is listed. */
  readonly settingsOf: (configuration: Configuration) => InventorySettings | undefined;
};

/** Builds the services at first use: registration must not wait for the storage SDK to load. */
export type ServicesLoader = () => Promise<Services>;
