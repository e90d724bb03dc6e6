// A log that remembers its lines.

import type { Log, LogDetails } from '../../src/lib/use-cases/ports.ts';

export type LogLine = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly details: LogDetails;
};

export type RecordingLog = Log & {
  readonly lines: readonly LogLine[];
  /** Lines of these levels. */
  readonly at: (...levels: readonly LogLine['level'][]) => readonly LogLine[];
};

export function createRecordingLog(): RecordingLog {
  const lines: LogLine[] = [];
  const write =
    (level: LogLine['level']) =>
    (message: string, details: LogDetails = {}): void => {
      lines.push({ level, message, details });
    };
  return {
    lines,
    at: (...levels) => lines.filter(({ level }) => levels.includes(level)),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
}
