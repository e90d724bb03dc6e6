// The provider as a whole: describe, authorize, send, read the answer. Nothing that is secret comes out of it.

import { describe, expect, it } from 'vitest';

import { cdnUrl } from '../../../../src/lib/core/cdn-url.ts';
import { instant } from '../../../../src/lib/core/instant.ts';
import { describeOutcome } from '../../../../src/lib/core/purge-outcome.ts';
import { err, ok } from '../../../../src/lib/core/result.ts';
import { createTokenSource, type TokenResult } from '../../../../src/lib/identity/token-source.ts';
import { authorizedCalls } from '../../../../src/lib/providers/azure-front-door/authorized-calls.ts';
import { createAzureFrontDoor } from '../../../../src/lib/providers/azure-front-door/client.ts';
import type { HttpRequest, HttpResult } from '../../../../src/lib/providers/http/send.ts';
import { aFrontDoor, aTarget, HOST, LIMITS, SUBSCRIPTION } from '../../../support/builders.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';

const OPERATION = '0a1b2c3d-1111-2222-3333-444455556666';
const OPERATION_URL =
  `https://management.azure.com/subscriptions/${SUBSCRIPTION}/resourcegroups/rg-web/providers/Microsoft.Cdn` +
  `/operationresults/${OPERATION}?api-version=2024-09-01&t=1&c=canary-${'c'.repeat(4_000)}&s=2&h=3`;

type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

function client(answers: readonly (Answer | HttpResult)[], token?: () => TokenResult) {
  const sent: HttpRequest[] = [];
  const clock = createFakeClock();
  const sender = async (request: HttpRequest): Promise<HttpResult> => {
    sent.push(request);
    const answer = answers[sent.length - 1] ?? { status: 500 };
    if ('kind' in answer) return answer;
    const headers = new Map([
      ['x-ms-correlation-request-id', `correlation-${sent.length}`],
      ['x-ms-request-id', `request-${sent.length}`],
      ...Object.entries(answer.headers ?? {}),
    ]);
    const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
    return { kind: 'answered', status: answer.status, headers, text };
  };
  let issued = 0;
  const tokens = createTokenSource(async () => {
    issued += 1;
    return token?.() ?? ok({ value: `canary-token-${issued}`, expiresAt: instant(clock.now() + 3_600_000) });
  }, clock.now);
  let ids = 0;
  const newId = (): string => `client-request-${(ids += 1)}`;
  const call = authorizedCalls(sender, tokens, 'https://management.azure.com', newId);
  return { cdn: createAzureFrontDoor(aFrontDoor(), call, clock), sent, issued: () => issued };
}

const ACCEPTED = { status: 202, headers: { 'azure-asyncoperation': OPERATION_URL, 'retry-after': '10' } };
const refused = (status: number, code: string, message = 'words'): Answer => ({
  status,
  body: { error: { code, message } },
});
const purge = { endpointId: 'www', files: [aTarget('/a').url], directories: [aTarget('/d/').url] };
const record = { ...purge, taskId: OPERATION, operationUrl: OPERATION_URL };

