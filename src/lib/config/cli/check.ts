// npm run config:check -- FILE: is this configuration document right, and what does it say?

import { parseArgs } from 'node:util';
import type { CdnConfiguration, Configuration } from '../../core/configuration.ts';
import { requiredSettings } from '../required-settings.ts';
import { EXIT, readConfigurationFile } from './read-configuration-file.ts';

async function main(args: string[]): Promise<number> {
  const file = parseFileArgument(args);
  if (file === undefined) {
    console.error('Usage: npm run config:check -- FILE');
    return EXIT.usage;
  }
  const read = await readConfigurationFile(file);
  if (!read.ok) {
    console.error(read.message);
    return read.exitCode;
  }
  console.log(`${file} is right.\n\n${summarize(read.configuration)}`);
  return EXIT.ok;
}

function parseFileArgument(args: string[]): string | undefined {
  try {
    const { positionals } = parseArgs({ args, allowPositionals: true, options: {} });
    return positionals.length === 1 ? positionals[0] : undefined;
  } catch {
    return undefined; // an unknown option: the usage says what is known
  }
}

function summarize(configuration: Configuration): string {
  const lines: string[] = [];
  for (const { name, priority } of configuration.sites.values()) {
    const rules = configuration.rules.filter(({ site }) => site === name);
    lines.push(`site ${name} (priority ${priority}): ${count(rules.length, 'container')}`);
    for (const { host, cdn, endpointId } of rules[0]?.hosts ?? []) {
      lines.push(`  ${host} on ${cdn}, endpoint ${endpointId ?? 'found by its host'}`);
    }
  }
  for (const cdn of configuration.cdns.values()) {
    lines.push(`cdn ${cdn.name}: ${cdn.provider} at ${addressOf(cdn)}`);
  }
  const settings = [...new Set(requiredSettings(configuration).map(({ name }) => name))];
  return [
    ...lines,
    `storage accounts: ${[...configuration.accounts].join(', ')}`,
    `app settings needed: ${settings.length === 0 ? 'none' : settings.join(', ')}`,
  ].join('\n');
}

function addressOf(cdn: CdnConfiguration): string {
  switch (cdn.provider) {
    case 'azure-china-cdn':
      return cdn.apiBaseUrl;
    case 'azure-front-door':
      return `${cdn.armUrl}, profile ${cdn.profile}`;
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

// Last, when all constants exist.
process.exitCode = await main(process.argv.slice(2));
