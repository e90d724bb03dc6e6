// The Azure China CDN keeps the contract of a purge provider, whichever of its samples the service follows.

import { createHash, randomUUID } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type * as z from 'zod';

import { errorTypes } from '../../dev/cdn-emulator/api-error.ts';
import { createCdnEmulator, type CdnEmulator } from '../../dev/cdn-emulator/emulator.ts';
import type { Fault } from '../../dev/cdn-emulator/faults.ts';
import type { BehaviourPatch } from '../../dev/cdn-emulator/settings.ts';
import { EXACT_MATCHING } from '../../src/lib/core/capabilities.ts';
import { cdnUrl } from '../../src/lib/core/cdn-url.ts';
import { instant } from '../../src/lib/core/instant.ts';
import type { AzureChinaCdnConfiguration } from '../../src/lib/core/configuration.ts';
import type { OutcomeClass } from '../../src/lib/core/outcome-class.ts';
import { createClockOffset } from '../../src/lib/providers/azure-china-cdn/clock-offset.ts';
import type { ApiKey } from '../../src/lib/providers/azure-china-cdn/signature.ts';
import type { KeySlot } from '../../src/lib/providers/azure-china-cdn/signed-calls.ts';
import { createProvider } from '../../src/lib/providers/create-provider.ts';
import { createAgent } from '../../src/lib/providers/http/send.ts';
import { noTelemetry } from '../../src/lib/telemetry/no-telemetry.ts';
import { aQuota } from '../support/builders.ts';
import { noTokens } from '../support/no-tokens.ts';
import type { Clock, PurgeProvider } from '../../src/lib/use-cases/ports.ts';
import {
  describeEndpointLookup,
  describePurgeProvider,
  type EndpointLookupHarness,
  type RefusalClass,
  type Trouble,
} from './purge-provider.contract.ts';

const subscription = '11112222-3333-4444-5555-666677778888';
const web = { host: 'www.contoso.localhost', endpointId: 'aaaabbbb-cccc-dddd-eeee-ffff00001111' };
const wildcardEndpointId = 'aaaabbbb-cccc-dddd-eeee-ffff00002222';
const aKey = (): ApiKey => ({
  id: randomUUID(),
  value: createHash('sha256').update(randomUUID()).digest('base64'),
});
const [key, newerKey, revokedKey, readOnlyKey] = [aKey(), aKey(), aKey(), aKey()] as const;
const systemClock: Clock = { now: () => instant(Date.now()) };

const refusals = errorTypes.map((errorType): RefusalClass => ({
  errorType,
  outcomeClass: outcomeClassOf(errorType),
}));

function outcomeClassOf(errorType: (typeof errorTypes)[number]): OutcomeClass {
  switch (errorType) {
    case 'CredentialInvalid':
    case 'ApiKeyNotFound':
    case 'InvalidApiKey':
    case 'WrongSignature':
    case 'PermissionDenied':
      return 'credentials-refused';
    case 'ParameterInvalid':
    case 'MaliciousItemPathDetected':
      return 'item-refused';
    case 'ParameterMissing':
    case 'MissingAuthorizationHeader':
    case 'InvalidAuthorizationHeader':
    case 'MissingRequestDateHeader':
    case 'InvalidRequestDateHeader':
    case 'AuthorizationHeaderExpired':
    case 'SubscriptionNotFound':
      return 'request-refused';
    case 'EndpointNotFound':
    case 'EndpointDoesNotBelongToSubscription':
    case 'EndpointNotInActiveState':
      return 'endpoint-unusable';
    case 'RequestThrottled':
      return 'throttled';
    case 'InternalError':
      return 'transient';
  }
}

function startEmulator(behaviour: BehaviourPatch, now = (): Date => new Date()): Promise<CdnEmulator> {
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
    keys: [
      { ...key, subscription },
      { ...newerKey, subscription },
      { ...revokedKey, subscription, state: 'revoked' },
      { ...readOnlyKey, subscription, permission: 'read-only' },
    ],
    now,
    behaviour,
    fetchOrigin: () => Promise.resolve({ status: 404, headers: {}, body: new Uint8Array() }),
  });
}

