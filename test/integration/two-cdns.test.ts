// A site that moves from the Azure China CDN to Front Door, on real parts: Azurite, both emulators with their edges,
// and the app as it is built.

import { randomBytes, randomUUID } from 'node:crypto';

import { getGlobalDispatcher } from 'undici';
import { expect, onTestFinished, test } from 'vitest';

import { createCdnEmulator } from '../../dev/cdn-emulator/emulator.ts';
import type { OriginAnswer } from '../../dev/edge/origin.ts';
import { createFrontDoorEmulator } from '../../dev/front-door-emulator/emulator.ts';
import { createApp } from '../../src/lib/app.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { bufferBlobChanges } from '../../src/lib/use-cases/buffer-blob-changes.ts';
import { flushPurges } from '../../src/lib/use-cases/flush-purges.ts';
import type { Run } from '../../src/lib/use-cases/ports.ts';
import { requestPurge } from '../../src/lib/use-cases/request-purge.ts';
import { trackPurges } from '../../src/lib/use-cases/track-purges.ts';
import { azuritePlaces } from '../support/azurite-places.ts';
import { aChange, aUrlAsk } from '../support/builders.ts';
import { createRecordingLog } from '../support/recording-log.ts';
import { createRecordingTelemetry } from '../support/recording-telemetry.ts';

const subscription = '11112222-3333-4444-5555-666677778888';
const endpointId = 'aaaabbbb-cccc-dddd-eeee-ffff00001111';
const host = 'www.contoso.localhost';
const key = { id: randomUUID(), value: randomBytes(48).toString('base64') };
const identityHeader = randomUUID();
const places = azuritePlaces();
const url = (path: string): string => `http://${host}${path}`;
const MINUTE_MS = 60_000;

/** Both CDNs before one origin, and the app between them and Azurite. */
async function openMove() {
  const blobs = new Map<string, string>();
  const fetchOrigin = async (_container: string, name: string): Promise<OriginAnswer> => {
    const content = blobs.get(name);
    if (content === undefined) return { status: 404, headers: {}, body: Buffer.from('none') };
    return { status: 200, headers: { etag: `"${content}"` }, body: Buffer.from(content) };
  };
  const hosts = [{ host, container: 'web' }];
  const china = await createCdnEmulator({
    subscriptions: [subscription],
    endpoints: [{ id: endpointId, subscription, customDomain: host }],
    hosts,
    keys: [{ ...key, subscription }],
    behaviour: { fileTaskMs: 0, directoryTaskMs: 0 },
    fetchOrigin,
  });
  const frontDoor = await createFrontDoorEmulator({
    profiles: [
      {
        subscription,
        resourceGroup: 'rg-web',
        name: 'contoso',
        endpoints: [{ name: 'www', hostName: 'www-a1.z01.azurefd.localhost', domains: [host] }],
      },
    ],
    hosts,
    identityHeader,
    behaviour: { purgeMs: 0, edgeDelayMs: 0 },
    fetchOrigin,
  });
  onTestFinished(async () => {
    await Promise.all([china.close(), frontDoor.close()]);
  });

  const container = places.freshContainer();
  const built = await createApp({
    PURGE_STORAGE: places.connectionString,
    PURGE_QUEUE: `buffer-${randomUUID().slice(0, 8)}`,
    PURGE_RECORDS_CONTAINER: container.containerName,
    PURGE_CONFIG: JSON.stringify({
      cdns: {
        china: {
          provider: 'azure-china-cdn',
          subscription,
          keys: { id: 'KEY_ID', value: 'KEY_VALUE' },
          apiBaseUrl: china.apiUrl,
        },
        'front-door': {
          provider: 'azure-front-door',
          subscription,
          resourceGroup: 'rg-web',
          profile: 'contoso',
          armUrl: frontDoor.armUrl,
        },
      },
      sites: {
        www: {
          containers: [{ account: 'contoso', container: 'web', path: '/' }],
          hosts: [
            { host, cdn: 'china' },
            { host, cdn: 'front-door', endpoint: 'www' },
          ],
        },
      },
    }),
    KEY_ID: key.id,
    KEY_VALUE: key.value,
    IDENTITY_ENDPOINT: frontDoor.identityEndpoint,
    IDENTITY_HEADER: identityHeader,
  }).services();
  let offsetMs = 0;
  const run: Run = {
    log: createRecordingLog(),
    telemetry: createRecordingTelemetry(),
    traceparent: undefined,
  };
  const ports = { ...built.flushPorts, clock: { now: () => instant(Date.now() + offsetMs) } };
  const upload = async (name: string, content: string): Promise<void> => {
    blobs.set(name, content);
    const change = aChange({ name, container: 'web', eventId: randomUUID() });
    const configuration = await ports.configuration.current();
    await bufferBlobChanges([{ kind: 'change', change }], configuration, built.own, built.buffer, run);
  };
  /** What each edge gives for the path. */
  const read = (path: string): Promise<readonly string[]> =>
    Promise.all(
      [china.edgeUrl, frontDoor.edgeUrl].map(async (origin) => {
        const answer = await getGlobalDispatcher().request({
          origin,
          path,
          method: 'GET',
          headers: { host },
        });
        return answer.body.text();
      }),
    );
  return {
    china: china.control,
    frontDoor: frontDoor.control,
    ports,
    run,
    upload,
    read,
    later: (ms: number) => (offsetMs += ms),
    flush: () => flushPurges(ports, built.flushLimits, run),
    track: () => trackPurges(ports, run),
  };
}

