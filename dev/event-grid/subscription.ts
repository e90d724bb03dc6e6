// Waits until the subscriber's endpoint passes the validation handshake: the Functions host may come up later.
import { setTimeout as delay } from 'node:timers/promises';
import type { NewLogEntry } from '../processes/log-entry.ts';
import type { EventSchema } from './event.ts';
import type { Webhook } from './webhook.ts';

const firstRetryDelayMs = 100;
const longestRetryDelayMs = 2_000;

export interface ValidationSettings {
  readonly schema: EventSchema;
  /** Undefined: try for ever. */
  readonly deadlineMs: number | undefined;
  readonly log: (entry: NewLogEntry) => void;
}

/** Repeats the handshake until it succeeds (true), the deadline passes (false), or `signal` aborts (false). */
export async function validateSubscription(
  webhook: Webhook,
  { schema, deadlineMs, log }: ValidationSettings,
  signal: AbortSignal,
): Promise<boolean> {
  const startedAtMs = performance.now();
  let retryDelayMs = firstRetryDelayMs;
  let lastError = '';
  for (;;) {
    const validation = await webhook.validate(schema, signal);
    if (signal.aborted) return false;
    if (validation.ok) {
      log({
        source: 'event-grid',
        level: 'info',
        event: 'subscription-validated',
        message: `Events go to ${webhook.shownUrl}`,
        schema,
      });
      return true;
    }
    if (deadlineMs !== undefined && performance.now() - startedAtMs + retryDelayMs > deadlineMs) {
      log({
        source: 'event-grid',
        level: 'error',
        event: 'subscription-failed',
        message: `${webhook.shownUrl} did not pass the validation handshake within ${deadlineMs} ms: ${validation.error}. Events are kept; start the Functions host, then PUT /_event-grid/subscription with its webhookUrl.`,
      });
      return false;
    }
    if (validation.error !== lastError) {
      lastError = validation.error;
      log({
        source: 'event-grid',
        level: 'debug',
        event: 'subscription-waiting',
        message: `${webhook.shownUrl} does not pass the validation handshake yet: ${validation.error}`,
      });
    }
    await delay(retryDelayMs, undefined, { signal }).catch(() => undefined);
    retryDelayMs = Math.min(retryDelayMs * 2, longestRetryDelayMs);
  }
}
