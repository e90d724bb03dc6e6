// The app as a whole refuses settings that it cannot work by, and says everything that is wrong with them at once.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { createApp } from '../../src/lib/app.ts';
import { ConfigurationError } from '../../src/lib/config/configuration-error.ts';
import { azuritePlaces } from '../support/azurite-places.ts';

const { connectionString } = azuritePlaces();

const document = {
  cdns: {
    china: {
      provider: 'azure-china-cdn',
      subscription: '11112222-3333-4444-5555-666677778888',
      keys: { id: 'CDN_KEY_ID', value: 'CDN_KEY_VALUE' },
    },
  },
  defaults: { cdn: 'china' },
  sites: { www: { containers: [{ account: 'contoso', container: '$web' }], hosts: ['www.contoso.cn'] } },
};
const good = {
  PURGE_STORAGE: connectionString,
  PURGE_CONFIG: JSON.stringify(document),
  CDN_KEY_ID: 'key-id',
  CDN_KEY_VALUE: 'canary-key-value',
};

function faultsOf(settings: Readonly<Record<string, string | undefined>>): ConfigurationError {
  try {
    createApp(settings);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('the app was created');
}

const pathsOf = (error: ConfigurationError): string[] => error.problems.map(({ path }) => path);

describe('the app', () => {
  test('takes good settings, with a flush every ten seconds unless they say otherwise', () => {
    expect(createApp(good).schedule).toBe('*/10 * * * * *');
    expect(createApp({ ...good, PURGE_SCHEDULE: '0 * * * * *' }).schedule).toBe('0 * * * * *');
  });

  test('starts and stops without storage being touched', async () => {
    const app = createApp(good);

    await app.start();
    await expect(app.stop()).resolves.toBeUndefined();
  });

  test('knows its own records container, so that its own writes make no purges', async () => {
    const { own } = await createApp({ ...good, PURGE_RECORDS_CONTAINER: 'my-records' }).services();

    expect(own).toEqual({ account: 'devstoreaccount1', recordsContainer: 'my-records' });
  });

  test('takes the document from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purge-app-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'purge.config.json');
    await writeFile(file, good.PURGE_CONFIG);

    const { configuration } = await createApp({
      ...good,
      PURGE_CONFIG: undefined,
      PURGE_CONFIG_FILE: file,
    }).services();

    expect([...(await configuration.current()).hosts.keys()]).toEqual(['www.contoso.cn']);
  });
});

describe('the app refuses', () => {
  test('bad settings, every one of them at once', () => {
    const error = faultsOf({
      ...good,
      PURGE_STORAGE: '',
      PURGE_SCHEDULE: 'every now and then',
      PURGE_QUEUE: 'Not A Queue',
      PURGE_RECORDS_CONTAINER: '-',
      PURGE_VISIBILITY_SECONDS: '1',
    });

    expect(pathsOf(error)).toEqual(
      expect.arrayContaining([
        'PURGE_STORAGE',
        'PURGE_SCHEDULE',
        'PURGE_QUEUE',
        'PURGE_RECORDS_CONTAINER',
        'PURGE_VISIBILITY_SECONDS',
      ]),
    );
    expect(error.problems).toHaveLength(5);
  });

  test.each([
    { what: 'no document', settings: { PURGE_CONFIG: undefined } },
    { what: 'an empty document', settings: { PURGE_CONFIG: '' } },
    { what: 'two documents', settings: { PURGE_CONFIG_BLOB: 'config/purge.json' } },
  ])('$what', ({ settings }) => {
    expect(pathsOf(faultsOf({ ...good, ...settings }))).toEqual(['PURGE_CONFIG']);
  });

  test('a faulty document, with every fault by its path', () => {
    const error = faultsOf({
      ...good,
      PURGE_CONFIG: JSON.stringify({
        ...document,
        sitez: {},
        sites: {
          www: {
            containers: [{ account: 'contoso', container: '$web' }],
            hosts: ['not a host'],
            cdn: 'other',
          },
        },
      }),
    });

    expect(pathsOf(error).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'sites.www.cdn',
      'sites.www.hosts[0]',
      'sitez',
    ]);
  });

  test('a document whose key settings are not set, by the path of each', () => {
    expect(pathsOf(faultsOf({ ...good, CDN_KEY_ID: '', CDN_KEY_VALUE: undefined }))).toEqual([
      'cdns.china.keys.id',
      'cdns.china.keys.value',
    ]);
  });

  test('a file that is not there, and keeps the cause', () => {
    const error = faultsOf({ ...good, PURGE_CONFIG: undefined, PURGE_CONFIG_FILE: '/nowhere/purge.json' });

    expect(pathsOf(error)).toEqual(['PURGE_CONFIG_FILE']);
    expect(error.cause).toHaveProperty('code', 'ENOENT');
  });

  test('a key in the wrong place without repeating it', () => {
    const error = faultsOf({
      ...good,
      PURGE_CONFIG: good.PURGE_CONFIG.replace('"CDN_KEY_VALUE"', '"canary+secret/value=="'),
    });

    expect(error.problems).not.toEqual([]);
    expect(error.message).not.toContain('canary');
  });
});
