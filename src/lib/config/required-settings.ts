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
  return [...cdns.values()].flatMap(({ name, keySettings }) => [
    { name: keySettings.id, path: formatPath(['cdns', name, 'keys', 'id']) },
    { name: keySettings.value, path: formatPath(['cdns', name, 'keys', 'value']) },
  ]);
}

/** Takes a configuration and whether an app setting has a value, gives a problem for each that has none. */
export function checkSettings(
  configuration: Configuration,
  isSet: (name: string) => boolean,
): ConfigurationProblem[] {
  return requiredSettings(configuration)
    .filter(({ name }) => !isSet(name))
    .map(({ name, path }) => ({ path, message: `the app setting ${name} is not set` }));
}
