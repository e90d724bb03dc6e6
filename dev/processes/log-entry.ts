// The one line of JSON that every process of the local stack writes for each thing worth telling.
import * as z from 'zod';

const logSources = ['cdn-api', 'cdn-edge', 'functions', 'event-grid', 'storage'] as const;
const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** One parsed log line. Anything beyond the five named members is a detail of the event. */
export type LogEntry = z.infer<typeof LogEntry>;
export const LogEntry = z.looseObject({
  /** ISO 8601, UTC. */
  at: z.string(),
  source: z.enum(logSources),
  level: z.enum(logLevels),
  /** What happened, for programs: `kebab-name`. */
  event: z.string(),
  /** What happened, for people: one sentence. */
  message: z.string(),
});

/** A log entry as its author writes it: without `at`, the moment of writing is meant. */
export interface NewLogEntry {
  readonly at?: string;
  readonly source: LogEntry['source'];
  readonly level: LogEntry['level'];
  readonly event: string;
  readonly message: string;
  readonly [detail: string]: unknown;
}
