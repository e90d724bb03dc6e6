// What the operator reads of a document in a blob: true words, whether or not there is one to work by.

import { describe, expect, it } from 'vitest';

import { reportConfiguration } from '../../../src/lib/report-configuration.ts';
import { createRecordingLog, type RecordingLog } from '../../support/recording-log.ts';
import { createRecordingTelemetry, type RecordingTelemetry } from '../../support/recording-telemetry.ts';

type Told = { readonly log: RecordingLog; readonly telemetry: RecordingTelemetry };

/** Takes what happens, gives what is told of it. */
function told(happens: (reports: ReturnType<typeof reportConfiguration>) => void): Told {
  const [log, telemetry] = [createRecordingLog(), createRecordingTelemetry()];
  happens(reportConfiguration(telemetry, log));
  return { log, telemetry };
}

describe('a refused document', () => {
  const PROBLEMS = [
    { path: 'sitse', message: 'unknown key' },
    { path: 'cdns', message: 'is missing' },
  ];
  const problems = 'sitse: unknown key\ncdns: is missing';

  it.each([
    [true, 'A new configuration was refused; the last good one stays in force. Mend the document.'],
    [false, 'The configuration was refused, and there is no earlier good one to work by. Mend the document.'],
  ])('is an error with every problem; an earlier one in force: %s', (inForce, message) => {
    const { log, telemetry } = told(({ onRefused }) => onRefused(PROBLEMS, 'e1', inForce));
    expect(log.lines).toEqual([{ level: 'error', message, details: { etag: 'e1', problems } }]);
    expect(telemetry.events).toEqual([{ name: 'configuration-refused', etag: 'e1', problems }]);
  });
});

describe('a document that cannot be read', () => {
  it.each([
    [true, 'warn', 'The configuration cannot be read; what is in force stays.'],
    [false, 'error', 'The configuration cannot be read, and there is none to work by.'],
  ] as const)('is told with its reason; one in force: %s', (inForce, level, message) => {
    const { log, telemetry } = told(({ onUnreadable }) => {
      onUnreadable('no such blob', new Error('404'), inForce);
    });
    expect(log.lines).toEqual([{ level, message, details: { reason: 'no such blob', cause: '404' } }]);
    expect(telemetry.events).toEqual([{ name: 'configuration-unreadable', reason: 'no such blob' }]);
  });
});
