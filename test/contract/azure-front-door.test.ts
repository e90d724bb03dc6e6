// Azure Front Door keeps the contract of a purge provider, with tokens of a managed identity.

import { randomUUID } from 'node:crypto';

import { describe, expect, onTestFinished, test } from 'vitest';
import type * as z from 'zod';

import { createFrontDoorEmulator, type FrontDoorEmulator } from '../../dev/front-door-emulator/emulator.ts';
import type { Fault } from '../../dev/front-door-emulator/faults.ts';
import type { BehaviourPatch } from '../../dev/front-door-emulator/settings.ts';
import { cdnUrl } from '../../src/lib/core/cdn-url.ts';
import { instant } from '../../src/lib/core/instant.ts';
import type { OutcomeClass } from '../../src/lib/core/outcome-class.ts';
import { managedIdentity } from '../../src/lib/identity/managed-identity.ts';
import { createTokenSource } from '../../src/lib/identity/token-source.ts';
import { createProvider } from '../../src/lib/providers/create-provider.ts';
import { createAgent, createHttpSender } from '../../src/lib/providers/http/send.ts';
import type { Clock, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import { aFrontDoor } from '../support/builders.ts';
import { createRecordingTelemetry, type RecordingTelemetry } from '../support/recording-telemetry.ts';
import { describePurgeProvider, type PurgeProviderHarness, type Trouble } from './purge-provider.contract.ts';

const subscription = '22223333-4444-5555-6666-777788889999';
const web = { host: 'www.contoso.localhost', endpointId: 'contoso' };
const identityHeader = randomUUID();
const systemClock: Clock = { now: () => instant(Date.now()) };

/** What Azure Resource Manager refuses by, and what that means. */
const refusals: readonly {
  readonly errorType: string;
  readonly status: number;
  readonly message?: string;
  readonly outcomeClass: OutcomeClass;
}[] = [
  { errorType: 'AuthorizationFailed', status: 403, outcomeClass: 'credentials-refused' },
  { errorType: 'ExpiredAuthenticationToken', status: 401, outcomeClass: 'credentials-refused' },
  { errorType: 'InvalidAuthenticationTokenAudience', status: 401, outcomeClass: 'credentials-refused' },
  {
    errorType: 'BadRequest',
    status: 400,
    message: 'Invalid ContentPath "/a b".',
    outcomeClass: 'item-refused',
  },
  { errorType: 'InvalidRequestContent', status: 400, outcomeClass: 'request-refused' },
  { errorType: 'SubscriptionNotFound', status: 404, outcomeClass: 'request-refused' },
  { errorType: 'ResourceNotFound', status: 404, outcomeClass: 'endpoint-unusable' },
  { errorType: 'ParentResourceNotFound', status: 404, outcomeClass: 'endpoint-unusable' },
  { errorType: 'Conflict', status: 409, outcomeClass: 'transient' },
  { errorType: 'InternalServerError', status: 500, outcomeClass: 'transient' },
  { errorType: 'ServiceUnavailable', status: 503, outcomeClass: 'transient' },
];

function startEmulator(behaviour: BehaviourPatch): Promise<FrontDoorEmulator> {
  return createFrontDoorEmulator({
    profiles: [
      {
        subscription,
        resourceGroup: 'rg-local',
        name: 'afd-local',
        endpoints: [
          { name: web.endpointId, hostName: 'contoso-a1.z01.azurefd.localhost', domains: [web.host] },
        ],
      },
    ],
    hosts: [],
    identityHeader,
    behaviour,
    fetchOrigin: () => Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() }),
  });
}

interface OpenProvider {
  readonly provider: PurgeProvider;
  readonly telemetry: RecordingTelemetry;
  /** Ends its connections. */
  readonly close: () => Promise<void>;
}

/** The real provider, as the app builds it; its API may be elsewhere than who gives the tokens. */
function openProvider({ identityEndpoint }: FrontDoorEmulator, armUrl: string): OpenProvider {
  const cdn = aFrontDoor({
    subscriptionId: subscription,
    resourceGroup: 'rg-local',
    profile: 'afd-local',
    endpoint: web.endpointId,
    armUrl,
    timeouts: { connectMs: 5_000, headersMs: 400, bodyMs: 400 },
  });
  const agent = createAgent(cdn.timeouts);
  const telemetry = createRecordingTelemetry();
  const tokens = createTokenSource(
    managedIdentity(
      { url: identityEndpoint, header: identityHeader },
      undefined,
      createHttpSender(agent, 'x-ms-request-id', telemetry),
      systemClock.now,
    ),
    systemClock.now,
  );
  const provider = createProvider(cdn, {
    secret: () => '',
    agentFor: () => agent,
    clock: systemClock,
    telemetry,
    clockOffsetFor: () => expect.fail('it has no need of the CDN’s clock'),
    reportsFor: () => expect.fail('it has no keys'),
    tokensFor: () => tokens,
    newId: randomUUID,
  });
  return { provider, telemetry, close: () => agent.destroy() };
}

