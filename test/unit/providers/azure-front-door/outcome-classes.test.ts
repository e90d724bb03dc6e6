// What every answer of Azure Resource Manager to a purge means, row by row.

import { describe, expect, it } from 'vitest';

import {
  classOfFailure,
  classOfRefusal,
} from '../../../../src/lib/providers/azure-front-door/outcome-classes.ts';

const INVALID_PATH =
  'Invalid ContentPath "/$web/*". ContentPath for purge action must be a relative path: either for a single resource "/path/pic.jpg" or a wild card "/path/*".';

describe('a refusal', () => {
  it.each([
    [401, 'ExpiredAuthenticationToken', 'credentials-refused'],
    [401, 'InvalidAuthenticationToken', 'credentials-refused'],
    [401, 'InvalidAuthenticationTokenAudience', 'credentials-refused'],
    [401, 'InvalidAuthenticationTokenTenant', 'credentials-refused'],
    [401, 'AuthenticationFailed', 'credentials-refused'],
    [403, 'AuthorizationFailed', 'credentials-refused'],
    [403, 'LinkedAuthorizationFailed', 'credentials-refused'],
    [400, 'MissingApiVersionParameter', 'request-refused'],
    [400, 'InvalidApiVersionParameter', 'request-refused'],
    [404, 'NoRegisteredProviderFound', 'request-refused'],
    [409, 'MissingSubscriptionRegistration', 'request-refused'],
    [404, 'SubscriptionNotFound', 'request-refused'],
    [400, 'InvalidSubscriptionId', 'request-refused'],
    [409, 'ReadOnlyDisabledSubscription', 'request-refused'],
    [403, 'RequestDisallowedByPolicy', 'request-refused'],
    [409, 'ScopeLocked', 'request-refused'],
    [404, 'ResourceGroupNotFound', 'endpoint-unusable'],
    [404, 'ResourceNotFound', 'endpoint-unusable'],
    [404, 'ParentResourceNotFound', 'endpoint-unusable'],
    [409, 'Conflict', 'transient'],
    [409, 'AnotherOperationInProgress', 'transient'],
    [429, 'RetryableErrorDueToAnotherOperation', 'transient'],
    [429, 'TooManyRequests', 'throttled'],
    [429, 'SubscriptionRequestsThrottled', 'throttled'],
    [429, 'ResourceRequestsThrottled', 'throttled'],
    [504, 'GatewayTimeout', 'unknown'],
  ])('with status %i and code %s is %s, in any case of the code', (status, code, outcomeClass) => {
    expect(classOfRefusal(code, status, '')).toBe(outcomeClass);
    expect(classOfRefusal(code.toLowerCase(), status, '')).toBe(outcomeClass);
  });

  it.each([
    [INVALID_PATH, 'item-refused'],
    ['The domain "a.example.cn" is not linked to the endpoint.', 'item-refused'],
    ['The request body is malformed.', 'request-refused'],
  ])('for a bad request tells by its words what is at fault: %s', (message, outcomeClass) => {
    expect(classOfRefusal('BadRequest', 400, message)).toBe(outcomeClass);
  });

  it.each([
    [200, 'request-refused'],
    [400, 'request-refused'],
    [401, 'credentials-refused'],
    [403, 'credentials-refused'],
    [404, 'endpoint-unusable'],
    [408, 'unknown'],
    [409, 'transient'],
    [418, 'request-refused'],
    [429, 'throttled'],
    [500, 'transient'],
    [503, 'transient'],
    [504, 'unknown'],
  ])('with status %i and a code that nobody documented is %s', (status, outcomeClass) => {
    expect(classOfRefusal('SomethingNew', status, '')).toBe(outcomeClass);
  });
});

describe('no usable answer', () => {
  it.each([
    ['could-not-connect', undefined, 'transient'],
    ['endpoint-not-found', undefined, 'endpoint-unusable'],
    ['timed-out', undefined, 'unknown'],
    ['connection-lost', 202, 'unknown'],
    ['unreadable-answer', undefined, 'unknown'],
    ['unreadable-answer', 202, 'unknown'],
    ['unreadable-answer', 301, 'request-refused'],
    ['unreadable-answer', 401, 'credentials-refused'],
    ['unreadable-answer', 403, 'credentials-refused'],
    ['unreadable-answer', 404, 'request-refused'],
    ['unreadable-answer', 405, 'request-refused'],
    ['unreadable-answer', 429, 'throttled'],
    ['unreadable-answer', 502, 'unknown'],
    ['unreadable-answer', 503, 'transient'],
    ['unreadable-answer', 504, 'unknown'],
  ] as const)('for the reason %s with status %s is %s', (reason, status, outcomeClass) => {
    expect(classOfFailure(reason, status)).toBe(outcomeClass);
  });
});
