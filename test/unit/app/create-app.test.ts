// The composition root: what the settings make of the app, and what stops it at the start.

import { describe, expect, it } from 'vitest';

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

/** An account on this machine where nobody listens: building the clients asks nothing of it. */
const STORAGE = `DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=${Buffer.from('canary').toString('base64')};BlobEndpoint=http://127.0.0.1:9/contoso;QueueEndpoint=http://127.0.0.1:9/contoso`;

const SETTINGS = {
  PURGE_STORAGE: STORAGE,
  PURGE_CONFIG: JSON.stringify(DOCUMENT),
  CDN_KEY_ID: 'key-id',
  CDN_KEY_VALUE: 'canary-key-value',
};

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

  it('builds its services once, at first use', async () => {
    const { services } = createApp(SETTINGS);
    const [one, two] = await Promise.all([services(), services()]);
    expect(two).toBe(one);
    expect(await services()).toBe(one);
    expect(one.own).toEqual({ account: 'contoso', recordsContainer: 'purge-records' });
  });

  it('stops taking messages when half of their visibility time is over', async () => {
    const { flushLimits } = await createApp({ ...SETTINGS, PURGE_VISIBILITY_SECONDS: '60' }).services();
    expect(flushLimits).toEqual({ takeForMs: 30_000 });
  });

  it('keeps its providers as long as the configuration stands', async () => {
    const { flushPorts, configuration } = await createApp(SETTINGS).services();
    const inForce = await configuration.current();
    const providers = flushPorts.providersFor(inForce);
    expect([...providers.keys()]).toEqual(['china']);
    expect(flushPorts.providersFor(inForce)).toBe(providers);
    expect(flushPorts.providersFor({ ...inForce })).not.toBe(providers);
  });

  it('starts with a document in a setting without asking anybody', async () => {
    const app = createApp(SETTINGS);
    await expect(app.start()).resolves.toBeUndefined();
    await expect(app.stop()).resolves.toBeUndefined();
  });
});

describe('settings that the app cannot work by', () => {
  it.each([
    ['no storage', { PURGE_STORAGE: undefined }, 'PURGE_STORAGE'],
    ['no document', { PURGE_CONFIG: undefined }, 'PURGE_CONFIG'],
    ['two documents', { PURGE_CONFIG_BLOB: 'config/purge.json' }, 'exactly one'],
    ['a document that is no JSON', { PURGE_CONFIG: '{' }, 'line 1'],
    ['a document with a fault', { PURGE_CONFIG: JSON.stringify({ ...DOCUMENT, sitse: {} }) }, 'sitse'],
    ['a file that is not there', { PURGE_CONFIG: '', PURGE_CONFIG_FILE: './none.json' }, 'none.json'],
    ['a key that is not set', { CDN_KEY_VALUE: '' }, 'CDN_KEY_VALUE'],
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
});