interface OpenProvider {
  readonly provider: PurgeProvider;
  /** What it told of its keys and clock. */
  readonly reports: readonly (KeySlot | number)[];
  /** Ends its connections. */
  readonly close: () => Promise<void>;
}

/** The real provider, as the app builds it. */
function openProvider(
  apiBaseUrl: string,
  { clock = systemClock, first = key, second }: { clock?: Clock; first?: ApiKey; second?: ApiKey } = {},
): OpenProvider {
  const secrets = new Map([
    ['KEY_ID', first.id],
    ['KEY_VALUE', first.value],
    ['SECOND_ID', second?.id],
    ['SECOND_VALUE', second?.value],
  ]);
  const cdn: AzureChinaCdnConfiguration = {
    provider: 'azure-china-cdn',
    name: 'china',
    subscriptionId: subscription,
    keySettings: {
      id: 'KEY_ID',
      value: 'KEY_VALUE',
      second: second && { id: 'SECOND_ID', value: 'SECOND_VALUE' },
    },
    apiBaseUrl,
    limits: { urlsPerRequest: 100, bytesPerRequest: 262_144 },
    matching: EXACT_MATCHING,
    timeouts: { connectMs: 5_000, headersMs: 400, bodyMs: 400 },
    quota: aQuota(),
  };
  const agent = createAgent(cdn.timeouts);
  const reports: (KeySlot | number)[] = [];
  const note = (report: KeySlot | number): void => {
    reports.push(report);
  };
  const offset = createClockOffset();
  const provider = createProvider(cdn, {
    secret: (name) => secrets.get(name) ?? '',
    agentFor: () => agent,
    clock,
    telemetry: noTelemetry,
    clockOffsetFor: () => offset,
    reportsFor: () => ({ onKeySlot: note, onClockOffset: note }),
    tokensFor: () => noTokens,
    newId: randomUUID,
  });
  return { provider, reports, close: () => agent.destroy() };
}

