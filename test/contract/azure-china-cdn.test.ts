// The Azure China CDN keeps the contract of a purge provider, whichever of its samples the service follows.

import { createHash, randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type * as z from 'zod';

import { errorTypes } from '../../dev/cdn-emulator/api-error.ts';
import { createCdnEmulator, type CdnEmulator } from '../../dev/cdn-emulator/emulator.ts';
import type { Fault } from '../../dev/cdn-emulator/faults.ts';
import type { BehaviourPatch } from '../../dev/cdn-emulator/settings.ts';
import { cdnUrl } from '../../src/lib/core/cdn-url.ts';
import { instant } from '../../src/lib/core/instant.ts';
import type { AzureChinaCdnConfiguration } from '../../src/lib/core/configuration.ts';
import { createProvider } from '../../src/lib/providers/create-provider.ts';
import { createAgent } from '../../src/lib/providers/http/send.ts';
import { noTelemetry } from '../../src/lib/telemetry/no-telemetry.ts';
import type { Clock, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import {
  describePurgeProvider,
  type PurgeProviderHarness,
  type RefusalClass,
  type Trouble,
} from './purge-provider.contract.ts';

const subscription = '11112222-3333-4444-5555-666677778888';
const web = { host: 'www.contoso.localhost', endpointId: 'aaaabbbb-cccc-dddd-eeee-ffff00001111' };
const wildcardEndpointId = 'aaaabbbb-cccc-dddd-eeee-ffff00002222';
const key = { id: randomUUID(), value: createHash('sha256').update(randomUUID()).digest('base64') };
const systemClock: Clock = { now: () => instant(Date.now()) };

/** Errors that speak of an item of the body; the rest would meet the next batch as well. */
const itemErrors: readonly string[] = ['ParameterInvalid', 'MaliciousItemPathDetected'];
const refusals = errorTypes.map((errorType): RefusalClass => ({
  errorType,
  scope: itemErrors.includes(errorType) ? 'items' : 'request',
}));

function startEmulator(behaviour: BehaviourPatch): Promise<CdnEmulator> {
  return createCdnEmulator({
    subscriptions: [subscription],
    endpoints: [
      { id: web.endpointId, subscription, customDomain: web.host },
      { id: wildcardEndpointId, subscription, customDomain: '*.contoso.localhost' },
      { id: randomUUID(), subscription, customDomain: 'disabled.fabrikam.localhost', enabled: false },
      {
        id: randomUUID(),
        subscription,
        customDomain: 'deleting.fabrikam.localhost',
        lifetimeStatus: 'Deleting',
      },
      {
        id: randomUUID(),
        subscription,
        customDomain: 'unverified.fabrikam.localhost',
        icpVerifyStatus: 'IcpVerifyFailed',
      },
    ],
    hosts: [],
    keys: [{ ...key, subscription }],
    behaviour,
    fetchOrigin: () => Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() }),
  });
}

/** The real provider, as the app builds it. `close` ends its connections. */
function openProvider(
  apiBaseUrl: string,
  clock = systemClock,
): { provider: PurgeProvider; close: () => Promise<void> } {
  const cdn: AzureChinaCdnConfiguration = {
    provider: 'azure-china-cdn',
    name: 'china',
    subscriptionId: subscription,
    keySettings: { id: 'KEY_ID', value: 'KEY_VALUE' },
    apiBaseUrl,
    limits: { urlsPerRequest: 100, bytesPerRequest: 262_144 },
    timeouts: { connectMs: 5_000, headersMs: 400, bodyMs: 400 },
  };
  const agent = createAgent(cdn.timeouts);
  const provider = createProvider(cdn, {
    secret: secretOf,
    agentFor: () => agent,
    clock,
    telemetry: noTelemetry,
  });
  return { provider, close: () => agent.destroy() };
}

const secretOf = (settingName: string): string => (settingName === 'KEY_ID' ? key.id : key.value);

async function makeHarness(behaviour: BehaviourPatch): Promise<PurgeProviderHarness> {
  const emulator = await startEmulator(behaviour);
  const { control } = emulator;
  const opened = openProvider(emulator.apiUrl);
  // Port 9 (discard) is closed on the loopback of a test machine.
  const unreachable = openProvider('http://127.0.0.1:9');
  return {
    provider: opened.provider,
    unreachable: unreachable.provider,
    endpoints: [web, { host: 'media.contoso.localhost', endpointId: wildcardEndpointId }],
    unservedHosts: [
      'contoso.localhost',
      'www.example.localhost',
      'disabled.fabrikam.localhost',
      'deleting.fabrikam.localhost',
      'unverified.fabrikam.localhost',
    ],
    order: (trouble) => control.addFaults(faultOf(trouble)),
    taken: () => control.purges(),
    correlationIds: () => control.requests().map(({ correlationId }) => correlationId),
    async close() {
      await Promise.all([opened.close(), unreachable.close()]);
      control.release();
      await emulator.close();
    },
  };
}

