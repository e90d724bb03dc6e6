// In which order the CDN emulator judges a request, what it says to each fault, and which URLs it takes.
import { describe, expect, it } from 'vitest';
import { errorTypes } from '../../dev/cdn-emulator/api-error.ts';
import type { BehaviourPatch } from '../../dev/cdn-emulator/settings.ts';
import {
  at,
  callApi,
  disabledEndpoint,
  foreignEndpoint,
  foreignKey,
  foreignSubscription,
  purge,
  readKey,
  revokedKey,
  startCdn,
  subscription,
  webEndpoint,
  wildcardEndpoint,
  writeKey,
  type ApiCallOptions,
} from './cdn-support.ts';

const unknownId = '00000000-0000-0000-0000-000000000000';
const correlationId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;
const unknownKey = { id: 'nobody', value: 'nothing' };
const wrongDigest = (key: { readonly id: string }): string => `AzureCDN ${key.id}:${'A'.repeat(64)}`;
const expired = '2024-01-15 06:00:00';

function target(subscriptionId: string, endpointId: string, query: string): string {
  return `/subscriptions/${subscriptionId}/endpoints/${endpointId}/purges${query}`;
}

/** Each request has one mistake fewer than the one before it: only the first one left may be named. */
const mistakes: readonly {
  readonly errorType: string | undefined;
  readonly status: number;
  readonly what: string;
  readonly request: Partial<ApiCallOptions> & Pick<ApiCallOptions, 'target'>;
}[] = [
  {
    what: 'an unknown path',
    errorType: undefined,
    status: 404,
    request: { target: '/nowhere', headers: { authorization: null, 'x-azurecdn-request-date': null } },
  },
  {
    what: 'a wrong method',
    errorType: undefined,
    status: 405,
    request: {
      method: 'PUT',
      target: target(unknownId, unknownId, ''),
      headers: { authorization: null, 'x-azurecdn-request-date': null },
    },
  },
  {
    what: 'no authorization',
    errorType: 'MissingAuthorizationHeader',
    status: 401,
    request: {
      target: target(unknownId, unknownId, ''),
      headers: { authorization: null, 'x-azurecdn-request-date': null },
    },
  },
  {
    what: 'no date',
    errorType: 'MissingRequestDateHeader',
    status: 400,
    request: {
      target: target(unknownId, unknownId, ''),
      headers: { authorization: 'Bearer no', 'x-azurecdn-request-date': null },
    },
  },
  {
    what: 'an unreadable date',
    errorType: 'InvalidRequestDateHeader',
    status: 400,
    request: {
      target: target(unknownId, unknownId, ''),
      date: '2024-01-15T06:00:00Z',
      headers: { authorization: 'Bearer no' },
    },
  },
  {
    what: 'a malformed authorization',
    errorType: 'InvalidAuthorizationHeader',
    status: 401,
    request: {
      target: target(unknownId, unknownId, ''),
      date: expired,
      headers: { authorization: 'Bearer no' },
    },
  },
  {
    what: 'an old date',
    errorType: 'AuthorizationHeaderExpired',
    status: 401,
    request: { target: target(unknownId, unknownId, ''), date: expired, key: unknownKey },
  },
  {
    what: 'an unknown key',
    errorType: 'ApiKeyNotFound',
    status: 401,
    request: { target: target(unknownId, unknownId, ''), key: unknownKey },
  },
  {
    what: 'a revoked key',
    errorType: 'InvalidApiKey',
    status: 401,
    request: {
      target: target(unknownId, unknownId, ''),
      headers: { authorization: wrongDigest(revokedKey) },
    },
  },
  {
    what: 'a wrong signature',
    errorType: 'WrongSignature',
    status: 401,
    request: {
      target: target(unknownId, unknownId, ''),
      headers: { authorization: wrongDigest(foreignKey) },
    },
  },
  {
    what: 'an unknown subscription',
    errorType: 'SubscriptionNotFound',
    status: 404,
    request: { target: target(unknownId, unknownId, ''), key: foreignKey },
  },
  {
    what: "another subscription's key",
    errorType: 'CredentialInvalid',
    status: 401,
    request: { target: target(subscription, unknownId, ''), key: foreignKey },
  },
  {
    what: 'a read-only key',
    errorType: 'PermissionDenied',
    status: 403,
    request: { target: target(subscription, unknownId, ''), key: readKey },
  },
  {
    what: 'no apiVersion',
    errorType: 'ParameterMissing',
    status: 400,
    request: { target: target(subscription, unknownId, '') },
  },
  {
    what: 'another apiVersion',
    errorType: 'ParameterInvalid',
    status: 400,
    request: { target: target(subscription, unknownId, '?apiVersion=2.0') },
  },
  {
    what: 'an unknown endpoint',
    errorType: 'EndpointNotFound',
    status: 404,
    request: { target: at('purges', unknownId) },
  },
  {
    what: "another subscription's endpoint",
    errorType: 'EndpointDoesNotBelongToSubscription',
    status: 403,
    request: { target: at('purges', foreignEndpoint) },
  },
  {
    what: 'an inactive endpoint',
    errorType: 'EndpointNotInActiveState',
    status: 409,
    request: { target: at('purges', disabledEndpoint) },
  },
  {
    what: 'a body that is not JSON',
    errorType: 'ParameterInvalid',
    status: 400,
    request: { target: at('purges'), body: '{' },
  },
  {
    what: 'a relative URL',
    errorType: 'ParameterInvalid',
    status: 400,
    request: { target: at('purges'), body: '{"Files":["/a","http://evil.example/b"]}' },
  },
  {
    what: 'a foreign host',
    errorType: 'MaliciousItemPathDetected',
    status: 400,
    request: { target: at('purges'), body: '{"Files":["http://evil.example/b"]}' },
  },
  {
    what: 'a spent quota',
    errorType: 'RequestThrottled',
    status: 429,
    request: { target: at('purges'), body: '{"Files":["http://www.contoso.localhost/b"]}' },
  },
];

