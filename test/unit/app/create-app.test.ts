// The composition root: what the settings make of the app, and what stops it at the start.

import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { createApp } from '../../../src/lib/app.ts';
import { ConfigurationError } from '../../../src/lib/config/configuration-error.ts';

const DOCUMENT = {
  cdns: {
    china: {
      provider: 'azure-china-cdn',
      subscription: '11112222-3333-4444-5555-666677778888',
      keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
    },
  },
  sites: {
    www: {
      containers: [{ account: 'contoso', container: 'media' }],
      hosts: ['www.example.cn'],
      cdn: 'china',
    },
  },
};

const FRONT_DOOR = JSON.stringify({
  cdns: {
    'front-door': {
      provider: 'azure-front-door',
      subscription: '11112222-3333-4444-5555-666677778888',
      resourceGroup: 'rg-web',
      profile: 'contoso',
      endpoint: 'www',
    },
  },
  sites: { www: { ...DOCUMENT.sites.www, cdn: 'front-door' } },
});

/** An account on this machine where nobody listens: building the clients asks nothing of it. */
const STORAGE = `DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=${Buffer.from('canary').toString('base64')};BlobEndpoint=http://127.0.0.1:9/contoso;QueueEndpoint=http://127.0.0.1:9/contoso`;

const SETTINGS = {
  PURGE_STORAGE: STORAGE,
  PURGE_CONFIG: JSON.stringify(DOCUMENT),
  CDN_KEY_ID: 'key-id',
  CDN_KEY_VALUE: 'canary-key-value',
};

/** As the app sees it where the platform could not follow it. */
const REFERENCE = '@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/canary)';

