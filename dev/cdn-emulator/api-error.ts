// The error answers of the purge API: the 18 documented types, plus `InternalError` from the swagger.
import * as z from 'zod';

export const errorTypes = [
  'CredentialInvalid',
  'ParameterMissing',
  'ParameterInvalid',
  'MissingAuthorizationHeader',
  'InvalidRequestDateHeader',
  'MissingRequestDateHeader',
  'AuthorizationHeaderExpired',
  'InvalidAuthorizationHeader',
  'ApiKeyNotFound',
  'InvalidApiKey',
  'WrongSignature',
  'SubscriptionNotFound',
  'EndpointDoesNotBelongToSubscription',
  'EndpointNotInActiveState',
  'EndpointNotFound',
  'MaliciousItemPathDetected',
  'PermissionDenied',
  'RequestThrottled',
  'InternalError',
] as const;

export type ErrorType = z.infer<typeof ErrorType>;
export const ErrorType = z.enum(errorTypes);

/** Why a request is refused. `status` is only given where it differs from the type's own. */
export interface Refusal {
  readonly type: ErrorType;
  readonly message: string;
  readonly status?: number;
}

export interface Refused {
  readonly ok: false;
  readonly error: Refusal;
}

/** Makes the failed half of a result. */
export function refuse(type: ErrorType, message: string, status?: number): Refused {
  return { ok: false, error: status === undefined ? { type, message } : { type, message, status } };
}

/** The documentation names no HTTP status for any type: these are inferred, and `errorStatuses` overrides them. */
export const inferredStatuses: Readonly<Record<ErrorType, number>> = {
  CredentialInvalid: 401,
  ParameterMissing: 400,
  ParameterInvalid: 400,
  MissingAuthorizationHeader: 401,
  InvalidRequestDateHeader: 400,
  MissingRequestDateHeader: 400,
  AuthorizationHeaderExpired: 401,
  InvalidAuthorizationHeader: 401,
  ApiKeyNotFound: 401,
  InvalidApiKey: 401,
  WrongSignature: 401,
  SubscriptionNotFound: 404,
  EndpointDoesNotBelongToSubscription: 403,
  EndpointNotInActiveState: 409,
  EndpointNotFound: 404,
  MaliciousItemPathDetected: 400,
  PermissionDenied: 403,
  RequestThrottled: 429,
  InternalError: 500,
};

/** The documented error body. */
export function errorBody(refusal: Refusal): Readonly<Record<string, unknown>> {
  return { Succeeded: false, ErrorInfo: { Type: refusal.type, Message: refusal.message } };
}
