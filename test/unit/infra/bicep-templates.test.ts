// infra/ as far as it can be checked without Azure and without the compiler: syntax, names, modules, house rules.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { parseEnvironment } from '../../../src/lib/config/environment.ts';
import {
  findSyntaxFaults,
  propertiesOf,
  statementsOf,
  type BicepFile,
} from '../../support/bicep/bicep-file.ts';
import { findModuleFaults, findParameterFileFaults } from '../../support/bicep/check-modules.ts';
import {
  findHostFaults,
  findQueryFaults,
  findRoleFaults,
  findSecurityFaults,
  findVersionFaults,
} from '../../support/bicep/check-policy.ts';
import { findSymbolFaults } from '../../support/bicep/check-symbols.ts';
import { INFRA, listInfra, readBicepFiles } from '../../support/bicep/infra-files.ts';

let byPath: ReadonlyMap<string, BicepFile>;
let files: readonly BicepFile[];

beforeAll(async () => {
  byPath = await readBicepFiles();
  files = [...byPath.values()];
});

describe('every Bicep file in infra/', () => {
  it('is understood by the grammar', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap(findSyntaxFaults)).toEqual([]);
  });

  it('uses what it declares, and declares what it uses', () => {
    expect(files.flatMap(findSymbolFaults)).toEqual([]);
  });

  it('calls modules that are there, with their parameters, and reads outputs that they have', () => {
    expect(findModuleFaults(byPath, 'main.bicep')).toEqual([]);
  });

  it('has the API versions of one table', async () => {
    const table = z
      .record(z.string(), z.string())
      .parse(JSON.parse(await readFile('infra/api-versions.json', 'utf8')));
    expect(findVersionFaults(files, table)).toEqual([]);
  });

  it('keeps shared keys and old TLS off, and secrets out of outputs', () => {
    expect(files.flatMap(findSecurityFaults)).toEqual([]);
  });

  it('takes the key of the host storage only where the plan needs it', () => {
    expect(byPath.get('main.bicep')?.text).toContain("var withContentShare = hostingPlan != 'flex'");
  });

  it('gives roles of the table, each under its name', () => {
    expect(files.flatMap(findRoleFaults)).toEqual([]);
  });

  it('reads queries that are there, and every query is read', async () => {
    expect(findQueryFaults(files, await listInfra('.kql'))).toEqual([]);
  });
});

describe('every file of infra/', () => {
  it('names no host of one cloud', async () => {
    const names = [
      ...(await listInfra('.bicep')),
      ...(await listInfra('.json')),
      ...(await listInfra('.kql')),
    ];
    const texts = await Promise.all(names.map((name) => readFile(join(INFRA, name), 'utf8')));
    expect(names.flatMap((name, index) => findHostFaults(name, texts[index] ?? ''))).toEqual([]);
  });
});

describe.each(['main.parameters.json', 'parameters.global.json', 'parameters.china.json'])('%s', (name) => {
  it('gives the parameters that main.bicep has, and all that it needs', async () => {
    const main = byPath.get('main.bicep');
    const text = await readFile(join(INFRA, name), 'utf8');
    expect(main && findParameterFileFaults(name, text, main)).toEqual([]);
  });
});

describe('app settings that main.bicep makes', () => {
  it('are settings that the app starts with', () => {
    const made = settingsOf('main.bicep', ['settings', 'keySettings', 'authSettings']);
    expect(Object.keys(made)).toEqual(
      expect.arrayContaining(['PURGE_STORAGE__queueServiceUri', 'CDN_KEY_VALUE', 'PURGE_HTTP_REQUIRED_ROLE']),
    );
    const environment = parseEnvironment({ ...made, ...OF_THE_PLATFORM });
    expect(environment.storage).toMatchObject({ kind: 'identity', account: 'stpurge' });
    expect(environment.configurationFrom).toEqual({
      kind: 'blob',
      container: 'purge-config',
      blob: 'purge.config.json',
    });
    expect(environment.deadLetters?.container).toBe('dead-letters');
    expect(environment.queueName).toBe('purge-buffer');
    expect(environment.timeZone).toBe('Asia/Shanghai');
    expect([...environment.inventory.connections.keys()]).toEqual(['contosoweb']);
  });

  it('have names that the app reads, or the platform', async () => {
    const made = settingsOf('main.bicep', ['settings', 'authSettings']);
    const environment = await readFile('src/lib/config/environment.ts', 'utf8');
    const names = Object.keys(made).map((name) => name.replace(/__.*/u, ''));
    expect(names.filter((name) => name !== 'AzureWebJobsStorage' && !environment.includes(name))).toEqual([]);
  });
});

