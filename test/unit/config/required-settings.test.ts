// The app settings that a configuration asks for.

import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '../../../src/lib/config/configuration.ts';
import {
  checkSettings,
  isUnresolvedReference,
  requiredSettings,
} from '../../../src/lib/config/required-settings.ts';
import { aDocument, aFrontDoorDocument, cdn } from './documents.ts';
import { taken } from './outcome.ts';

const second = { id: 'NEXT_KEY_ID', value: 'NEXT_KEY_VALUE' };
const configuration = taken(
  parseConfiguration(
    aDocument({
      cdns: {
        china: cdn,
        'second-cdn': { ...cdn, keys: { id: 'CDN_KEY_ID', value: 'SECOND', second } },
      },
    }),
  ),
);

const REFERENCE = '@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/canary)';
const UNRESOLVED = expect.stringMatching(/Key Vault reference that was not resolved/u);

it('lists each setting with the place that asks for it', () => {
  expect(requiredSettings(configuration)).toEqual([
    { name: 'CDN_KEY_ID', path: 'cdns.china.keys.id' },
    { name: 'CDN_KEY_VALUE', path: 'cdns.china.keys.value' },
    { name: 'CDN_KEY_ID', path: 'cdns.second-cdn.keys.id' },
    { name: 'SECOND', path: 'cdns.second-cdn.keys.value' },
    { name: 'NEXT_KEY_ID', path: 'cdns.second-cdn.keys.second.id' },
    { name: 'NEXT_KEY_VALUE', path: 'cdns.second-cdn.keys.second.value' },
  ]);
});

describe('what the app settings hold', () => {
  it('is enough when every one has a value', () => {
    expect(checkSettings(configuration, () => 'value')).toEqual([]);
  });

  it.each([
    ['missing', undefined],
    ['empty', ''],
  ])('is a problem for each that is %s', (_what, value) => {
    const given = new Set(['CDN_KEY_ID', 'NEXT_KEY_ID']);
    expect(checkSettings(configuration, (name) => (given.has(name) ? 'value' : value))).toEqual([
      { path: 'cdns.china.keys.value', message: 'the app setting CDN_KEY_VALUE is not set' },
      { path: 'cdns.second-cdn.keys.value', message: 'the app setting SECOND is not set' },
      {
        path: 'cdns.second-cdn.keys.second.value',
        message: 'the app setting NEXT_KEY_VALUE is not set',
      },
    ]);
  });

  it.each([
    ['white space around it', ' value'],
    ['a line break at its end', 'value\n'],
    ['an invisible character', 'val\u{200B}ue'],
  ])('is a problem for each with %s', (_what, value) => {
    const problems = checkSettings(configuration, (name) => (name === 'SECOND' ? value : 'value'));
    expect(problems.map(({ path }) => path)).toEqual(['cdns.second-cdn.keys.value']);
  });

  it('is a problem for each Key Vault reference that was not resolved, which is not quoted', () => {
    const problems = checkSettings(configuration, (name) => (name === 'SECOND' ? REFERENCE : 'value'));
    expect(problems).toEqual([{ path: 'cdns.second-cdn.keys.value', message: UNRESOLVED }]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });
});

describe('a managed identity', () => {
  const platform = new Map([
    ['IDENTITY_ENDPOINT', 'http://127.0.0.1:41741/msi/token'],
    ['IDENTITY_HEADER', 'canary-header'],
  ]);
  const managed = taken(parseConfiguration(aFrontDoorDocument()));

  it('needs no app setting of its own where the platform gives one', () => {
    expect(requiredSettings(managed)).toEqual([]);
    expect(checkSettings(managed, (name) => platform.get(name))).toEqual([]);
  });

  it.each(['IDENTITY_ENDPOINT', 'IDENTITY_HEADER'])('is a problem on a host without %s', (missing) => {
    const found = checkSettings(managed, (name) => (name === missing ? undefined : platform.get(name)));
    expect(found).toEqual([
      { path: 'cdns.front-door.identity', message: expect.stringContaining(`(${missing} not set)`) },
    ]);
    expect(JSON.stringify(found)).not.toContain('canary');
  });

  it('is not looked for where a login is made', () => {
    const login = taken(parseConfiguration(aFrontDoorDocument({ identity: { kind: 'login' } })));
    expect(checkSettings(login, () => undefined)).toEqual([]);
  });
});

it.each([
  [REFERENCE, true],
  ['@Microsoft.KeyVault(VaultName=vault;SecretName=key)', true],
  ['a value', false],
  ['the text @Microsoft.KeyVault(x) inside a value', false],
  ['', false],
])('tells a reference that was not resolved from a value: %s', (value, isReference) => {
  expect(isUnresolvedReference(value)).toBe(isReference);
});