describe('Azure Front Door', () => {
  it('is told apart by its profile, in any case: endpoints of one share what may be under way', () => {
    expect(client([]).cdn.subscription).toBe(`azure-front-door ${SUBSCRIPTION}/rg-web/contoso`);
    expect(
      createAzureFrontDoor(
        aFrontDoor({ resourceGroup: 'RG-Web', profile: 'Contoso' }),
        () => Promise.reject(),
        createFakeClock(),
      ).subscription,
    ).toBe(client([]).cdn.subscription);
  });

  it('takes paths and hosts apart, one purge at a time, and is asked more and more seldom', () => {
    const { limits, quota, capabilities } = client([]).cdn;
    expect([limits, quota]).toEqual([LIMITS, undefined]);
    expect(capabilities).toMatchObject({ hosts: 'listed', purgesInFlight: 1 });
    expect(capabilities.pollPausesMs).toEqual(capabilities.pollPausesMs.toSorted((a, b) => a - b));
    expect(capabilities.pollPausesMs.at(-1)).toBe(2 * 3_600_000);
  });

  // Seen: https://learn.microsoft.com/en-us/answers/questions/5781077 and the recordings of Azure's own clients.
  it.each([2, 3, 10, 18, 20, 34, 45, 90])(
    'is asked soon after a purge of %i minutes ended: what waits for its place goes on then',
    (minutes) => {
      let askedAtMs = 0;
      for (const pauseMs of client([]).cdn.capabilities.pollPausesMs) {
        if (askedAtMs < minutes * 60_000) askedAtMs += pauseMs;
      }
      expect(askedAtMs).toBeGreaterThanOrEqual(minutes * 60_000);
      expect(askedAtMs).toBeLessThanOrEqual(minutes * 60_000 * 1.5);
    },
  );

  it('has the endpoint of the configuration for a host that none was named for', async () => {
    expect(await client([]).cdn.findEndpoint(HOST)).toEqual({ ok: true, value: 'www' });
    const without = createAzureFrontDoor(
      aFrontDoor({ endpoint: undefined }),
      () => Promise.reject(),
      createFakeClock(),
    );
    expect(await without.findEndpoint(HOST)).toMatchObject({
      ok: false,
      error: { reason: 'endpoint-not-found', sent: false, outcomeClass: 'endpoint-unusable' },
    });
  });
});