/** Variables of a template that are objects of settings, with made-up values for what only a deployment knows. */
function settingsOf(path: string, variables: readonly string[]): Readonly<Record<string, string>> {
  const file = byPath.get(path);
  if (file === undefined) throw new Error(`there is no ${path}`);
  const found: Record<string, string> = {};
  for (const { kind, name, node } of statementsOf(file)) {
    if (kind !== 'var' || !variables.includes(name)) continue;
    for (const object of node.descendantsOfType('object')) {
      if (object === null) continue;
      for (const [setting, { value }] of propertiesOf(object)) found[setting] = madeUp(value.text);
    }
  }
  return found;
}

function madeUp(value: string): string {
  const text = value.startsWith("'") ? value.slice(1, -1) : `\${${value}}`;
  return text.replaceAll(/\$\{([^}]*)\}/gu, (_, expression: string) => {
    const known = MADE_UP[expression.split('.').at(-1) ?? ''];
    if (known === undefined) throw new Error(`nobody knows ${expression}`);
    return known;
  });
}

const CLIENT_ID = '11112222-3333-4444-5555-666677778888';

const MADE_UP: Readonly<Record<string, string>> = {
  blobEndpoint: 'https://stpurge.blob.core.windows.net/',
  queueEndpoint: 'https://stpurge.queue.core.windows.net/',
  tableEndpoint: 'https://stpurge.table.core.windows.net/',
  clientId: CLIENT_ID,
  connectionString: `InstrumentationKey=${CLIENT_ID}`,
  bufferQueue: 'purge-buffer',
  recordsContainer: 'purge-records',
  deadLetterContainer: 'dead-letters',
  configurationContainer: 'purge-config',
  vaultUri: 'https://kv.vault.azure.cn/',
  'string(recordsDays)': '30',
  requiredRole: 'Purge',
  timeZone: 'Asia/Shanghai',
};

/** What Azure adds, and what main.bicep makes for each watched account. */
const OF_THE_PLATFORM: Readonly<Record<string, string>> = {
  IDENTITY_ENDPOINT: 'http://127.0.0.1:41741/msi/token',
  IDENTITY_HEADER: 'header',
  WEBSITE_AUTH_ENABLED: 'True',
  PURGE_INVENTORY_STORAGE_CONTOSOWEB__blobServiceUri: 'https://contosoweb.blob.core.chinacloudapi.cn/',
  PURGE_INVENTORY_STORAGE_CONTOSOWEB__clientId: CLIENT_ID,
};

describe('alert rules', () => {
  it('have the query of their name, with a column for the site where there is one alert for each', async () => {
    const { text } = byPath.get('modules/monitoring.bicep') ?? { text: '' };
    const rules = [
      ...text.matchAll(/name: '([\w-]+)'\n.*\n +query: loadTextContent\('(.*)'\)\n +bySite: (\w+)/gu),
    ];
    expect(rules.length).toBeGreaterThan(10);
    for (const [, name = '', path = '', bySite] of rules) {
      expect(path).toBe(`../queries/${name}.kql`);
      const query = await readFile(join(INFRA, 'modules', path), 'utf8');
      expect([name, String(/\bsite\b/u.test(query))]).toEqual([name, bySite]);
    }
  });
});