function faultOf(trouble: Trouble): z.input<typeof Fault> {
  switch (trouble.kind) {
    case 'refuses':
      return { fault: 'error', type: errorTypeOf(trouble.errorType) };
    case 'throttles':
      return {
        fault: 'throttle',
        ...(trouble.retryAfter === undefined ? {} : { retryAfter: trouble.retryAfter }),
      };
    case 'gateway-page':
      return { fault: 'gateway', status: trouble.status, retryAfter: trouble.retryAfterSeconds };
    case 'resets':
      return { fault: 'reset-before-acting' };
    case 'loses-the-answer':
      return { fault: 'reset-after-acting' };
    case 'stays-silent':
      return { fault: 'slow-answer' };
    case 'redirects':
      return { fault: 'redirect' };
    case 'forgets-the-task-id':
      return { fault: 'no-task-id' };
  }
}

function errorTypeOf(name: string): Extract<Fault, { fault: 'error' }>['type'] {
  const found = errorTypes.find((type) => type === name);
  if (found === undefined) throw new Error(`the CDN has no error of the type ${name}`);
  return found;
}

describePurgeProvider('the Azure China CDN that signs paths as received', refusals, () =>
  makeHarness({ pathCase: 'strict' }),
);
describePurgeProvider('the Azure China CDN that signs paths as the C# sample does', refusals, () =>
  makeHarness({ pathCase: 'csharp', endpointShape: 'documented', extraAnswerMembers: true }),
);

describe('the Azure China CDN', () => {
  let emulator: CdnEmulator;
  beforeEach(async () => {
    emulator = await startEmulator({ pathCase: 'strict' });
  });
  afterEach(() => emulator.close());

  const oneFile = {
    endpointId: web.endpointId,
    files: [cdnUrl('http', web.host, '/a.txt')],
    directories: [],
  };

  test.each(refusals)('may refuse with status 200: $errorType', async ({ errorType, scope }) => {
    const { provider, close } = openProvider(emulator.apiUrl);
    emulator.control.addFaults({ fault: 'refused-with-200', type: errorTypeOf(errorType) });

    expect(await provider.submit(oneFile)).toMatchObject({
      kind: 'refused',
      errorType,
      scope,
      status: 200,
      correlationId: emulator.control.requests()[0]?.correlationId,
    });
    await close();
  });

  test('gets a fresh signature and date with every attempt', async () => {
    const times = ['23:59:58', '23:59:59'].map((time) => Date.parse(`2024-12-31T${time}Z`));
    const { provider, close } = openProvider(emulator.apiUrl, {
      now: () => instant(times[emulator.control.requests().length] ?? 0),
    });

    await provider.submit(oneFile);
    await provider.submit(oneFile);

    expect(emulator.control.requests()).toMatchObject([
      { requestDate: '2024-12-31 23:59:58', outcome: 'AuthorizationHeaderExpired' },
      { requestDate: '2024-12-31 23:59:59', outcome: 'AuthorizationHeaderExpired' },
    ]);
    await close();
  });

  test('refuses a purge over its daily quota, whole', async () => {
    emulator.control.changeSettings({ filesPerDay: 1, throttleRetryAfterSeconds: 3_600 });
    const { provider, close } = openProvider(emulator.apiUrl);
    await provider.submit(oneFile);

    expect(await provider.submit(oneFile)).toMatchObject({
      kind: 'refused',
      errorType: 'RequestThrottled',
      scope: 'request',
      retryAfterMs: 3_600_000,
    });
    expect(emulator.control.purges()).toHaveLength(1);
    await close();
  });

  test('is asked under paths in lower case, on whose signature all samples agree', async () => {
    const { provider, close } = openProvider(emulator.apiUrl);

    await provider.submit(oneFile);

    const [{ target } = { target: '' }] = emulator.control.requests();
    expect(target.split('?')[0]).toBe(target.split('?')[0]?.toLowerCase());
    await close();
  });
});
