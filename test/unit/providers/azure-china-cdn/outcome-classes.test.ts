// What every answer of the Azure China CDN means, row by row.

import { describe, expect, it } from 'vitest';

import {
  classOfFailure,
  classOfRefusal,
} from '../../../../src/lib/providers/azure-china-cdn/outcome-classes.ts';

describe('a refusal', () => {
  it.each([
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
  ])('of the type %s is %s, whatever its status', (errorType, outcomeClass) => {
    for (const status of [200, 202, 400, 401, 403, 404, 409, 429, 500, 503]) {
      expect(classOfRefusal(errorType, status)).toBe(outcomeClass);
    }
  });

  it.each([
    [200, 'request-refused'],
    [400, 'request-refused'],
    [418, 'request-refused'],
    [429, 'throttled'],
    [499, 'request-refused'],
    [500, 'transient'],
    [503, 'transient'],
  ])('of a type that nobody documented, with status %i, is %s', (status, outcomeClass) => {
    expect(classOfRefusal('SomethingNew', status)).toBe(outcomeClass);
  });

  it('is not taken for another type of the same letters', () => {
    expect(classOfRefusal('parameterinvalid', 400)).toBe('request-refused');
  });
});

describe('no usable answer', () => {
  it.each([
    ['could-not-connect', undefined, 'transient'],
    ['endpoint-not-found', undefined, 'endpoint-unusable'],
    ['timed-out', undefined, 'unknown'],
    ['timed-out', 202, 'unknown'],
    ['connection-lost', undefined, 'unknown'],
    ['connection-lost', 202, 'unknown'],
    ['unreadable-answer', undefined, 'unknown'],
    ['unreadable-answer', 200, 'unknown'],
    ['unreadable-answer', 202, 'unknown'],
    ['unreadable-answer', 301, 'request-refused'],
    ['unreadable-answer', 302, 'request-refused'],
    ['unreadable-answer', 307, 'request-refused'],
    ['unreadable-answer', 400, 'unknown'],
    ['unreadable-answer', 403, 'unknown'],
    ['unreadable-answer', 404, 'request-refused'],
    ['unreadable-answer', 405, 'request-refused'],
    ['unreadable-answer', 429, 'throttled'],
    ['unreadable-answer', 500, 'unknown'],
    ['unreadable-answer', 502, 'unknown'],
    ['unreadable-answer', 503, 'transient'],
    ['unreadable-answer', 504, 'unknown'],
  ] as const)('because of %s, with status %s, is %s', (reason, status, outcomeClass) => {
    expect(classOfFailure(reason, status)).toBe(outcomeClass);
  });
});
