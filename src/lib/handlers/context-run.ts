// One invocation of the Functions host as a run of a use case.

import type { InvocationContext } from '@azure/functions';

import { formatLine } from '../format-line.ts';
import type { Log, Run, Telemetry } from '../use-cases/ports.ts';

/** Takes the host's context and the telemetry, gives the run. */
export function runOf(context: InvocationContext, telemetry: Telemetry): Run {
  return { log: logOf(context), telemetry, traceparent: context.traceContext?.traceParent };
}

/** Takes the host's context, gives the log of its invocation. */
export function logOf(context: InvocationContext): Log {
  return {
    debug: (message, details) => context.debug(formatLine(message, details)),
    info: (message, details) => context.info(formatLine(message, details)),
    warn: (message, details) => context.warn(formatLine(message, details)),
    error: (message, details) => context.error(formatLine(message, details)),
  };
}