describe('a purge', () => {
  it('is sent with a token and an id of its own, and its operation is kept', async () => {
    const { cdn, sent } = client([ACCEPTED]);
    expect(await cdn.submit(purge)).toEqual({
      kind: 'accepted',
      taskId: OPERATION,
      correlationId: 'correlation-1',
      operationUrl: OPERATION_URL,
      retryAfterMs: 10_000,
    });
    expect(sent[0]?.headers).toEqual({
      authorization: 'Bearer canary-token-1',
      accept: 'application/json',
      'content-type': 'application/json',
      'x-ms-client-request-id': 'client-request-1',
    });
  });

  it.each([200, 201, 204])(
    'that is done at once, with status %i, has no operation to follow',
    async (status) => {
      const { cdn, sent } = client([{ status }]);
      const outcome = await cdn.submit(purge);
      expect(outcome).toMatchObject({
        kind: 'accepted',
        taskId: 'done-at-once:request-1',
        correlationId: 'correlation-1',
      });
      expect(await cdn.readProgress({ ...purge, taskId: 'done-at-once:request-1' })).toMatchObject({
        ok: true,
        value: { items: [{ status: 'succeeded' }, { status: 'succeeded' }] },
      });
      expect(sent).toHaveLength(1);
    },
  );

  it('is known by the id of its request where the address has none', async () => {
    const address = 'https://management.azure.com/operations?c=canary';
    const { cdn } = client([{ status: 202, headers: { 'azure-asyncoperation': address } }]);
    expect(await cdn.submit(purge)).toMatchObject({ taskId: 'request-1', operationUrl: address });
  });

  it.each([
    ['on another host', OPERATION_URL.replace('management.azure.com', 'management.azure.com.evil.example')],
    ['on another port', OPERATION_URL.replace('management.azure.com', 'management.azure.com:8443')],
    ['in the clear', OPERATION_URL.replace('https:', 'http:')],
    ['with a user name', OPERATION_URL.replace('https://', 'https://management.azure.com@')],
    ['that is none', 'operations/1'],
  ])('whose operation is at an address %s is not taken for accepted', async (_what, address) => {
    const { cdn } = client([{ status: 202, headers: { 'azure-asyncoperation': address } }]);
    const outcome = await cdn.submit(purge);
    expect(outcome).toMatchObject({
      kind: 'failed',
      reason: 'unreadable-answer',
      correlationId: 'correlation-1',
    });
    expect(JSON.stringify(outcome)).not.toContain('canary');
  });

  it('is sent once more with a new token when the first is refused', async () => {
    const { cdn, sent } = client([refused(401, 'ExpiredAuthenticationToken'), ACCEPTED]);
    expect(await cdn.submit(purge)).toMatchObject({ kind: 'accepted', correlationId: 'correlation-2' });
    expect(sent.map(({ headers }) => [headers['authorization'], headers['x-ms-client-request-id']])).toEqual([
      ['Bearer canary-token-1', 'client-request-1'],
      ['Bearer canary-token-2', 'client-request-2'],
    ]);
  });

  it('is refused when the new token is refused, too', async () => {
    const { cdn, sent } = client([
      refused(401, 'InvalidAuthenticationToken'),
      refused(401, 'InvalidAuthenticationToken'),
    ]);
    expect(await cdn.submit(purge)).toMatchObject({ kind: 'refused', outcomeClass: 'credentials-refused' });
    expect(sent).toHaveLength(2);
  });

  it('is not sent again with the very token that was refused', async () => {
    const { cdn, sent } = client([refused(401, 'InvalidAuthenticationToken')], () =>
      ok({ value: 'the-same', expiresAt: instant(Date.UTC(2030, 0)) }),
    );
    expect(await cdn.submit(purge)).toMatchObject({ kind: 'refused', outcomeClass: 'credentials-refused' });
    expect(sent).toHaveLength(1);
  });

  it.each([
    ['refused', 'credentials-refused'],
    ['unavailable', 'transient'],
  ] as const)('is not sent while the token is %s', async (kind, outcomeClass) => {
    const { cdn, sent } = client([], () => err({ kind, detail: 'no identity', retryAfterMs: 5_000 }));
    expect(await cdn.submit(purge)).toEqual({
      kind: 'failed',
      reason: 'no-token',
      detail: 'no identity',
      sent: false,
      outcomeClass,
      status: undefined,
      retryAfterMs: 5_000,
      correlationId: undefined,
    });
    expect(sent).toEqual([]);
  });

  it('without the role is refused in words that name the action and the role', async () => {
    const theirs =
      "The client 'x' does not have authorization to perform action 'Microsoft.Cdn/profiles/afdendpoints/Purge/action'";
    const { cdn } = client([refused(403, 'AuthorizationFailed', theirs)]);
    const outcome = await cdn.submit(purge);
    expect(outcome).toMatchObject({
      kind: 'refused',
      errorType: 'AuthorizationFailed',
      outcomeClass: 'credentials-refused',
      correlationId: 'correlation-1',
    });
    expect(outcome).toHaveProperty(
      'message',
      expect.stringMatching(
        /Microsoft\.Cdn\/profiles\/afdEndpoints\/Purge\/action.*"Blob CDN Purge Operator".*The client 'x'/u,
      ),
    );
  });

  it('with a bad path is refused for that path', async () => {
    const { cdn } = client([refused(400, 'BadRequest', 'Invalid ContentPath "/a b". …')]);
    expect(await cdn.submit(purge)).toMatchObject({
      kind: 'refused',
      outcomeClass: 'item-refused',
      status: 400,
    });
  });

  it.each([
    [
      'a path',
      'Invalid ContentPath "/%24x". It must be "/path/*".',
      [`http://${HOST}/$x`, `https://${HOST}/$x`],
    ],
    ['a directory', 'Invalid ContentPath "/d/*".', [`http://${HOST}/d/`]],
    ['a path, and a host', `Invalid ContentPath "/d/*" on ${HOST}.`, [`http://${HOST}/d/`]],
    ['a domain', 'The domain Other.example.cn is not associated.', ['http://other.example.cn/a']],
    ['nothing that was sent', 'Invalid ContentPath "/path/pic.jpg" of cn.', []],
  ])('with words that name %s says which URLs these are', async (_, words, namedUrls) => {
    const { cdn } = client([refused(400, 'BadRequest', words)]);
    const files = [
      cdnUrl('http', HOST, '/$x'),
      cdnUrl('https', HOST, '/$x'),
      cdnUrl('http', 'other.example.cn', '/a'),
    ];
    expect(await cdn.submit({ ...purge, files })).toMatchObject({ outcomeClass: 'item-refused', namedUrls });
  });

  it('that is throttled waits as long as Azure asks', async () => {
    const { cdn } = client([{ ...refused(429, 'TooManyRequests'), headers: { 'retry-after': '17' } }]);
    expect(await cdn.submit(purge)).toMatchObject({ outcomeClass: 'throttled', retryAfterMs: 17_000 });
  });

  it('whose answer cannot be read is a failure, with the id for support', async () => {
    const { cdn } = client([{ status: 202 }]);
    expect(await cdn.submit(purge)).toMatchObject({
      kind: 'failed',
      reason: 'unreadable-answer',
      detail: 'status 202: no address of the operation',
      correlationId: 'correlation-1',
    });
  });
});

