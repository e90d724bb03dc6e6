// Telemetry that remembers what it was told.

import type { LogDetails, SpanDescription, Telemetry } from '../../src/lib/use-cases/ports.ts';
import type { TelemetryEvent } from '../../src/lib/use-cases/telemetry-event.ts';

export type RecordedSpan = SpanDescription & {
  readonly attributes: LogDetails;
  /** Why it failed: what `fail` was told, or the name of the error that was thrown. */
  readonly failure: string | undefined;
};

export type RecordingTelemetry = Telemetry & {
  readonly events: readonly TelemetryEvent[];
  /** Ended spans, in the order of their ends. */
  readonly spans: readonly RecordedSpan[];
  readonly flushes: () => number;
  readonly named: <N extends TelemetryEvent['name']>(
    name: N,
  ) => readonly Extract<TelemetryEvent, { readonly name: N }>[];
};

export function createRecordingTelemetry(): RecordingTelemetry {
  const events: TelemetryEvent[] = [];
  const spans: RecordedSpan[] = [];
  let flushes = 0;
  return {
    events,
    spans,
    flushes: () => flushes,
    named<N extends TelemetryEvent['name']>(name: N) {
      const isNamed = (event: TelemetryEvent): event is Extract<TelemetryEvent, { readonly name: N }> =>
        event.name === name;
      return events.filter(isNamed);
    },
    track(event) {
      events.push(event);
    },
    async span(description, work) {
      let attributes: LogDetails = {};
      let failure: string | undefined;
      try {
        return await work({
          set(more) {
            attributes = { ...attributes, ...more };
          },
          fail(reason) {
            failure = reason;
          },
        });
      } catch (error) {
        failure = error instanceof Error ? error.name : 'unknown';
        throw error;
      } finally {
        spans.push({ ...description, attributes, failure });
      }
    },
    async flush() {
      flushes += 1;
    },
  };
}
