// The app settings that a configuration asks for.

import { expect, it } from 'vitest';
import { parseConfiguration } from '../../../src/lib/config/configuration.ts';
import { checkSettings, requiredSettings } from '../../../src/lib/config/required-settings.ts';
import { aDocument, cdn } from './documents.ts';
import { taken } from './outcome.ts';

const configuration = taken(
  parseConfiguration(
    aDocument({
      cdns: { china: cdn, 'second-cdn': { ...cdn, keys: { id: 'CDN_KEY_ID', value: 'SECOND' } } },
    }),
  ),
);

it('lists each setting with the place that asks for it', () => {
  expect(requiredSettings(configuration)).toEqual([
    { name: 'CDN_KEY_ID', path: 'cdns.china.keys.id' },
    { name: 'CDN_KEY_VALUE', path: 'cdns.china.keys.value' },
    { name: 'CDN_KEY_ID', path: 'cdns.second-cdn.keys.id' },
    { name: 'SECOND', path: 'cdns.second-cdn.keys.value' },
  ]);
});

it('finds every setting that has no value', () => {
  expect(checkSettings(configuration, (name) => name === 'CDN_KEY_ID')).toEqual([
    { path: 'cdns.china.keys.value', message: 'the app setting CDN_KEY_VALUE is not set' },
    { path: 'cdns.second-cdn.keys.value', message: 'the app setting SECOND is not set' },
  ]);
  expect(checkSettings(configuration, () => true)).toEqual([]);
});
