// Telemetry where no connection string is set: nothing is told, nothing is loaded.

import type { Telemetry } from '../use-cases/ports.ts';

export const noTelemetry: Telemetry = {
  track: () => undefined,
  span: (_description, work) => work({ set: () => undefined, fail: () => undefined }),
  flush: () => Promise.resolve(),
};
