// Tells the operator what became of the configuration document in a blob.

import { formatProblem } from './config/configuration-problem.ts';
import type { BlobConfigurationOptions } from './config/configuration-source.ts';
import { systemLog } from './system-log.ts';
import type { Telemetry } from './use-cases/ports.ts';

type Reports = Pick<BlobConfigurationOptions, 'onTaken' | 'onRefused' | 'onUnreadable' | 'onNotKept'>;

export function reportConfiguration(telemetry: Telemetry): Reports {
  return {
    onTaken(etag) {
      telemetry.track({ name: 'configuration-taken', etag });
      systemLog.info('A configuration came into force.', { etag });
    },
    onRefused(refused, etag) {
      const problems = refused.map(formatProblem).join('\n');
      telemetry.track({ name: 'configuration-refused', etag, problems });
      systemLog.error(
        'A new configuration was refused; the last good one stays in force. Mend the document.',
        {
          etag,
          problems,
        },
      );
    },
    onUnreadable(reason, cause) {
      telemetry.track({ name: 'configuration-unreadable', reason });
      systemLog.warn('The configuration cannot be read; what is in force stays.', {
        reason,
        cause: nameOf(cause),
      });
    },
    onNotKept(cause) {
      systemLog.warn('The last good configuration could not be kept for the next start; it is tried again.', {
        cause: nameOf(cause),
      });
    },
  };
}

const nameOf = (cause: unknown): string | undefined => (cause instanceof Error ? cause.message : undefined);
