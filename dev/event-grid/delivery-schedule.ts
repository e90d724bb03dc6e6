// What becomes of an event after a delivery attempt: Event Grid's rules as data. Pure.
//
// https://learn.microsoft.com/azure/event-grid/delivery-and-retry

import type { DeadLetterReason } from './dead-letter.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

const retryDelaysMs = [
  10 * secondMs,
  30 * secondMs,
  minuteMs,
  5 * minuteMs,
  10 * minuteMs,
  30 * minuteMs,
  hourMs,
  3 * hourMs,
  6 * hourMs,
  12 * hourMs,
] as const;
const lastRetryDelayMs = 12 * hourMs;

const maxDeliveryAttempts = 30;
const timeToLiveMs = 24 * hourMs;
/** An endpoint that has not answered by then has failed. Never scaled: it is the app's deadline. */
export const answerLimitMs = 30 * secondMs;

/** Only these: a 206 or a redirect is a failure. */
const successStatuses: ReadonlySet<number> = new Set([200, 201, 202, 203, 204]);
/** For a webhook these are final: 400 bad request, 401 and 403 wrong key, 413 too large. */
const finalStatuses: ReadonlySet<number> = new Set([400, 401, 403, 413]);

export type Answer =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'unanswered'; readonly reason: string };

export type DeliveryDecision =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason; readonly detail: string };

/**
 * @param attempts how many there have been, the one that got this answer included
 * @param retryScale multiplies every delay: 1 is Azure's own pace
 */
export function decideDelivery(answer: Answer, attempts: number, retryScale: number): DeliveryDecision {
  if (answer.kind === 'answered' && successStatuses.has(answer.status)) return { kind: 'delivered' };
  if (answer.kind === 'answered' && finalStatuses.has(answer.status)) {
    const detail = `status ${answer.status} is never tried again`;
    return { kind: 'dead-letter', reason: 'UndeliverableDueToClientError', detail };
  }
  if (attempts >= maxDeliveryAttempts) {
    const detail = `${attempts} attempts have failed`;
    return { kind: 'dead-letter', reason: 'MaxDeliveryAttemptsExceeded', detail };
  }
  const delayMs = retryDelaysMs[attempts - 1] ?? lastRetryDelayMs;
  return { kind: 'retry', delayMs: delayMs * retryScale };
}

/** As in Azure, an event's age is only looked at when its next attempt is due. Its limit is scaled like the delays. */
export function isExpired(acceptedAtMs: number, nowMs: number, retryScale: number): boolean {
  return nowMs - acceptedAtMs > timeToLiveMs * retryScale;
}
