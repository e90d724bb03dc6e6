// Reads the answers of Azure Resource Manager. What cannot be read is a failure, whatever its status.

import type { Instant } from '../../core/instant.ts';
import type { NotAccepted, PurgeFailed, PurgeOutcome } from '../../core/purge-outcome.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { TokenFailure } from '../../identity/token-source.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import type { AnswerHeaders, HttpResult } from '../http/send.ts';
import { Refusal } from './answer.schema.ts';
import { classOfFailure, classOfRefusal } from './outcome-classes.ts';

/** Identifies a request to Azure's support; on every answer of Resource Manager, also on errors. */
export const CORRELATION_HEADER = 'x-ms-correlation-request-id';
const REQUEST_ID_HEADER = 'x-ms-request-id';

/** What comes back on a call: an answer, or that none was made for want of a token. */
export type CallResult = Result<HttpResult, TokenFailure>;

/** Takes what came back on a purge, and where the API is, gives its outcome. */
export function readPurgeAnswer(result: CallResult, armUrl: string, now: Instant): PurgeOutcome {
  const answer = readAnswer(result, now);
  if (!answer.ok) return answer.error;
  const { status, headers, correlationId, retryAfterMs } = answer.value;
  const refusal = refusalOf(answer.value, LEAVE_TO_PURGE);
  if (refusal !== undefined) return refusal;
  const requestId = headers.get(REQUEST_ID_HEADER);
  switch (status) {
    case 202: {
      const operationUrl = headers.get('azure-asyncoperation');
      if (operationUrl === undefined) return unreadable('no address of the operation', answer.value);
      if (parseOperationUrl(operationUrl, armUrl) === undefined) {
        return unreadable('the address of the operation is not on the host of the API', answer.value);
      }
      const taskId = operationId(operationUrl) ?? requestId ?? correlationId;
      if (taskId === undefined) return unreadable('no id of the operation', answer.value);
      return { kind: 'accepted', taskId, correlationId, operationUrl, retryAfterMs };
    }
    // Done at once. Not documented for a purge; Azure's own clients take it so.
    case 200:
    case 201:
    case 204: {
      const id = requestId ?? correlationId;
      if (id === undefined) return unreadable('neither an operation nor an id', answer.value);
      return { kind: 'accepted', taskId: `${DONE_AT_ONCE}${id}`, correlationId, retryAfterMs };
    }
    default:
      return unreadable('not the answer that a purge has', answer.value);
  }
}

/** Begins the task id of a purge without an operation: a record that has lost its operation's address is none such. */
const DONE_AT_ONCE = 'done-at-once:';

/** Whether there was no operation to follow. */
export function wasDoneAtOnce({ taskId }: { readonly taskId: string }): boolean {
  return taskId.startsWith(DONE_AT_ONCE);
}

/** Takes an address that the API gave, gives it if it is the API's own: no token goes elsewhere. */
export function parseOperationUrl(text: string, armUrl: string): URL | undefined {
  const url = URL.parse(text);
  const arm = new URL(armUrl);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return url.protocol === arm.protocol && url.host === arm.host ? url : undefined;
}

/** The part of the address that is no secret. */
function operationId(operationUrl: string): string | undefined {
  return /\/operationresults\/(?<id>[\w-]{1,64})(?=[/?]|$)/iu.exec(operationUrl)?.groups?.['id'];
}

export type Answer = {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: unknown;
  readonly correlationId: string | undefined;
  readonly retryAfterMs: number | undefined;
};

/** The part that every answer has in common. */
export function readAnswer(result: CallResult, now: Instant): Result<Answer, NotAccepted> {
  if (!result.ok) return err(withoutToken(result.error));
  if (result.value.kind === 'no-answer') {
    const { reason, sent, detail, began } = result.value;
    return err({
      kind: 'failed',
      reason,
      detail,
      sent,
      outcomeClass: classOfFailure(reason, began?.status),
      status: began?.status,
      retryAfterMs: parseRetryAfter(began?.headers.get('retry-after'), now),
      correlationId: began && correlationOf(began.headers),
    });
  }
  const { status, headers, text } = result.value;
  return ok({
    status,
    headers,
    body: parseJson(text),
    correlationId: correlationOf(headers),
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), now),
  });
}

function withoutToken({ kind, detail, retryAfterMs }: TokenFailure): PurgeFailed {
  return {
    kind: 'failed',
    reason: 'no-token',
    detail,
    sent: false,
    outcomeClass: kind === 'refused' ? 'credentials-refused' : 'transient',
    status: undefined,
    retryAfterMs,
    correlationId: undefined,
  };
}

/** What a call needs leave for, and who has it: the custom roles that infra/ makes; no built-in role is as narrow. */
type Leave = { readonly action: string; readonly role: string; readonly scope: string };

const LEAVE_TO_PURGE: Leave = {
  action: 'Microsoft.Cdn/profiles/afdEndpoints/Purge/action',
  role: 'Blob CDN Purge Operator',
  scope: 'Front Door profile',
};
export const LEAVE_TO_ASK: Leave = {
  action: 'Microsoft.Cdn/operationresults/read',
  role: 'Blob CDN Purge Result Reader',
  scope: 'resource group of the Front Door profile',
};

/** Takes an answer and what the call needs leave for, gives the refusal in it, if it is one. */
export function refusalOf(
  { status, body, retryAfterMs, correlationId }: Answer,
  leave: Leave,
): NotAccepted | undefined {
  const refusal = Refusal.safeParse(body);
  if (!refusal.success || refusal.data.error.code.toLowerCase() === 'none') return undefined;
  const { code, message } = refusal.data.error;
  const words = message ?? '';
  return {
    kind: 'refused',
    errorType: shorten(code),
    message: shorten(code === 'AuthorizationFailed' ? `${lacksRole(leave)} ${words}`.trim() : words),
    status,
    outcomeClass: classOfRefusal(code, status, words),
    retryAfterMs,
    correlationId,
  };
}

const lacksRole = ({ action, role, scope }: Leave): string =>
  `The app's identity may not do ${action}: assign it the role "${role}" on the ${scope}.`;

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

function correlationOf(headers: AnswerHeaders): string | undefined {
  return headers.get(CORRELATION_HEADER) ?? headers.get(REQUEST_ID_HEADER);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a gateway's page, say: the status tells the rest
  }
}

/** Azure's words go to logs and records: enough to read, not enough to flood. */
const shorten = (text: string): string => text.slice(0, 500);