async function makeHarness(behaviour: BehaviourPatch): Promise<EndpointLookupHarness> {
  const emulator = await startEmulator(behaviour);
  const { control } = emulator;
  const opened = openProvider(emulator.apiUrl);
  // Port 9 (discard) is closed on the loopback of a test machine.
  const unreachable = openProvider('http://127.0.0.1:9');
  return {
    provider: opened.provider,
    unreachable: unreachable.provider,
    endpoint: web,
    asTaken: (url) => url,
    unknownTask: { taskId: 'b520c544-ec34-4ac4-86f5-5394363919c3' },
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
      return { fault: 'error', type: errorTypeOf(trouble.errorType), times: timesOf(trouble.errorType) };
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

/** An expired signature is made once more within the call. */
const timesOf = (errorType: string): number => (errorType === 'AuthorizationHeaderExpired' ? 2 : 1);

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
describeEndpointLookup('the Azure China CDN of the samples', refusals, () =>
  makeHarness({ pathCase: 'strict' }),
);
describeEndpointLookup('the Azure China CDN of the documents', refusals, () =>
  makeHarness({ pathCase: 'csharp', endpointShape: 'documented', extraAnswerMembers: true }),
);

describe('the Azure China CDN', () => {
  let emulator: CdnEmulator;
  beforeEach(async () => {
    emulator = await startEmulator({ pathCase: 'strict' });
  });
  afterEach(() => emulator.close());

  const outcomes = (): readonly string[] => emulator.control.requests().map(({ outcome }) => outcome);
  const oneFile = {
    endpointId: web.endpointId,
    files: [cdnUrl('http', web.host, '/a.txt')],
    directories: [],
  };

  test.each(refusals)('may refuse with status 200: $errorType', async ({ errorType, outcomeClass }) => {
    const { provider, close } = openProvider(emulator.apiUrl);
    emulator.control.addFaults({
      fault: 'refused-with-200',
      type: errorTypeOf(errorType),
      times: timesOf(errorType),
    });

    expect(await provider.submit(oneFile)).toMatchObject({
      kind: 'refused',
      errorType,
      outcomeClass,
      status: 200,
      correlationId: emulator.control.requests().at(-1)?.correlationId,
    });
    await close();
  });

  test('gets a fresh signature and date with every attempt', async () => {
    const startedAt = Date.now();
    const secondsPast = (seconds: number): number => startedAt + seconds * 1_000;
    const clock = { now: () => instant(secondsPast(emulator.control.requests().length)) };
    const { provider, close } = openProvider(emulator.apiUrl, { clock });

    await provider.submit(oneFile);
    await provider.submit(oneFile);

    expect(emulator.control.requests()).toMatchObject([
      { requestDate: headerDate(secondsPast(0)), outcome: 'ok' },
      { requestDate: headerDate(secondsPast(1)), outcome: 'ok' },
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
      outcomeClass: 'throttled',
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

  describe('with two keys', () => {
    test.each([
      { what: 'revoked', first: revokedKey, refusal: 'InvalidApiKey' },
      { what: 'not known', first: aKey(), refusal: 'ApiKeyNotFound' },
      { what: 'wrong', first: { id: key.id, value: newerKey.value }, refusal: 'WrongSignature' },
      { what: 'only for reading', first: readOnlyKey, refusal: 'PermissionDenied' },
    ])('purges with the second while the first is $what, and says so once', async ({ first, refusal }) => {
      const { provider, reports, close } = openProvider(emulator.apiUrl, { first, second: newerKey });

      expect(await provider.submit(oneFile)).toMatchObject({ kind: 'accepted' });
      expect(await provider.submit(oneFile)).toMatchObject({ kind: 'accepted' });

      expect(outcomes()).toEqual([refusal, 'ok', 'ok']);
      expect(reports).toEqual(['second']);
      await close();
    });

    test('goes back to the first when the second is refused', async () => {
      const { provider, reports, close } = openProvider(emulator.apiUrl, { second: newerKey });
      for (let turn = 0; turn < 2; turn += 1) {
        emulator.control.addFaults({ fault: 'error', type: 'InvalidApiKey' });
        expect(await provider.submit(oneFile)).toMatchObject({ kind: 'accepted' });
      }

      expect(reports).toEqual(['second', 'first']);
      await close();
    });

    test('is refused for its credentials when neither works', async () => {
      const { provider, reports, close } = openProvider(emulator.apiUrl, {
        first: revokedKey,
        second: aKey(),
      });

      expect(await provider.submit(oneFile)).toMatchObject({
        errorType: 'InvalidApiKey',
        outcomeClass: 'credentials-refused',
      });

      expect(outcomes()).toEqual(['InvalidApiKey', 'ApiKeyNotFound']);
      expect(reports).toEqual([]);
      await close();
    });
  });

  describe('whose clock differs from ours', () => {
    const twentyMinutes = 20 * 60_000;

    test.each([
      { what: 'ahead', ours: -twentyMinutes },
      { what: 'behind', ours: twentyMinutes },
    ])('by being $what is asked at its own time from then on', async ({ ours }) => {
      const clock = { now: () => instant(Date.now() + ours) };
      const { provider, reports, close } = openProvider(emulator.apiUrl, { clock });

      expect(await provider.submit(oneFile)).toMatchObject({ kind: 'accepted' });
      expect(await provider.submit(oneFile)).toMatchObject({ kind: 'accepted' });

      expect(outcomes()).toEqual(['AuthorizationHeaderExpired', 'ok', 'ok']);
      expect(reports).toEqual([expect.closeTo(-ours, -5)]);
      await close();
    });

    test('from its own Date header, too, is asked twice and no more', async () => {
      // The header is the server's real time; what the emulator judges signatures by is another.
      const odd = await startEmulator({ pathCase: 'strict' }, () => new Date(Date.now() + twentyMinutes));
      const { provider, reports, close } = openProvider(odd.apiUrl, { second: newerKey });

      expect(await provider.submit(oneFile)).toMatchObject({
        errorType: 'AuthorizationHeaderExpired',
        outcomeClass: 'request-refused',
      });

      expect(odd.control.requests()).toHaveLength(2);
      expect(reports).toEqual([]);
      await close();
      await odd.close();
    });
  });
});

/** `yyyy-MM-dd HH:mm:ss` in UTC. */
const headerDate = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