async function makeHarness(behaviour: BehaviourPatch): Promise<PurgeProviderHarness> {
  const emulator = await startEmulator(behaviour);
  const { control } = emulator;
  const opened = openProvider(emulator, emulator.armUrl);
  // Port 9 (discard) is closed on the loopback of a test machine.
  const unreachable = openProvider(emulator, 'http://127.0.0.1:9');
  return {
    provider: opened.provider,
    unreachable: unreachable.provider,
    endpoint: web,
    asTaken: (url) => url.replaceAll('$', '%24').replaceAll('*', '%2A'),
    unknownTask: {
      taskId: '0',
      operationUrl: `${emulator.armUrl}/subscriptions/${subscription}/resourcegroups/rg-local/providers/Microsoft.Cdn/operationresults/${randomUUID()}?api-version=2024-09-01&t=1&c=2&s=3&h=4`,
    },
    order: (trouble) => control.addFaults(faultOf(trouble)),
    taken: () =>
      control.purges().map(({ endpoint, domains, paths, operationId, correlationId }) => {
        const urls = domains.flatMap((domain) => paths.map((path) => `http://${domain}${path}`));
        return {
          endpointId: endpoint,
          files: urls.filter((url) => !url.endsWith('/*')),
          directories: urls.filter((url) => url.endsWith('/*')).map((url) => url.slice(0, -1)),
          taskId: operationId,
          correlationId,
        };
      }),
    correlationIds: () =>
      control
        .requests()
        .filter(({ operation }) => operation !== 'token')
        .map(({ correlationId }) => correlationId),
    async close() {
      await Promise.all([opened.close(), unreachable.close()]);
      control.release();
      await emulator.close();
    },
  };
}

function faultOf(trouble: Trouble): z.input<typeof Fault> {
  switch (trouble.kind) {
    case 'refuses': {
      const { errorType: code, status, message } = refusalNamed(trouble.errorType);
      // A token that is refused is renewed once within the call.
      return {
        fault: 'error',
        code,
        status,
        times: status === 401 ? 2 : 1,
        ...(message === undefined ? {} : { message }),
      };
    }
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
      return { fault: 'fewer-operation-urls' };
  }
}

function refusalNamed(errorType: string): (typeof refusals)[number] {
  const found = refusals.find((refusal) => refusal.errorType === errorType);
  if (found === undefined) throw new Error(`there is no refusal of the name ${errorType}`);
  return found;
}

// Purges are over in no time, and the address of an operation is longer than any that was seen.
describePurgeProvider('Azure Front Door', refusals, () =>
  makeHarness({ purgeMs: 20, operationUrlBytes: 7_000 }),
);

async function open(): Promise<OpenProvider & { readonly emulator: FrontDoorEmulator }> {
  const emulator = await startEmulator({ purgeMs: 0 });
  const opened = openProvider(emulator, emulator.armUrl);
  onTestFinished(async () => {
    await opened.close();
    await emulator.close();
  });
  return { ...opened, emulator };
}

describe('Azure Front Door', () => {
  const oneFile = {
    endpointId: web.endpointId,
    files: [cdnUrl('http', web.host, '/a.txt')],
    directories: [],
  };

  test('is asked for a token once for many purges, and again when that is refused', async () => {
    const { provider, emulator } = await open();
    const purge = async (): Promise<string> => (await provider.submit(oneFile)).kind;
    expect(await Promise.all([purge(), purge()])).toEqual(['accepted', 'accepted']);
    emulator.control.revokeTokens();
    expect(await purge()).toBe('accepted');
    const tokens = emulator.control.requests().filter(({ operation }) => operation === 'token');
    expect(tokens).toHaveLength(2);
  });

  test('names the missing action and the role where the role is missing', async () => {
    const { provider, emulator } = await open();
    emulator.control.changeSettings({ missingActions: ['Microsoft.Cdn/profiles/afdEndpoints/Purge/action'] });
    expect(await provider.submit(oneFile)).toMatchObject({
      kind: 'refused',
      outcomeClass: 'credentials-refused',
      message: expect.stringMatching(
        /Microsoft\.Cdn\/profiles\/afdEndpoints\/Purge\/action.*Blob CDN Purge Operator/u,
      ),
    });
  });

  test('sends nothing while the identity gives no token', async () => {
    const { provider, emulator } = await open();
    emulator.control.addFaults({ fault: 'error', status: 500, match: { operation: 'token' } });
    expect(await provider.submit(oneFile)).toMatchObject({ kind: 'failed', reason: 'no-token', sent: false });
    expect(emulator.control.purges()).toEqual([]);
  });

  test('shows telemetry neither the token nor what lets one read an operation', async () => {
    const { provider, emulator, telemetry } = await open();
    const outcome = await provider.submit(oneFile);
    if (outcome.kind !== 'accepted') throw new Error('it was to be accepted');
    await provider.readProgress({ ...oneFile, ...outcome });
    expect(telemetry.spans.map(({ name }) => name.split(' ')[0])).toEqual(['GET', 'POST', 'GET']);
    const told = JSON.stringify(telemetry.spans);
    const query = new URL(outcome.operationUrl ?? '').searchParams;
    for (const secret of [query.get('c'), query.get('s'), query.get('h'), identityHeader, 'Bearer', 'eyJ']) {
      expect(secret).toMatch(/./u);
      expect(told).not.toContain(secret);
    }
    expect(told).toContain(outcome.taskId);
    expect(emulator.control.requests()).toHaveLength(3);
  });
});
