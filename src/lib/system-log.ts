// The log for what belongs to no invocation. The host takes the process's output into its own log.

import { formatLine } from './format-line.ts';
import type { Log } from './use-cases/ports.ts';

/* oxlint-disable no-console -- the host gives no other log outside an invocation */
export const systemLog: Log = {
  debug: () => undefined,
  info: (message, details) => console.info(formatLine(message, details)),
  warn: (message, details) => console.warn(formatLine(message, details)),
  error: (message, details) => console.error(formatLine(message, details)),
};
