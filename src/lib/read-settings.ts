// The app settings and the configuration document among them, read at the start: all their faults come at once.

import { readFileSync } from 'node:fs';

import { ConfigurationError } from './config/configuration-error.ts';
import { fixedConfiguration } from './config/configuration-source.ts';
import { parseConfigurationText } from './config/configuration.ts';
import {
  findOrigin,
  parseEnvironment,
  type ConfigurationOrigin,
  type Environment,
} from './config/environment.ts';
import { checkSettings } from './config/required-settings.ts';
import type { Configuration } from './core/configuration.ts';
import type { ConfigurationSource } from './use-cases/ports.ts';

type Settings = Readonly<Record<string, string | undefined>>;

export type ReadSettings = {
  readonly environment: Environment;
  /** Undefined: the document is in a blob, which is read later. */
  readonly fixed: ConfigurationSource | undefined;
};

/** Takes the app settings. Throws one ConfigurationError for the faults of the settings and of the document among them. */
export function readSettings(settings: Settings): ReadSettings {
  let environment: Environment;
  try {
    environment = parseEnvironment(settings);
  } catch (error) {
    throw withFaultsOfDocument(error, settings);
  }
  return { environment, fixed: fixedSource(environment.configurationFrom, settings) };
}

function withFaultsOfDocument(error: unknown, settings: Settings): unknown {
  const origin = findOrigin(settings);
  if (!(error instanceof ConfigurationError) || origin === undefined) return error;
  try {
    fixedSource(origin, settings);
    return error;
  } catch (other) {
    if (!(other instanceof ConfigurationError)) return other;
    return new ConfigurationError([...error.problems, ...other.problems], { cause: other.cause });
  }
}

function fixedSource(origin: ConfigurationOrigin, settings: Settings): ConfigurationSource | undefined {
  switch (origin.kind) {
    case 'setting':
      return fixedConfiguration(parseDocument(origin.text, settings));
    case 'file':
      return fixedConfiguration(parseDocument(readDocument(origin.path), settings));
    case 'blob':
      return undefined;
  }
}

function parseDocument(text: string, settings: Settings): Configuration {
  const parsed = parseConfigurationText(text);
  if (!parsed.ok) throw new ConfigurationError(parsed.error);
  const problems = checkSettings(parsed.value, (name) => settings[name]);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return parsed.value;
}

function readDocument(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError([{ path: 'PURGE_CONFIG_FILE', message: `cannot read the file ${path}` }], {
      cause,
    });
  }
}
