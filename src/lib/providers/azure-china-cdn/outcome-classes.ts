// What every answer of the Azure China CDN API means: the one table.
//
// The types are documented (docs.azure.cn/en-us/cdn/cdn-api-add-purge), their causes are not: the classes are inferred.

import type { OutcomeClass } from '../../core/outcome-class.ts';
import type { CallFailureReason } from '../../core/purge-outcome.ts';

/** `ErrorInfo.Type`, the 18 of the page and `InternalError` of the swagger. */
const BY_ERROR_TYPE: ReadonlyMap<string, OutcomeClass> = new Map<string, OutcomeClass>([
  ['CredentialInvalid', 'credentials-refused'],
  ['ApiKeyNotFound', 'credentials-refused'],
  ['InvalidApiKey', 'credentials-refused'],
  ['WrongSignature', 'credentials-refused'],
  ['PermissionDenied', 'credentials-refused'],
  ['ParameterInvalid', 'item-refused'],
  ['MaliciousItemPathDetected', 'item-refused'],
  ['ParameterMissing', 'request-refused'],
  ['MissingAuthorizationHeader', 'request-refused'],
  ['InvalidAuthorizationHeader', 'request-refused'],
  ['MissingRequestDateHeader', 'request-refused'],
  ['InvalidRequestDateHeader', 'request-refused'],
  ['AuthorizationHeaderExpired', 'request-refused'],
  ['SubscriptionNotFound', 'request-refused'],
  ['EndpointNotFound', 'endpoint-unusable'],
  ['EndpointDoesNotBelongToSubscription', 'endpoint-unusable'],
  ['EndpointNotInActiveState', 'endpoint-unusable'],
  ['RequestThrottled', 'throttled'],
  ['InternalError', 'transient'],
]);

/** Takes a refusal's type and status, gives its class; a type that no document names is judged by its status. */
export function classOfRefusal(errorType: string, status: number): OutcomeClass {
  return (
    BY_ERROR_TYPE.get(errorType) ??
    (status === 429 ? 'throttled' : status >= 500 ? 'transient' : 'request-refused')
  );
}

/** Takes why there was no usable answer, and the status if one came, gives its class. */
export function classOfFailure(reason: CallFailureReason, status: number | undefined): OutcomeClass {
  switch (reason) {
    case 'could-not-connect':
      return 'transient';
    case 'endpoint-not-found':
      return 'endpoint-unusable';
    case 'timed-out':
    case 'connection-lost':
      return 'unknown';
    case 'unreadable-answer':
      return classOfUnreadable(status);
  }
}

/** A page of a gateway, or of something else that is not the API. */
function classOfUnreadable(status = 0): OutcomeClass {
  if (status === 429) return 'throttled';
  if (status === 503) return 'transient'; // turned away before the API saw it
  if ((status >= 300 && status < 400) || status === 404 || status === 405) return 'request-refused'; // not the API's address
  return 'unknown';
}