test('both edges forget what changes, and each CDN has a purge, a record and a quota of its own', async () => {
  const { china, frontDoor, ports, run, upload, read, later, flush, track } = await openMove();
  await upload('a.txt', 'old');
  await flush();
  later(MINUTE_MS);
  await track();
  expect(await read('/a.txt')).toEqual(['old', 'old']);

  await upload('a.txt', 'new');
  expect(await read('/a.txt')).toEqual(['old', 'old']);
  await flush();
  expect(await read('/a.txt')).toEqual(['new', 'new']);

  const files = [url('/a.txt')];
  expect(china.purges()).toMatchObject([{ files }, { files }]);
  expect(frontDoor.purges()).toMatchObject([
    { domains: [host], paths: ['/a.txt'] },
    { domains: [host], paths: ['/a.txt'] },
  ]);
  const open = await ports.records.findOpenPurges();
  expect(open.map(({ cdn }) => cdn).toSorted()).toEqual(['china', 'front-door']);
  const subscriptions = [...ports.providersFor(await ports.configuration.current()).values()].map(
    (provider) => provider.subscription,
  );
  const ledgers = await Promise.all(subscriptions.map((one) => ports.ledgers.load(one)));
  expect(ledgers.map(({ etag }) => etag !== undefined)).toEqual([true, false]);

  later(MINUTE_MS);
  await track();
  const ask = aUrlAsk({ files: [url('/a.txt')] });
  const asked = await requestPurge({ ask, reason: undefined, idempotency: undefined }, ports, run);
  expect(asked).toMatchObject({ kind: 'taken', record: { state: 'accepted' } });
  later(MINUTE_MS);
  await track();
  const id = asked.kind === 'taken' ? asked.record.id : '';
  expect(await ports.records.readRequest(id)).toMatchObject({
    state: 'succeeded',
    purges: [{ state: 'succeeded' }, { state: 'succeeded' }],
  });
});

test('while Front Door is down, its part waits in the backlog and the other edge is fresh', async () => {
  const { china, frontDoor, ports, upload, read, later, flush } = await openMove();
  await upload('a.txt', 'old');
  expect(await read('/a.txt')).toEqual(['old', 'old']);
  frontDoor.addFaults({ fault: 'gateway', status: 503, match: { operation: 'purge' } });

  await upload('a.txt', 'new');
  await flush();
  expect(await read('/a.txt')).toEqual(['new', 'old']);
  const { backlog } = await ports.backlog.load();
  expect([...backlog.entries.values()]).toMatchObject([
    { target: { cdn: 'front-door', url: url('/a.txt') } },
  ]);

  later(10 * MINUTE_MS);
  await flush();
  expect(await read('/a.txt')).toEqual(['new', 'new']);
  expect(china.purges()).toHaveLength(1);
});