describe('the progress of a purge', () => {
  const none = { code: 'None', message: null };

  it.each([
    ['InProgress', 'running'],
    ['Queued', 'running'],
    ['Succeeded', 'succeeded'],
  ])(
    'is the one status of all its URLs: %s, though it carries an error that is none',
    async (status, expected) => {
      const { cdn, sent } = client([{ status: 200, body: { status, error: none } }]);
      expect(await cdn.readProgress(record)).toEqual({
        ok: true,
        value: {
          items: [
            { url: purge.files[0], status: expected },
            { url: purge.directories[0], status: expected },
          ],
          retryAfterMs: undefined,
        },
      });
      expect(sent[0]?.url.href).toBe(OPERATION_URL);
      expect(sent[0]?.headers).toMatchObject({ authorization: 'Bearer canary-token-1' });
      expect(sent[0]?.headers).not.toHaveProperty('content-type');
    },
  );

  it.each([
    ['Failed', { code: 'InternalServerError', message: 'It broke.' }, 'InternalServerError: It broke.'],
    ['Failed', none, 'failed'],
    ['Canceled', null, 'canceled'],
  ])('that ends in %s keeps the words: %j', async (status, error, failure) => {
    const { cdn } = client([{ status: 200, body: { status, error } }]);
    expect(await cdn.readProgress(record)).toMatchObject({
      ok: true,
      value: { items: [{ status: 'failed' }, { status: 'failed' }], failure },
    });
  });

  it('says when to ask again', async () => {
    const { cdn } = client([
      { status: 200, body: { status: 'InProgress' }, headers: { 'retry-after': '90' } },
    ]);
    expect(await cdn.readProgress(record)).toMatchObject({ ok: true, value: { retryAfterMs: 90_000 } });
  });

  it('of an operation that lapsed is not known', async () => {
    const { cdn } = client([refused(404, 'ResourceNotFound')]);
    expect(await cdn.readProgress(record)).toMatchObject({
      ok: false,
      error: { kind: 'refused', status: 404 },
    });
  });

  it('without leave to read it names what is missing', async () => {
    const { cdn } = client([refused(403, 'AuthorizationFailed')]);
    expect(await cdn.readProgress(record)).toMatchObject({
      ok: false,
      error: {
        message: expect.stringMatching(
          /Microsoft\.Cdn\/operationresults\/read.*"Blob CDN Purge Result Reader" on the resource group/u,
        ),
      },
    });
  });

  it('is not known, and not taken for a success, where an older version lost the address in the record', async () => {
    const { cdn, sent } = client([]);
    const { operationUrl: _lost, ...left } = record;
    expect(await cdn.readProgress(left)).toMatchObject({ ok: false, error: { kind: 'failed', sent: false } });
    expect(sent).toEqual([]);
  });

  it('is not asked for at an address that is not the API’s, whatever the record says', async () => {
    const { cdn, sent, issued } = client([]);
    const asked = { ...record, operationUrl: 'https://evil.example/operationresults/1?c=canary' };
    const progress = await cdn.readProgress(asked);
    expect(progress).toMatchObject({ ok: false, error: { kind: 'failed', sent: false } });
    expect(JSON.stringify(progress)).not.toContain('canary');
    expect([sent.length, issued()]).toEqual([0, 0]);
  });
});

it('never shows a token or what lets one read an operation', async () => {
  const lost = {
    kind: 'no-answer',
    reason: 'connection-lost',
    sent: true,
    detail: 'SocketError: other side closed',
  } as const;
  for (const answer of [refused(401, 'x'), refused(500, 'x'), { status: 202 }, lost]) {
    const { cdn } = client([answer, answer]);
    const outcome = await cdn.submit(purge);
    const progress = await client([answer, answer]).cdn.readProgress(record);
    if (outcome.kind === 'accepted') throw new Error('it was to fail');
    expect(JSON.stringify([outcome, describeOutcome(outcome), progress])).not.toContain('canary');
  }
});
