// What the handlers work with once the app is up.

import type { FlushLimits, FlushPorts } from './use-cases/flush-purges.ts';
import type { OwnPlaces } from './use-cases/buffer-blob-changes.ts';
import type { ConfigurationSource, PoisonQueue, PurgeBuffer, Telemetry } from './use-cases/ports.ts';

export type Services = {
  readonly configuration: ConfigurationSource;
  readonly buffer: PurgeBuffer;
  readonly poison: PoisonQueue;
  readonly own: OwnPlaces;
  readonly telemetry: Telemetry;
  readonly flushPorts: FlushPorts;
  readonly flushLimits: FlushLimits;
};

/** Builds the services at first use: registration must not wait for the storage SDK to load. */
export type ServicesLoader = () => Promise<Services>;
