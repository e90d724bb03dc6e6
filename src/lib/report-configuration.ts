// Tells the operator what became of the configuration document in a blob.

import { formatProblem } from './config/configuration-problem.ts';
import type { BlobConfigurationOptions } from './config/configuration-source.ts';
import { systemLog } from './system-log.ts';
import type { Log, Telemetry } from './use-cases/ports.ts';

type Reports = Pick<BlobConfigurationOptions, 'onTaken' | 'onRefused' | 'onUnreadable' | 'onNotKept'>;

export function reportConfiguration(telemetry: Telemetry, log: Log = systemLog): Reports {
  return {
    onTaken(etag) {
      telemetry.track({ name: 'configuration-taken', etag });
      log.info('A configuration came into force.', { etag });
    },
    onRefused(refused, etag, inForce) {
      const problems = refused.map(formatProblem).join('\n');
      telemetry.track({ name: 'configuration-refused', etag, problems });
      const message = inForce
        ? 'A new configuration was refused; the last good one stays in force. Mend the document.'
        : 'The configuration was refused, and there is no earlier good one to work by. Mend the document.';
      log.error(message, { etag, problems });
    },
    onUnreadable(reason, cause, inForce) {
      telemetry.track({ name: 'configuration-unreadable', reason });
      const details = { reason, cause: nameOf(cause) };
      if (inForce) log.warn('The configuration cannot be read; what is in force stays.', details);
      else log.error('The configuration cannot be read, and there is none to work by.', details);
    },
    onNotKept(cause) {
      log.warn('The last good configuration could not be kept for the next start; it is tried again.', {
        cause: nameOf(cause),
      });
    },
  };
}

const nameOf = (cause: unknown): string | undefined => (cause instanceof Error ? cause.message : undefined);