describe('the first mistake is the answer', () => {
  it.each(mistakes)('$what: $status $errorType', async ({ request, status, errorType }) => {
    const cdn = await startCdn({ behaviour: { filesPerDay: 0 } });

    const answer = await callApi(cdn, { method: 'POST', body: 'not json', ...request });

    expect(answer).toMatchObject({ status, errorType });
    expect(answer.headers['x-correlation-id']).toMatch(correlationId);
    expect(cdn.emulator.control.purges()).toEqual([]);
  });

  it('reaches every documented type; only InternalError takes a fault or an operation not emulated', async () => {
    const cdn = await startCdn();
    const traffic = await callApi(cdn, { target: at('volume') });

    const reached = new Set([...mistakes.map(({ errorType }) => errorType), traffic.errorType]);

    expect([...reached].filter((type) => type !== undefined).toSorted()).toEqual(errorTypes.toSorted());
  });

  it('has the one message that is documented', async () => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { target: at('purges/x'), headers: { authorization: null } });

    expect(answer.json).toEqual({
      Succeeded: false,
      ErrorInfo: { Type: 'MissingAuthorizationHeader', Message: 'Missing authorization header.' },
    });
  });

  it.each([
    { what: 'errorsWithStatus200', behaviour: { errorsWithStatus200: true }, status: 200 },
    { what: 'errorStatuses', behaviour: { errorStatuses: { EndpointNotFound: 400 } }, status: 400 },
  ] satisfies readonly { what: string; behaviour: BehaviourPatch; status: number }[])(
    'carries the status that $what sets',
    async ({ behaviour, status }) => {
      const cdn = await startCdn({ behaviour });

      const answer = await callApi(cdn, { target: at('purges/x', unknownId) });

      expect(answer).toMatchObject({
        status,
        json: { Succeeded: false, ErrorInfo: { Type: 'EndpointNotFound' } },
      });
    },
  );
});

describe('keys', () => {
  it.each([
    { target: `/subscriptions/${subscription}/endpoints?apiVersion=1.0` },
    { target: `/subscriptions/${subscription}/endpoints/${webEndpoint}?apiVersion=1.0` },
    { target: `/subscriptions/${subscription}/endpoints/${disabledEndpoint}?apiVersion=1.0` },
  ])('read-only ones read $target', async ({ target }) => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { target, key: readKey });

    expect(answer.status).toBe(200);
  });

  it.each(['revoked', 'deleting', 'deleted', 'creating'] as const)(
    'that are %s are refused',
    async (state) => {
      const cdn = await startCdn({ keys: [{ ...writeKey, subscription, state }] });

      const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/a'] });

      expect(answer.errorType).toBe('InvalidApiKey');
    },
  );

  it.each(['purges', 'preloads'])('read-only ones write no %s', async (collection) => {
    const cdn = await startCdn();

    const body = '{"Files":["http://www.contoso.localhost/a"]}';
    const answer = await callApi(cdn, { method: 'POST', target: at(collection), key: readKey, body });

    expect(answer).toMatchObject({ status: 403, errorType: 'PermissionDenied' });
  });

  it('read their own subscription only', async () => {
    const cdn = await startCdn();

    const own = `/subscriptions/${foreignSubscription}/endpoints?apiVersion=1.0`;
    const other = `/subscriptions/${subscription}/endpoints?apiVersion=1.0`;

    expect((await callApi(cdn, { target: own, key: foreignKey })).status).toBe(200);
    expect((await callApi(cdn, { target: other, key: foreignKey })).errorType).toBe('CredentialInvalid');
  });
});