function errorOf(settings: Readonly<Record<string, string | undefined>>): string {
  try {
    createApp(settings);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return expect.fail('the app was made');
}

describe('the app', () => {
  it('flushes every ten seconds, or as the setting says', () => {
    expect(createApp(SETTINGS).schedule).toBe('*/10 * * * * *');
    expect(createApp({ ...SETTINGS, PURGE_SCHEDULE: '0 * * * * *' }).schedule).toBe('0 * * * * *');
  });

  it('follows purges four times a minute, beside the flush, or as the setting says', () => {
    expect(createApp(SETTINGS).trackSchedule).toBe('5,20,35,50 * * * * *');
    const often = { ...SETTINGS, PURGE_TRACK_SCHEDULE: '* * * * * *' };
    expect(createApp(often).trackSchedule).toBe('* * * * * *');
  });

  it('keeps records for 30 days and deletes older ones at night, or as the settings say', async () => {
    const app = createApp(SETTINGS);
    expect(app.forgetSchedule).toBe('0 17 3 * * *');
    expect(await app.services()).toMatchObject({ retention: { days: 30 } });
    const brief = createApp({
      ...SETTINGS,
      PURGE_RECORDS_DAYS: '1',
      PURGE_FORGET_SCHEDULE: '0 0 4 * * *',
    });
    expect(brief.forgetSchedule).toBe('0 0 4 * * *');
    expect(await brief.services()).toMatchObject({ retention: { days: 1 } });
  });

  it('reads dead letters every five minutes, or as the setting says, where they have a container', async () => {
    expect(createApp(SETTINGS).deadLetterSchedule).toBeUndefined();
    expect((await createApp(SETTINGS).services()).deadLetters).toBeUndefined();
    const withContainer = { ...SETTINGS, PURGE_DEAD_LETTER_CONTAINER: 'dead-letters' };
    expect(createApp(withContainer).deadLetterSchedule).toBe('0 */5 * * * *');
    const often = { ...withContainer, PURGE_DEAD_LETTER_SCHEDULE: '0 * * * * *' };
    expect(createApp(often).deadLetterSchedule).toBe('0 * * * * *');
    expect(await createApp(withContainer).services()).toMatchObject({
      deadLetters: { find: expect.any(Function) },
      own: { account: 'contoso', deadLetterContainer: 'dead-letters' },
    });
  });

  it('beats every minute, or as the setting says, where telemetry takes it', async () => {
    expect(createApp(SETTINGS).heartbeatSchedule).toBeUndefined();
    expect((await createApp(SETTINGS).services()).flushPorts.activity).toBeUndefined();
    const heard = { ...SETTINGS, APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=none' };
    expect(createApp(heard).heartbeatSchedule).toBe('17 * * * * *');
    expect((await createApp(heard).services()).flushPorts.activity).toBeDefined();
    const seldom = { ...heard, PURGE_HEARTBEAT_SCHEDULE: '0 */5 * * * *' };
    expect(createApp(seldom).heartbeatSchedule).toBe('0 */5 * * * *');
  });

  it('lists containers every five minutes, or as the setting says, in every account that it can', async () => {
    expect(createApp(SETTINGS).inventorySchedule).toBe('43 */5 * * * *');
    const app = createApp({
      ...SETTINGS,
      PURGE_INVENTORY_SCHEDULE: '0 0 * * * *',
      PURGE_INVENTORY_STORAGE_CONTOSOWEB: STORAGE.replaceAll('contoso', 'contosoweb'),
    });
    expect(app.inventorySchedule).toBe('0 0 * * * *');
    const { inventory } = await app.services();
    expect([...inventory.lister.accounts]).toEqual(['contoso', 'contosoweb']);
  });

  it('builds its services once, at first use', async () => {
    const { services } = createApp(SETTINGS);
    const [one, two] = await Promise.all([services(), services()]);
    expect(two).toBe(one);
    expect(await services()).toBe(one);
    expect(one.own).toEqual({ account: 'contoso', recordsContainer: 'purge-records' });
  });

  it.each([
    ['60', { takeForMs: 30_000, sendForMs: 48_000 }],
    ['3600', { takeForMs: 150_000, sendForMs: 240_000 }],
  ])(
    'with %s s of visibility stops taking at half of it, and always before it stops sending, in time for the host',
    async (seconds, limits) => {
      const { flushLimits } = await createApp({ ...SETTINGS, PURGE_VISIBILITY_SECONDS: seconds }).services();
      expect(flushLimits).toEqual(limits);
    },
  );

  it('keeps its providers as long as the configuration stands', async () => {
    const { flushPorts, configuration } = await createApp(SETTINGS).services();
    const inForce = await configuration.current();
    const providers = flushPorts.providersFor(inForce);
    expect([...providers.keys()]).toEqual(['china']);
    expect(flushPorts.providersFor(inForce)).toBe(providers);
    expect(flushPorts.providersFor({ ...inForce })).not.toBe(providers);
  });

  it('asks the platform for its tokens where it has a managed identity', async () => {
    // Nobody listens there.
    const platform = { IDENTITY_ENDPOINT: 'http://127.0.0.1:9/msi/token', IDENTITY_HEADER: 'canary' };
    const app = createApp({ ...SETTINGS, ...platform, PURGE_CONFIG: FRONT_DOOR });
    const { flushPorts, configuration } = await app.services();
    const cdn = flushPorts.providersFor(await configuration.current()).get('front-door');
    const outcome = await cdn?.submit({ endpointId: 'www', files: [], directories: [] });
    expect(outcome).toMatchObject({
      reason: 'no-token',
      detail: 'the managed identity did not answer: could-not-connect',
    });
  });

  it('works without telemetry when the connection string of Application Insights is none, and says so', async () => {
    const error = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => error.mockRestore());
    const app = createApp({
      ...SETTINGS,
      APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=canary',
    });
    await app.start();
    const { telemetry } = await app.services();
    telemetry.track({ name: 'message-dead-lettered', reason: 'it cannot be read' });
    await expect(telemetry.flush()).resolves.toBeUndefined();
    const lines = error.mock.calls.map(String);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('APPLICATIONINSIGHTS_CONNECTION_STRING');
    expect(lines[0]).not.toContain('canary');
  });

  it('starts with a document in a setting without asking anybody', async () => {
    const app = createApp(SETTINGS);
    await expect(app.start()).resolves.toBeUndefined();
    await expect(app.stop()).resolves.toBeUndefined();
  });
});

describe('settings that the app cannot work by', () => {
  it.each([
    ['no storage', { PURGE_STORAGE: undefined }, 'PURGE_STORAGE: not set'],
    [
      'storage that is no connection string',
      { PURGE_STORAGE: 'canary' },
      'PURGE_STORAGE: must be NAME=VALUE',
    ],
    [
      'storage with a mistyped name',
      { PURGE_STORAGE: STORAGE.replace('AccountKey', 'AcountKey') },
      'PURGE_STORAGE: part 3 has an unknown name: did you mean AccountKey?',
    ],
    [
      'storage whose Key Vault reference was not resolved',
      { PURGE_STORAGE: '@Microsoft.KeyVault(SecretUri=https://canary.vault.azure.cn)' },
      'PURGE_STORAGE: is a Key Vault reference',
    ],
    [
      'records that are kept for no day',
      { PURGE_RECORDS_DAYS: '0' },
      'PURGE_RECORDS_DAYS: must be at least 1',
    ],
    ['records that are kept for part of a day', { PURGE_RECORDS_DAYS: '1.5' }, 'must be whole days'],
    [
      'a time zone that is none',
      { PURGE_TIME_ZONE: 'Beijing' },
      'PURGE_TIME_ZONE: must be the name of a time zone',
    ],
    ['a schedule that is none', { PURGE_TRACK_SCHEDULE: 'often' }, 'PURGE_TRACK_SCHEDULE'],
    [
      'a schedule of dead letters that is none',
      { PURGE_DEAD_LETTER_SCHEDULE: '5m' },
      'PURGE_DEAD_LETTER_SCHEDULE: must be',
    ],
    [
      'a container of dead letters that is none',
      { PURGE_DEAD_LETTER_CONTAINER: '$web' },
      'PURGE_DEAD_LETTER_CONTAINER: must be',
    ],
    [
      'dead letters among the records',
      { PURGE_DEAD_LETTER_CONTAINER: 'purge-records' },
      'PURGE_DEAD_LETTER_CONTAINER: must not be',
    ],
    [
      'a schedule of listings that is none',
      { PURGE_INVENTORY_SCHEDULE: 'daily' },
      'PURGE_INVENTORY_SCHEDULE',
    ],
    [
      'a connection for listings that is none',
      { PURGE_INVENTORY_STORAGE_CONTOSOWEB: 'canary' },
      'PURGE_INVENTORY_STORAGE_CONTOSOWEB: must be NAME=VALUE',
    ],
    ['no document', { PURGE_CONFIG: undefined }, 'PURGE_CONFIG'],
    ['two documents', { PURGE_CONFIG_BLOB: 'config/purge.json' }, 'exactly one'],
    ['a document that is no JSON', { PURGE_CONFIG: '{' }, 'line 1'],
    ['a document with a fault', { PURGE_CONFIG: JSON.stringify({ ...DOCUMENT, sitse: {} }) }, 'sitse'],
    ['a file that is not there', { PURGE_CONFIG: '', PURGE_CONFIG_FILE: './none.json' }, 'none.json'],
    ['a key that is not set', { CDN_KEY_VALUE: '' }, 'CDN_KEY_VALUE'],
    ['a key that Key Vault did not give', { CDN_KEY_VALUE: REFERENCE }, 'CDN_KEY_VALUE is a Key Vault'],
    ['storage that Key Vault did not give', { PURGE_STORAGE: REFERENCE }, 'PURGE_STORAGE: is a Key Vault'],
    [
      'storage by an identity on a host that has none',
      {
        PURGE_STORAGE: '',
        PURGE_STORAGE__blobServiceUri: 'https://contoso.blob.core.windows.net',
        PURGE_STORAGE__queueServiceUri: 'https://contoso.queue.core.windows.net',
      },
      'PURGE_STORAGE: this host has no managed identity',
    ],
    [
      'a required role where nobody is signed in',
      { PURGE_HTTP_REQUIRED_ROLE: 'Purge.Write' },
      'PURGE_HTTP_REQUIRED_ROLE: needs App Service Authentication',
    ],
    [
      'a required role where signing in is off',
      { PURGE_HTTP_REQUIRED_ROLE: 'Purge.Write', WEBSITE_AUTH_ENABLED: 'False' },
      'PURGE_HTTP_REQUIRED_ROLE: needs App Service Authentication',
    ],
    [
      'a required role that is none',
      { PURGE_HTTP_REQUIRED_ROLE: 'Purge Write', WEBSITE_AUTH_ENABLED: 'true' },
      'PURGE_HTTP_REQUIRED_ROLE: must be',
    ],
    [
      'a managed identity on a host that has none',
      { PURGE_CONFIG: FRONT_DOOR },
      'cdns.front-door.identity: this host has no managed identity (IDENTITY_ENDPOINT and IDENTITY_HEADER not set)',
    ],
    ['a key with a line end', { CDN_KEY_VALUE: 'canary\n' }, 'CDN_KEY_VALUE has white space around it'],
  ])('stop it at once, and are named: %s', (_what, parts, named) => {
    const message = errorOf({ ...SETTINGS, ...parts });
    expect(message).toContain(named);
    expect(message).not.toContain('canary');
    expect(message).not.toContain(Buffer.from('canary').toString('base64'));
  });

  it('are named all at once', () => {
    const message = errorOf({ ...SETTINGS, CDN_KEY_ID: '', CDN_KEY_VALUE: '' });
    expect(message).toContain('CDN_KEY_ID');
    expect(message).toContain('CDN_KEY_VALUE');
  });

  it('are named all at once: single ones, one beside another, and the document', () => {
    const message = errorOf({
      ...SETTINGS,
      PURGE_STORAGE: '',
      PURGE_RECORDS_DAYS: 'many',
      PURGE_DEAD_LETTER_CONTAINER: 'purge-records',
      PURGE_HTTP_REQUIRED_ROLE: 'Purge.Write',
      PURGE_CONFIG: JSON.stringify({ ...DOCUMENT, sitse: {} }),
    });
    for (const path of [
      'PURGE_STORAGE: not set',
      'PURGE_RECORDS_DAYS: must be a number',
      'PURGE_DEAD_LETTER_CONTAINER: must not be',
      'PURGE_HTTP_REQUIRED_ROLE: needs',
      'sitse: unknown key',
    ]) {
      expect(message).toContain(path);
    }
  });

  it('keep what made a document unreadable', () => {
    const settings = { PURGE_STORAGE: '', PURGE_CONFIG_FILE: './none.json' };
    expect(() => createApp(settings)).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'ENOENT' }) }),
    );
  });
});
