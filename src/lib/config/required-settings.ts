// The app settings that a configuration needs: the document holds their names, the app their values.

import type { Configuration } from '../core/configuration.ts';
import { formatPath, type ConfigurationProblem } from './configuration-problem.ts';

export type RequiredSetting = {
  /** The app setting's name. */
  readonly name: string;
  /** Where the document asks for it: `cdns.china.keys.id`. */
  readonly path: string;
};

/** Takes a configuration, gives every use of an app setting; a name that is used twice stands twice. */
export function requiredSettings({ cdns }: Configuration): readonly RequiredSetting[] {
  return [...cdns.values()].flatMap((cdn) => {
    if (cdn.provider !== 'azure-china-cdn') return [];
    const { name, keySettings } = cdn;
    const { second } = keySettings;
    const keys = [{ key: keySettings, path: ['cdns', name, 'keys'] }];
    if (second !== undefined) keys.push({ key: second, path: ['cdns', name, 'keys', 'second'] });
    return keys.flatMap(({ key, path }) => [
      { name: key.id, path: formatPath([...path, 'id']) },
      { name: key.value, path: formatPath([...path, 'value']) },
    ]);
  });
}

/** Takes a configuration and the app settings' values, gives a problem for each that it cannot use. */
export function checkSettings(
  configuration: Configuration,
  valueOf: (name: string) => string | undefined,
): ConfigurationProblem[] {
  const faulty = requiredSettings(configuration).flatMap(({ name, path }) => {
    const fault = findValueFault(valueOf(name) ?? '');
    return fault === undefined ? [] : [{ path, message: `the app setting ${name} ${fault}` }];
  });
  return [...faulty, ...findMissingIdentity(configuration, valueOf)];
}

/** The platform gives these to an app that has a managed identity: nobody sets them by hand. */
const IDENTITY_SETTINGS = ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER'];

function findMissingIdentity(
  { cdns }: Configuration,
  valueOf: (name: string) => string | undefined,
): ConfigurationProblem[] {
  const missing = missingIdentitySettings(valueOf);
  if (missing.length === 0) return [];
  return [...cdns.values()].flatMap((cdn) =>
    cdn.provider === 'azure-front-door' && cdn.identity.kind === 'managed'
      ? [
          {
            path: formatPath(['cdns', cdn.name, 'identity']),
            message: noManagedIdentity(missing, '"kind": "login"'),
          },
        ]
      : [],
  );
}

/** Takes the app settings' values, gives the names of those that a host without a managed identity lacks. */
export function missingIdentitySettings(valueOf: (name: string) => string | undefined): readonly string[] {
  return IDENTITY_SETTINGS.filter((name) => (valueOf(name) ?? '') === '');
}

/** Takes what is missing, and what to set where the app runs outside of Azure. */
export const noManagedIdentity = (missing: readonly string[], elsewhere: string): string =>
  `this host has no managed identity (${missing.join(' and ')} not set): turn it on for the app, or set ${elsewhere} where the app runs elsewhere`;

/** Never holds the value. Left in, a stray character would only show as refused signatures, or not leave at all. */
function findValueFault(value: string): string | undefined {
  if (value === '') return 'is not set';
  if (isUnresolvedReference(value)) return UNRESOLVED;
  if (value !== value.trim()) return 'has white space around it';
  return /[\p{Cc}\p{Cf}]/u.test(value) ? 'holds a control or invisible character' : undefined;
}

/** A reference that the platform could not follow reaches the app as its own text. */
export function isUnresolvedReference(value: string): boolean {
  return value.startsWith('@Microsoft.KeyVault(');
}

export const UNRESOLVED =
  'is a Key Vault reference that was not resolved: check the reference and the access of the app’s identity';