describe('an endpoint takes no purge', () => {
  it.each([
    { state: { enabled: false } },
    { state: { lifetimeStatus: 'Updating' } },
    { state: { icpVerifyStatus: 'IcpVerifying' } },
  ] as const)('while $state', async ({ state }) => {
    const cdn = await startCdn({
      endpoints: [{ id: webEndpoint, subscription, customDomain: 'www.contoso.localhost', ...state }],
    });

    const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/a'] });

    expect(answer.errorType).toBe('EndpointNotInActiveState');
  });
});

describe('the body', () => {
  const url = 'http://www.contoso.localhost/a';

  it.each([
    { body: JSON.stringify({ Files: [url] }) },
    { body: JSON.stringify({ Directories: [`${url}/`] }) },
    { body: JSON.stringify({ Files: [url], Directories: null }) },
    { body: JSON.stringify({ Files: null, Directories: [`${url}/`] }) },
    { body: JSON.stringify({ Files: [url], Directories: [], Whatever: 1 }) },
  ])('$body is taken', async ({ body }) => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { method: 'POST', target: at('purges'), body });

    expect(answer).toMatchObject({
      status: 202,
      json: { Succeeded: true, IsAsync: true, AsyncInfo: { TaskStatus: 'Processing' } },
    });
    expect(answer.taskId).toMatch(correlationId);
  });

  it.each([
    { body: '', errorType: 'ParameterMissing' },
    { body: '{}', errorType: 'ParameterMissing' },
    { body: '{"Files":[],"Directories":null}', errorType: 'ParameterMissing' },
    { body: JSON.stringify({ files: [url] }), errorType: 'ParameterMissing' },
    { body: 'Files', errorType: 'ParameterInvalid' },
    { body: 'null', errorType: 'ParameterInvalid' },
    { body: JSON.stringify([url]), errorType: 'ParameterInvalid' },
    { body: JSON.stringify({ Files: url }), errorType: 'ParameterInvalid' },
    { body: JSON.stringify({ Files: [url, 1] }), errorType: 'ParameterInvalid' },
  ])('$body is refused as $errorType', async ({ body, errorType }) => {
    const cdn = await startCdn();

    const answer = await callApi(cdn, { method: 'POST', target: at('purges'), body });

    expect(answer).toMatchObject({ status: 400, errorType });
  });

  it.each([
    { contentType: 'application/json', requireContentType: true, status: 202 },
    { contentType: 'application/json; charset=utf-8', requireContentType: true, status: 202 },
    { contentType: null, requireContentType: false, status: 202 },
    { contentType: null, requireContentType: true, status: 400 },
    { contentType: 'text/plain', requireContentType: false, status: 400 },
  ])(
    'with Content-Type $contentType gets $status (required: $requireContentType)',
    async ({ contentType, requireContentType, status }) => {
      const cdn = await startCdn({ behaviour: { requireContentType } });

      const answer = await purge(cdn, { Files: [url] }, { headers: { 'content-type': contentType } });

      expect(answer.status).toBe(status);
    },
  );

  it('names at most so many URLs as are set, files and directories together', async () => {
    const cdn = await startCdn({ behaviour: { maxUrlsPerRequest: 3 } });

    const three = await purge(cdn, { Files: [url, url], Directories: [`${url}/`] });
    const four = await purge(cdn, { Files: [url, url, url], Directories: [`${url}/`] });

    expect(three.status).toBe(202);
    expect(four).toMatchObject({ status: 400, errorType: 'ParameterInvalid' });
  });

  it('is refused when it is too large', async () => {
    const cdn = await startCdn({ behaviour: { maxBodyBytes: 100 } });

    const answer = await purge(cdn, { Files: [url + 'x'.repeat(200)] });

    expect(answer).toMatchObject({ status: 413, errorType: 'ParameterInvalid' });
  });
});

