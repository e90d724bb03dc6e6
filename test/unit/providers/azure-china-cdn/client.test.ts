// The provider as a whole: describe, sign, send, read; each attempt by its own time.

import { describe, expect, it } from 'vitest';

import { createAzureChinaCdn } from '../../../../src/lib/providers/azure-china-cdn/client.ts';
import { createClockOffset } from '../../../../src/lib/providers/azure-china-cdn/clock-offset.ts';
import { signedCalls } from '../../../../src/lib/providers/azure-china-cdn/signed-calls.ts';
import type { HttpRequest, HttpResult } from '../../../../src/lib/providers/http/send.ts';
import { aCdn, aTarget, ENDPOINT, HOST, LIMITS, SUBSCRIPTION } from '../../../support/builders.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';

const KEY = { id: '0a1b2c3d-1111-2222-3333-444455556666', value: 'canary-key-value' };

function client(...answers: readonly (readonly [status: number, body: unknown])[]) {
  const sent: HttpRequest[] = [];
  const clock = createFakeClock();
  const sender = async (request: HttpRequest): Promise<HttpResult> => {
    sent.push(request);
    const [status, body] = answers[sent.length - 1] ?? [500, ''];
    const headers = new Map([['x-correlation-id', `correlation-${sent.length}`]]);
    return { kind: 'answered', status, headers, text: JSON.stringify(body) };
  };
  const reports = { onKeySlot: () => undefined, onClockOffset: () => undefined };
  const call = signedCalls({ first: KEY, second: undefined }, sender, clock, createClockOffset(), reports);
  const cdn = createAzureChinaCdn(aCdn(), call, clock);
  return { cdn, sent, clock };
}

const TAKEN = [202, { Succeeded: true, IsAsync: true, AsyncInfo: { TaskTrackId: 'task-1' } }] as const;
const purge = { endpointId: ENDPOINT, files: [aTarget('/a').url], directories: [] };

describe('the Azure China CDN', () => {
  it('has the limits of its configuration', () => {
    expect(client().cdn.limits).toEqual(LIMITS);
  });

  it('is told apart by its subscription: endpoints of one share keys and quota', () => {
    expect(client().cdn.subscription).toBe(`azure-china-cdn ${SUBSCRIPTION}`);
  });

  it('sends a signed purge and reads its acceptance', async () => {
    const { cdn, sent } = client(TAKEN);
    expect(await cdn.submit(purge)).toEqual({
      kind: 'accepted',
      taskId: 'task-1',
      correlationId: 'correlation-1',
    });
    const [request] = sent;
    expect(request?.method).toBe('POST');
    expect(request?.url.href).toBe(
      `https://restapi.cdn.azure.cn/subscriptions/${SUBSCRIPTION}/endpoints/${ENDPOINT}/purges?apiVersion=1.0`,
    );
    expect(request?.body).toBe('{"Files":["http://www.example.cn/a"],"Directories":[]}');
    expect(request?.headers).toEqual({
      authorization: expect.stringMatching(/^AzureCDN 0a1b2c3d-1111-2222-3333-444455556666:[0-9A-F]{64}$/u),
      'x-azurecdn-request-date': '2024-01-15 08:09:10',
      accept: 'application/json',
      'content-type': 'application/json',
    });
  });

  it('signs each attempt at its own time', async () => {
    const { cdn, sent, clock } = client(TAKEN, TAKEN);
    await cdn.submit(purge);
    clock.advance(1_000);
    await cdn.submit(purge);
    const [first, second] = sent.map(({ headers }) => headers);
    expect(second?.['x-azurecdn-request-date']).toBe('2024-01-15 08:09:11');
    expect(second?.['authorization']).not.toBe(first?.['authorization']);
  });

  it('finds the endpoint of a host by a signed list, without a body', async () => {
    const list = [{ EndpointId: ENDPOINT, Settings: { CustomDomain: HOST } }];
    const { cdn, sent } = client([200, list]);
    expect(await cdn.findEndpoint(HOST)).toEqual({ ok: true, value: ENDPOINT });
    expect(sent.map(({ method, body }) => [method, body])).toEqual([['GET', undefined]]);
    expect(sent[0]?.headers).not.toHaveProperty('content-type');
  });

  it('never shows the value of its key', async () => {
    const { cdn, sent } = client(TAKEN);
    const outcome = await cdn.submit(purge);
    expect(JSON.stringify([sent, outcome])).not.toContain(KEY.value);
  });
});
