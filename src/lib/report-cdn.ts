// Tells the operator of a CDN's keys and clock: which slot is in use, never the key.

import type { CallReports } from './providers/azure-china-cdn/signed-calls.ts';
import { systemLog } from './system-log.ts';
import type { Telemetry } from './use-cases/ports.ts';

/** Beyond this the machine's clock is wrong, or the CDN's is. */
const ALERTING_OFFSET_MS = 5 * 60_000;

/** Takes the telemetry, gives the reports of one CDN of the configuration. */
export function reportCdn(cdn: string, telemetry: Telemetry): CallReports {
  return {
    onKeySlot(slot) {
      telemetry.track({ name: 'key-slot-changed', cdn, slot });
      systemLog.warn('The CDN refused the key in use and took the other one: replace the refused key.', {
        cdn,
        slotInUse: slot,
      });
    },
    onClockOffset(offsetMs) {
      const alerts = Math.abs(offsetMs) > ALERTING_OFFSET_MS;
      telemetry.track({ name: 'clock-offset', cdn, offsetMs, alerts });
      const tell = alerts ? systemLog.error : systemLog.warn;
      tell(
        "The CDN's clock differs from ours; requests are signed at its time from now on. Check this machine's clock.",
        {
          cdn,
          offsetMs,
        },
      );
    },
  };
}