describe('a file URL', () => {
  it.each([
    'http://www.contoso.localhost/',
    'http://www.contoso.localhost',
    'https://www.contoso.localhost/a.png',
    'http://WWW.Contoso.localhost/a.png',
    'http://www.contoso.localhost/a?b=c',
    'http://www.contoso.localhost/%E4%B8%AD%20a',
    'http://www.contoso.localhost/中',
    'http://www.contoso.localhost/a*b',
    'http://www.contoso.localhost/a//b',
    'http://www.contoso.localhost/..a/b..',
    'http://www.contoso.localhost/%23%3F%25',
  ])('%s is taken', async (url) => {
    const cdn = await startCdn();

    expect((await purge(cdn, { Files: [url] })).status).toBe(202);
  });

  it.each([
    { url: '', errorType: 'ParameterInvalid' },
    { url: '/a.png', errorType: 'ParameterInvalid' },
    { url: '//www.contoso.localhost/a.png', errorType: 'ParameterInvalid' },
    { url: 'www.contoso.localhost/a.png', errorType: 'ParameterInvalid' },
    { url: 'ftp://www.contoso.localhost/a.png', errorType: 'ParameterInvalid' },
    { url: 'http://www.contoso.localhost/a#b', errorType: 'ParameterInvalid' },
    { url: 'http://www.contoso.localhost/a b', errorType: 'ParameterInvalid' },
    { url: 'http://www.contoso.localhost/a\tb', errorType: 'ParameterInvalid' },
    { url: 'http://www.contoso.localhost/100%', errorType: 'ParameterInvalid' },
    { url: 'http://www.contoso.localhost/%FF', errorType: 'ParameterInvalid' },
    { url: 'http://www.contoso.localhost:8080/a', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://user@www.contoso.localhost/a', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://contoso.localhost/a', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://media.contoso.localhost/a', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://www.contoso.localhost.evil.example/a', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://www.contoso.localhost/a/../b', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://www.contoso.localhost/a/%2e%2E/b', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://www.contoso.localhost/a/..%2Fb', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://www.contoso.localhost/a/..%5Cb', errorType: 'MaliciousItemPathDetected' },
    { url: 'http://www.contoso.localhost/./b', errorType: 'MaliciousItemPathDetected' },
  ])('$url is refused as $errorType', async ({ url, errorType }) => {
    const cdn = await startCdn();

    const answer = await purge(cdn, { Files: ['http://www.contoso.localhost/good', url] });

    expect(answer).toMatchObject({ status: 400, errorType });
  });
});

describe('a directory URL', () => {
  it.each([
    { acceptDirectoriesWithoutSlash: false, status: 400 },
    { acceptDirectoriesWithoutSlash: true, status: 202 },
  ])(
    'without a slash at its end gets $status when acceptDirectoriesWithoutSlash is $acceptDirectoriesWithoutSlash',
    async ({ acceptDirectoriesWithoutSlash, status }) => {
      const cdn = await startCdn({ behaviour: { acceptDirectoriesWithoutSlash } });

      const answer = await purge(cdn, { Directories: ['http://www.contoso.localhost/a'] });

      expect(answer.status).toBe(status);
    },
  );

  it('has no query', async () => {
    const cdn = await startCdn();

    const answer = await purge(cdn, { Directories: ['http://www.contoso.localhost/a/?b=c/'] });

    expect(answer.errorType).toBe('ParameterInvalid');
  });
});

describe('a wildcard endpoint', () => {
  it.each([
    { url: 'http://media.contoso.localhost/a', endpoint: wildcardEndpoint, status: 202 },
    { url: 'http://*.contoso.localhost/a', endpoint: wildcardEndpoint, status: 400 },
    { url: 'http://contoso.localhost/a', endpoint: wildcardEndpoint, status: 400 },
    { url: 'http://.contoso.localhost/a', endpoint: wildcardEndpoint, status: 400 },
    { url: 'http://www.contoso.localhost/a', endpoint: wildcardEndpoint, status: 400 },
    { url: 'http://www.contoso.localhost/a', endpoint: webEndpoint, status: 202 },
  ])('purge of $url at $endpoint: $status', async ({ url, endpoint, status }) => {
    const cdn = await startCdn();

    const answer = await purge(cdn, { Files: [url] }, { endpoint });

    expect(answer.status).toBe(status);
  });

  it('gives way to a more specific wildcard', async () => {
    const cdn = await startCdn({
      endpoints: [
        { id: wildcardEndpoint, subscription, customDomain: '*.contoso.localhost' },
        { id: webEndpoint, subscription, customDomain: '*.eu.contoso.localhost' },
      ],
    });
    const lists = { Files: ['http://media.eu.contoso.localhost/a'] };

    const wide = await purge(cdn, lists, { endpoint: wildcardEndpoint });
    const narrow = await purge(cdn, lists, { endpoint: webEndpoint });

    expect([wide.errorType, narrow.errorType]).toEqual(['MaliciousItemPathDetected', undefined]);
  });
});
