// What the operator is told of a CDN's keys and clock.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { reportCdn } from '../../../src/lib/report-cdn.ts';
import { systemLog } from '../../../src/lib/system-log.ts';
import { CDN } from '../../support/builders.ts';
import { createRecordingTelemetry } from '../../support/recording-telemetry.ts';

beforeEach(() => {
  vi.spyOn(systemLog, 'warn').mockReturnValue(undefined);
  vi.spyOn(systemLog, 'error').mockReturnValue(undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('a change of keys', () => {
  it.each(['first', 'second'] as const)('is told by its slot: %s', (slot) => {
    const telemetry = createRecordingTelemetry();
    reportCdn(CDN, telemetry).onKeySlot(slot);
    expect(telemetry.events).toEqual([{ name: 'key-slot-changed', cdn: CDN, slot }]);
    expect(systemLog.warn).toHaveBeenCalledExactlyOnceWith(expect.any(String), { cdn: CDN, slotInUse: slot });
  });
});

describe('an offset between the clocks', () => {
  it.each([
    [60_000, false],
    [-60_000, false],
    [300_000, false],
    [300_001, true],
    [-300_000, false],
    [-300_001, true],
  ])('of %i ms is told; over five minutes it is an alert: %s', (offsetMs, alerts) => {
    const telemetry = createRecordingTelemetry();
    reportCdn(CDN, telemetry).onClockOffset(offsetMs);
    expect(telemetry.events).toEqual([{ name: 'clock-offset', cdn: CDN, offsetMs, alerts }]);
    const told = alerts ? systemLog.error : systemLog.warn;
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.any(String), { cdn: CDN, offsetMs });
    expect(alerts ? systemLog.warn : systemLog.error).not.toHaveBeenCalled();
  });
});
