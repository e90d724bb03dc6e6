// Telemetry that is loaded when there is something to tell: a blob event need not wait for it.

import type { Telemetry } from '../use-cases/ports.ts';

/** Takes what loads the real telemetry, which must not fail. It is called once, at the first event or span. */
export function deferredTelemetry(load: () => Promise<Telemetry>): Telemetry {
  let loading: Promise<Telemetry> | undefined;
  const loaded = (): Promise<Telemetry> => (loading ??= load());
  return {
    track(event) {
      void loaded().then((telemetry) => telemetry.track(event));
    },
    // Work does not begin before its span can: what it sends would stand outside the trace.
    span: async (description, work) => (await loaded()).span(description, work),
    async flush() {
      await (await loading)?.flush();
    },
  };
}
