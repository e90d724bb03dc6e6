// Reads the API's answers. An answer is parsed, never trusted: what cannot be read is a failure, whatever its status.

import type { Instant } from '../../core/instant.ts';
import type { NotAccepted, PurgeFailed, PurgeOutcome } from '../../core/purge-outcome.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { HttpResult } from '../http/send.ts';
import { classOfFailure, classOfRefusal } from './outcome-classes.ts';
import { EndpointList, PurgeTaken, Refusal, type ListedEndpoint } from './answer.schema.ts';

/** Identifies a request to the CDN's support; on every answer, also on errors. */
export const CORRELATION_HEADER = 'x-correlation-id';

/** Takes what came back on a purge, gives its outcome. */
export function readPurgeAnswer(result: HttpResult, now: Instant): PurgeOutcome {
  const answer = readAnswer(result, now);
  if (!answer.ok) return answer.error;
  const { body, status, correlationId } = answer.value;
  const taken = PurgeTaken.safeParse(body);
  if (status === 202 && taken.success) {
    return { kind: 'accepted', taskId: taken.data.AsyncInfo.TaskTrackId, correlationId };
  }
  return unreadable('not the answer that a purge has', answer.value);
}

/** Takes what came back on a list of endpoints, gives the endpoints, or what was answered instead. */
export function readEndpointList(
  result: HttpResult,
  now: Instant,
): Result<readonly ListedEndpoint[], NotAccepted> {
  const answer = readAnswer(result, now);
  if (!answer.ok) return answer;
  const listed = EndpointList.safeParse(answer.value.body);
  if (answer.value.status === 200 && listed.success) return ok(listed.data);
  return err(unreadable('not a list of endpoints', answer.value));
}

/** The CDN's name for its refusal, if it is one, and the status. */
export function refusalTypeOf(
  result: HttpResult,
): { readonly errorType: string; readonly status: number } | undefined {
  if (result.kind !== 'answered') return undefined;
  const refusal = Refusal.safeParse(parseJson(result.text));
  return refusal.success ? { errorType: refusal.data.ErrorInfo.Type, status: result.status } : undefined;
}

type Answer = {
  readonly status: number;
  readonly body: unknown;
  readonly correlationId: string | undefined;
  readonly retryAfterMs: number | undefined;
};

/** The part that every answer has in common: its headers, and the refusal that any status may carry. */
export function readAnswer(result: HttpResult, now: Instant): Result<Answer, NotAccepted> {
  if (result.kind === 'no-answer') {
    const { reason, sent, detail, began } = result;
    return err({
      kind: 'failed',
      reason,
      detail,
      sent,
      outcomeClass: classOfFailure(reason, began?.status),
      status: began?.status,
      retryAfterMs: parseRetryAfter(began?.headers.get('retry-after'), now),
      correlationId: began?.headers.get(CORRELATION_HEADER),
    });
  }
  const { status, headers, text } = result;
  const correlationId = headers.get(CORRELATION_HEADER);
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), now);
  const answer: Answer = { status, body: parseJson(text), correlationId, retryAfterMs };
  const refusal = Refusal.safeParse(answer.body);
  if (!refusal.success) return ok(answer);
  const { Type: errorType, Message: message } = refusal.data.ErrorInfo;
  return err({
    kind: 'refused',
    errorType: shorten(errorType),
    message: shorten(message ?? ''),
    status,
    outcomeClass: classOfRefusal(errorType, status),
    retryAfterMs,
    correlationId,
  });
}

/** Takes an answer that is not what it should be, gives the failure. */
export function unreadable(detail: string, { status, retryAfterMs, correlationId }: Answer): PurgeFailed {
  return {
    kind: 'failed',
    reason: 'unreadable-answer',
    detail: `status ${status}: ${detail}`,
    sent: true,
    outcomeClass: classOfFailure('unreadable-answer', status),
    status,
    retryAfterMs,
    correlationId,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a gateway's page, say: the status tells the rest
  }
}

/** The CDN's words go to logs and records: enough to read, not enough to flood. */
const shorten = (text: string): string => text.slice(0, 500);
